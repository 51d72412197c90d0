import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReflector, type KubeClient, type Reflector } from '../../core/kube/index.ts';
import { createInterner } from '../../core/model/interner.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { realRandom, seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import {
  createAdmission,
  createPodPatcher,
  defaultAdmissionConfig,
  removeRegistration,
  type Admission,
} from '../../vpa/admission/index.ts';
import { defaultVpaConfig } from '../../vpa/config.ts';
import { createPolicyBook } from '../../vpa/policy-book.ts';
import { verticalPolicyCrd } from '../../vpa/policy-crd.ts';
import { createTargetResolver, projectTargetWorkload, type WellKnownKind } from '../../vpa/targets/index.ts';

const clock = realClock;
const webhooks = resourceTypes.mutatingWebhookConfigurations;

let cluster: EmbeddedCluster;
let client: KubeClient;
const started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  cluster = await startEmbeddedCluster({
    clock,
    random: seededRandom('admission'),
    nodes: [{ name: 'node-a', cpu: 16, memory: '32Gi', zone: 'a' }],
  });
  client = cluster.client('test');
  await client.create(resourceTypes.customResourceDefinitions, verticalPolicyCrd());
  for (const name of ['shop', 'concertina']) await client.create(resourceTypes.namespaces, { metadata: { name } });
  await until(
    'the ServiceAccount is there',
    async () => (await client.list(resourceTypes.serviceAccounts, { namespace: 'shop' })).items.length > 0,
  );
  await client.create(resourceTypes.verticalPolicies, {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicy',
    metadata: { namespace: 'shop', name: 'web' },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  });
  const amounts = { cpu: '321m', memory: '123Mi' };
  await client.patch(
    resourceTypes.verticalPolicies,
    { namespace: 'shop', name: 'web' },
    {
      type: 'merge',
      body: {
        status: {
          conditions: [
            { type: 'RecommendationProvided', status: 'True', reason: 'Computed', message: '', lastTransitionTime: '2026-11-28T00:00:00Z' },
          ],
          recommendation: {
            containerRecommendations: [
              { containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts },
            ],
          },
        },
      },
    },
    { subresource: 'status' },
  );
});

afterAll(async () => {
  for (const each of started.splice(0)) await each.stop();
  await cluster.stop();
});

async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function mirror<T>(type: ResourceType, project: (raw: KubeObject) => T): Promise<Reflector<T>> {
  const reflector = createReflector<T>({ client, type, clock, random: realRandom, project });
  reflector.start();
  started.push(reflector);
  await reflector.waitForSync();
  return reflector;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A copy of admission with the real policies, resolver and patch; called by URL, as a program outside of the cluster is. */
async function startCopy(identity: string, port: number): Promise<{ admission: Admission; logger: ReturnType<typeof recordingLogger> }> {
  const interner = createInterner();
  const workloads = async (type: ResourceType, kind: WellKnownKind) => mirror(type, (raw) => projectTargetWorkload(raw, interner, kind));
  const config = defaultAdmissionConfig('concertina');
  const logger = recordingLogger();
  const verticalPolicies = await mirror(resourceTypes.verticalPolicies, (raw) => raw);
  const admission = createAdmission({
    config: {
      ...config,
      host: '127.0.0.1',
      port,
      registration: { ...config.registration, address: { kind: 'url', url: `https://127.0.0.1:${port}` } },
      health: { ...config.health, renewMs: 200, timeoutMs: 5_000 },
    },
    namespace: 'concertina',
    identity,
    clock,
    random: realRandom,
    randomBytes,
    logger,
    client,
    leaderClient: client,
    events: { emit: () => undefined },
    registry: new Registry(),
    book: createPolicyBook({ verticalPolicies, nativeVpas: undefined, config: defaultVpaConfig }),
    targets: createTargetResolver({
      client,
      clock,
      random: realRandom,
      logger,
      workloads: {
        Deployment: await workloads(resourceTypes.deployments, 'Deployment'),
        ReplicaSet: await workloads(resourceTypes.replicaSets, 'ReplicaSet'),
      },
    }),
    limits: () => undefined,
    patch: createPodPatcher({ boost: {} }),
  });
  await admission.start();
  return { admission, logger };
}

const deployment = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'app', resources: { requests: { cpu: '100m' }, limits: { cpu: '200m' } } }] },
    },
  },
});

interface SpecOfPod {
  readonly containers: readonly { readonly resources: unknown }[];
}

const podsOf = async (app: string): Promise<readonly KubeObject[]> =>
  (await client.list(resourceTypes.pods, { namespace: 'shop', labelSelector: `app=${app}` })).items;
const resourcesOf = (pods: readonly KubeObject[]): unknown[] => pods.map((pod) => (pod.spec as SpecOfPod).containers[0]?.resources);

describe('admission in a cluster', () => {
  it("gives a Deployment's pods what is recommended, keeps its webhook object, changes copies, and keeps nobody from creating pods", async () => {
    const port = await freePort();
    const { admission, logger } = await startCopy('copy-a', port);
    expect(admission.status().ok).toBe(false);
    admission.lead();
    await until('admission is healthy', () => admission.status().ok);

    await client.create(resourceTypes.deployments, deployment('web'));
    await client.create(resourceTypes.deployments, deployment('other'));
    await until('both have their pods', async () => (await podsOf('web')).length === 3 && (await podsOf('other')).length === 3);
    const sized = { requests: { cpu: '321m', memory: '123Mi' }, limits: { cpu: '642m' } };
    const memory = { memory: expect.stringMatching(/^(123Mi|128974848)$/) };
    const pods = await podsOf('web');
    expect(resourcesOf(pods)).toEqual(Array.from({ length: 3 }, () => ({ ...sized, requests: { cpu: '321m', ...memory } })));
    expect(pods[0]?.metadata.annotations).toMatchObject({
      vpaObservedContainers: 'app',
      vpaUpdates: expect.stringMatching(/^Pod resources updated by web: container 0: .*cpu request, memory request, cpu limit$/),
    });
    expect(resourcesOf(await podsOf('other'))).toEqual(
      Array.from({ length: 3 }, () => ({ requests: { cpu: '100m' }, limits: { cpu: '200m' } })),
    );

    // Somebody aims the webhook elsewhere: it is put right by a patch.
    const before = await client.get(webhooks, { name: 'concertina-vpa' });
    const broken = structuredClone(before) as KubeObject & { webhooks: { namespaceSelector: unknown }[] };
    for (const webhook of broken.webhooks) webhook.namespaceSelector = { matchLabels: { never: 'true' } };
    await client.patch(webhooks, { name: 'concertina-vpa' }, { type: 'merge', body: { webhooks: broken.webhooks } });
    await until('the webhook object is right again', async () => {
      const now = await client.get(webhooks, { name: 'concertina-vpa' });
      return JSON.stringify(now['webhooks']) === JSON.stringify(before['webhooks']);
    });
    const after = await client.get(webhooks, { name: 'concertina-vpa' });
    expect(after.metadata.uid).toBe(before.metadata.uid);
    await until('admission is healthy again', () => admission.status().ok);

    // A second copy takes over the address when the first one goes: same Secret, nothing is registered anew.
    await admission.stop(0);
    const second = await startCopy('copy-b', port);
    started.push({ stop: () => second.admission.stop(0) });
    await until('the second copy is healthy', () => second.admission.status().ok);
    const pod = (await podsOf('web'))[0];
    await client.delete(resourceTypes.pods, { namespace: 'shop', name: pod?.metadata.name ?? '' }, { gracePeriodSeconds: 0 });
    await until('a pod came for it', async () => {
      const now = await podsOf('web');
      return now.length === 3 && now.every(({ metadata }) => metadata.uid !== pod?.metadata.uid);
    });
    expect(resourcesOf(await podsOf('web'))).toEqual(Array.from({ length: 3 }, () => ({ ...sized, requests: { cpu: '321m', ...memory } })));

    // With nothing that answers pods come as they are: nobody is kept from creating them.
    await second.admission.stop(0);
    const unsized = (await podsOf('web'))[0];
    await client.delete(resourceTypes.pods, { namespace: 'shop', name: unsized?.metadata.name ?? '' }, { gracePeriodSeconds: 0 });
    await until('an unsized pod came for it', async () =>
      resourcesOf(await podsOf('web')).some((each) => JSON.stringify(each).includes('100m')),
    );

    await removeRegistration(client, 'concertina-vpa');
    await removeRegistration(client, 'concertina-vpa');
    expect((await client.list(webhooks)).items).toEqual([]);
    expect(JSON.stringify(logger.lines)).not.toContain('PRIVATE');
  });
});
