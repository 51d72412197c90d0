import type { NodeRecord, PodRecord } from '../../core/model/index.ts';
import { upstreamGroupOptions, upstreamLoopOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import { eligibilityOf } from '../../cluster-autoscaler/engine/scale-down/eligibility.ts';
import type { NodeDevices } from '../../cluster-autoscaler/engine/scale-down/index.ts';
import { deletionTaint } from '../../cluster-autoscaler/engine/scale-down/index.ts';
import { utilizationOf } from '../../cluster-autoscaler/engine/scale-down/utilization.ts';
import type { Json } from './ca-scale-down-objects.ts';
import { compare, listOf, nodeOf, now, numberOf, objectOf, podOf, textOf } from './ca-scale-down-objects.ts';
import type { VectorCase } from './runners.ts';

/** Relative; quotients are computed in another order than upstream's only by rounding. */
const tolerance = 1e-9;

/** ca-utilization: the share of a node that is asked for, and whether its removal is worth a simulation. */
export function caUtilizationRunner(vector: VectorCase): readonly string[] {
  const raw = vector as unknown as Json;
  const expected = objectOf(raw['expected']);
  switch (vector.kind) {
    case 'utilization':
      return utilization(raw, expected);
    case 'eligibility':
      return eligibility(raw, expected);
    default:
      return [`unknown kind "${vector.kind}"`];
  }
}

function nodeIn(raw: Json): NodeRecord {
  const age = numberOf(raw['toBeDeletedTaintAgeSeconds']);
  const value = age === undefined ? '' : String(Math.round(now / 1000) - age);
  const taints = age === undefined ? [] : [{ key: deletionTaint, value, effect: 'NoSchedule' }];
  return nodeOf('n', { ...objectOf(raw['node']), annotations: raw['annotations'], ready: raw['ready'] !== false, taints });
}

function podsIn(raw: Json): readonly PodRecord[] {
  return listOf(raw['pods']).map((pod, index) =>
    podOf({
      name: `p${index}`,
      owner: pod['isDaemonSet'] === true ? { kind: 'DaemonSet', name: 'ds' } : undefined,
      annotations: pod['isMirror'] === true ? { 'kubernetes.io/config.mirror': 'x' } : {},
      deletedSecondsAgo: numberOf(pod['deletedSecondsAgo']),
      spec: {
        ...objectOf(pod['spec']),
        ...(pod['gracePeriodSeconds'] === undefined ? {} : { terminationGracePeriodSeconds: pod['gracePeriodSeconds'] }),
      },
    }),
  );
}

function devicesIn(raw: Json): NodeDevices | undefined {
  if (raw['draEnabled'] !== true) return undefined;
  const text = (value: unknown): string => textOf(value) ?? '';
  return {
    slices: listOf(raw['resourceSlices']).map(({ driver, pool, poolSliceCount, devices }) => ({
      driver: text(driver),
      pool: text(pool),
      poolSliceCount: numberOf(poolSliceCount) ?? 1,
      devices: numberOf(devices) ?? 0,
    })),
    held: listOf(raw['pods'])
      .flatMap((pod) => listOf(pod['allocatedDevices']))
      .map(({ driver, pool, device }) => ({ driver: text(driver), pool: text(pool), device: text(device) })),
  };
}

function utilization(raw: Json, expected: Json): readonly string[] {
  const gpu = raw['gpu'] === undefined || raw['gpu'] === null ? undefined : objectOf(raw['gpu']);
  const result = utilizationOf(nodeIn(raw), podsIn(raw), {
    now,
    ignoreDaemonSets: raw['ignoreDaemonSets'] === true,
    ignoreMirrors: raw['ignoreMirror'] === true,
    gpu: gpu === undefined ? undefined : { resource: textOf(gpu['resource']) ?? '', viaDra: gpu['viaDRA'] === true },
    devices: devicesIn(raw),
  });
  if (typeof result === 'string') return expected['error'] === true ? [] : [`error not expected: ${result}`];
  if (expected['error'] === true) return [`error: expected one, got ${result.share}`];
  const wanted = numberOf(expected['utilization']) ?? Number.NaN;
  const off = !(Math.abs(result.share - wanted) <= tolerance * Math.max(1, Math.abs(wanted)));
  return [
    ...(off ? [`utilization: expected ${wanted}, got ${result.share}`] : []),
    ...compare('resource', expected['resource'], result.resource),
  ];
}

function eligibility(raw: Json, expected: Json): readonly string[] {
  const { reason } = eligibilityOf(
    {
      now,
      node: nodeIn(raw),
      pods: podsIn(raw),
      group:
        raw['inNodeGroup'] === false
          ? undefined
          : {
              ...upstreamGroupOptions,
              utilizationThreshold: numberOf(raw['threshold']) ?? 0.5,
              ignoreDaemonSetsUtilization: raw['ignoreDaemonSets'] === true,
            },
      recentlyUnremovable: raw['recentlyUnremovable'] === true,
      devices: devicesIn(raw),
    },
    {
      ...upstreamLoopOptions,
      scaleDownUnreadyEnabled: raw['scaleDownUnreadyEnabled'] !== false,
      ignoreMirrorPodsUtilization: raw['ignoreMirror'] === true,
    },
  );
  return compare('reason', expected['reason'], reason ?? 'NoReason');
}
