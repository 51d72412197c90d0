import { describe, expect, it } from 'vitest';
import { recommendationItem, type RecommendationReport } from '../compose/explain/recommendation-report.ts';
import { requestsTotal } from '../compose/explain/requests-total.ts';
import {
  itemsOf as itemsOfRequests,
  read as readRequests,
  recommended,
  verticalPolicy,
} from '../compose/explain/requests-scene.fixture.ts';
import { cpu, outage, policy, queue, queued, settings, snapshotOf, takenAt, usage, type Scene } from '../compose/explain/scene.fixture.ts';
import { readingOf, recommendFrom } from '../compose/recommend-from.ts';
import {
  recommendationCsv,
  recommendationFooter,
  recommendationJson,
  recommendationMarkdown,
  recommendationTable,
  recommendationWide,
} from './recommendations.ts';

function itemsOf(scene: Scene) {
  const snapshot = snapshotOf(scene);
  const reading = readingOf(snapshot, settings);
  return recommendFrom(snapshot, settings, reading).map((each) => recommendationItem(each, reading));
}

const itemOf = (scene: Scene) => itemsOf(scene)[0]!;
const named = (name: string, spec: object, parts: object = {}) => policy(spec as never, { metadata: { name }, ...parts });

const steady = itemOf({ replicas: 4, usage: usage(4, 80) });
const cooling = itemOf({
  replicas: 3,
  usage: usage(3, 186),
  policy: named('cooling', {}, { status: { lastScaleUpTime: '2026-11-22T05:59:10Z' } }),
});
const growing = itemOf({ replicas: 4, usage: usage(4, 30), queue: queued(70), policy: named('growing', { metrics: [cpu, queue] }) });
const failing = itemOf({ replicas: 4, usage: usage(4, 30), queue: outage, policy: named('failing', { metrics: [cpu, queue] }) });
const lost = itemOf({ replicas: 4, policy: named('lost', {}), parts: { scales: [] } });
const items = [steady, cooling, growing, failing, lost];

function report(parts: Partial<RecommendationReport> = {}): RecommendationReport {
  return {
    kind: 'ConcertinaRecommendations',
    version: 1,
    at: takenAt,
    server: 'https://cluster',
    origin: 'snapshot',
    problem: null,
    failOn: null,
    items,
    requests: null,
    nodes: null,
    ...parts,
  };
}

describe('recommendationTable', () => {
  it('has one row a policy: now, what is set, what is wanted, by which metric, what limits and holds it, how old the data are, why', () => {
    expect(recommendationTable(items)).toMatchInlineSnapshot(`
      "NAMESPACE   POLICY         TARGET           NOW   SET   WANTED   METRIC                       LIMITED      HELD                 AGE   WHY
      shop        hpol/web       Deployment/web     4     -        4   cpu 80%/80%                  -            -                    10s   stays at 4 replicas: cpu 80 % of request, target 80 % (ratio 1 is within 0.9…1.1)
      shop        hpol/cooling   Deployment/web     3     -        7   cpu 186%/80%                 rate-limit   cooldown 2m 10s      10s   stays at 3 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80)); 7 replicas asked for, but growth from 3 is limited to 6 in one step now; scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m
      shop        hpol/growing   Deployment/web     4     7        7   queue 17500m/10              -            -                     5s   4 → 7 replicas: queue 70, target 10 per replica (7 = ceil(70 / 10)); next scale-up not before 06:03:00 (cooldown 3m)
      shop        hpol/failing   Deployment/web     4     -        ?   cpu 30%/80%, queue unknown   -            missing-data         10s   stays at 4 replicas: no replica count can be computed: 1 of 2 metrics cannot be used; the first is queue: external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"; no shrinking on unknown data (source-unavailable, since 05:58:25)
      shop        hpol/lost      Deployment/web     0     -        ?   -                            -            target-unavailable     -   not evaluated: the snapshot has no scale of Deployment shop/web"
    `);
  });

  it('has mode, bounds and every metric in its wide form', () => {
    expect(recommendationWide([growing, failing])).toMatchInlineSnapshot(`
      "NAMESPACE   POLICY         TARGET           MODE   MIN   MAX   NOW   SET   WANTED   METRIC                       ASKS             LIMITED   HELD           AGE   REASON                    WHY
      shop        hpol/growing   Deployment/web   Auto     1    10     4     7        7   queue 17500m/10              cpu 2, queue 7   -         -               5s   AboveTarget               4 → 7 replicas: queue 70, target 10 per replica (7 = ceil(70 / 10)); next scale-up not before 06:03:00 (cooldown 3m)
      shop        hpol/failing   Deployment/web   Auto     1    10     4     -        ?   cpu 30%/80%, queue unknown   cpu 2, queue ?   -         missing-data   10s   FailedGetExternalMetric   stays at 4 replicas: no replica count can be computed: 1 of 2 metrics cannot be used; the first is queue: external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"; no shrinking on unknown data (source-unavailable, since 05:58:25)"
    `);
  });

  it('keeps what a cluster says from steering the terminal', () => {
    const nasty = { ...steady, message: 'metric \u001b[2Jcleared\nshop  hpol/forged\u202e' };
    const lines = recommendationTable([nasty]).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/metric \[2Jcleared shop hpol\/forged$/);
  });
});

describe('recommendationJson', () => {
  it('has a version, the whole decision and what is asked first', () => {
    const { items: read, ...rest } = JSON.parse(recommendationJson(report())) as RecommendationReport;
    expect(rest).toMatchObject({ kind: 'ConcertinaRecommendations', version: 1, at: takenAt, problem: null });
    expect(read.map(({ subject, from, to, wanted }) => [subject.name, from, to, wanted])).toEqual([
      ['web', 4, 4, 4],
      ['cooling', 3, 3, 7],
      ['growing', 4, 7, 7],
      ['failing', 4, 4, null],
      ['lost', 0, 0, null],
    ]);
    expect(read[1]).toMatchObject({
      mode: 'Auto',
      bounds: { min: 1, max: 10 },
      decidedBy: 'cpu 186%/80%',
      dataAgeSeconds: 10,
      limitedBy: [{ by: 'rate-limit', until: null, remainingSeconds: null }],
      heldBy: [{ by: 'cooldown', until: takenAt + 130_000, remainingSeconds: 130 }],
      holds: [{ by: 'rate-limit' }, { by: 'cooldown' }],
    });
    expect(read[1]?.trace.map(({ step }) => step)).toContain('stabilization');
    expect(read[4]).toMatchObject({ bounds: null, metrics: [], decidedBy: null, heldBy: [{ by: 'target-unavailable' }] });
  });
});

describe('recommendationCsv', () => {
  it('has a header, a row a policy, and numbers as numbers', () => {
    expect(recommendationCsv(report()).replaceAll('\r\n', '\n')).toMatchInlineSnapshot(`
      "namespace,policy_kind,policy,target_kind,target,mode,min_replicas,max_replicas,replicas,proposed,wanted,metric,measured,metric_target,formula,limited_by,held_by,held_seconds,data_age_seconds,reason,message,problem,dimension,container,lower,upper,uncapped,percentile,margin,confidence,coverage,samples,apply,pods_to_come,nodes_for_pods_to_come
      shop,HorizontalPolicy,web,Deployment,web,Auto,1,10,4,4,4,cpu,80 % of request,80 %,ratio 1 is within 0.9…1.1,,,,10,WithinTarget,"stays at 4 replicas: cpu 80 % of request, target 80 % (ratio 1 is within 0.9…1.1)",,replicas,,,,,,,,,,,,
      shop,HorizontalPolicy,cooling,Deployment,web,Auto,1,10,3,3,7,cpu,186 % of request,80 %,7 = ceil(3 × 186 / 80),rate-limit,cooldown,130,10,CoolingDown,"stays at 3 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80)); 7 replicas asked for, but growth from 3 is limited to 6 in one step now; scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m",,replicas,,,,,,,,,,,,
      shop,HorizontalPolicy,growing,Deployment,web,Auto,1,10,4,7,7,queue,70,10 per replica,7 = ceil(70 / 10),,,,5,AboveTarget,"4 → 7 replicas: queue 70, target 10 per replica (7 = ceil(70 / 10)); next scale-up not before 06:03:00 (cooldown 3m)",,replicas,,,,,,,,,,,,
      shop,HorizontalPolicy,failing,Deployment,web,Auto,1,10,4,4,,,,,,,missing-data,,10,FailedGetExternalMetric,"stays at 4 replicas: no replica count can be computed: 1 of 2 metrics cannot be used; the first is queue: external.metrics.k8s.io answered 503 for metric ""queue"" in namespace ""shop""; no shrinking on unknown data (source-unavailable, since 05:58:25)",,replicas,,,,,,,,,,,,
      shop,HorizontalPolicy,lost,Deployment,web,Auto,,,0,0,,,,,,,target-unavailable,,,FailedGetScale,not evaluated: the snapshot has no scale of Deployment shop/web,,replicas,,,,,,,,,,,,
      "
    `);
  });

  it('has a row for a failure too', () => {
    const lines = recommendationCsv(report({ problem: 'no cluster, none', items: [] })).split('\r\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^,+"no cluster, none",+$/);
    expect(lines[1]?.split('"no cluster, none"')[0]?.length).toBe(lines[0]?.split(',').indexOf('problem'));
  });
});

describe('recommendationMarkdown', () => {
  it('is a table', () => {
    expect(recommendationMarkdown(report({ items: [cooling] }))).toMatchInlineSnapshot(`
      "| NAMESPACE | POLICY | TARGET | MODE | MIN | MAX | NOW | SET | WANTED | METRIC | ASKS | LIMITED | HELD | AGE | REASON | WHY |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      | shop | hpol/cooling | Deployment/web | Auto | 1 | 10 | 3 | - | 7 | cpu 186%/80% | cpu 7 | rate-limit | cooldown 2m 10s | 10s | CoolingDown | stays at 3 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80)); 7 replicas asked for, but growth from 3 is limited to 6 in one step now; scale-up from 3 to 6 waits until 06:02:10: last scale-up at 05:59:10, cooldown 3m |
      "
    `);
  });

  it('has a table for a failure too', () => {
    expect(recommendationMarkdown(report({ problem: 'no cluster', items: [] }))).toBe('| PROBLEM |\n| --- |\n| no cluster |\n');
  });
});

describe('rows of requests', () => {
  const resourcePolicy = { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '150m' } }] };
  const scene = { policies: [verticalPolicy({ resourcePolicy, updatePolicy: { updateMode: 'Recreate' } })] };
  const rows = itemsOfRequests(scene);
  const lost = itemsOfRequests({ vertical: { workloads: [] } });

  it('stand beside those of replicas, one for each resource of each container', () => {
    expect(recommendationTable([steady, ...rows, ...lost])).toMatchInlineSnapshot(`
      "NAMESPACE   POLICY     TARGET                     NOW       SET    WANTED   METRIC                     LIMITED       HELD                 AGE   WHY
      shop        hpol/web   Deployment/web               4         -         4   cpu 80%/80%                -             -                    10s   stays at 4 replicas: cpu 80 % of request, target 80 % (ratio 1 is within 0.9…1.1)
      shop        vpol/web   Deployment/web c cpu      100m      150m      150m   p90 195m +15%              max-allowed   -                    10s   Container c: cpu 100m becomes 150m: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none
      shop        vpol/web   Deployment/web c memory   64Mi   362.6Mi   362.6Mi   3 peaks p90 315.3Mi +15%   -             -                    10s   Container c: memory 64Mi becomes 362.6Mi: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none
      shop        vpol/web   Deployment/web               -         -         ?   -                          -             target-unavailable     -   spec.targetRef names Deployment shop/web, which does not exist; create it or correct the name"
    `);
  });

  it('have mode, bounds, confidence, coverage and the way of updates in the wide form', () => {
    expect(recommendationWide([steady, ...rows])).toMatchInlineSnapshot(`
      "NAMESPACE   POLICY     TARGET                    MODE           MIN       MAX    NOW       SET    WANTED   METRIC                     ASKS    LIMITED       HELD   AGE   CONFIDENCE   COVERAGE   APPLY          REASON         WHY
      shop        hpol/web   Deployment/web            Auto             1        10      4         -         4   cpu 80%/80%                cpu 4   -             -      10s            -          -   -              WithinTarget   stays at 4 replicas: cpu 80 % of request, target 80 % (ratio 1 is within 0.9…1.1)
      shop        vpol/web   Deployment/web c cpu      Recreate      150m      150m   100m      150m      150m   p90 195m +15%              -       max-allowed   -      10s            1       100%   evict 1 of 3   EvictedByVPA   Container c: cpu 100m becomes 150m: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none
      shop        vpol/web   Deployment/web c memory   Recreate   334.3Mi   725.3Mi   64Mi   362.6Mi   362.6Mi   3 peaks p90 315.3Mi +15%   -       -             -      10s            1       100%   evict 1 of 3   EvictedByVPA   Container c: memory 64Mi becomes 362.6Mi: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none"
    `);
  });

  it('have exact numbers in CSV, in columns at the end', () => {
    expect(recommendationCsv(report({ items: [...rows, ...lost] })).replaceAll('\r\n', '\n')).toMatchInlineSnapshot(`
      "namespace,policy_kind,policy,target_kind,target,mode,min_replicas,max_replicas,replicas,proposed,wanted,metric,measured,metric_target,formula,limited_by,held_by,held_seconds,data_age_seconds,reason,message,problem,dimension,container,lower,upper,uncapped,percentile,margin,confidence,coverage,samples,apply,pods_to_come,nodes_for_pods_to_come
      shop,VerticalPolicy,web,Deployment,web,Recreate,,,100,150,150,,,,,max-allowed,,,10,EvictedByVPA,"Container c: cpu 100m becomes 150m: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none",,requests/cpu/c,c,150,150,224,0.9,0.15,1,1,1443,evict 1 of 3,,
      shop,VerticalPolicy,web,Deployment,web,Recreate,,,67108864,380258472,380258472,,,,,,,,10,EvictedByVPA,"Container c: memory 64Mi becomes 362.6Mi: 1 pod would be evicted; pod web-0 asks for an amount outside of the recommended range, or for none",,requests/memory/c,c,350497118,760560960,380258472,0.9,0.15,1,1,1443,evict 1 of 3,,
      shop,VerticalPolicy,web,Deployment,web,Auto,,,0,0,,,,,,,target-unavailable,,,TargetUnavailable,"spec.targetRef names Deployment shop/web, which does not exist; create it or correct the name",,,,,,,,,,,,none of 0,,
      "
    `);
  });

  it('have all of it in JSON', () => {
    const { items: read } = JSON.parse(recommendationJson(report({ items: rows }))) as RecommendationReport;
    expect(read[0]).toMatchObject({
      dimension: 'requests/cpu/c',
      from: 100,
      to: 150,
      wanted: 150,
      mode: 'Recreate',
      vertical: {
        container: 'c',
        resource: 'cpu',
        source: 'computed',
        uncapped: 224,
        evidence: { percentile: 0.9, estimate: 195, margin: 0.15, samples: 1443, lastSample: takenAt - 10_000 },
        clamps: [{ by: 'max-allowed', from: 224, to: 150 }],
        actuation: 'Recreate',
        apply: { methods: { evict: 1 }, pods: 3, blocks: [{ by: 'disruption-tolerance', pods: 2 }] },
        total: { pods: 3, from: 300, to: 450 },
      },
    });
  });

  it('add up, over the pods of all policies', () => {
    const total = requestsTotal(readRequests(scene).outlook.vertical);
    expect(total).toMatchObject({ pods: 3, cpu: { from: 300, to: 450 }, policies: [{ policy: { name: 'web' }, pods: 3 }] });
    expect(recommendationFooter(report({ requests: total }))).toBe('requests: cpu 300m → 450m, memory 192Mi → 1.1Gi over 3 pods');
    expect(recommendationFooter(report())).toBeUndefined();
  });

  it('is said where what is stored is another thing than what would be recommended here', () => {
    const stored = itemsOfRequests({ policies: [verticalPolicy({}, recommended('500m', '350Mi'))] });
    expect(recommendationTable(stored).split('\n')[1]).toMatch(/; cpu of container c: 500m is stored, 224m would be recommended/);
  });
});
