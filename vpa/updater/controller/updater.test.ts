import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import type { JsonPatchOperation } from '../../../core/kube/api.ts';
import { selectEverything } from '../../../core/model/selector.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { recommended, start } from '../engine/builders.fixture.ts';
import { FakeCluster, statusError } from './cluster.fixture.ts';
import type { Updater, UpdaterOptions } from './ports.ts';
import type { UpdaterConfig } from '../../config.ts';
import { createUpdater } from './updater.ts';

const inPlace = { updateMode: 'InPlaceOrRecreate', actuation: 'InPlaceOrRecreate' } as const;
const key = 'VerticalPolicy/shop/web';

function setup(
  pods = 4,
  more: Partial<UpdaterOptions> = {},
  config: Partial<UpdaterConfig> = {},
): { readonly cluster: FakeCluster; readonly updater: Updater } {
  const cluster = new FakeCluster();
  cluster.addPods(pods);
  cluster.setPolicy();
  return { cluster, updater: createUpdater(cluster.options(more, config)) };
}

function skipsOf(updater: Updater): readonly string[] {
  return updater.planOf(key)?.skips.map(({ code }) => code) ?? [];
}

function holdsOf(updater: Updater): readonly string[] {
  return updater.planOf(key)?.skips.flatMap(({ hold }) => hold?.by ?? []) ?? [];
}

describe('a pass of the updater', () => {
  it('evicts through the Eviction API, says so as upstream does, and counts from then', async () => {
    const { cluster, updater } = setup();
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-0', 'evict web-1']);
    expect(cluster.events.slice(0, 2)).toEqual([
      {
        on: 'Pod/web-0',
        reason: 'EvictedByVPA',
        type: 'Normal',
        message: 'Pod was evicted by VPA Updater to apply resource recommendation.',
      },
      {
        on: 'VerticalPolicy/web',
        reason: 'EvictedPod',
        type: 'Normal',
        message: 'VPA Updater evicted Pod web-0 to apply resource recommendation.',
      },
    ]);
    expect(cluster.histories.get(key)).toEqual({ lastScaleUp: start });
    expect(updater.decisions()).toEqual(cluster.decisions);
    expect(updater.decisions()[0]).toMatchObject({ dimension: 'requests/cpu/app', from: 100, to: 250 });
    expect(updater.lastPass()).toBe(0);
  });

  it('resizes in place under tests of uid and version, then annotates', async () => {
    const { cluster, updater } = setup();
    cluster.setPolicy(inPlace);
    await updater.runOnce();
    expect(cluster.calls).toEqual(['resize web-0', 'patch Pod web-0', 'resize web-1', 'patch Pod web-1']);
    expect(cluster.patches.slice(0, 2)).toEqual([
      {
        type: 'json',
        body: [
          { op: 'test', path: '/metadata/uid', value: 'uid-web-0' },
          { op: 'test', path: '/metadata/resourceVersion', value: '1' },
          { op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '250m' },
        ],
      },
      {
        type: 'json',
        body: [
          { op: 'test', path: '/metadata/uid', value: 'uid-web-0' },
          { op: 'add', path: '/metadata/annotations', value: {} },
          { op: 'add', path: '/metadata/annotations/vpaInPlaceUpdated', value: 'true' },
        ],
      },
    ]);
    expect(cluster.events[0]).toMatchObject({ on: 'Pod/web-0', reason: 'InPlaceResizedByVPA' });
  });

  it('takes back a boost with its annotation', async () => {
    const cluster = new FakeCluster();
    const annotations = { 'vpaCpuStartupBoost/app': '{"requests":{"cpu":"100m"},"limits":{}}' };
    cluster.addPods(2, { cpu: '500m', annotations });
    cluster.setPolicy({ updateMode: 'Off', actuation: 'Off' });
    const updater = createUpdater(cluster.options());
    await updater.runOnce();
    expect(cluster.calls).toEqual(['resize web-0', 'patch Pod web-0']);
    const bodies = cluster.patches.map(({ body }) => body as JsonPatchOperation[]);
    expect(bodies[0]).toContainEqual({ op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '100m' });
    expect(bodies[1]).toContainEqual({ op: 'remove', path: '/metadata/annotations/vpaCpuStartupBoost~1app' });
    expect(cluster.histories.size).toBe(0);
  });

  it('falls back to eviction when the resize is refused', async () => {
    const { cluster, updater } = setup(2);
    cluster.setPolicy(inPlace);
    cluster.failures = [
      statusError(422, 'Invalid', 'Pod QOS Class may not change'),
      statusError(422, 'Invalid', 'Pod QOS Class may not change'),
    ];
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-0']);
    expect(await cluster.registry.getSingleMetricAsString('vpa_updater_failed_in_place_update_attempts_total')).toMatch(
      /reason="InPlaceUpdateError"\} 2/,
    );
  });

  it('remembers in mode InPlace what the node is too small for', async () => {
    const { cluster, updater } = setup(2);
    cluster.setPolicy({ updateMode: 'InPlace', actuation: 'InPlace', cooldown: { scaleUpMs: 0, scaleDownMs: 0 } });
    const tooSmall = statusError(403, 'Forbidden', `pods "web-0" is forbidden: node didn't have enough allocatable resources: cpu`);
    cluster.failures = [tooSmall, tooSmall];
    await updater.runOnce();
    expect(cluster.calls).toEqual([]);
    await updater.runOnce();
    expect(skipsOf(updater)).toEqual(['infeasible', 'infeasible']);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['InPlaceResizeSkipped', 'InPlaceResizeSkipped']);
  });

  it('writes nothing in a dry run, and decides all the same', async () => {
    const { cluster, updater } = setup(4, { dryRun: true });
    await updater.runOnce();
    expect([...cluster.calls, ...cluster.events]).toEqual([]);
    expect(cluster.decisions[0]).toMatchObject({ from: 100, to: 100, wanted: 250, holds: [{ by: 'dry-run' }, { by: 'dry-run' }] });
  });

  it('holds when this copy does not lead, and is no error', async () => {
    const { cluster, updater } = setup();
    cluster.fencedBy = 'another copy holds the lease';
    await updater.runOnce();
    expect(new Set(holdsOf(updater))).toEqual(new Set(['not-leader']));
    expect(cluster.histories.size).toBe(0);
  });

  it('evicts nobody while the admission is not known to work', async () => {
    const { cluster, updater } = setup();
    cluster.health = { ok: false, message: 'the webhook is not registered' };
    await updater.runOnce();
    expect(cluster.calls).toEqual([]);
    expect(new Set(holdsOf(updater))).toEqual(new Set(['missing-data']));
  });

  it('does nothing before the pods are known', async () => {
    const { cluster, updater } = setup(4, { pods: () => undefined });
    await updater.runOnce();
    expect(cluster.calls).toEqual([]);
    expect(updater.decisions()).toEqual([]);
    expect(updater.lastPass()).toBeUndefined();
  });

  it('leaves a target to the policy that acts on it already', async () => {
    const { cluster, updater } = setup();
    const rival = cluster.setPolicy({
      reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'younger' },
    });
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-0', 'evict web-1']);
    expect(updater.planOf(rival.key)?.holds).toEqual([
      {
        by: 'conflict',
        message: 'VerticalPolicy web acts on Deployment web already, and one workload is sized by one policy: delete one of the two',
      },
    ]);
  });

  it('goes on with other policies when one throws', async () => {
    const { cluster, updater } = setup(4, {
      historyOf: (each) => {
        if (each.endsWith('/a')) throw new Error('broken');
        return {};
      },
    });
    cluster.setPolicy({ reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'a' } });
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-0', 'evict web-1']);
    expect(cluster.logs.some((line) => line.startsWith('a pass over a policy failed'))).toBe(true);
  });
});

describe('a mirror that lags behind', () => {
  it('evicts no pod that was replaced or changed meanwhile', async () => {
    const { cluster, updater } = setup();
    cluster.mirrored = cluster.view();
    (cluster.pods.get('web-0') as KubeObject).metadata.uid = 'another';
    const web1 = cluster.pods.get('web-1')!;
    web1.spec.containers[0]!.resources.requests.cpu = '250m';
    cluster.pods.delete('web-2');
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-3']);
    expect(skipsOf(updater)).toEqual(['gone', 'gone', 'gone']);
  });

  it('does not let the tolerance be exceeded by the pass after', async () => {
    const { cluster, updater } = setup();
    cluster.setPolicy({ cooldown: { scaleUpMs: 0, scaleDownMs: 0 } });
    cluster.mirrored = cluster.view();
    await updater.runOnce();
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-0', 'evict web-1']);
    expect(skipsOf(updater)).toEqual(['gone', 'gone', 'disruption-tolerance', 'disruption-tolerance']);
  });

  it('counts an eviction whose answer was lost', async () => {
    const { cluster, updater } = setup();
    cluster.failures = [new ConcertinaError('API_UNREACHABLE', 'no answer')];
    await updater.runOnce();
    expect(cluster.calls).toEqual(['evict web-1']);
    expect(cluster.histories.get(key)).toEqual({ lastScaleUp: start });
  });

  it('resizes again when somebody wrote in between', async () => {
    const { cluster, updater } = setup(2);
    cluster.setPolicy(inPlace);
    let reads = 0;
    const options = cluster.options();
    const racing = createUpdater({
      ...options,
      client: {
        ...options.client,
        get: async (type, at, more) => {
          const raw = structuredClone(await options.client.get<KubeObject>(type, at, more));
          reads += 1;
          if (reads === 1) cluster.pods.get('web-0')!.metadata.resourceVersion = '5';
          return raw as never;
        },
      },
    });
    await racing.runOnce();
    expect(cluster.calls).toEqual(['resize web-0', 'patch Pod web-0']);
    expect(reads).toBe(3);
    await updater.stop();
  });
});

describe('a PodDisruptionBudget', () => {
  const refusal = statusError(429, 'TooManyRequests', 'Cannot evict pod', [
    { reason: 'DisruptionBudget', message: 'The disruption budget web-pdb needs 4 healthy pods and has 4 currently' },
  ]);

  it('that refuses is a hold that names it', async () => {
    const { cluster, updater } = setup();
    cluster.failures = [refusal, refusal, refusal, refusal];
    await updater.runOnce();
    expect(holdsOf(updater)).toEqual(Array.from({ length: 4 }, () => 'disruption-budget'));
    expect(updater.planOf(key)?.skips[0]?.message).toMatch(/^PodDisruptionBudget web-pdb does not let pod web-0 go now/);
    expect(await cluster.registry.getSingleMetricAsString('vpa_updater_failed_eviction_attempts_total')).toMatch(
      /reason="EvictionError"\} 4/,
    );
  });

  it('that is known to be full is not asked', async () => {
    const { cluster, updater } = setup();
    cluster.failures = [new Error('asked')];
    cluster.pdbs = [
      {
        namespace: 'shop',
        name: 'web-pdb',
        uid: 'pdb',
        selector: selectEverything,
        minAvailable: undefined,
        maxUnavailable: undefined,
        unhealthyPodEvictionPolicy: 'IfHealthyBudget',
        disruptionsAllowed: 0,
        currentHealthy: 4,
        desiredHealthy: 4,
        expectedPods: 4,
        generation: 1,
        observedGeneration: 1,
        disruptedPods: [],
      },
    ];
    await updater.runOnce();
    expect(cluster.failures).toHaveLength(1);
    expect(updater.planOf(key)?.skips[0]?.message).toMatch(/^PodDisruptionBudget web-pdb allows no more disruption now/);
  });
});

describe('a roll by surge', () => {
  function single(): ReturnType<typeof setup> {
    const made = setup(1);
    made.cluster.setPolicy({ singleReplica: 'Surge' });
    return made;
  }

  it('annotates the pod template under the version that was read', async () => {
    const { cluster, updater } = single();
    await updater.runOnce();
    expect(cluster.calls).toEqual(['patch Deployment web']);
    expect(cluster.patches[0]).toEqual({
      type: 'merge',
      body: {
        metadata: { uid: 'uid-web', resourceVersion: '7' },
        spec: { template: { metadata: { annotations: { 'concertina.dev/resized-at': '2026-01-02T12:00:00Z' } } } },
      },
    });
    expect(cluster.events).toMatchObject([{ on: 'VerticalPolicy/web', reason: 'RolledWorkload' }]);
    expect(cluster.histories.get(key)).toEqual({ lastScaleUp: start });
  });

  it.each<[string, object, RegExp]>([
    ['paused', { spec: { replicas: 1, paused: true } }, /rollout is paused/],
    ['scaled', { spec: { replicas: 3 } }, /3 replicas/],
    ['Recreate', { spec: { replicas: 1, strategy: { type: 'Recreate' } } }, /Recreate/],
    ['not observed', { status: { observedGeneration: 0, replicas: 1, updatedReplicas: 1, availableReplicas: 1 } }, /not been taken up/],
    ['rolling', { status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 1 } }, /1 of 2 pods updated/],
    ['unavailable', { status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 } }, /0 available/],
  ])('waits for a Deployment that is %s', async (_, parts, message) => {
    const { cluster, updater } = single();
    cluster.deployment = { ...cluster.deployment, ...parts };
    await updater.runOnce();
    expect(cluster.calls).toEqual([]);
    expect(updater.planOf(key)?.skips[0]?.message).toMatch(message);
  });
});

describe('time', () => {
  it('begins passes an interval after the start, and goes on from interval to interval', async () => {
    const { cluster, updater } = setup();
    updater.start();
    await cluster.clock.advance(59_999);
    expect(cluster.calls).toEqual([]);
    await cluster.clock.advance(1);
    expect(cluster.calls).toHaveLength(2);
    cluster.replace();
    await cluster.clock.advance(120_000);
    expect(cluster.calls).toHaveLength(2);
    await updater.stop();
    expect(cluster.clock.pending).toBe(0);
  });

  it('comes back when a cooldown is over, out of turn', async () => {
    const { cluster, updater } = setup();
    cluster.setPolicy({ cooldown: { scaleUpMs: 70_000, scaleDownMs: 70_000 } });
    updater.start();
    await cluster.clock.advance(60_000);
    expect(cluster.calls).toHaveLength(2);
    cluster.replace();
    // The pass at two minutes finds a cooldown that lasts for ten seconds more.
    await cluster.clock.advance(69_999);
    expect(cluster.calls).toHaveLength(2);
    await cluster.clock.advance(1);
    expect(cluster.calls).toHaveLength(4);
    await updater.stop();
  });

  it('looks early when a recommendation leaps or somebody asks, but not for native objects', async () => {
    const { cluster, updater } = setup(4);
    cluster.setPolicy({}, recommended({ cpu: 100 }));
    updater.start();
    await cluster.clock.advance(10_000);
    expect(cluster.calls).toEqual([]);
    cluster.setPolicy({}, recommended({ cpu: 110 }));
    await cluster.clock.advance(10_000);
    expect(cluster.calls).toEqual([]);
    cluster.setPolicy({}, recommended({ cpu: 300 }));
    await cluster.clock.advance(10_000);
    expect(cluster.calls).toEqual(['evict web-0', 'evict web-1']);
    cluster.setPolicy({ native: true }, recommended({ cpu: 3_000 }));
    updater.hurry(key);
    cluster.replace();
    await cluster.clock.advance(10_000);
    expect(cluster.calls).toHaveLength(2);
    await updater.stop();
  });

  it('ends a pass whose turn does not come within the interval, and tells the rest', async () => {
    const { cluster, updater } = setup(4, {}, { evictionRateLimit: 1 / 120, evictionRateBurst: 1 });
    const pass = updater.runOnce();
    await cluster.clock.advance(60_000);
    await pass;
    expect(cluster.calls).toEqual(['evict web-0']);
    expect(holdsOf(updater)).toEqual(['rate-limit', 'rate-limit', 'rate-limit']);
    expect(cluster.clock.pending).toBe(0);
  });

  it('has one bucket for evictions and one for resizes', async () => {
    const limits = { evictionRateLimit: 1 / 120, evictionRateBurst: 1 };
    const { cluster, updater } = setup(2, {}, limits);
    cluster.setPolicy(inPlace);
    // The first resize is refused, which takes its token all the same; the eviction has its own.
    cluster.failures = [statusError(422, 'Invalid', 'no')];
    cluster.pods.delete('web-1');
    cluster.setPolicy({ ...inPlace, minReplicas: 1 });
    cluster.facts = { ...cluster.facts, replicas: 1 };
    const pass = updater.runOnce();
    await cluster.clock.advance(60_000);
    await pass;
    expect(cluster.calls).toEqual(['evict web-0']);
  });
});

describe('an eviction loop', () => {
  it('is broken after two rounds, with a warning', async () => {
    const { cluster, updater } = setup();
    cluster.setPolicy({ cooldown: { scaleUpMs: 0, scaleDownMs: 0 } });
    cluster.admitted = '100m';
    for (let index = 0; index < 6; index += 1) {
      await updater.runOnce();
      cluster.replace();
      await cluster.clock.advance(60_000);
    }
    expect(cluster.calls).toHaveLength(4);
    const warnings = cluster.events.filter(({ type }) => type === 'Warning');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ on: 'VerticalPolicy/web', reason: 'UpdatesStopped' });
    expect(warnings[0]?.message).toMatch(/^2 updates in a row changed nothing: container app of pod new-\d came back with 100m of cpu/);
    await cluster.clock.advance(600_000);
    await updater.runOnce();
    expect(cluster.calls).toHaveLength(6);
  });
});

describe('metrics', () => {
  it('bear upstream’s names and labels', async () => {
    const { cluster, updater } = setup();
    await updater.runOnce();
    const text = await cluster.registry.metrics();
    expect(text).toContain('vpa_updater_controlled_pods_total{vpa_size_log2="2",update_mode="Recreate"} 4');
    expect(text).toContain('vpa_updater_evictable_pods_total{vpa_size_log2="2",update_mode="Recreate"} 4');
    expect(text).toContain('vpa_updater_vpas_with_evicted_pods_total{vpa_size_log2="2",update_mode="Recreate"} 1');
    expect(text).toContain(
      'vpa_updater_evicted_pods_total{vpa_size_log2="2",update_mode="Recreate",vpa_name="web",vpa_namespace="shop"} 2',
    );
    expect(text).toContain('vpa_updater_execution_latency_seconds_count{step="total"} 1');
  });
});
