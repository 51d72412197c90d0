import { afterEach, describe, expect, it } from 'vitest';
import { type KubeObject, resourceTypes } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { conditionOf, type Pod, type PodSpec } from '../controllers/kinds.ts';
import { createMemoryRegistry, type MemoryRegistry } from '../controllers/testing/memory-registry.ts';
import { type SchedulerOptions, startScheduler } from './index.ts';

interface World {
  readonly registry: MemoryRegistry;
  readonly clock: VirtualClock;
  readonly errors: unknown[];
  readonly settle: () => Promise<void>;
  readonly node: (
    name: string,
    fields?: { labels?: Record<string, string>; spec?: object; allocatable?: Record<string, string> },
  ) => Promise<void>;
  readonly pod: (
    name: string,
    fields?: { spec?: Partial<PodSpec>; labels?: Record<string, string>; cpu?: string; metadata?: object },
  ) => Promise<void>;
  readonly get: (name: string) => Pod;
  /** Node of a pod; empty while it has none. */
  readonly where: (name: string) => string;
  readonly message: (name: string) => string | undefined;
  readonly events: (reason: string) => string[];
}

let stop: (() => void) | undefined;
let world: World;
afterEach(() => {
  stop?.();
  if (world.errors.length > 0) throw new AggregateError(world.errors, `failures in the scheduler: ${String(world.errors[0])}`);
});

function start(options: SchedulerOptions = {}): World {
  const clock = new VirtualClock();
  const registry = createMemoryRegistry(clock);
  const errors: unknown[] = [];
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const scheduler = startScheduler({ registry, clock, random, options: { onError: (_key, error) => void errors.push(error), ...options } });
  stop = () => scheduler.stop();
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 4;) {
      const before = registry.writes();
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = scheduler.idle() && registry.writes() === before ? quiet + 1 : 0;
    }
  };
  clock.useSettle(settle);
  const get = (name: string): Pod => registry.get(resourceTypes.pods, 'default', name) as Pod;
  world = {
    registry,
    clock,
    errors,
    settle,
    node: async (name, { labels = {}, spec = {}, allocatable = {} } = {}) => {
      await registry.create(resourceTypes.nodes, {
        metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
        spec,
        status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable } },
      });
    },
    pod: async (name, { spec = {}, labels = {}, cpu = '1', metadata = {} } = {}) => {
      const containers = [{ name: 'c', resources: { requests: { cpu, memory: '128Mi' } } }];
      await registry.create(resourceTypes.pods, {
        metadata: { name, namespace: 'default', labels, ...metadata },
        spec: { containers, terminationGracePeriodSeconds: 0, ...spec },
      });
    },
    get,
    where: (name) => get(name)?.spec.nodeName ?? '',
    message: (name) => conditionOf(get(name).status?.conditions, 'PodScheduled')?.message,
    events: (reason) =>
      registry
        .list(resourceTypes.coreEvents)
        .filter((event) => event['reason'] === reason)
        .map((event) => String(event['message'])),
  };
  return world;
}

async function patchNode(name: string, change: (node: KubeObject) => KubeObject, subresource?: string): Promise<void> {
  await world.registry.mutate(resourceTypes.nodes, undefined, name, change, { subresource });
}

describe('scheduler', () => {
  it('binds, sets PodScheduled and says so', async () => {
    const { node, pod, settle, where, get, events } = start();
    await node('n1');
    await pod('p');
    await settle();
    expect(where('p')).toBe('n1');
    expect(conditionOf(get('p').status?.conditions, 'PodScheduled')?.status).toBe('True');
    expect(events('Scheduled')).toEqual(['Successfully assigned default/p to n1']);
  });

  it('says why no node takes a pod, in upstream’s words, and tries again when a node comes', async () => {
    const { node, pod, settle, where, message, get, events, clock } = start();
    for (const name of ['a', 'b', 'c']) await node(name, { allocatable: { cpu: '500m' } });
    for (const name of ['d', 'e']) await node(name, { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } });
    await pod('p');
    await settle();
    const text =
      '0/5 nodes are available: 2 node(s) had untolerated taint(s), 3 Insufficient cpu. ' +
      'preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.';
    expect(message('p')).toBe(text);
    expect(conditionOf(get('p').status?.conditions, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable' });
    expect(events('FailedScheduling')).toEqual([text]);
    await node('f');
    await settle();
    expect(where('p')).toBe('');
    await clock.advance(1000);
    expect(where('p')).toBe('f');
  });

  it('says so when there are no nodes at all', async () => {
    const { pod, settle, message } = start();
    await pod('p');
    await settle();
    expect(message('p')).toBe('no nodes available to schedule pods');
  });

  it('fills nodes evenly and never beyond what is allocatable', async () => {
    const { node, pod, settle, registry, message } = start();
    for (let index = 0; index < 4; index++) await node(`n${index}`);
    for (let index = 0; index < 17; index++) await pod(`p${index}`);
    await settle();
    const counts = new Map<string, number>();
    for (const { spec } of registry.list(resourceTypes.pods) as Pod[])
      counts.set(spec.nodeName ?? '', (counts.get(spec.nodeName ?? '') ?? 0) + 1);
    expect([...counts].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['', 1],
      ['n0', 4],
      ['n1', 4],
      ['n2', 4],
      ['n3', 4],
    ]);
    expect(message('p16')).toMatch(
      /^0\/4 nodes are available: 4 Insufficient cpu\. preemption: 0\/4 nodes are available: 4 No preemption victims/,
    );
  });

  it('takes higher priorities first', async () => {
    const { node, pod, settle, where } = start();
    await pod('low', { cpu: '3' });
    await pod('high', { cpu: '3', spec: { priority: 10 } });
    await node('n1');
    await settle();
    expect([where('low'), where('high')]).toEqual(['', 'n1']);
  });

  it('backs off 1, 2, 4, 8, 10 seconds between attempts however often it is woken', async () => {
    const { node, pod, settle, clock, registry } = start();
    await node('n1', { allocatable: { cpu: '100m' } });
    await pod('p');
    await settle();
    const attempts: number[] = [];
    const started = clock.now();
    registry.watch(resourceTypes.coreEvents, (event) => {
      if (event.type === 'MODIFIED') attempts.push((clock.now() - started) / 1000);
    });
    for (let second = 0; second < 40; second++) {
      await patchNode('n1', (object) => ({ ...object, metadata: { ...object.metadata, labels: { tick: String(second) } } }));
      await clock.advance(1000);
    }
    const gaps = attempts.map((at, index) => at - (attempts[index - 1] ?? 0));
    expect(gaps).toEqual([1, 2, 4, 8, 10, 10]);
  });

  it('tries an unschedulable pod again after five minutes without any event', async () => {
    const { pod, node, settle, clock, events, registry } = start();
    await node('n1', { allocatable: { cpu: '100m' } });
    await pod('p');
    await settle();
    expect(events('FailedScheduling')).toHaveLength(1);
    await clock.advance(331_000);
    const counts = registry.list(resourceTypes.coreEvents).map((event) => event['count']);
    expect(counts).toEqual([2]);
  });

  it('leaves gated pods, pods of other schedulers and pods being deleted alone', async () => {
    const { node, pod, settle, where, registry } = start();
    await node('n1');
    await pod('gated', { spec: { schedulingGates: [{ name: 'g' }] } });
    await pod('other', { spec: { schedulerName: 'mine' } });
    await settle();
    expect([where('gated'), where('other')]).toEqual(['', '']);
    await registry.mutate(resourceTypes.pods, 'default', 'gated', (object) => ({
      ...object,
      spec: { ...(object.spec as object), schedulingGates: [] },
    }));
    await settle();
    expect(where('gated')).toBe('n1');
  });

  it('counts a pod that is being resized with the greatest of spec, allocated and actual', async () => {
    const { node, pod, settle, where, registry, clock } = start();
    await node('n1');
    await pod('big', { cpu: '1' });
    await settle();
    const resources = { requests: { cpu: '3500m' } };
    await registry.mutate(
      resourceTypes.pods,
      'default',
      'big',
      (object) => ({
        ...object,
        status: { ...(object.status as object), phase: 'Running', containerStatuses: [{ name: 'c', resources }] },
      }),
      { subresource: 'status' },
    );
    await pod('p');
    await settle();
    expect(where('p')).toBe('');
    await registry.mutate(
      resourceTypes.pods,
      'default',
      'big',
      (object) => ({ ...object, status: { phase: 'Running', containerStatuses: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } }),
      { subresource: 'status' },
    );
    await clock.advance(1000);
    expect(where('p')).toBe('n1');
  });

  it('spreads the pods of a ReplicaSet over zones though one zone has more nodes', async () => {
    const { node, pod, settle, registry } = start();
    await registry.create(resourceTypes.replicaSets, {
      metadata: { name: 'rs', namespace: 'default', uid: 'rs-uid' },
      spec: { selector: { matchLabels: { app: 'a' } } },
    });
    for (const name of ['a1', 'a2', 'a3', 'a4']) await node(name, { labels: { 'topology.kubernetes.io/zone': 'a' } });
    for (const name of ['b1', 'b2']) await node(name, { labels: { 'topology.kubernetes.io/zone': 'b' } });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs-uid', controller: true }];
    for (let index = 0; index < 6; index++) await pod(`p${index}`, { cpu: '10m', labels: { app: 'a' }, metadata: { ownerReferences } });
    await settle();
    const zones = (registry.list(resourceTypes.pods) as Pod[]).map(({ spec }) => spec.nodeName?.[0]);
    expect(zones.filter((zone) => zone === 'a')).toHaveLength(4);
    expect(new Set((registry.list(resourceTypes.pods) as Pod[]).map(({ spec }) => spec.nodeName)).size).toBe(6);
  });

  it('keeps anti-affine pods apart, the pods placed in the same moment included', async () => {
    const { node, pod, settle, registry, message } = start();
    for (const name of ['a', 'b', 'c']) await node(name);
    const term = { labelSelector: { matchLabels: { app: 'x' } }, topologyKey: 'kubernetes.io/hostname' };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    for (let index = 0; index < 4; index++) await pod(`p${index}`, { cpu: '100m', labels: { app: 'x' }, spec: { affinity } });
    await settle();
    const nodes = (registry.list(resourceTypes.pods) as Pod[]).map(({ spec }) => spec.nodeName);
    expect(new Set(nodes)).toEqual(new Set(['a', 'b', 'c', undefined]));
    expect(message('p3')).toContain("3 node(s) didn't match pod anti-affinity rules");
  });

  describe('a pod that waits for a partner', () => {
    const waitsFor = (term: object): Partial<PodSpec> => ({
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: 'partner' } }, topologyKey: 'kubernetes.io/hostname', ...term },
          ],
        },
      },
    });
    const waiting = async (term: object): Promise<World> => {
      const made = start();
      for (const name of ['default', 'elsewhere']) {
        await made.registry.create(resourceTypes.namespaces, { metadata: { name, labels: { team: 'a' } } });
      }
      await made.node('n1');
      await made.pod('p', { cpu: '100m', spec: waitsFor(term) });
      await made.settle();
      // Longer than any back-off.
      await made.clock.advance(20_000);
      expect(made.where('p')).toBe('');
      return made;
    };
    const partner = (namespace: string) => ({ cpu: '100m', labels: { app: 'partner' }, metadata: { namespace } });

    it.each([
      ['in its namespace', {}, 'default'],
      ['in a namespace that the term names', { namespaces: ['elsewhere'] }, 'elsewhere'],
      ['in any namespace', { namespaceSelector: {} }, 'elsewhere'],
    ])('is tried again as soon as it is placed %s', async (_where, term, namespace) => {
      const { pod, settle, where } = await waiting(term);
      await pod('other', { ...partner(namespace), labels: { app: 'other' } });
      await settle();
      expect(where('p')).toBe('');
      await pod('partner', partner(namespace));
      await settle();
      expect(where('p')).toBe('n1');
    });

    it('is left to the five minutes where its namespace is selected by labels, as upstream’s hint leaves it', async () => {
      const { pod, settle, where, clock } = await waiting({ namespaceSelector: { matchLabels: { team: 'a' } } });
      await pod('partner', partner('elsewhere'));
      await settle();
      await clock.advance(200_000);
      expect(where('p')).toBe('');
      await clock.advance(131_000);
      expect(where('p')).toBe('n1');
    });

    it('is not woken by the labels of a namespace', async () => {
      const { pod, settle, where, clock, registry } = await waiting({ namespaceSelector: { matchLabels: { team: 'b' } } });
      await pod('partner', partner('elsewhere'));
      await settle();
      await registry.mutate(resourceTypes.namespaces, undefined, 'elsewhere', (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: { team: 'b' } },
      }));
      await clock.advance(20_000);
      expect(where('p')).toBe('');
      await clock.advance(311_000);
      expect(where('p')).toBe('n1');
    });

    it('is tried again when a placed pod gets the labels', async () => {
      const { pod, settle, where, registry } = await waiting({});
      await pod('other', { ...partner('default'), labels: { app: 'other' } });
      await settle();
      await registry.mutate(resourceTypes.pods, 'default', 'other', (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: { app: 'partner' } },
      }));
      await settle();
      expect(where('p')).toBe('n1');
    });
  });

  it.each([
    ['its own anti-affinity', true],
    ['that of the pod that goes', false],
  ])('tries a pod again when one goes that %s kept it from', async (_whose, own) => {
    const { node, pod, settle, where, clock, registry } = start();
    await node('n1');
    const term = { labelSelector: { matchLabels: { app: own ? 'x' : 'y' } }, topologyKey: 'kubernetes.io/hostname' };
    const spec = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
    await pod('there', { cpu: '100m', labels: { app: 'x' }, spec: own ? {} : spec });
    await pod('bystander', { cpu: '100m', labels: { app: 'z' } });
    await settle();
    await pod('p', { cpu: '100m', labels: { app: 'y' }, spec: own ? spec : {} });
    await settle();
    await clock.advance(20_000);
    await registry.delete(resourceTypes.pods, 'default', 'bystander');
    await settle();
    expect(where('p')).toBe('');
    await registry.delete(resourceTypes.pods, 'default', 'there');
    await settle();
    expect(where('p')).toBe('n1');
  });

  it('tries a pod again when one comes that lets hard spreading count on', async () => {
    const { node, pod, settle, where, clock } = start();
    await node('a', { labels: { zone: 'a' } });
    await node('b', { labels: { zone: 'b' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
    const labelSelector = { matchLabels: { app: 'x' } };
    const topologySpreadConstraints = [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector }];
    const shape = { cpu: '100m', labels: { app: 'x' } };
    await pod('first', { ...shape, spec: { topologySpreadConstraints } });
    await settle();
    await pod('p', { ...shape, spec: { topologySpreadConstraints } });
    await settle();
    await clock.advance(20_000);
    expect([where('first'), where('p')]).toEqual(['a', '']);
    await pod('balance', { ...shape, spec: { tolerations: [{ operator: 'Exists' }], nodeSelector: { zone: 'b' } } });
    await settle();
    expect(where('p')).toBe('a');
  });

  it('honours hard topology spreading pod by pod', async () => {
    const { node, pod, settle, where } = start();
    await node('a', { labels: { zone: 'a' } });
    await node('b', { labels: { zone: 'b' } });
    const constraint = {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'x' } },
    };
    for (let index = 0; index < 6; index++) {
      await pod(`p${index}`, { cpu: '100m', labels: { app: 'x' }, spec: { topologySpreadConstraints: [constraint] } });
    }
    await settle();
    const zones = [0, 1, 2, 3, 4, 5].map((index) => where(`p${index}`)).sort();
    expect(zones).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  });

  it('prefers what preferred affinity, preferred anti-affinity and soft taints say', async () => {
    const { node, pod, settle, where } = start();
    await node('plain');
    await node('ssd', { labels: { disk: 'ssd' } });
    await node('soft', { labels: { disk: 'ssd' }, spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } });
    const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, preference }] };
    await pod('p', { cpu: '100m', labels: { app: 'p' }, spec: { affinity: { nodeAffinity } } });
    await settle();
    expect(where('p')).toBe('ssd');
    const podAffinityTerm = { labelSelector: { matchLabels: { app: 'p' } }, topologyKey: 'kubernetes.io/hostname' };
    const podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] };
    await pod('q', { cpu: '100m', spec: { affinity: { podAntiAffinity } } });
    await settle();
    expect(where('q')).toBe('plain');
  });

  it('gives a DaemonSet-like pod to the one node that it names', async () => {
    const { node, pod, settle, where, message } = start();
    for (const name of ['a', 'b', 'c']) await node(name);
    const pinned = (name: string) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
        },
      },
    });
    await pod('p', { spec: { affinity: pinned('b') } });
    await pod('q', { cpu: '64', spec: { affinity: pinned('b') } });
    await settle();
    expect(where('p')).toBe('b');
    expect(message('q')).toMatch(
      /^0\/3 nodes are available: 1 Insufficient cpu, 2 node\(s\) didn't satisfy plugin\(s\) \[NodeAffinity\]\./,
    );
  });

  it('places a pod again when its binding was refused', async () => {
    const { node, pod, registry, settle, where, clock, errors } = start();
    await node('n1');
    registry.failWrites('binding', 1, new Error('etcd is slow'));
    await pod('p');
    await settle();
    expect(where('p')).toBe('');
    expect(errors.splice(0)).toHaveLength(1);
    await clock.advance(1000);
    expect(where('p')).toBe('n1');
  });
});

describe('preemption', () => {
  const bound = async (name: string, node: string, priority: number, cpu = '1'): Promise<void> => {
    const containers = [{ name: 'c', resources: { requests: { cpu, memory: '1Mi' } } }];
    await world.registry.create(resourceTypes.pods, {
      metadata: { name, namespace: 'default', labels: { app: name.replace(/\d+$/, '') } },
      spec: { containers, nodeName: node, priority, terminationGracePeriodSeconds: 30 },
      status: { phase: 'Running' },
    });
  };

  it('takes the fewest, least important victims, nominates the node and waits for them to go', async () => {
    const { node, pod, settle, where, get, registry, clock, events } = start();
    await node('a');
    await node('b');
    for (let index = 0; index < 4; index++) await bound(`a${index}`, 'a', 5);
    for (let index = 0; index < 4; index++) await bound(`b${index}`, 'b', index === 0 ? 1 : 5);
    await pod('p', { cpu: '1', spec: { priority: 100 } });
    await settle();
    expect(where('p')).toBe('');
    expect(get('p').status?.nominatedNodeName).toBe('b');
    const dying = (registry.list(resourceTypes.pods) as Pod[]).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    expect(dying.map(({ metadata }) => metadata.name)).toEqual(['b0']);
    expect(conditionOf(get('b0').status?.conditions, 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    expect(events('Preempted')).toEqual([`Preempted by pod ${get('p').metadata.uid} on node b`]);
    await clock.advance(5000);
    expect(where('p')).toBe('');
    await registry.delete(resourceTypes.pods, 'default', 'b0', { gracePeriodSeconds: 0 });
    await clock.advance(10_000);
    expect(where('p')).toBe('b');
    expect(get('p').status?.nominatedNodeName).toBeUndefined();
  });

  it('keeps the freed room for the pod that preempted', async () => {
    const { node, pod, settle, where, registry, clock } = start();
    await node('a');
    await bound('old', 'a', 1, '4');
    await pod('high', { cpu: '4', spec: { priority: 100 } });
    await settle();
    await registry.delete(resourceTypes.pods, 'default', 'old', { gracePeriodSeconds: 0 });
    await pod('sneaky', { cpu: '1' });
    await settle();
    expect(where('sneaky')).toBe('');
    await clock.advance(10_000);
    expect([where('high'), where('sneaky')]).toEqual(['a', '']);
  });

  it('prefers victims without a budget that would break', async () => {
    const { node, pod, settle, get, registry } = start();
    await node('a');
    await node('b');
    await bound('guarded1', 'a', 1, '4');
    await bound('free1', 'b', 2, '4');
    await registry.create(resourceTypes.podDisruptionBudgets, {
      metadata: { name: 'budget', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'guarded' } }, minAvailable: 1 },
      status: { disruptionsAllowed: 0 },
    });
    await pod('p', { spec: { priority: 100 } });
    await settle();
    expect(get('p').status?.nominatedNodeName).toBe('b');
  });

  it('does not preempt with preemptionPolicy Never', async () => {
    const { node, pod, settle, message, registry } = start();
    await node('a');
    await bound('old', 'a', 1, '4');
    await pod('p', { spec: { priority: 100, preemptionPolicy: 'Never' } });
    await settle();
    expect(message('p')).toBe('0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.');
    expect((registry.list(resourceTypes.pods) as Pod[]).every(({ metadata }) => metadata.deletionTimestamp === undefined)).toBe(true);
  });
});
