import { afterEach, describe, expect, it } from 'vitest';
import { createInterner, formatTime, projectNode, type Decision } from '../../core/model/index.ts';
import { seededRandom } from '../../core/runtime/index.ts';
import { defaultActuationConfig, defaultNodesHealthConfig, type NodesConfig } from '../config.ts';
import { defaultGroupOptions, defaultLoopOptions } from '../engine/loop/index.ts';
import { FakeCluster } from './cluster.fixture.ts';
import { houseEngine } from './house-engine.ts';
import { createNodesController, type NodesController } from './nodes-controller.ts';

const second = 1_000;
const minute = 60 * second;
const taint = 'ToBeDeletedByClusterAutoscaler';
const candidate = 'DeletionCandidateOfClusterAutoscaler';

const running: { readonly controller: NodesController; readonly cluster: FakeCluster }[] = [];

afterEach(async () => {
  for (const { controller, cluster } of running.splice(0)) {
    const stopped = controller.stop();
    await cluster.clock.advance(minute);
    await stopped;
  }
});

interface Running {
  readonly controller: NodesController;
  readonly decisions: Decision[];
}

function start(cluster: FakeCluster, overrides: Partial<NodesConfig> = {}): Running {
  const decisions: Decision[] = [];
  const controller = createNodesController(
    {
      client: cluster.client(),
      fence: cluster.fence,
      reads: cluster.reads(),
      provider: cluster.cloud,
      intents: () => [],
      clock: cluster.clock,
      random: seededRandom(1),
      events: cluster.eventSink,
      logger: cluster.logger,
      registry: cluster.registry,
      config: {
        loop: defaultLoopOptions,
        group: { ...defaultGroupOptions, cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 } },
        actuation: defaultActuationConfig,
        health: defaultNodesHealthConfig,
        frequentLoops: true,
        namespace: 'concertina-system',
        statusConfigMap: 'cluster-autoscaler-status',
        duplicatedEvents: false,
        groupMetrics: true,
        dryRun: false,
        ...overrides,
      },
      onDecision: (decision) => decisions.push(decision),
    },
    houseEngine,
  );
  running.push({ controller, cluster });
  controller.start();
  return { controller, decisions };
}

/** Group `general` of nodes with 4 cores, with so many nodes that run. */
function cluster(size = 1, group: { minSize?: number; maxSize?: number } = {}): FakeCluster {
  const made = new FakeCluster();
  const { cloud } = made;
  Object.assign(cloud.group('general'), group);
  cloud.group('general').targetSize = size;
  cloud.group('general').template = {
    node: projectNode(
      {
        metadata: { name: 'template', labels: { pool: 'general' } },
        status: {
          capacity: { cpu: '4', memory: '16Gi', pods: '110' },
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(made.clock.now() - 3_600_000) }],
        },
      },
      createInterner(),
    ),
    pods: [],
  };
  for (let index = 0; index < size; index += 1) made.addMember('general', `n${index}`, { labels: { pool: 'general' } });
  return made;
}

function pending(made: FakeCluster, count: number, cpu = '2'): void {
  for (let index = 0; index < count; index += 1) {
    made.addPod({ name: `p${index}`, cpu, unschedulable: true, owner: { kind: 'ReplicaSet', name: 'web' } });
  }
}

function events(made: FakeCluster, reason: string): string[] {
  return made.events.filter((event) => event.reason === reason).map(({ on, message }) => `${on}: ${message}`);
}

describe('the node controller', () => {
  it('buys nodes for pods that wait, at once, and tells pods, status and metrics', async () => {
    const made = cluster(1);
    const { decisions } = start(made);
    await made.clock.advance(3 * second);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    pending(made, 8);
    await made.clock.advance(2 * second);
    // Two fit onto the node that is there.
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual(['increase general 3']);
    expect(events(made, 'TriggeredScaleUp')).toHaveLength(6);
    expect(decisions.find(({ reason }) => reason === 'ScaledUpGroup')).toMatchObject({ from: 1, to: 4, target: { name: 'general' } });
    const metrics = await made.registry.metrics();
    expect(metrics).toContain('cluster_autoscaler_scaled_up_nodes_total{gpu_resource_name="",gpu_name="",dra_drivers=""} 3');
    expect(metrics).toContain('cluster_autoscaler_node_group_target_count{node_group="general"} 4');
    expect(metrics).toMatch(/cluster_autoscaler_function_duration_seconds_count\{function="main"\} \d+/);
    expect(metrics).toContain('cluster_autoscaler_nodes_count{state="ready"} 1');
  });

  it('waits for further pods as long as they come, and buys as soon as no more do', async () => {
    const made = cluster(0);
    start(made);
    await made.clock.advance(5 * second);
    for (let at = 0; at < 4; at++) {
      made.addPod({ name: `new-${at}`, cpu: '3', unschedulable: true, ageMs: 0 });
      await made.clock.advance(300);
      expect(made.cloud.calls.filter((call) => call.startsWith('increase'))).toEqual([]);
    }
    await made.clock.advance(500);
    expect(made.cloud.calls).toContain('increase general 4');
  });

  it('waits for further pods no longer than two seconds', async () => {
    const made = cluster(0);
    start(made);
    await made.clock.advance(5 * second);
    const bought = (): boolean => made.cloud.calls.some((call) => call.startsWith('increase'));
    let waitedMs = 0;
    for (; !bought() && waitedMs < 10 * second; waitedMs += 200) {
      made.addPod({ name: `new-${waitedMs}`, cpu: '100m', unschedulable: true, ageMs: 0 });
      await made.clock.advance(200);
    }
    expect(waitedMs).toBeGreaterThanOrEqual(2 * second);
    expect(waitedMs).toBeLessThan(3 * second);
  });

  it('writes the status ConfigMap that upstream writes', async () => {
    const made = cluster(1);
    start(made);
    pending(made, 4);
    await made.clock.advance(5 * second);
    const map = made.configMaps.get('concertina-system/cluster-autoscaler-status');
    const { status = '' } = (map?.['data'] ?? {}) as { status?: string };
    expect(status).toContain('autoscalerStatus: Running');
    expect(status).toMatch(/- health:\n    cloudProviderTarget: 2\n[^]*  name: general\n[^]*status: InProgress/);
    expect(map?.metadata.annotations?.['cluster-autoscaler.kubernetes.io/last-updated']).toMatch(
      /^2026-01-01 12:00:0\d(\.\d+)? \+0000 UTC$/,
    );
  });

  it('says why no pool helps', async () => {
    const made = cluster(1, { maxSize: 1 });
    start(made);
    pending(made, 4);
    await made.clock.advance(5 * second);
    expect(events(made, 'NotTriggerScaleUp')[0]).toMatch(/^Pod\/p\d: pod didn't trigger scale-up: 1 max node group size reached/);
    // Once in five minutes.
    await made.clock.advance(4 * minute);
    expect(events(made, 'NotTriggerScaleUp')).toHaveLength(2);
    await made.clock.advance(2 * minute);
    expect(events(made, 'NotTriggerScaleUp')).toHaveLength(4);
  });

  it('removes a node that was not needed for ten minutes: soft taint, taint, cordon, cloud, events, status', async () => {
    const made = cluster(3, { minSize: 1 });
    made.setPolicy('general', { groups: [{ name: 'general' }] });
    made.addPod({ name: 'busy', node: 'n0', cpu: '3', owner: { kind: 'ReplicaSet', name: 'web' } });
    made.controllers.set('ReplicaSet/default/web', {
      kind: 'ReplicaSet',
      namespace: 'default',
      name: 'web',
      uid: 'uid-web',
      specReplicas: 1,
      statusReplicas: 1,
    });
    const { controller } = start(made);
    await made.clock.advance(minute);
    expect(['n1', 'n2'].map((name) => made.taintsOf(name))).toEqual([[candidate], [candidate]]);
    expect(made.policies.get('general')?.status).toMatchObject({
      nodes: 3,
      minNodes: 1,
      maxNodes: 10,
      readyNodes: 3,
      unneededNodes: 2,
      groups: [
        {
          name: 'general',
          targetSize: 3,
          ready: 3,
          health: 'Healthy',
          unneededCount: 2,
          unneeded: [{ node: 'n1', reason: 'NotUnneededLongEnough' }, { node: 'n2' }],
        },
      ],
    });
    await made.clock.advance(9 * minute + 30 * second);
    expect(['n1', 'n2'].map((name) => made.taintsOf(name))).toEqual([
      [candidate, taint],
      [candidate, taint],
    ]);
    expect(controller.report()?.deletions).toHaveLength(0);
    await made.clock.advance(10 * second);
    expect(made.cloud.calls.filter((call) => call.startsWith('delete')).toSorted()).toEqual([
      'delete general fake:///n1',
      'delete general fake:///n2',
    ]);
    expect(events(made, 'ScaleDown')).toContain('Node/n1: nodes removed by cluster autoscaler');
    expect(events(made, 'ScaleDownEmpty')).toContain('ConfigMap/cluster-autoscaler-status: Scale-down: empty node n1 removed');
    expect(await made.registry.metrics()).toMatch(/scaled_down_nodes_total\{reason="empty",[^}]*\} 2/);
    await made.clock.advance(minute);
    expect(made.policies.get('general')?.status).toMatchObject({ nodes: 1, groups: [{ lastScaleDownTime: expect.any(String) }] });
  });

  it('keeps a disruption budget, and says that it is one', async () => {
    const made = cluster(4, { minSize: 0 });
    made.setPolicy('general', { groups: [{ name: 'general' }], disruption: { maxNodes: 1 }, cooldown: { scaleDownSeconds: 0 } });
    const { controller } = start(made);
    await made.clock.advance(10 * minute + 12 * second);
    expect(
      controller
        .report()
        ?.nodes.filter(({ unremovable }) => unremovable === 'NodeGroupMaxDeletionCountReached')
        .map(({ message }) => message),
    ).toContain('Group general may lose 1 nodes at once (disruption.maxNodes of its policy).');
    const marked = ['n0', 'n1', 'n2', 'n3'].filter((name) => made.taintsOf(name).includes(taint));
    expect(marked).toHaveLength(1);
    expect(controller.report()?.groups).toMatchObject([{ minSize: 0 }]);
  });

  it('leaves a group alone that two policies select, and lets both name the other', async () => {
    const made = cluster(1);
    made.setPolicy('a', { groups: [{ name: 'general' }] });
    made.setPolicy('b', { groups: [{ pattern: 'gen*' }] });
    start(made);
    pending(made, 8);
    await made.clock.advance(minute);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    expect([made.conditionOf('a', 'Held'), made.conditionOf('b', 'Held')]).toEqual(['True/Conflict', 'True/Conflict']);
    made.policies.delete('b');
    await made.clock.advance(minute);
    expect(made.cloud.calls).toContain('increase general 3');
    expect(made.conditionOf('a', 'Held')).toBe('False/NotHeld');
  });

  it.each([
    ['DryRun', 'True/DryRun'],
    ['Paused', 'True/Paused'],
  ])('decides and shows, and changes nothing, in mode %s', async (mode, held) => {
    const made = cluster(1);
    made.setPolicy('general', { groups: [{ name: 'general' }], mode });
    const { decisions } = start(made);
    pending(made, 8);
    await made.clock.advance(15 * minute);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    expect(made.nodeWrites).toEqual([]);
    expect(made.conditionOf('general', 'Held')).toBe(held);
    expect(decisions.at(-1)).toMatchObject({ subject: { kind: 'NodePoolPolicy', name: 'general' } });
  });

  it('tells a policy that is wrong, and leaves its group alone', async () => {
    const made = cluster(1);
    made.setPolicy('general', { groups: [{ name: 'general' }], maxSize: 'many' });
    start(made);
    pending(made, 8);
    await made.clock.advance(10 * second);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    expect(made.conditionOf('general', 'Accepted')).toBe('False/InvalidPolicy');
    expect(made.conditionOf('general', 'Held')).toBe('True/InvalidPolicy');
  });

  it('tells a policy that selects nothing', async () => {
    const made = cluster(1);
    made.setPolicy('typo', { groups: [{ name: 'genral' }] });
    start(made);
    await made.clock.advance(10 * second);
    expect(made.conditionOf('typo', 'GroupsFound')).toBe('False/NoGroupMatched');
  });

  it('writes nothing at all in a dry run', async () => {
    const made = cluster(3);
    made.setPolicy('general', { groups: [{ name: 'general' }] });
    start(made, { dryRun: true });
    pending(made, 40);
    await made.clock.advance(15 * minute);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    expect([made.nodeWrites, made.statusPatches, [...made.configMaps]]).toEqual([[], [], []]);
  });

  it('does not act beside another cluster autoscaler', async () => {
    const made = cluster(1);
    const lease = (renewTime: string): void => {
      made.leases.set('kube-system/cluster-autoscaler', {
        metadata: { name: 'cluster-autoscaler', namespace: 'kube-system' },
        spec: { holderIdentity: 'ca-7d9', leaseDurationSeconds: 15, renewTime },
      });
    };
    lease(formatTime(made.clock.now()));
    made.setPolicy('general', { groups: [{ name: 'general' }] });
    start(made);
    pending(made, 8);
    await made.clock.advance(20 * second);
    expect(made.cloud.calls.filter((call) => call !== 'refresh')).toEqual([]);
    expect(made.conditionOf('general', 'Held')).toBe('True/Conflict');
    // It is not renewed any more.
    await made.clock.advance(2 * minute);
    expect(made.cloud.calls).toContain('increase general 3');
  });

  it('keeps cooldowns over a restart', async () => {
    const made = cluster(1);
    start(made);
    pending(made, 4);
    await made.clock.advance(5 * second);
    expect(made.cloud.calls).toContain('increase general 1');
    const first = running.pop();
    await first?.controller.stop();
    pending(made, 12);
    start(made);
    await made.clock.advance(2 * minute);
    expect(made.cloud.calls.filter((call) => call.startsWith('increase'))).toEqual(['increase general 1']);
    await made.clock.advance(2 * minute);
    expect(made.cloud.calls.filter((call) => call.startsWith('increase'))).toHaveLength(2);
  });

  it('keeps over a restart how long nodes have not been needed, unless nobody watched them meanwhile', async () => {
    const removalsAfter = async (silenceMs: number, candidateTtlMs = 30 * minute): Promise<readonly string[]> => {
      const made = cluster(2, { minSize: 1 });
      const overrides = { loop: { ...defaultLoopOptions, candidateTtlMs } };
      start(made, overrides);
      await made.clock.advance(8 * minute);
      const first = running.pop();
      await first?.controller.stop();
      await made.clock.advance(silenceMs);
      start(made, overrides);
      await made.clock.advance(3 * minute);
      return made.cloud.calls.filter((call) => call.startsWith('delete'));
    };
    expect(await removalsAfter(second)).toHaveLength(1);
    expect(await removalsAfter(35 * minute)).toHaveLength(0);
    // --node-deletion-candidate-ttl: neither what was saved nor the soft taints count for longer; 0: not at all.
    expect(await removalsAfter(35 * minute, 60 * minute)).toHaveLength(1);
    expect(await removalsAfter(5 * minute, 4 * minute)).toHaveLength(0);
    expect(await removalsAfter(second, 0)).toHaveLength(0);
  });

  it('keeps a backoff over a restart, and starts afresh from what cannot be read', async () => {
    const made = cluster(1);
    made.cloud.refusal = { class: 'out-of-resources', code: 'InsufficientInstanceCapacity', message: 'no m5.large' };
    start(made);
    pending(made, 4);
    await made.clock.advance(5 * second);
    const asked = (): number => made.cloud.calls.filter((call) => call.startsWith('increase')).length;
    expect(asked()).toBe(1);
    const restart = async (): Promise<void> => {
      await running.pop()?.controller.stop();
      start(made);
      await made.clock.advance(minute);
    };
    await restart();
    expect(asked()).toBe(1);
    made.configMaps.set('concertina-system/cluster-autoscaler-status', {
      metadata: { namespace: 'concertina-system', name: 'cluster-autoscaler-status' },
      data: { 'concertina.memory': '{"version":1,"loop":{"version":7}}' },
    });
    await restart();
    expect(asked()).toBe(2);
    expect(made.logger.lines.map(({ message }) => message)).toContain('the saved state of the loop is not used: it cannot be read');
  });

  it('takes taints of an earlier run back at its start', async () => {
    const made = cluster(2, { minSize: 2 });
    const raw = made.nodes.get('n1');
    if (raw === undefined) throw new Error('no node');
    made.nodes.set('n1', {
      ...raw,
      spec: { ...(raw.spec as object), unschedulable: true, taints: [{ key: taint, value: '1', effect: 'NoSchedule' }] },
    });
    start(made);
    await made.clock.advance(5 * second);
    expect(made.record('n1')).toMatchObject({ taints: [], unschedulable: false });
  });

  it('removes nothing while pods and nodes are not heard of', async () => {
    const made = cluster(3);
    start(made);
    await made.clock.advance(9 * minute);
    made.mirrorAgeMs = 5 * minute;
    await made.clock.advance(10 * minute);
    expect(made.cloud.calls.some((call) => call.startsWith('delete'))).toBe(false);
    made.mirrorAgeMs = 0;
    await made.clock.advance(15 * minute);
    expect(made.cloud.calls.some((call) => call.startsWith('delete'))).toBe(true);
  });

  it('goes on after a cloud that cannot be read, and says so', async () => {
    const made = cluster(1);
    const { controller } = start(made);
    await made.clock.advance(5 * second);
    made.cloud.refreshError = new Error('the cloud is away');
    pending(made, 4);
    await made.clock.advance(minute);
    expect(made.cloud.calls.filter((call) => call.startsWith('increase'))).toEqual([]);
    expect(made.logger.lines.some(({ message, fields }) => message.includes('has failed') && fields['error'] === 'the cloud is away')).toBe(
      true,
    );
    expect(controller.health()).toBeUndefined();
    await made.clock.advance(15 * minute);
    expect(controller.health()).toMatch(/no loop of the node controller has succeeded/);
    made.cloud.refreshError = undefined;
    await made.clock.advance(15 * second);
    expect(controller.health()).toBeUndefined();
    expect(made.cloud.calls.filter((call) => call.startsWith('increase'))).toHaveLength(1);
  });

  it('shows a backoff in the policy until it ends', async () => {
    const made = cluster(1);
    made.setPolicy('general', { groups: [{ name: 'general' }] });
    made.cloud.refusal = { class: 'out-of-resources', code: 'InsufficientInstanceCapacity', message: 'no m5.large' };
    start(made);
    pending(made, 4);
    await made.clock.advance(5 * second);
    expect(made.conditionOf('general', 'Healthy')).toBe('False/Backoff');
    expect(made.policies.get('general')?.status).toMatchObject({
      groups: [
        { scaleUp: 'Backoff', backoff: { code: 'InsufficientInstanceCapacity', message: 'no m5.large', until: expect.any(String) } },
      ],
    });
    expect(await made.registry.metrics()).toMatch(/failed_scale_ups_total\{reason="InsufficientInstanceCapacity"[^}]*\} 1/);
    made.cloud.refusal = undefined;
    await made.clock.advance(6 * minute);
    expect(made.conditionOf('general', 'Healthy')).toBe('True/Healthy');
  });

  it('writes the status of a policy only when something in it has changed', async () => {
    const made = cluster(1, { minSize: 1 });
    made.setPolicy('general', { groups: [{ name: 'general' }] });
    start(made);
    made.addMember('general', 'spare');
    made.cloud.group('general').targetSize = 2;
    await made.clock.advance(minute);
    const writes = made.statusPatches.length;
    expect(made.policies.get('general')?.status).toMatchObject({ unneededNodes: 2 });
    await made.clock.advance(9 * minute);
    expect(made.statusPatches.length).toBe(writes);
  });
});
