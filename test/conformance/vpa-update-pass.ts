import type { ResizeState } from '../../core/model/pod.ts';
import { defaultUpdaterConfig } from '../../vpa/config.ts';
import type { Recommendation, UpdateMode } from '../../vpa/model.ts';
import { createUpdatePass, noLoop, type AdaptPod, type UpdateAction, type UpdateInput } from '../../vpa/updater/engine/index.ts';
import { nativePolicy, podOf } from './vpa-update-objects.ts';

/** The whole pass: the cases say what the parts answer, so that pods and settings are made for which they do. */

type Json = Readonly<Record<string, unknown>>;

const now = 1_000_000_000;

/** Modes in which upstream looks for the pods of an object. */
const acting: ReadonlySet<unknown> = new Set(['Recreate', 'Auto', 'InPlaceOrRecreate', 'InPlace']);

const recommendation: Recommendation = {
  containers: [
    { container: 'app', target: { cpu: 500 }, lowerBound: { cpu: 400 }, upperBound: { cpu: 600 }, uncappedTarget: { cpu: 500 } },
  ],
};

const adapt: AdaptPod = () => ({
  containers: recommendation.containers,
  resources: new Map([['app', { requests: { cpu: 500 }, limits: {} }]]),
  clamps: [],
});

export function updatePass(input: Json): Json {
  const mode = input['updateMode'] as UpdateMode;
  const healthy = input['admissionStatusValid'] === true;
  const pass = createUpdatePass(inputOf(input, mode, healthy));
  const done: UpdateAction[] = [];
  let inPlaceCalls = 0;
  for (let action = pass.next(); action !== undefined; action = pass.next()) {
    const inPlace = action.method === 'resize' || action.method === 'unboost';
    if (inPlace) inPlaceCalls += 1;
    if (inPlace && input['inPlaceFails'] === true) {
      pass.afterAction({ result: 'failed', message: 'the resize failed' });
      continue;
    }
    if (!inPlace && input['canEvict'] === false) {
      pass.afterAction({ result: 'failed', message: 'the eviction was refused' });
      continue;
    }
    done.push(action);
    pass.afterAction({ result: 'done' });
  }
  return {
    processed: healthy && (acting.has(mode) || input['vpaHasStartupBoost'] === true),
    evictions: done.filter(({ method }) => method === 'evict').length,
    inPlaceCalls,
  };
}

function inputOf(input: Json, mode: UpdateMode, healthy: boolean): UpdateInput {
  const boosts = input['vpaHasStartupBoost'] === true;
  const decision = String(input['canInPlaceUpdate']);
  const policy = nativePolicy({
    spec: {
      updatePolicy: { updateMode: mode },
      ...(boosts ? { startupBoost: { cpu: { type: 'Factor', factor: 2, durationSeconds: 60 } } } : {}),
    },
  });
  const count = Number(input['pods']);
  const pods = Array.from({ length: count }, (_, index) => podOf(rawPod(index, input), { owner, nodeName: 'node' }));
  // Of more replicas than there are pods none may go.
  const inPlaceMode = mode === 'InPlace' || mode === 'InPlaceOrRecreate';
  const roomless = inPlaceMode ? decision === 'InPlaceDeferred' : input['canEvict'] === false;
  return {
    now,
    known: { key: 'vpa', raw: { metadata: { name: 'vpa' } }, policy, recommendation },
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' },
    workload: undefined,
    pods,
    configured: () => ({ ok: true, replicas: roomless ? count * 10 : count }),
    adapt,
    config: { ...defaultUpdaterConfig, evictionTolerance: 1 },
    history: {},
    memory: {
      resizing: new Map(),
      infeasible: new Map(decision === 'InPlaceInfeasibleCached' ? pods.map((pod) => [pod.uid, recommendation.containers]) : []),
      loop: noLoop,
    },
    outside: { dryRun: false, yields: new Map(), ...(healthy ? {} : { admission: 'the admission controller has not renewed its Lease' }) },
  };
}

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web' };

const resizeOf: Readonly<Record<string, ResizeState>> = { InPlaceEvict: 'Infeasible', InPlaceInfeasible: 'Infeasible' };

function rawPod(index: number, input: Json): unknown {
  const resize = resizeOf[String(input['canInPlaceUpdate'])];
  const boosted = input['vpaHasStartupBoost'] === true;
  const ready = input['boostedPodsReadyToUnboost'] === true;
  const conditions = [
    ...(boosted && !ready ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: '1970-01-02T00:00:00Z' }]),
    ...(resize === undefined ? [] : [{ type: 'PodResizePending', status: 'True', reason: resize }]),
  ];
  return {
    metadata: { name: `pod-${index}`, ...(boosted ? { annotations: { 'vpaCpuStartupBoost/app': '{}' } } : {}) },
    spec: { containers: [{ name: 'app', resources: { requests: { cpu: '100m' } } }] },
    status: { phase: 'Running', conditions },
  };
}
