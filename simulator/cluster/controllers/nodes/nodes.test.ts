import { afterEach, describe, expect, it } from 'vitest';
import { formatMicroTime, formatTime } from '../../../../core/model/condition.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, type KubeNode, type Pod, type Toleration } from '../kinds.ts';
import { type Harness, podSpec, readyNode, startHarness } from '../testing/harness.ts';
import { toleratedSeconds } from './taint-eviction.ts';

let harness: Harness | undefined;
let beating = new Set<string>();
afterEach(() => {
  harness?.end();
  harness = undefined;
});

/** Nodes with leases that are renewed every 10 s while the node is in `beating`. */
async function start(names: string[], tolerations: Toleration[] = []): Promise<Harness> {
  const of = startHarness({ nodes: false, bind: false });
  harness = of;
  beating = new Set(names);
  for (const name of names) {
    const spec = { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] };
    await of.registry.create(resourceTypes.nodes, readyNode(name, {}, spec));
    await of.registry.create(resourceTypes.leases, { metadata: { name, namespace: 'kube-node-lease' }, spec: {} });
    await of.registry.create(resourceTypes.pods, {
      metadata: { name: `on-${name}`, namespace: 'default' },
      spec: { ...podSpec(), nodeName: name, tolerations, terminationGracePeriodSeconds: 30 },
    });
  }
  const beat = (): void => {
    of.clock.setTimeout(beat, 10_000);
    for (const name of beating) {
      void of.registry.mutate(resourceTypes.leases, 'kube-node-lease', name, (lease) => ({
        ...lease,
        spec: { renewTime: formatMicroTime(of.clock.now()) },
      }));
    }
  };
  beat();
  await of.settle();
  return of;
}

const node = (of: Harness, name: string): KubeNode => of.registry.get(resourceTypes.nodes, undefined, name) as KubeNode;
const taints = (of: Harness, name: string): string[] => (node(of, name).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const pod = (of: Harness, name: string): Pod | undefined => of.registry.get(resourceTypes.pods, 'default', name) as Pod | undefined;

const waits: Toleration[] = ['not-ready', 'unreachable'].map((key) => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

describe('node lifecycle', () => {
  it('takes the initial taint off a node that is ready, and leaves it alone while its lease is renewed', async () => {
    const of = await start(['a']);
    expect(taints(of, 'a')).toEqual([]);
    await of.advance(600);
    expect(conditionOf(node(of, 'a').status?.conditions, 'Ready')?.status).toBe('True');
    expect(taints(of, 'a')).toEqual([]);
  });

  it('marks a silent node unreachable after the grace period, evicts after the toleration, and forgives when it reports', async () => {
    const of = await start(['a', 'b'], waits);
    await of.advance(100);
    beating.delete('a');
    await of.advance(45);
    expect(conditionOf(node(of, 'a').status?.conditions, 'Ready')?.status).toBe('True');
    await of.advance(20);
    expect(conditionOf(node(of, 'a').status?.conditions, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'NodeStatusUnknown' });
    expect(taints(of, 'a')).toEqual(['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute']);
    expect(conditionOf(pod(of, 'on-a')?.status?.conditions, 'Ready')?.status).toBe('False');
    expect(conditionOf(pod(of, 'on-b')?.status?.conditions, 'Ready')?.status).toBe('True');

    // A lease alone does not bring it back: the kubelet must report.
    beating.add('a');
    await of.advance(60);
    expect(taints(of, 'a')).toHaveLength(2);
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: formatTime(of.clock.now()) }];
    await of.registry.mutate(
      resourceTypes.nodes,
      undefined,
      'a',
      (object) => ({ ...object, status: { ...(object.status as object), conditions } }),
      {
        subresource: 'status',
      },
    );
    await of.settle();
    expect(taints(of, 'a')).toEqual([]);
    await of.advance(400);
    expect(pod(of, 'on-a')?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('evicts when the toleration is over', async () => {
    const of = await start(['a', 'b'], waits);
    beating.delete('a');
    await of.advance(60);
    expect(taints(of, 'a')).toContain('node.kubernetes.io/unreachable:NoExecute');
    const gone: string[] = [];
    of.registry.watch(resourceTypes.pods, (event) => {
      const { name, deletionTimestamp } = event.object.metadata;
      const reason = conditionOf((event.object as Pod).status?.conditions, 'DisruptionTarget')?.reason;
      if (deletionTimestamp !== undefined) gone.push(`${name} ${reason}`);
    });
    await of.advance(280);
    expect(gone).toEqual([]);
    await of.advance(30);
    expect(gone[0]).toBe('on-a DeletionByTaintManager');
    expect(pod(of, 'on-b')).toBeDefined();
  });

  it('reacts at once to a kubelet that says it is not ready', async () => {
    const of = await start(['a', 'b'], waits);
    const conditions = [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady' }];
    await of.registry.mutate(
      resourceTypes.nodes,
      undefined,
      'a',
      (object) => ({ ...object, status: { ...(object.status as object), conditions } }),
      {
        subresource: 'status',
      },
    );
    await of.settle();
    expect(taints(of, 'a')).toEqual(['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute']);
  });

  it('taints a cordoned node and one under pressure, and keeps the node’s own taints', async () => {
    const of = await start(['a']);
    await of.registry.mutate(resourceTypes.nodes, undefined, 'a', (object) => ({
      ...object,
      spec: { unschedulable: true, taints: [{ key: 'mine', value: 'x', effect: 'NoSchedule' }] },
    }));
    const conditions = [
      { type: 'Ready', status: 'True' },
      { type: 'MemoryPressure', status: 'True' },
    ];
    await of.registry.mutate(
      resourceTypes.nodes,
      undefined,
      'a',
      (object) => ({ ...object, status: { ...(object.status as object), conditions } }),
      {
        subresource: 'status',
      },
    );
    await of.settle();
    expect(taints(of, 'a').sort()).toEqual([
      'mine:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });

  it('evicts the nodes of a zone one in ten seconds, and none while every node is out', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const of = await start(names);
    for (const name of ['a', 'b', 'c']) beating.delete(name);
    await of.advance(56);
    const evicting = (): number => names.filter((name) => taints(of, name).some((taint) => taint.endsWith('NoExecute'))).length;
    expect(evicting()).toBe(1);
    await of.advance(10);
    expect(evicting()).toBe(2);
    await of.advance(10);
    expect(evicting()).toBe(3);
  });

  it('leaves all pods alone when the whole cluster is silent', async () => {
    const of = await start(['a', 'b']);
    beating.clear();
    await of.advance(300);
    expect(taints(of, 'a')).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    expect(pod(of, 'on-a')).toBeDefined();
  });
});

describe('pod garbage', () => {
  it('collects the pods of a deleted node after the quarantine', async () => {
    const of = await start(['a', 'b']);
    const phases: string[] = [];
    of.registry.watch(resourceTypes.pods, (event) => {
      const { status, metadata } = event.object as Pod;
      if (metadata.name === 'on-a' && event.type !== 'ADDED')
        phases.push(`${status?.phase} ${conditionOf(status?.conditions, 'DisruptionTarget')?.message}`);
    });
    await of.registry.delete(resourceTypes.nodes, undefined, 'a');
    await of.advance(39);
    expect(pod(of, 'on-a')).toBeDefined();
    await of.advance(2);
    expect(pod(of, 'on-a')).toBeUndefined();
    expect(phases[0]).toBe('Failed PodGC: node no longer exists');
    expect(pod(of, 'on-b')).toBeDefined();
  });

  it('spares the pods of a node that comes back in time', async () => {
    const of = await start(['a']);
    await of.registry.delete(resourceTypes.nodes, undefined, 'a');
    await of.advance(20);
    await of.registry.create(resourceTypes.nodes, readyNode('a'));
    await of.advance(100);
    expect(pod(of, 'on-a')).toBeDefined();
  });
});

describe('time that a pod stands taints', () => {
  const taint = (key: string) => ({ key, effect: 'NoExecute' });
  const of = (tolerations: Toleration[]): Pod => ({ metadata: { name: 'p' }, spec: { containers: [], tolerations } });

  it('is the shortest of the tolerations that are used, none when a taint is not tolerated', () => {
    expect(toleratedSeconds(of([]), [taint('x')])).toBeUndefined();
    expect(toleratedSeconds(of([{ operator: 'Exists' }]), [taint('x')])).toBe(Number.POSITIVE_INFINITY);
    const both = [
      { key: 'x', operator: 'Exists', tolerationSeconds: 60 },
      { key: 'y', operator: 'Exists', tolerationSeconds: 5 },
    ];
    expect(toleratedSeconds(of(both), [taint('x')])).toBe(60);
    expect(toleratedSeconds(of(both), [taint('x'), taint('y')])).toBe(5);
  });
});
