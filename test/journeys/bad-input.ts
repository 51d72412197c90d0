import { expect, it } from 'vitest';
import { ApiStatusError } from '../../core/kube/index.ts';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { deployment, policy, type JourneyCluster, type RunningController } from './journey-cluster.ts';

type Spec = Readonly<Record<string, unknown>>;

const deploymentRef = (name: string): Spec => ({ apiVersion: 'apps/v1', kind: 'Deployment', name });

/** A policy of another name whose spec is that of the good one with some fields changed; `undefined` takes a field away. */
function named(namespace: string, name: string, spec: Spec): KubeObject {
  return { ...policy(namespace, spec), metadata: { name, namespace } };
}

/** A Deployment and its pods' label under another name. */
function workload(namespace: string, name: string, options: { readonly replicas: number; readonly requests?: Spec }): KubeObject {
  const labels = { app: name };
  const requests = options.requests ?? { cpu: '100m', memory: '64Mi' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'web:1', resources: { requests } }] },
      },
    },
  };
}

const cpuTarget = (target: Spec): Spec[] => [{ type: 'Resource', resource: { name: 'cpu', target } }];

interface WrongSpec {
  readonly name: string;
  readonly spec: Spec;
  /** The API server's refusal: a cause with this field and these words. */
  readonly refusal: { readonly field: string; readonly words: RegExp };
  /** What the controller says when such an object is stored all the same. */
  readonly said: string;
  /**
   * A value of another type makes the CEL rule about it fail, and that, unlike a rule that answers false, is not ratcheted: the API server refuses even the
   * status, so that only Events can tell.
   */
  readonly statusRefused?: true;
}

/** Specs that the schema or a CEL rule of the CRD forbids. */
const wrongSpecs: readonly WrongSpec[] = [
  {
    name: 'min-above-max',
    spec: { minReplicas: 5, maxReplicas: 2 },
    refusal: { field: 'spec.maxReplicas', words: /maxReplicas must not be less than minReplicas; raise maxReplicas or lower minReplicas/ },
    said: 'spec.maxReplicas: 2 is less than minReplicas 5; raise maxReplicas or lower minReplicas',
  },
  {
    name: 'unknown-metric-type',
    spec: { metrics: [{ type: 'Magic' }] },
    refusal: { field: 'spec.metrics[0].type', words: /"Magic".*supported values: .*"Resource"/ },
    said: 'spec.metrics[0].type: "Magic" is not one of Resource, ContainerResource, Pods, Object, External, Prometheus',
  },
  {
    name: 'no-max',
    spec: { maxReplicas: undefined },
    refusal: { field: 'spec.maxReplicas', words: /Required value/ },
    said: 'spec.maxReplicas: is required; add it',
  },
  {
    name: 'zero-max',
    spec: { maxReplicas: 0, minReplicas: 0 },
    refusal: { field: 'spec.maxReplicas', words: /0.*greater than or equal to 1/ },
    said: 'spec.maxReplicas: 0 is too small; the least is 1',
  },
  {
    name: 'text-for-number',
    statusRefused: true,
    spec: { maxReplicas: 'ten' },
    refusal: { field: 'spec.maxReplicas', words: /must be of type integer: "string"/ },
    said: 'spec.maxReplicas: "ten" is not a number',
  },
  {
    name: 'no-target',
    spec: { scaleTargetRef: undefined },
    refusal: { field: 'spec.scaleTargetRef', words: /Required value/ },
    said: 'spec.scaleTargetRef: is required; add it',
  },
  {
    name: 'two-targets-of-a-metric',
    spec: { metrics: cpuTarget({ type: 'Utilization', averageUtilization: 50, averageValue: '100m' }) },
    refusal: { field: 'spec.metrics[0].resource', words: /set exactly one of target.averageUtilization and target.averageValue/ },
    said: 'spec.metrics[0].resource.target: set exactly one of averageUtilization and averageValue',
  },
  {
    name: 'no-quantity',
    spec: { metrics: cpuTarget({ type: 'AverageValue', averageValue: 'lots' }) },
    refusal: { field: 'spec.metrics[0].resource.target.averageValue', words: /"lots".*should match/ },
    said: 'spec.metrics[0].resource.target.averageValue: "lots" is not a quantity above 0, like 500m or 1Gi',
  },
];

/** A field that no schema knows: refused when validation is strict, dropped by the server otherwise, told by us when it is stored. */
const unknownField = {
  name: 'unknown-field',
  spec: { maxReplica: 7 },
  said: 'spec.maxReplica: unknown field; remove it or correct its name',
};

/** Right, but not built yet: path and value, never ignored. */
const unsupported: readonly { readonly name: string; readonly spec: Spec; readonly said: readonly string[] }[] = [
  {
    name: 'storage',
    spec: {
      metrics: [{ type: 'Resource', resource: { name: 'ephemeral-storage', target: { type: 'AverageValue', averageValue: '1Gi' } } }],
    },
    said: ['spec.metrics[0].resource.name: "ephemeral-storage" is not supported yet; use cpu or memory'],
  },
];

/** Targets that cannot be scaled, and the sentence about each. */
function badTargets(namespace: string): readonly { readonly name: string; readonly spec: Spec; readonly said: string }[] {
  return [
    {
      name: 'nobody',
      spec: { scaleTargetRef: deploymentRef('late') },
      said: `Deployment ${namespace}/late does not exist; create it or correct spec.scaleTargetRef.name`,
    },
    {
      name: 'no-such-kind',
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deploiment', name: 'web' } },
      said: 'spec.scaleTargetRef names kind Deploiment of apps/v1, which the API server does not know; correct kind and apiVersion, or install its CRD',
    },
    {
      name: 'no-such-group',
      spec: { scaleTargetRef: { apiVersion: 'nowhere.example.com/v1', kind: 'Thing', name: 'web' } },
      said: 'spec.scaleTargetRef names kind Thing of nowhere.example.com/v1, which the API server does not know; correct kind and apiVersion, or install its CRD',
    },
    {
      name: 'no-scale',
      spec: { scaleTargetRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' } },
      said: 'spec.scaleTargetRef names kind ConfigMap of v1, which has no scale subresource; name a kind that can be scaled, like Deployment or StatefulSet',
    },
  ];
}

async function condition(cluster: JourneyCluster, namespace: string, name: string, type: string): Promise<Condition | undefined> {
  const object = await cluster.client.get(resourceTypes.horizontalPolicies, { namespace, name });
  return findCondition((object.status as { conditions?: readonly Condition[] } | undefined)?.conditions ?? [], type);
}

/** Waits until the condition of a policy is as wanted, and answers it; fails with what is there. */
async function untilCondition(
  cluster: JourneyCluster,
  policyKey: { readonly namespace: string; readonly name: string },
  { words = /./, ...wanted }: Pick<Condition, 'type' | 'status' | 'reason'> & { readonly words?: RegExp },
): Promise<Condition> {
  const { namespace, name } = policyKey;
  let last: Condition | undefined;
  await cluster.until(async () => {
    last = await condition(cluster, namespace, name, wanted.type);
    return last?.status === wanted.status && last.reason === wanted.reason && words.test(last.message);
  }, 3 * cluster.timing.reaction);
  expect(last, `${wanted.type} of HorizontalPolicy ${namespace}/${name}`).toMatchObject(wanted);
  if (last === undefined) throw new Error('the condition is gone');
  expect(last.message).toMatch(words);
  return last;
}

/** One sentence: no line breaks, no stack, no JSON of an answer. */
function expectSentence(message: string, parts: readonly string[]): void {
  for (const part of parts) expect(message).toContain(part);
  expect(message).not.toMatch(/\n|\[object|undefined|    at /);
}

async function replicas(cluster: JourneyCluster, namespace: string, name: string): Promise<number> {
  return (await cluster.client.getScale(resourceTypes.deployments, { namespace, name })).specReplicas;
}

async function readyReplicas(cluster: JourneyCluster, namespace: string, name: string): Promise<number> {
  const object = await cluster.client.get(resourceTypes.deployments, { namespace, name });
  return (object.status as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0;
}

async function untilReady(cluster: JourneyCluster, namespace: string, name: string, count: number): Promise<void> {
  const ready = await cluster.until(async () => (await readyReplicas(cluster, namespace, name)) === count, 120_000);
  expect(ready, `Deployment ${name} becomes ready`).toBe(true);
}

/** A namespace with the good policy `web` at work: 2 replicas with the load that they are meant for. */
async function goodPolicy(cluster: JourneyCluster): Promise<string> {
  const namespace = await cluster.namespace();
  await cluster.client.create(resourceTypes.deployments, deployment(namespace, 2));
  cluster.setLoad(namespace, 'web', 90);
  await untilReady(cluster, namespace, 'web', 2);
  await cluster.client.create(resourceTypes.horizontalPolicies, policy(namespace));
  return namespace;
}

/** More load comes: the good policy scales as if it were alone, once, by its own rules. */
async function expectGoodScales(cluster: JourneyCluster, namespace: string): Promise<void> {
  await untilCondition(cluster, { namespace, name: 'web' }, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' });
  expect(await replicas(cluster, namespace, 'web')).toBe(2);
  cluster.setLoad(namespace, 'web', 190);
  const scaled = await cluster.until(async () => (await replicas(cluster, namespace, 'web')) === 4, 4 * cluster.timing.reaction);
  expect(scaled, 'the good policy beside them scales 2 → 4').toBe(true);
}

async function withController(cluster: JourneyCluster, body: (controller: RunningController) => Promise<void>): Promise<void> {
  const controller = await cluster.startController();
  try {
    await body(controller);
  } finally {
    await controller.stop();
  }
}

const crdKey = { name: 'horizontalpolicies.concertina.dev' };
const schemaPath = '/spec/versions/0/schema/openAPIV3Schema';

/** The CRD's schema as it is, and a way to set another. */
async function crdSchema(cluster: JourneyCluster): Promise<{ readonly strict: object; set(schema: object): Promise<void> }> {
  const { client } = cluster;
  const crd = await client.get(resourceTypes.customResourceDefinitions, crdKey);
  const strict = (crd.spec as { versions: { schema: { openAPIV3Schema: object } }[] }).versions[0]?.schema.openAPIV3Schema;
  if (strict === undefined) throw new Error('the CRD of HorizontalPolicy has no schema');
  return {
    strict,
    set: async (value) => {
      const body = [{ op: 'replace', path: schemaPath, value }] as const;
      await client.patch(resourceTypes.customResourceDefinitions, crdKey, { type: 'json', body });
    },
  };
}

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const laxSchema = { type: 'object', properties: { spec: anything, status: anything } };

/** Runs `body` with objects stored that the CRD's schema forbids, as an older, laxer CRD would have let them be stored. */
async function withStored(
  cluster: JourneyCluster,
  { objects, ratchets }: { readonly objects: readonly KubeObject[]; readonly ratchets: boolean },
  body: () => Promise<void>,
): Promise<void> {
  const { client } = cluster;
  const schema = await crdSchema(cluster);
  const namespace = objects[0]?.metadata.namespace ?? '';
  const probe = { ...objects[0], metadata: { name: 'probe', namespace } };
  const accepts = (): Promise<boolean> =>
    client.create(resourceTypes.horizontalPolicies, probe, { dryRun: true }).then(
      () => true,
      () => false,
    );
  let restored = false;
  const restore = async (): Promise<void> => {
    restored = true;
    await schema.set(schema.strict);
    expect(await cluster.until(async () => !(await accepts()), 30_000), 'the strict schema is served again').toBe(true);
  };
  await schema.set(laxSchema);
  try {
    // A real API server takes a moment to serve a changed CRD.
    expect(await cluster.until(accepts, 30_000), 'the lax schema is served').toBe(true);
    for (const object of objects) await client.create(resourceTypes.horizontalPolicies, object);
    if (ratchets) await restore();
    await body();
  } finally {
    if (!restored) await schema.set(schema.strict);
  }
}

/** Waits for an Event of a reason about a policy, and answers its message. */
async function untilEvent(
  cluster: JourneyCluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  reason: string,
): Promise<string> {
  let message: string | undefined;
  await cluster.until(async () => {
    const events = await cluster.client.list(resourceTypes.coreEvents, { namespace, fieldSelector: `involvedObject.name=${name}` });
    const found = (events.items as readonly { readonly reason?: string; readonly message?: string }[]).find(
      (event) => event.reason === reason,
    );
    message = found?.message;
    return message !== undefined;
  }, 3 * cluster.timing.reaction);
  expect(message, `an Event ${reason} about HorizontalPolicy ${namespace}/${name}`).toBeDefined();
  return message ?? '';
}

async function refusalOf(request: Promise<unknown>): Promise<ApiStatusError> {
  const error = await request.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, 'the API server refuses it').toBeInstanceOf(ApiStatusError);
  return error as ApiStatusError;
}

/** Bad input to the controller: each is said in one sentence where the user looks, and disturbs nothing else. */
export function badInputJourneys(
  getCluster: () => JourneyCluster,
  /**
   * The API server lets the status of an object be written whose unchanged spec breaks a newer schema ("ratcheting", on by default since Kubernetes 1.30). The
   * embedded one does not: there the laxer schema stays while the journey runs.
   */
  { ratchets }: { readonly ratchets: boolean },
): void {
  it.each(wrongSpecs)('$name is refused by the API server with path and reason', async ({ name, spec, refusal }) => {
    const { client } = getCluster();
    const error = await refusalOf(client.create(resourceTypes.horizontalPolicies, named('default', name, spec)));
    expect(error.status.code).toBe(422);
    expect(error.status.reason).toBe('Invalid');
    const causes = error.status.details?.causes ?? [];
    const cause = causes.find(({ field }) => field === refusal.field);
    expect(cause?.message, JSON.stringify(error.status)).toMatch(refusal.words);
    expect(error.message).toContain(`HorizontalPolicy.concertina.dev "${name}" is invalid`);
    expect(error.message).toContain(refusal.field);
  });

  it('an unknown field is refused when validation is strict, and dropped otherwise', async () => {
    const { client } = getCluster();
    const object = named('default', unknownField.name, unknownField.spec);
    const error = await refusalOf(client.create(resourceTypes.horizontalPolicies, object, { fieldValidation: 'Strict' }));
    expect(error.status.code).toBe(400);
    expect(error.status.message).toMatch(/strict decoding error: unknown field "spec.maxReplica"/);
    const stored = await client.create(resourceTypes.horizontalPolicies, object, { fieldValidation: 'Ignore' });
    expect(stored.spec).not.toHaveProperty('maxReplica');
    await client.delete(resourceTypes.horizontalPolicies, { namespace: 'default', name: unknownField.name });
  });

  it('wrong policies that are stored all the same are said in Accepted, and the one beside them scales', async () => {
    const cluster = getCluster();
    const namespace = await goodPolicy(cluster);
    const wrong: readonly (WrongSpec | typeof unknownField)[] = [...wrongSpecs, unknownField];
    for (const { name } of wrong) await cluster.client.create(resourceTypes.deployments, workload(namespace, name, { replicas: 1 }));
    const objects = wrong.map(({ name, spec }) => named(namespace, name, { scaleTargetRef: deploymentRef(name), ...spec }));
    const body = async (): Promise<void> => {
      for (const each of wrong) {
        const key = { namespace, name: each.name };
        if (ratchets && each === unknownField) {
          // A schema that is back prunes what it does not know when the object is read: there is nothing wrong left.
          await untilCondition(cluster, key, { type: 'Accepted', status: 'True', reason: 'PolicyAccepted' });
          continue;
        }
        const sentence = [`HorizontalPolicy ${namespace}/${each.name}: `, each.said];
        expectSentence(await untilEvent(cluster, key, 'InvalidPolicy'), sentence);
        if (ratchets && 'statusRefused' in each) {
          expectSentence(await untilEvent(cluster, key, 'FailedUpdateStatus'), [`"${each.name}" is invalid: spec`, 'PATCH']);
          continue;
        }
        const accepted = await untilCondition(cluster, key, { type: 'Accepted', status: 'False', reason: 'InvalidPolicy' });
        expectSentence(accepted.message, sentence);
      }
      await expectGoodScales(cluster, namespace);
      for (const { name } of wrong) expect(await replicas(cluster, namespace, name), `${name} is left alone`).toBe(1);

      const corrected = { namespace, name: 'min-above-max' };
      await cluster.client.patch(resourceTypes.horizontalPolicies, corrected, { type: 'merge', body: { spec: { maxReplicas: 9 } } });
      await untilCondition(cluster, corrected, { type: 'Accepted', status: 'True', reason: 'PolicyAccepted' });
      expect(await cluster.until(async () => (await replicas(cluster, namespace, corrected.name)) === 5, 3 * cluster.timing.reaction)).toBe(
        true,
      );
    };
    await withStored(cluster, { objects, ratchets }, () => withController(cluster, body));
  });

  it('what is not supported yet is said in Accepted with path and value, and taking it out is enough', async () => {
    const cluster = getCluster();
    const namespace = await goodPolicy(cluster);
    for (const { name, spec } of unsupported) {
      await cluster.client.create(resourceTypes.deployments, workload(namespace, name, { replicas: 3 }));
      await cluster.client.create(
        resourceTypes.horizontalPolicies,
        named(namespace, name, { scaleTargetRef: deploymentRef(name), ...spec }),
      );
    }
    await withController(cluster, async () => {
      for (const { name, said } of unsupported) {
        const accepted = await untilCondition(
          cluster,
          { namespace, name },
          { type: 'Accepted', status: 'False', reason: 'NotSupportedYet' },
        );
        expectSentence(accepted.message, [`HorizontalPolicy ${namespace}/${name}: `, ...said]);
      }
      await expectGoodScales(cluster, namespace);
      for (const { name } of unsupported) expect(await replicas(cluster, namespace, name), `${name} is left alone`).toBe(3);

      const corrected = { namespace, name: 'storage' };
      await cluster.client.patch(resourceTypes.horizontalPolicies, corrected, { type: 'merge', body: { spec: { metrics: null } } });
      await untilCondition(cluster, corrected, { type: 'Accepted', status: 'True', reason: 'PolicyAccepted' });
    });
  });

  it('a target that cannot be scaled is said in AbleToScale, and creating it is enough', async () => {
    const cluster = getCluster();
    const { client } = cluster;
    const namespace = await goodPolicy(cluster);
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace }, data: { a: 'b' } };
    await client.create({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }, settings);
    const targets = badTargets(namespace);
    for (const { name, spec } of targets) await client.create(resourceTypes.horizontalPolicies, named(namespace, name, spec));
    await withController(cluster, async () => {
      for (const { name, said } of targets) {
        const able = await untilCondition(cluster, { namespace, name }, { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale' });
        expectSentence(able.message, [said]);
        expect((await condition(cluster, namespace, name, 'Accepted'))?.status, 'the policy itself is right').toBe('True');
      }
      await expectGoodScales(cluster, namespace);

      await client.create(resourceTypes.deployments, workload(namespace, 'late', { replicas: 1 }));
      cluster.setLoad(namespace, 'late', 90);
      await untilCondition(cluster, { namespace, name: 'nobody' }, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' });
      expect((await condition(cluster, namespace, 'nobody', 'AbleToScale'))?.status).toBe('True');
      expect(await cluster.until(async () => (await replicas(cluster, namespace, 'late')) === 2, 3 * cluster.timing.reaction)).toBe(true);

      const corrected = { namespace, name: 'no-such-kind' };
      const body = { spec: { scaleTargetRef: deploymentRef('late'), mode: 'DryRun' } };
      await client.patch(resourceTypes.horizontalPolicies, corrected, { type: 'merge', body });
      await untilCondition(cluster, corrected, { type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale' });
    });
  });

  it('a container without a request is named with its pod, and setting the request is enough', async () => {
    const cluster = getCluster();
    const { client } = cluster;
    const namespace = await goodPolicy(cluster);
    await client.create(resourceTypes.deployments, workload(namespace, 'bare', { replicas: 2, requests: { memory: '64Mi' } }));
    cluster.setLoad(namespace, 'bare', 90);
    await untilReady(cluster, namespace, 'bare', 2);
    await client.create(resourceTypes.horizontalPolicies, named(namespace, 'bare', { scaleTargetRef: deploymentRef('bare') }));
    await withController(cluster, async () => {
      const active = await untilCondition(
        cluster,
        { namespace, name: 'bare' },
        { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', words: /request/ },
      );
      expectSentence(active.message, ['has no cpu request', 'set resources.requests.cpu or use an AverageValue target']);
      expect(active.message).toMatch(/container main of pod bare-[a-z0-9]+-[a-z0-9]+ has no cpu request/i);
      await expectGoodScales(cluster, namespace);
      expect(await replicas(cluster, namespace, 'bare'), 'it is left alone').toBe(2);

      const body = { spec: { template: { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '100m' } } }] } } } };
      await client.patch(resourceTypes.deployments, { namespace, name: 'bare' }, { type: 'strategic', body });
      const back = await cluster.until(
        async () => (await condition(cluster, namespace, 'bare', 'ScalingActive'))?.status === 'True',
        120_000,
      );
      expect(back, 'the new pods have a request').toBe(true);
    });
  });

  it('two policies on one target are both held and name each other, and deleting one is enough', async () => {
    const cluster = getCluster();
    const { client } = cluster;
    const namespace = await goodPolicy(cluster);
    await client.create(resourceTypes.deployments, workload(namespace, 'shared', { replicas: 2 }));
    cluster.setLoad(namespace, 'shared', 190);
    await untilReady(cluster, namespace, 'shared', 2);
    for (const name of ['one', 'two']) {
      await client.create(resourceTypes.horizontalPolicies, named(namespace, name, { scaleTargetRef: deploymentRef('shared') }));
    }
    await withController(cluster, async () => {
      for (const [name, other] of [
        ['one', 'two'],
        ['two', 'one'],
      ] as const) {
        const active = await untilCondition(
          cluster,
          { namespace, name },
          { type: 'ScalingActive', status: 'False', reason: 'AmbiguousSelector' },
        );
        expectSentence(active.message, [`HorizontalPolicy ${namespace}/${other}`, 'delete all policies but one']);
      }
      await expectGoodScales(cluster, namespace);
      expect(await replicas(cluster, namespace, 'shared'), 'neither of the two scales it').toBe(2);
      await client.delete(resourceTypes.horizontalPolicies, { namespace, name: 'two' });
      await untilCondition(cluster, { namespace, name: 'one' }, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' });
      expect(await cluster.until(async () => (await replicas(cluster, namespace, 'shared')) === 4, 3 * cluster.timing.reaction)).toBe(true);
    });
  });
}
