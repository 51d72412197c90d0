import { seededRandom } from '../../core/runtime/random.ts';
import type { ExpositionLine } from './exposition-server.ts';

/** Time between two readings of Metrics Server: the least that it allows. */
export const resolutionMs = 10_000;
export const syncPeriodMs = 2_000;
/**
 * Compressed from 5 minutes. More than two resolutions and a sync, as five minutes are: after a shrink the samples still show pods that shared the load
 * among more, and for so long they ask for too few.
 */
export const downscaleStabilizationMs = 25_000;
export const cpuInitializationMs = 5_000;
export const initialReadinessMs = 2_000;

/**
 * How far apart in time the same step of both may lie. A load comes to be known with the next reading of metrics, at most a resolution later, and acted on with the next
 * sync. Both clusters begin with a reading of their own, but pods that one of them starts just before a reading the other one may start just after it.
 */
export const toleranceMs = resolutionMs + syncPeriodMs;

/** What stands on all pods of a Deployment together in one phase, or in the metric that is served for it. */
export interface Load {
  readonly cpuMilli?: number;
  /** Of each pod: memory is not shared. */
  readonly memoryMi?: number;
  readonly shown?: number;
}

/** Series of a value that all pods of a target share, or that stands beside them. */
type Show = (shown: number, pods: readonly string[]) => readonly ExpositionLine[];

/** One HorizontalPodAutoscaler, of which there is a twin on each cluster, in a namespace of its name. */
export interface Contender {
  readonly name: string;
  /** Of the Deployment at the start. */
  readonly replicas: number;
  /** Without scaleTargetRef. */
  readonly spec: Readonly<Record<string, unknown>> & { readonly metrics: readonly object[] };
  /** At rest, then for each phase. */
  readonly loads: readonly [Load, ...Load[]];
  /** What the application shows to Prometheus. */
  readonly show?: Show;
}

/** Ends of the phases, in readings of Metrics Server. Two up, two down; long enough for what each of them sets in motion to come to rest. */
export const phaseEnds = [4, 9, 16, 23] as const;

const random = seededRandom('side by side');
const oneOf = <T>(first: T, ...others: readonly T[]): T => others[Math.floor(random() * (others.length + 1))] ?? first;

/** Sizes that a load walks to from one replica, drawn once for both clusters. */
interface Walk {
  /** Beyond what one step may reach, so that the limit shows. */
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

// Not 5: from the limit of 4 it is within the tolerance, give or take a little of the load before.
const walk = (): Walk => {
  const first = oneOf(6, 7);
  return { first, second: first + oneOf(3, 4), third: oneOf(2, 3) };
};

/**
 * A load that asks for so many replicas whatever is rounded: half a replica less. It may be measured up to a twentieth off, by what was there before, and the wish stays.
 */
const loadFor = (replicas: number, perReplica: number): number => (replicas - 0.5) * perReplica;

const walked = (loadOf: (replicas: number) => Load, { first, second, third }: Walk): Contender['loads'] => [
  loadOf(1),
  loadOf(first),
  loadOf(second),
  loadOf(third),
  loadOf(1),
];

/** Half of the 100m that each pod asks for. */
const cpuTarget = 50;
const cpuFor = (replicas: number): Load => ({ cpuMilli: loadFor(replicas, cpuTarget) });
const shownFor = (replicas: number): Load => ({ shown: loadFor(replicas, 10) });

const cpuMetric = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
const averageTen = { type: 'AverageValue', averageValue: '10' };
const externalMetric = (name: string, target: object = averageTen, selector?: object): object => ({
  type: 'External',
  external: { metric: { name, ...(selector === undefined ? {} : { selector }) }, target },
});

const inNamespace =
  (name: string, namespace: string): Show =>
  (value) => [{ name, labels: { namespace }, value }];

export const contenders: readonly Contender[] = [
  {
    name: 'cpu',
    replicas: 1,
    spec: { minReplicas: 1, maxReplicas: 20, metrics: [cpuMetric] },
    loads: walked(cpuFor, walk()),
  },
  {
    name: 'cpu-behavior',
    replicas: 1,
    spec: {
      minReplicas: 1,
      maxReplicas: 7,
      metrics: [cpuMetric],
      behavior: {
        scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 20 }] },
        scaleDown: { stabilizationWindowSeconds: 15, policies: [{ type: 'Percent', value: 50, periodSeconds: 20 }] },
      },
    },
    // Far beyond the maximum: while pods start, a reading shows a part of the load only, and the limits are what is looked at.
    loads: [cpuFor(1), cpuFor(12), cpuFor(12), cpuFor(1), cpuFor(1)],
  },
  {
    name: 'memory',
    replicas: 4,
    spec: {
      minReplicas: 4,
      maxReplicas: 8,
      metrics: [{ type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } }],
    },
    // Not shared, so that it is the size that is multiplied: half of the load asks for half of the pods, and then again, until the minimum. How many pods a sync
    // sees that comes in the second after a shrink is chance; with a minimum of 4 it does not matter.
    loads: [{ memoryMi: 100 }, { memoryMi: 160 }, { memoryMi: 160 }, { memoryMi: 40 }, { memoryMi: 40 }],
  },
  {
    name: 'pods',
    replicas: 1,
    spec: {
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [{ type: 'Pods', pods: { metric: { name: 'requests_per_second' }, target: averageTen } }],
    },
    loads: walked(shownFor, walk()),
    show: (value, pods) =>
      pods.map((pod) => ({ name: 'requests_per_second', labels: { namespace: 'pods', pod }, value: value / pods.length })),
  },
  {
    name: 'object',
    replicas: 1,
    spec: {
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [
        {
          type: 'Object',
          object: {
            describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
            metric: { name: 'open_orders' },
            target: averageTen,
          },
        },
      ],
    },
    loads: walked(shownFor, walk()),
    show: (value) => [{ name: 'open_orders', labels: { namespace: 'object', service: 'web' }, value }],
  },
  {
    name: 'external-value',
    replicas: 1,
    spec: { minReplicas: 1, maxReplicas: 3, metrics: [externalMetric('lag_seconds', { type: 'Value', value: '20' })] },
    // Three times the target at any size, then half of it: it is the size that grows and shrinks by this factor, and not the load that is shared.
    loads: [{ shown: 20 }, { shown: 60 }, { shown: 60 }, { shown: 10 }, { shown: 10 }],
    show: inNamespace('lag_seconds', 'external-value'),
  },
  {
    name: 'external-behavior',
    replicas: 2,
    spec: {
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [externalMetric('queue_length', averageTen, { matchLabels: { urgent: 'yes' } })],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 5,
          policies: [
            { type: 'Percent', value: 60, periodSeconds: 8 },
            { type: 'Pods', value: 1, periodSeconds: 8 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: 6,
          selectPolicy: 'Min',
          policies: [
            { type: 'Percent', value: 90, periodSeconds: 10 },
            { type: 'Pods', value: 3, periodSeconds: 10 },
          ],
        },
      },
    },
    loads: [{ shown: 20 }, shownFor(12), shownFor(12), shownFor(2), shownFor(1)],
    show: (value) => [
      { name: 'queue_length', labels: { namespace: 'external-behavior', queue: 'a', urgent: 'yes' }, value: value - 1 },
      { name: 'queue_length', labels: { namespace: 'external-behavior', queue: 'b', urgent: 'yes' }, value: 1 },
      { name: 'queue_length', labels: { namespace: 'external-behavior', queue: 'c', urgent: 'no' }, value: 1000 },
    ],
  },
  {
    name: 'several',
    replicas: 1,
    spec: { minReplicas: 1, maxReplicas: 20, metrics: [cpuMetric, externalMetric('jobs_waiting')] },
    // First the one decides, then the other.
    loads: [
      { ...cpuFor(1), ...shownFor(1) },
      { ...cpuFor(3), ...shownFor(6) },
      { ...cpuFor(3), ...shownFor(2) },
      { ...cpuFor(5), ...shownFor(2) },
      { ...cpuFor(1), ...shownFor(1) },
    ],
    show: inNamespace('jobs_waiting', 'several'),
  },
  {
    name: 'one-missing',
    replicas: 1,
    spec: { minReplicas: 1, maxReplicas: 20, metrics: [externalMetric('nobody_has_this'), cpuMetric] },
    loads: [cpuFor(1), cpuFor(3), cpuFor(3), cpuFor(1), cpuFor(1)],
  },
  {
    name: 'zero',
    replicas: 1,
    spec: { minReplicas: 0, maxReplicas: 20, metrics: [externalMetric('messages_ready')] },
    loads: [shownFor(1), shownFor(3), { shown: 0 }, shownFor(4), { shown: 0 }],
    show: inNamespace('messages_ready', 'zero'),
  },
];
