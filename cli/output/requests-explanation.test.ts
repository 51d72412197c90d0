import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { cpu, policy, takenAt } from '../compose/explain/scene.fixture.ts';
import {
  checkpoint,
  deployment,
  read,
  recommended,
  requestsExplanationOf,
  sized,
  verticalPolicy,
  type RequestsScene,
} from '../compose/explain/requests-scene.fixture.ts';
import { requestsExplanationText } from './requests-explanation.ts';

const style = { colour: false, at: takenAt, from: 'https://cluster' };
const text = (scene: RequestsScene): string => requestsExplanationText(requestsExplanationOf(scene), style);

describe('requestsExplanationText', () => {
  it('tells what is computed here and would be done', () => {
    expect(text({})).toMatchInlineSnapshot(`
      "VerticalPolicy shop/web sizes Deployment/web
        Container c: cpu 100m becomes 224m: 1 pod would be resized in place; pod web-0 asks for an amount outside of the recommended range, or for none
        Container c: memory 64Mi becomes 362.6Mi: 1 pod would be resized in place; pod web-0 asks for an amount outside of the recommended range, or for none
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Target and pods
         Deployment/web of 3 replicas, selector app=web: 3 pods match, 3 are this policy's

      2. Data
         usage from metrics.k8s.io: samples of 3 pods, counted
           GET /apis/metrics.k8s.io/v1beta1/pods
         c: 1443 CPU samples, 3 memory peaks
           first 2026-11-21T06:00:00Z, last 2026-11-22T05:59:50Z, 10s ago; 100 % of the minutes since the first have one
           checkpoint web-c of 2026-11-22T05:59:00Z (1m old) is taken over

      3. Percentiles, margins and bounds
         c cpu: p50 195m, p90 195m, p95 195m; +15 % → 224m
           confidence 1 (1: a day of samples) → bounds 223m … 448m
           pod minimum: 25m for this container
         c memory: p50 291.2Mi, p90 315.3Mi, p95 315.3Mi; +15 % → 362.6Mi
           confidence 1 (1: a day of samples) → bounds 334.3Mi … 725.3Mi
           pod minimum: 250Mi for this container

      4. Clamps
         nothing is clamped
         nodes are not known here: nothing is capped to their size

      5. Horizontal policies
         none goes by the utilization of this workload

      6. Recommendation
         c cpu: 224m (bounds 223m … 448m)
         c memory: 362.6Mi (bounds 334.3Mi … 725.3Mi)
         nothing is stored yet: what is computed here is shown

      7. What becomes of it in the pods
         3 pods (web-0, web-1, web-2): as it is
           c: requests cpu 224m, memory 362.6Mi

      8. Updates
         1 pod (web-0) would be resized in place: the pod asks for an amount outside of the recommended range, or for none
         2 pods (web-1, web-2) left alone, disruption-tolerance: the pod waits: of 3 pods of ReplicaSet web-5f 1 may be away, 3 run and 1 were touched in this pass
         cooldown: updates to larger requests may happen: none that counts in the last 3m
         cooldown: updates to smaller requests may happen: none that counts in the last 5m

      9. Apply mode
         updateMode Auto (InPlaceOrRecreate): 1 of 3 pods would be resized in place
         blocked by disruption-tolerance: pod web-1 waits: of 3 pods of ReplicaSet web-5f 1 may be away, 3 run and 1 were touched in this pass
         not checked: whether the admission webhook gives new pods their requests: a pod is evicted only while it does
         not checked: what the controller remembers: resizes under way, updates that could not be done, rounds that changed nothing

      10. Result
         c cpu: 100m → 224m (wanted 224m), InPlaceResizedByVPA
         c memory: 64Mi → 362.6Mi (wanted 362.6Mi), InPlaceResizedByVPA

      11. What is stored in status
         nothing
         DIFFERS: no recommendation is stored: no recommender has looked at it, or it has seen no usage; does \`concertina run\` (or the upstream VPA, of its own objects) work in this cluster?"
    `);
  });

  it('tells what is stored and held by a cooldown, with a clamp and a horizontal policy', () => {
    const resourcePolicy = { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '150m' } }] };
    const own = verticalPolicy(
      { resourcePolicy },
      recommended('150m', '350Mi', {
        lastScaleUpTime: '2026-11-22T05:58:30Z',
        lastDecision: { reason: 'Cooldown', message: 'waits', at: '2026-11-22T05:58:45Z' },
      }),
    );
    expect(text({ policies: [own], horizontal: [policy({ metrics: [cpu] })] })).toMatchInlineSnapshot(`
      "VerticalPolicy shop/web sizes Deployment/web
        Container c: cpu 100m stays, 150m is recommended: pod web-0: an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m
        Container c: memory 64Mi stays, 350Mi is recommended: pod web-0: an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Target and pods
         Deployment/web of 3 replicas, selector app=web: 3 pods match, 3 are this policy's

      2. Data
         usage from metrics.k8s.io: samples of 3 pods, counted
           GET /apis/metrics.k8s.io/v1beta1/pods
         c: 1443 CPU samples, 3 memory peaks
           first 2026-11-21T06:00:00Z, last 2026-11-22T05:59:50Z, 10s ago; 100 % of the minutes since the first have one
           checkpoint web-c of 2026-11-22T05:59:00Z (1m old) is taken over

      3. Percentiles, margins and bounds
         c cpu: p50 195m, p90 195m, p95 195m; +15 % → 224m
           confidence 1 (1: a day of samples) → bounds 223m … 448m
           pod minimum: 25m for this container
         c memory: p50 291.2Mi, p90 315.3Mi, p95 315.3Mi; +15 % → 362.6Mi
           confidence 1 (1: a day of samples) → bounds 334.3Mi … 725.3Mi
           pod minimum: 250Mi for this container

      4. Clamps
         target cpu of container c capped from 224m to maxAllowed, 150m
         lowerBound cpu of container c capped from 223m to maxAllowed, 150m
         upperBound cpu of container c capped from 448m to maxAllowed, 150m
         nodes are not known here: nothing is capped to their size

      5. Horizontal policies
         HorizontalPolicy shop/web goes by cpu utilization
         Rebase: cpu utilization is measured against the requests of the pod template, so that a resize changes no utilization

      6. Recommendation
         c cpu: 150m (bounds 150m … 150m)
         c memory: 350Mi (bounds 350Mi … 350Mi)
         what is stored in status is what pods are updated to

      7. What becomes of it in the pods
         3 pods (web-0, web-1, web-2): as it is
           c: requests cpu 150m, memory 350Mi

      8. Updates
         3 pods (web-0, web-1, web-2) left alone, cooldown until 2026-11-22T06:01:30Z (1m 30s left): an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m
         cooldown: HOLDS: updates to larger requests wait until 2026-11-22T06:01:30Z (1m 30s left): the last was at 2026-11-22T05:58:30Z, cooldown 3m
         cooldown: HOLDS: updates to smaller requests wait until 2026-11-22T06:03:30Z (3m 30s left): the last was at 2026-11-22T05:58:30Z, cooldown 5m

      9. Apply mode
         updateMode Auto (InPlaceOrRecreate): none of 3 pods would be updated now
         blocked by cooldown until 2026-11-22T06:01:30Z (1m 30s left): pod web-0: an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m
         not checked: whether the admission webhook gives new pods their requests: a pod is evicted only while it does

      10. Result
         c cpu: stays at 100m (wanted 150m), NotUpdated
           held by cooldown until 2026-11-22T06:01:30Z (1m 30s left): pod web-0: an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m
         c memory: stays at 64Mi (wanted 350Mi), NotUpdated
           held by cooldown until 2026-11-22T06:01:30Z (1m 30s left): pod web-0: an update that grows waits until 06:01:30: last growth at 05:58:30, cooldown 3m

      11. What is stored in status
         decision of 2026-11-22T05:58:45Z, 1m 15s ago: Cooldown: waits
         last update to larger requests 2026-11-22T05:58:30Z, 1m 30s ago
         RecommendationProvided True (RecommendationProvided, since 2026-11-21T06:00:00Z): there is a recommendation"
    `);
  });

  /** The steps with these titles only. */
  const steps = (scene: RequestsScene, ...titles: readonly string[]): string =>
    text(scene)
      .split('\n\n')
      .filter((part) => titles.some((title) => part.split('\n')[0]?.endsWith(title)))
      .join('\n\n');

  it('tells of an unmodified VerticalPodAutoscaler that is Off, beside an HPA of the same workload', () => {
    const native = { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler' };
    const policies = [verticalPolicy({ updatePolicy: { updateMode: 'Off' } }, native)];
    const vertical = { checkpoints: [checkpoint('web', 'VerticalPodAutoscalerCheckpoint')] };
    expect(steps({ policies, vertical }, 'Updates', 'Apply mode', 'Result')).toMatchInlineSnapshot(`
      "8. Updates
         3 pods (web-0, web-1, web-2) left alone, mode: updateMode is Off: running pods are left as they are
         cooldown: updates to larger requests wait for no cooldown
         cooldown: updates to smaller requests wait for no cooldown

      9. Apply mode
         updateMode Off: none of 3 pods would be updated now
         blocked by mode: updateMode is Off: running pods are left as they are
         the upstream VPA carries it out: this is what concertina would do with --adopt=vpa

      10. Result
         c cpu: stays at 100m (wanted 224m), NotUpdated
           held by paused: updateMode is Off: running pods are left as they are
         c memory: stays at 64Mi (wanted 362.6Mi), NotUpdated
           held by paused: updateMode is Off: running pods are left as they are"
    `);
  });

  it('tells what it yields to a controller that cannot be told of moved requests', () => {
    const hpa: KubeObject = { ...policy({ metrics: [cpu] }), apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
    expect(steps({ horizontal: [hpa] }, 'Horizontal policies', 'Result')).toMatchInlineSnapshot(`
      "5. Horizontal policies
         HorizontalPodAutoscaler shop/web goes by cpu utilization, carried out by another controller
         YIELDS: HorizontalPodAutoscaler shop/web scales the workload by its cpu utilization, and is carried out by another controller, which cannot be told of moved requests; adopt it (--adopt=hpa) or let it go by an AverageValue: cpu requests are left alone

      10. Result
         c cpu: stays at 100m (wanted 224m), NotUpdated
           held by conflict: HorizontalPodAutoscaler shop/web scales the workload by its cpu utilization, and is carried out by another controller, which cannot be told of moved requests; adopt it (--adopt=hpa) or let it go by an AverageValue: cpu requests are left alone
         c memory: 64Mi → 362.6Mi (wanted 362.6Mi), InPlaceResizedByVPA"
    `);
  });

  it('tells of an OOM kill, a LimitRange, the largest node and a budget', () => {
    const killed = { reason: 'OOMKilled', startedAt: '2026-11-22T05:59:00Z', finishedAt: '2026-11-22T05:59:30Z' };
    const [first, ...others] = sized(3);
    const oom: KubeObject = {
      ...first!,
      status: {
        ...(first!.status as object),
        containerStatuses: [{ name: 'c', restartCount: 1, state: { running: {} }, lastState: { terminated: killed } }],
      },
    };
    const limitRange: KubeObject = {
      metadata: { name: 'limits', namespace: 'shop' },
      spec: { limits: [{ type: 'Container', min: { memory: '400Mi' } }] },
    };
    const budget: KubeObject = {
      metadata: { name: 'web', namespace: 'shop', uid: 'pdb' },
      spec: { selector: { matchLabels: { app: 'web' } } },
      status: { disruptionsAllowed: 0, currentHealthy: 3, desiredHealthy: 3 },
    };
    const node: KubeObject = { metadata: { name: 'node-a' }, status: { allocatable: { cpu: '200m', memory: '1Gi' } } };
    const scene: RequestsScene = {
      vertical: { limitRanges: [limitRange], workloads: [deployment(3)], podDisruptionBudgets: [budget] },
      parts: { pods: [oom, ...others], nodes: [node] },
    };
    const titles = ['Data', 'Percentiles, margins and bounds', 'Clamps', 'What becomes of it in the pods', 'Updates'];
    expect(steps(scene, ...titles)).toMatchInlineSnapshot(`
      "2. Data
         usage from metrics.k8s.io: samples of 3 pods, counted
           GET /apis/metrics.k8s.io/v1beta1/pods
         c: 1443 CPU samples, 3 memory peaks, 1 OOM kill
           first 2026-11-21T06:00:00Z, last 2026-11-22T05:59:50Z, 10s ago; 100 % of the minutes since the first have one
           checkpoint web-c of 2026-11-22T05:59:00Z (1m old) is taken over
         container c of pod web-0 was killed for want of memory at 2026-11-22T05:59:30Z with 64Mi; no checkpoint has it, it is counted here

      3. Percentiles, margins and bounds
         c cpu: p50 195m, p90 195m, p95 195m; +15 % → 224m
           confidence 1 (1: a day of samples) → bounds 223m … 448m
           pod minimum: 25m for this container
         c memory: p50 291.2Mi, p90 315.3Mi, p95 315.3Mi; +15 % → 362.6Mi
           confidence 1 (1: a day of samples) → bounds 334.3Mi … 725.3Mi
           pod minimum: 250Mi for this container
           OOM bump: the kill of 2026-11-22T05:59:30Z raised a peak from 64Mi to 164Mi

      4. Clamps
         target cpu of container c capped from 224m to 200m: the largest node that the pod may run on has 200m for its containers; a larger node lifts this
         1 node may run the pods, with at most cpu 200m and memory 1Gi for one
         pods of other namespaces were not read: what DaemonSets take of the nodes is not known

      7. What becomes of it in the pods
         3 pods (web-0, web-1, web-2)
           memory of container "c" raised from 362.6Mi to 400Mi: the least that a LimitRange of the namespace allows this container
           c: requests cpu 200m, memory 400Mi

      8. Updates
         1 pod (web-0) would be resized in place: the pod ran out of memory soon after a start
         2 pods (web-1, web-2) left alone, disruption-tolerance: the pod waits: of 3 pods of ReplicaSet web-5f 1 may be away, 3 run and 1 were touched in this pass
         cooldown: updates to larger requests may happen: none that counts in the last 3m
         cooldown: updates to smaller requests may happen: none that counts in the last 5m
         PodDisruptionBudget web allows 0 more evictions now (3 healthy, 3 wanted)"
    `);
  });

  it('tells why nothing is known', () => {
    const vertical = { checkpoints: [] };
    const doubted = read({ usage: [], vertical }).snapshot.metrics;
    const doubt = { reason: 'source-changed', detail: 'another server answers' } as const;
    expect(text({ vertical, parts: { metrics: { ...doubted, doubt } } })).toMatchInlineSnapshot(`
      "VerticalPolicy shop/web sizes Deployment/web
        nothing is recommended: usage is in doubt and is not counted (another server answers)
        as of 2026-11-22T06:00:00Z, from https://cluster

      1. Target and pods
         Deployment/web of 3 replicas, selector app=web: 3 pods match, 3 are this policy's

      2. Data
         usage from metrics.k8s.io: samples of 0 pods, NOT COUNTED: it is in doubt, and a histogram cannot take a lie back
           GET /apis/metrics.k8s.io/v1beta1/pods
           in doubt (source-changed): another server answers
         c: 0 CPU samples, 0 memory peaks
           no checkpoint is stored: only the present samples are known here
           SILENT: it runs, and nothing was measured of it

      3. Percentiles, margins and bounds
         c cpu: nothing was measured; nothing is recommended from it
         c memory: nothing was measured; nothing is recommended from it

      4. Clamps
         nothing is clamped
         nodes are not known here: nothing is capped to their size

      5. Horizontal policies
         none goes by the utilization of this workload

      6. Recommendation
         there is none

      7. What becomes of it in the pods
         3 pods (web-0, web-1, web-2): nothing would be set

      8. Updates
         3 pods (web-0, web-1, web-2) left alone, missing-data: there is no recommendation yet: no pod of Deployment web is updated
         cooldown: updates to larger requests may happen: none that counts in the last 3m
         cooldown: updates to smaller requests may happen: none that counts in the last 5m

      9. Apply mode
         updateMode Auto (InPlaceOrRecreate): none of 3 pods would be updated now
         blocked by missing-data: there is no recommendation yet: no pod of Deployment web is updated
         not checked: whether the admission webhook gives new pods their requests: a pod is evicted only while it does

      10. Result
         NoSamples
           held by missing-data: nothing is recommended: usage is in doubt and is not counted (another server answers)

      11. What is stored in status
         nothing
         DIFFERS: no recommendation is stored: no recommender has looked at it, or it has seen no usage; does \`concertina run\` (or the upstream VPA, of its own objects) work in this cluster?"
    `);
    expect(
      text({ policies: [verticalPolicy({ mode: 'Often' })] })
        .split('\n')
        .slice(0, 2),
    ).toMatchInlineSnapshot(`
      [
        "VerticalPolicy shop/web sizes Deployment/web",
        "  VerticalPolicy shop/web: spec.mode: "Often" is not one of Auto, DryRun, Paused",
      ]
    `);
  });

  it('keeps what a cluster says from steering the terminal', () => {
    const nasty = recommended('150m', '350Mi', {
      lastDecision: { reason: 'x', message: '\u001b[2Jcleared\nshop', at: '2026-11-22T05:58:45Z' },
    });
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(text({ policies: [verticalPolicy({}, nasty)] })).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
