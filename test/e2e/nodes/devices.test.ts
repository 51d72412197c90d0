import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceFacts } from '../../../cluster-autoscaler/controller/devices.ts';
import {
  projectClaimTemplate,
  projectDeviceClass,
  projectResourceClaim,
  projectSlice,
} from '../../../cluster-autoscaler/engine/scheduling/devices/index.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../../../cluster-autoscaler/engine/scheduling/index.ts';
import { createInterner, projectNode, projectPod, resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/index.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { isForeignCluster, startRealCluster, type RealCluster } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { eventually } from '../until.ts';

const driver = 'gpu.example.com';
const namespace = 'default';
const names = ['n0', 'n1', 'n2', 'n3'];
const pods = 60;

const exactly = (parts: object = {}) => ({ deviceClassName: 'gpu', ...parts });
const requests = (...each: readonly object[]) => each.map((request, index) => ({ name: `r${index}`, ...request }));
const model = (value: string) => ({ selectors: [{ cel: { expression: `device.attributes["${driver}"].model == "${value}"` } }] });
const numa = [{ matchAttribute: `${driver}/numa` }];

/** Specs of claims by name of the template. */
const specs: Readonly<Record<string, object>> = {
  one: { requests: requests({ exactly: exactly() }) },
  pair: { requests: requests({ exactly: exactly({ count: 2 }) }), constraints: numa },
  large: {
    requests: requests({
      exactly: exactly({ selectors: [{ cel: { expression: `device.capacity["${driver}"].memory.compareTo(quantity("40Gi")) >= 0` } }] }),
    }),
  },
  mixed: { requests: requests({ exactly: exactly(model('x')) }, { exactly: exactly(model('y')) }), constraints: numa },
  all: { requests: requests({ exactly: exactly({ allocationMode: 'All' }) }) },
  some: {
    requests: requests({
      firstAvailable: [
        { name: 'many', ...exactly({ count: 3 }) },
        {
          name: 'new',
          ...exactly({ selectors: [{ cel: { expression: `device.attributes["${driver}"].version.isGreaterThan(semver("1.5.0"))` } }] }),
        },
      ],
    }),
  },
  tainted: { requests: requests({ exactly: exactly({ tolerations: [{ operator: 'Exists' }], count: 2 }) }) },
};

describe.skipIf(isForeignCluster())('devices, with the real scheduler', () => {
  const teardown = createTeardown();
  let real: RealCluster;
  beforeAll(async () => {
    real = await startRealCluster({ audit: false });
    teardown.add(() => real.stop());
  });
  afterAll(() => teardown.run());

  it('are had of the nodes of which the simulation says so, and refused in the same words', { timeout: 300_000 }, async () => {
    const client = real.adminClient;
    const random = seededRandom(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const create = (type: ResourceType, metadata: KubeObject['metadata'], rest: object) => client.create(type, { metadata, ...rest });

    await create(
      resourceTypes.deviceClasses,
      { name: 'gpu' },
      { spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] } },
    );
    for (const [name, devices] of Object.entries(specs)) {
      await create(resourceTypes.resourceClaimTemplates, { name, namespace }, { spec: { spec: { devices } } });
    }
    for (const name of ['team', 'crew'])
      await create(resourceTypes.resourceClaims, { name, namespace }, { spec: { devices: specs['one'] } });
    const size = { cpu: '64', memory: '256Gi', pods: '110' };
    for (const name of names) {
      const status = {
        capacity: size,
        allocatable: size,
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      };
      await create(resourceTypes.nodes, { name, labels: { 'kubernetes.io/hostname': name } }, { status });
    }
    const device = (index: number) => ({
      name: `gpu-${index}`,
      attributes: {
        model: { string: pick(['x', 'y']) },
        numa: { int: pick([0, 1]) },
        version: { version: pick(['1.4.0', '1.6.1', '2.0.0']) },
      },
      capacity: { memory: { value: pick(['20Gi', '40Gi', '80Gi']) } },
      ...(random() < 0.2 ? { taints: [{ key: 'worn', value: 'yes', effect: 'NoSchedule' }] } : {}),
    });
    const publish = (name: string, scope: object, count: number) =>
      create(
        resourceTypes.resourceSlices,
        { name },
        {
          spec: {
            driver,
            pool: { name, generation: 1, resourceSliceCount: 1 },
            ...scope,
            devices: Array.from({ length: count }, (_, index) => device(index)),
          },
        },
      );
    for (const [index, name] of ['n0', 'n1', 'n2'].entries()) await publish(`${name}-gpus`, { nodeName: name }, 3 + index);
    await publish(
      'rack-gpus',
      {
        nodeSelector: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2', 'n3'] }] }],
        },
      },
      2,
    );

    const counts = { bound: 0, refused: 0 };
    const wrong: string[] = [];
    const living: string[] = [];
    for (let index = 0; index < pods; index++) {
      if (living.length > 0 && random() < 0.3) await leave(client, living.splice(Math.floor(random() * living.length), 1)[0] ?? '');
      const name = `p${index}`;
      const asked =
        random() < 0.25 ? { resourceClaimName: pick(['team', 'crew']) } : { resourceClaimTemplateName: pick(Object.keys(specs)) };
      const raw = podOf(name, asked);
      const snapshot = await simulated(client);
      const podClass = snapshot.classOf(projectPod(raw, createInterner()));
      const reasons = names.map((each) => snapshot.failure(podClass, snapshot.find(each) ?? -1)?.reason);
      await client.create(resourceTypes.pods, raw);
      const decided = await decisionOn(client, name);
      if (!isAsSimulated(decided, reasons))
        wrong.push(`${name} ${JSON.stringify(asked)}: ${JSON.stringify(decided)}, simulated ${JSON.stringify(reasons)}`);
      counts[decided.node === undefined ? 'refused' : 'bound'] += 1;
      if (decided.node === undefined) await leave(client, name);
      else living.push(name);
    }
    expect(wrong).toEqual([]);
    console.log(`devices: ${counts.bound} pods were bound and ${counts.refused} refused, as simulated`);
    expect(counts.bound).toBeGreaterThan(10);
    expect(counts.refused).toBeGreaterThan(10);
  });
});

type Client = RealCluster['adminClient'];

/** Taints of nodes that nobody plays a kubelet for do not matter. */
function podOf(name: string, asked: object): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'c', image: 'none', resources: { claims: [{ name: 'gpu' }] } }],
      resourceClaims: [{ name: 'gpu', ...asked }],
    },
  };
}

/** Deletes a pod; what it had is free again afterwards. */
async function leave(client: Client, name: string): Promise<void> {
  const { metadata } = await client.get(resourceTypes.pods, { namespace, name });
  await client.delete(resourceTypes.pods, { namespace, name }, { gracePeriodSeconds: 0 });
  await eventually(`${name} and what it had are gone`, async () => {
    const { items: left } = await client.list(resourceTypes.pods);
    const { items: claims } = await client.list(resourceTypes.resourceClaims);
    const uses = claims.map(projectResourceClaim).some(({ ownerUid, reservedFor, allocation }) => {
      if (ownerUid === metadata.uid || reservedFor.includes(metadata.uid ?? '')) return true;
      // The controller of claims takes back what nobody uses any more.
      return ownerUid === '' && reservedFor.length === 0 && allocation !== undefined;
    });
    return !uses && !left.some((pod) => pod.metadata.name === name);
  });
}

interface Decided {
  readonly node?: string | undefined;
  readonly message?: string | undefined;
}

/** What the scheduler makes of the pod. */
async function decisionOn(client: Client, name: string): Promise<Decided> {
  let decided: Decided | undefined;
  await eventually(`${name} is decided about`, async () => {
    decided = decisionOf(await client.get(resourceTypes.pods, { namespace, name }));
    return decided !== undefined;
  });
  return decided ?? {};
}

/** By node why not, `undefined` where it fits. */
function isAsSimulated({ node, message = '' }: Decided, reasons: readonly (string | undefined)[]): boolean {
  if (node !== undefined) return reasons[names.indexOf(node)] === undefined;
  return reasons.every((reason) => reason !== undefined && message.includes(reason));
}

function decisionOf({ spec, status }: KubeObject): Decided | undefined {
  const { nodeName } = spec as { readonly nodeName?: string };
  if (nodeName !== undefined) return { node: nodeName };
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[];
  };
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  return scheduled?.reason === 'Unschedulable' ? { message: scheduled.message } : undefined;
}

/** The cluster as it is now. */
async function simulated(client: Client): Promise<SchedulingSnapshot> {
  const interner = createInterner();
  const listed = async <T>(type: ResourceType, project: (raw: KubeObject) => T) => {
    const items = (await client.list(type)).items.map(project);
    return { items: () => items, hasSynced: () => true };
  };
  const devices = deviceFacts({
    claims: await listed(resourceTypes.resourceClaims, projectResourceClaim),
    templates: await listed(resourceTypes.resourceClaimTemplates, projectClaimTemplate),
    classes: await listed(resourceTypes.deviceClasses, projectDeviceClass),
    slices: await listed(resourceTypes.resourceSlices, projectSlice),
  });
  const snapshot = createSchedulingSnapshot({ namespaces: new Map(), devices });
  const running = (await listed(resourceTypes.pods, (raw) => projectPod(raw, interner))).items();
  for (const node of (await listed(resourceTypes.nodes, (raw) => projectNode(raw, interner))).items()) {
    snapshot.addNode(
      node,
      running.filter(({ nodeName }) => nodeName === node.name),
    );
  }
  return snapshot;
}
