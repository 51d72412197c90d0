import { describe, expect, it } from 'vitest';
import {
  cpu,
  explanationOf,
  outage,
  pod,
  pods,
  policy,
  queue,
  queued,
  takenAt,
  usage,
  type Scene,
} from '../compose/explain/scene.fixture.ts';
import { explanationJson, explanationText } from './explanation.ts';

const style = { colour: false, at: takenAt, from: 'https://cluster' };
const text = (scene: Scene): string => explanationText(explanationOf(scene), style);

/** The steps with these titles only. */
function steps(scene: Scene, ...titles: readonly string[]): string {
  const parts = text(scene).split('\n\n');
  return parts.filter((part) => titles.some((title) => part.split('\n')[0]?.endsWith(title))).join('\n\n');
}

const stored = {
  status: {
    observedGeneration: 2,
    currentReplicas: 3,
    desiredReplicas: 3,
    lastScaleUpTime: '2026-11-22T05:59:10Z',
    lastDecision: {
      from: 3,
      to: 3,
      wanted: 7,
      reason: 'CoolingDown',
      message: 'stays at 3 replicas',
      at: '2026-11-22T05:59:45Z',
      holds: [{ by: 'cooldown', until: '2026-11-22T06:02:10Z', message: 'Scale-up waits' }],
    },
    conditions: [
      {
        type: 'AbleToScale',
        status: 'True',
        reason: 'ReadyForNewScale',
        message: 'the wish agrees with the recent ones',
        lastTransitionTime: '2026-11-22T05:00:00Z',
      },
    ],
  },
};

describe('explanationText', () => {
  it('tells a steady state', () => {
    expect(text({ replicas: 4, usage: usage(4, 80) })).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web scales Deployment/web
        stays at 4 replicas: cpu 80 % of request, target 80 % (ratio 1 is within 0.9…1.1)
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Sources asked
         cpu: metrics.k8s.io
           GET /apis/metrics.k8s.io/v1beta1/pods (12 ms)
           samples of 4 of 4 pods, 10s old

      2. Pods
         selector app=web: 4 match, 4 counted, 4 of them ready
         all belong to Deployment/web
         cpu: 4 ready, 0 not ready, 0 without a sample, 0 ignored

      3. What each metric asks for
         * cpu 80 % of request, target 80 %: asks for 4, ratio 1 is within 0.9…1.1
         = cpu resource utilization (percentage of request) asks for most: 4 replicas

      4. Stabilization
         window 5m: 4 stays 4; the wish of 4 replicas agrees with the recent ones
         recent wishes are in the memory of the controller alone: none is known here

      5. Rate policies
         up: ×2 in one evaluation, or to 4; down: at once
         Not limited

      6. Bounds
         min 1, max 10; 4 replicas is within minReplicas 1 and maxReplicas 10

      7. House rules
         conflict: nobody else scales the target
         missing data: all data are whole
         cooldown, scale-up: allowed: no scale-up in the last 3m
         cooldown, scale-down: allowed: no scaling in the last 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: none: nothing shrinks while a metric is unknown

      8. Result
         stays at 4 (wanted 4), WithinTarget

      9. What would have to change
         Grows to 5 replicas when cpu reaches 89 % of request (now 80 % of request)
         Shrinks when cpu falls to 60 % of request (now 80 % of request)

      10. What is stored in status
         nothing
         DIFFERS: no decision is stored: no controller has evaluated this policy; does \`concertina run\` work in this cluster?"
    `);
  });

  it('tells growth that is limited by a rate and held by a cooldown, and what is stored of it', () => {
    expect(text({ replicas: 3, usage: usage(3, 186), policy: policy({}, stored) })).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web scales Deployment/web
        stays at 3 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80)); 7 replicas asked for, but growth from 3 is limited to 6 in one step now; scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Sources asked
         cpu: metrics.k8s.io
           GET /apis/metrics.k8s.io/v1beta1/pods (12 ms)
           samples of 3 of 3 pods, 10s old

      2. Pods
         selector app=web: 3 match, 3 counted, 3 of them ready
         all belong to Deployment/web
         cpu: 3 ready, 0 not ready, 0 without a sample, 0 ignored

      3. What each metric asks for
         * cpu 186 % of request, target 80 %: asks for 7 = ceil(3 × 186 / 80)
         = cpu resource utilization (percentage of request) asks for most: 7 replicas

      4. Stabilization
         window 5m: 7 stays 7; the wish of 7 replicas agrees with the recent ones
         recent wishes are in the memory of the controller alone: none is known here

      5. Rate policies
         up: ×2 in one evaluation, or to 4; down: at once
         7 replicas asked for, but growth from 3 is limited to 6 in one step now

      6. Bounds
         min 1, max 10; not limited

      7. House rules
         conflict: nobody else scales the target
         missing data: all data are whole
         cooldown, scale-up: HOLDS: until 2026-11-22T06:02:10Z (2m 10s left): the last scale-up was at 2026-11-22T05:59:10Z, cooldown 3m
         cooldown, scale-down: until 2026-11-22T06:04:10Z (4m 10s left): the last scaling was at 2026-11-22T05:59:10Z, cooldown 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: none: nothing shrinks while a metric is unknown

      8. Result
         stays at 3 (wanted 7), CoolingDown
         held by rate-limit: 7 replicas asked for, but growth from 3 is limited to 6 in one step now
         held by cooldown until 2026-11-22T06:02:10Z (2m 10s left): Scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m

      9. What would have to change
         cpu asks for 7 replicas now
         Shrinks when cpu falls to 53 % of request (now 186 % of request)
         Held until 06:02:10 (cooldown): Scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m
         Held (rate-limit): 7 replicas asked for, but growth from 3 is limited to 6 in one step now

      10. What is stored in status
         decision of 2026-11-22T05:59:45Z, 15s ago: 3 → 3 (wanted 7), CoolingDown, held by cooldown until 2026-11-22T06:02:10Z
         last scale-up 2026-11-22T05:59:10Z, 50s ago
         AbleToScale True (ReadyForNewScale, since 2026-11-22T05:00:00Z): the wish agrees with the recent ones
         what would be decided now is what is stored"
    `);
  });

  it('tells which pods are missing, and why', () => {
    const scene: Scene = {
      replicas: 5,
      usage: usage(2, 10),
      pods: [
        ...pods(4),
        pod('web-4', { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] } }),
        pod('web-5', { metadata: { deletionTimestamp: '2026-11-22T05:59:50Z' } }),
        pod('report-1', {
          metadata: { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'report', uid: 'job', controller: true }] },
        }),
      ],
    };
    expect(steps(scene, 'Sources asked', 'Pods', 'What each metric asks for', 'House rules', 'Result')).toMatchInlineSnapshot(`
      "1. Sources asked
         cpu: metrics.k8s.io
           GET /apis/metrics.k8s.io/v1beta1/pods (12 ms)
           samples of 2 of 6 pods, 10s old

      2. Pods
         selector app=web: 7 match, 1 of them foreign, 6 counted, 5 of them ready
         1 of 7 matching pods belong to others (Job/report) and are left out
         foreign: report-1
         cpu: 2 ready, 1 not ready, 2 without a sample, 1 ignored
           not ready: web-4 (Pending: no node has room for it)
           without a sample: web-2, web-3 (missing: metrics.k8s.io does not list it; a restart loses its samples for two scrapes)
           ignored: web-5 (is being deleted)

      3. What each metric asks for
         * cpu 10 % of request, target 80 %: asks for 3 = ceil(4 × 0.688), 2 without a sample counted as fully used
         = cpu resource utilization (percentage of request) asks for most: 3 replicas

      7. House rules
         conflict: nobody else scales the target
         missing data: cpu: 2 of 5 pods have no sample, too few to hold a shrink
         cooldown, scale-up: allowed: no scale-up in the last 3m
         cooldown, scale-down: allowed: no scaling in the last 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: none: nothing shrinks while a metric is unknown

      8. Result
         5 → 3 (wanted 3), BelowTarget"
    `);
  });

  it('tells an outage of usage', () => {
    const source = {
      healthy: false,
      reason: 'source-unavailable',
      detail: 'answered 503',
      since: takenAt - 60_000,
      lastSuccess: takenAt - 75_000,
    } as const;
    expect(text({ replicas: 4, source })).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web scales Deployment/web
        stays at 4 replicas: no replica count can be computed: cpu: metrics.k8s.io: answered 503; no shrinking on unknown data (source-unavailable, since 05:59:00)
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Sources asked
         cpu: metrics.k8s.io
           GET /apis/metrics.k8s.io/v1beta1/pods (12 ms)
           no value
           source-unavailable, since 2026-11-22T05:59:00Z: answered 503

      2. Pods
         selector app=web: 4 match, 4 counted, 4 of them ready
         all belong to Deployment/web
         cpu: 0 ready, 0 not ready, 4 without a sample, 0 ignored
           without a sample: web-0, web-1, web-2, web-3 (source-unavailable: metrics.k8s.io: answered 503)

      3. What each metric asks for
         - cpu is unknown (FailedGetResourceMetric, since 2026-11-22T05:59:00Z): metrics.k8s.io: answered 503
         = No metric decides: too little is known to change the size

      4. Bounds
         min 1, max 10; not limited

      5. House rules
         conflict: nobody else scales the target
         missing data: HOLDS: No shrinking on unknown data (source-unavailable, since 05:59:00)
         cooldown, scale-up: allowed: no scale-up in the last 3m
         cooldown, scale-down: allowed: no scaling in the last 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: none: nothing shrinks while a metric is unknown

      6. Result
         stays at 4 (wanted unknown), FailedGetResourceMetric
         held by missing-data: No shrinking on unknown data (source-unavailable, since 05:59:00)

      7. What would have to change
         cpu is unknown (metrics.k8s.io: answered 503): it can ask for more only when it is known again
         Shrinks when cpu is known again
         Held (missing-data): No shrinking on unknown data (source-unavailable, since 05:59:00)

      8. What is stored in status
         nothing
         DIFFERS: no decision is stored: no controller has evaluated this policy; does \`concertina run\` work in this cluster?"
    `);
  });

  it('tells of several metrics which one has failed', () => {
    const scene: Scene = { replicas: 4, usage: usage(4, 30), queue: outage, policy: policy({ metrics: [cpu, queue] }) };
    expect(steps(scene, 'Sources asked', 'What each metric asks for', 'House rules', 'Result', 'What would have to change'))
      .toMatchInlineSnapshot(`
        "1. Sources asked
           cpu: metrics.k8s.io
             GET /apis/metrics.k8s.io/v1beta1/pods (12 ms)
             samples of 4 of 4 pods, 10s old
           queue: external.metrics.k8s.io
             GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue (8 ms)
             no value
             source-unavailable, since 2026-11-22T05:58:25Z: external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"

        3. What each metric asks for
           - cpu 30 % of request, target 80 %: asks for 2 = ceil(4 × 30 / 80)
           - queue is unknown (FailedGetExternalMetric, since 2026-11-22T05:58:25Z): external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"
           = No metric decides: too little is known to change the size

        5. House rules
           conflict: nobody else scales the target
           missing data: HOLDS: No shrinking on unknown data (source-unavailable, since 05:58:25)
           cooldown, scale-up: allowed: no scale-up in the last 3m
           cooldown, scale-down: allowed: no scaling in the last 5m
           pause: no pause annotation
           mode: Auto: acts
           fallback: none: nothing shrinks while a metric is unknown

        6. Result
           stays at 4 (wanted unknown), FailedGetExternalMetric
           held by missing-data: No shrinking on unknown data (source-unavailable, since 05:58:25)

        7. What would have to change
           Grows to 5 replicas when cpu reaches 89 % of request (now 30 % of request)
           queue is unknown (external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"): it can ask for more only when it is known again
           Shrinks when queue is known again
           Held (missing-data): No shrinking on unknown data (source-unavailable, since 05:58:25)"
      `);
  });

  it('tells what a schedule does, and until when', () => {
    const schedules = [{ name: 'day', timeZone: 'Europe/Berlin', start: '0 6 * * *', end: '0 20 * * *', minReplicas: 4 }];
    const scene: Scene = { replicas: 4, usage: usage(4, 30), policy: policy({ schedules }) };
    expect(steps(scene, 'Bounds', 'Result', 'What would have to change')).toMatchInlineSnapshot(`
      "6. Bounds
         min 4 (schedule day; the policy has 1), max 10; 2 replicas asked for, but minReplicas is 4 (schedule day)
         schedule day is open until 2026-11-22T19:00:00Z (13h left)
         next change at 2026-11-22T19:00:00Z (13h left)

      8. Result
         stays at 4 (wanted 2), TooFewReplicas
         held by bounds: 2 replicas asked for, but minReplicas is 4 (schedule day)

      9. What would have to change
         Grows to 5 replicas when cpu reaches 89 % of request (now 30 % of request)
         Does not shrink by load: minReplicas 4 (schedule day) is reached
         Held (bounds): 2 replicas asked for, but minReplicas is 4 (schedule day)
         Schedule day is open until 2026-11-22T19:00:00Z; next change at 2026-11-22T19:00:00Z"
    `);
    const night = policy({ schedules: [{ ...schedules[0], start: '0 22 * * *', end: '0 5 * * *' }] });
    expect(steps({ ...scene, policy: night }, 'Bounds')).toMatchInlineSnapshot(`
      "6. Bounds
         min 1, max 10; 2 replicas is within minReplicas 1 and maxReplicas 10
         no schedule is open; day opens at 2026-11-22T21:00:00Z
         next change at 2026-11-22T21:00:00Z (15h left)"
    `);
  });

  it('tells what wakes a target that sleeps', () => {
    const asleep = {
      type: 'ScaledToZero',
      status: 'True',
      reason: 'ScaledToZero',
      message: 'it sleeps',
      lastTransitionTime: '2026-11-22T05:00:00Z',
    };
    const sleeper = policy({ minReplicas: 0, metrics: [queue] }, { status: { conditions: [asleep] } });
    expect(text({ replicas: 0, queue: queued(0), policy: sleeper })).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web scales Deployment/web
        stays asleep at 0 replicas: queue 0, target 10 per replica (0 = ceil(0 / 10))
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Sources asked
         queue: external.metrics.k8s.io
           GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue (8 ms)
           0, 5s old

      2. Pods
         selector app=web: 0 match, 0 counted, 0 of them ready
         Asleep at 0 replicas since 2026-11-22T05:00:00Z: wakes, without waiting for a cooldown, when a metric asks for 1 or more, to 4 at most in the first step

      3. What each metric asks for
         * queue 0, target 10 per replica: asks for 0 = ceil(0 / 10)
         = external metric queue() asks for most: 0 replicas

      4. Stabilization
         window 5m: 0 stays 0; the wish of 0 replicas agrees with the recent ones
         recent wishes are in the memory of the controller alone: none is known here

      5. Rate policies
         up: ×2 in one evaluation, or to 4; down: at once
         Not limited

      6. Bounds
         min 0, max 10; 0 replicas is within minReplicas 0 and maxReplicas 10

      7. House rules
         conflict: nobody else scales the target
         missing data: all data are whole
         cooldown, scale-up: allowed: no scale-up in the last 3m
         cooldown, scale-down: allowed: no scaling in the last 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: none: nothing shrinks while a metric is unknown

      8. Result
         stays at 0 (wanted 0), WithinTarget

      9. What would have to change
         Wakes to 1 replica when queue reaches 1m (now 0)
         Does not shrink by load: minReplicas 0 is reached

      10. What is stored in status
         ScaledToZero True (ScaledToZero, since 2026-11-22T05:00:00Z): it sleeps
         DIFFERS: no decision is stored: no controller has evaluated this policy; does \`concertina run\` work in this cluster?"
    `);
  });

  it('tells which fallback stands in for what', () => {
    const failing = { status: { failingMetrics: [{ index: 1, metric: 'External queue', failures: 3, since: '2026-11-22T05:58:25Z' }] } };
    const fallback = { failureThreshold: 3, replicas: 6 };
    const scene: Scene = {
      replicas: 4,
      usage: usage(4, 30),
      queue: outage,
      policy: policy({ metrics: [cpu, queue], fallback }, failing),
    };
    expect(steps(scene, 'What each metric asks for', 'House rules', 'Result')).toMatchInlineSnapshot(`
      "3. What each metric asks for
         - cpu 30 % of request, target 80 %: asks for 2 = ceil(4 × 30 / 80)
         * queue is unknown (FailedGetExternalMetric, since 2026-11-22T05:58:25Z): external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"
           fallback CurrentReplicasIfHigher asks for 6 = max(4 now, 6) (3 failed evaluations since 2026-11-22T05:58:25Z, threshold 3)
         = fallback CurrentReplicasIfHigher for queue asks for most: 6 replicas; 1 of 2 metrics failed

      7. House rules
         conflict: nobody else scales the target
         missing data: queue unknown, its fallback stands in
         cooldown, scale-up: allowed: no scale-up in the last 3m
         cooldown, scale-down: allowed: no scaling in the last 5m
         pause: no pause annotation
         mode: Auto: acts
         fallback: Queue has failed in every evaluation since 2026-11-22T05:58:25Z (3 or more): fallback CurrentReplicasIfHigher stands in for it, 6 = max(4 now, 6)

      8. Result
         4 → 6 (wanted 6), AboveTarget"
    `);
  });

  it('tells rate policies of behavior', () => {
    const behavior = {
      scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }], stabilizationWindowSeconds: 30, tolerance: '0.05' },
      scaleDown: { selectPolicy: 'Disabled' },
    };
    const scene: Scene = { replicas: 3, usage: usage(3, 186), policy: policy({ behavior }) };
    expect(steps(scene, 'Stabilization', 'Rate policies', 'Bounds')).toMatchInlineSnapshot(`
      "4. Stabilization
         window 30s: 7 stays 7; the wish of 7 replicas agrees with the recent ones
         recent wishes are in the memory of the controller alone: none is known here

      5. Rate policies
         up: 2 pods in 1m, tolerance 0.05
         down: disabled
         7 replicas asked for, but growth from 3 is limited to 5 by behavior.scaleUp now

      6. Bounds
         min 1, max 10; not limited"
    `);
  });

  it('tells what is wrong with a policy that cannot be used', () => {
    expect(text({ replicas: 4, policy: policy({ maxReplicas: 0 }) })).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web scales Deployment/web
        not evaluated: HorizontalPolicy shop/web: spec.maxReplicas: 0 is too small; the least is 1
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Result
         stays at 0 (wanted unknown), InvalidPolicy
         held by invalid-policy: HorizontalPolicy shop/web: spec.maxReplicas: 0 is too small; the least is 1

      2. What is stored in status
         nothing
         DIFFERS: no decision is stored: no controller has evaluated this policy; does \`concertina run\` work in this cluster?"
    `);
  });

  it('is the same every time', () => {
    const scene: Scene = { replicas: 4, usage: usage(2, 90), queue: queued(70), policy: policy({ metrics: [cpu, queue] }, stored) };
    expect(text(scene)).toBe(text({ ...scene, usage: [...(scene.usage ?? [])].toReversed() }));
  });

  it('keeps what a cluster says from steering the terminal', () => {
    const nasty = policy(
      {},
      { status: { lastDecision: { reason: '\u001b[2Jcleared\nforged: line\u202e' }, conditions: [{ type: 'a\u009b2J' }] } },
    );
    const lines = text({ replicas: 4, usage: usage(4, 80), policy: nasty });
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(lines).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(lines).not.toMatch(/^forged/m);
  });

  it('is coloured when that is asked for, in nothing but the titles', () => {
    const scene: Scene = { replicas: 4, usage: usage(4, 80) };
    const coloured = explanationText(explanationOf(scene), { ...style, colour: true });
    expect(coloured).toContain('\u001b[1m1. Sources asked\u001b[0m\n');
    expect(coloured.replaceAll('\u001b[1m', '').replaceAll('\u001b[0m', '')).toBe(text(scene));
  });
});

describe('explanationJson', () => {
  it('has a version, the steps in their order, and all numbers', () => {
    const explanation = explanationOf({ replicas: 3, usage: usage(3, 186), policy: policy({}, stored) });
    const json = explanationJson({
      kind: 'ConcertinaExplanation',
      version: 1,
      at: '2026-11-22T06:00:00.000Z',
      server: 'https://cluster',
      origin: 'snapshot',
      problem: null,
      explanations: [explanation],
      requests: [],
      nodes: [],
    });
    expect(JSON.parse(json)).toEqual({
      kind: 'ConcertinaExplanation',
      version: 1,
      at: '2026-11-22T06:00:00.000Z',
      server: 'https://cluster',
      origin: 'snapshot',
      problem: null,
      explanations: [JSON.parse(JSON.stringify(explanation))],
      requests: [],
      nodes: [],
    });
    expect(Object.keys(explanation)).toEqual([
      'policy',
      'target',
      'sources',
      'pods',
      'asleep',
      'rebase',
      'metrics',
      'wanted',
      'stabilization',
      'rate',
      'bounds',
      'rules',
      'change',
      'result',
      'stored',
      'trace',
    ]);
    expect(explanation.metrics[0]).toMatchObject({
      name: 'cpu',
      wins: true,
      replicas: 7,
      measured: '186 % of request',
      target: '80 %',
      formula: '7 = ceil(3 × 186 / 80)',
      values: { utilizationPercent: 186, targetPercent: 80, averageMilli: '186', toleranceUp: 0.1, readyPods: 3 },
    });
    expect(explanation.sources[0]).toMatchObject({ newestAgeSeconds: 10, oldestAgeSeconds: 10, latencyMs: 12, samples: 3, pods: 3 });
    expect(explanation.result.holds.map(({ by, remainingSeconds }) => [by, remainingSeconds])).toEqual([
      ['rate-limit', null],
      ['cooldown', 130],
    ]);
  });
});
