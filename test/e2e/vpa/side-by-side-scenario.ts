import type { PlayedWorkload } from './upstream-side.ts';

/** One Deployment for which both recommenders have a VerticalPodAutoscaler of the same spec. */
export interface Contender extends PlayedWorkload {
  readonly resourcePolicy?: object;
}

const mebi = 2 ** 20;
/** Contenders that something is done to on the way. */
export const acts = { killed: 'killed', late: 'late', shrunk: 'shrunk', scaled: 'varying', again: 'again' } as const;

/** Asked for by the container that is killed for want of memory, more than it uses: the kill is counted from there. */
export const killedRequest = 256 * mebi;

/**
 * Odd numbers of replicas: of an even number of equal weights one half is exactly the median, and on which side of it the lower bound falls is then decided by the last
 * bit, which a checkpoint does not keep.
 */
export const contenders: readonly Contender[] = [
  { name: 'steady', replicas: 3, cpu: '180m', memory: '300Mi' },
  {
    name: acts.scaled,
    replicas: 3,
    cpu: '300m + noise:stddev=120m,every=10s,seed=3',
    memory: '500Mi + noise:stddev=60Mi,every=7s,seed=5',
  },
  // The peak of a window is replaced by each sample.
  { name: 'rising', replicas: 1, cpu: 'ramp:0s=50m,240s=900m', memory: 'ramp:0s=300Mi,200s=1800Mi' },
  // The least that a pod gets is divided by three, and two of the three are at it.
  {
    name: 'sidecars',
    replicas: 1,
    cpu: '200m',
    memory: '400Mi',
    sidecars: [
      { name: 'proxy', cpu: '4m', memory: '120Mi' },
      { name: 'logs', cpu: '12m', memory: '20Mi' },
    ],
  },
  {
    name: 'bounded',
    replicas: 1,
    cpu: '500m + noise:stddev=50m,every=10s,seed=11',
    memory: '600Mi',
    resourcePolicy: {
      containerPolicies: [{ containerName: '*', minAllowed: { cpu: '100m', memory: '1Gi' }, maxAllowed: { cpu: '400m', memory: '4Gi' } }],
    },
  },
  {
    name: 'memory-only',
    replicas: 1,
    cpu: '90m',
    memory: '350Mi',
    resourcePolicy: { containerPolicies: [{ containerName: '*', controlledResources: ['memory'] }] },
  },
  {
    name: 'switched-off',
    replicas: 1,
    cpu: '60m',
    memory: '280Mi',
    sidecars: [{ name: 'tracer', cpu: '30m', memory: '64Mi' }],
    resourcePolicy: { containerPolicies: [{ containerName: 'tracer', mode: 'Off' }] },
  },
  // Level, so that it makes no difference which sample is seen before the kill and which after it.
  {
    name: acts.killed,
    replicas: 1,
    cpu: '40m',
    memory: '200Mi',
    resources: { requests: { memory: `${killedRequest}` }, limits: { memory: `${killedRequest}` } },
  },
  // Its VerticalPodAutoscalers are deleted and created again.
  { name: acts.again, replicas: 1, cpu: '110m', memory: '260Mi' },
  // Comes so late that its first window is still open when both are started again.
  { name: acts.late, replicas: 0, cpu: '70m', memory: '310Mi' },
  // Loses its second container on the way; both are below the least, each first bucket included.
  { name: acts.shrunk, replicas: 1, cpu: '2m', memory: '30Mi', sidecars: [{ name: 'extra', cpu: '1m', memory: '20Mi' }] },
];

/** Length of the window of one memory peak: windows end within the test, so that peaks come into checkpoints. */
export const windowMs = 60_000;

/**
 * So short that the age of a sample counts within the test (a sample of the beginning weighs a tenth of one of the end), and that no two partial sums of weights tie.
 * Whole minutes: references are whole multiples.
 */
const cpuHalfLife = '1m';
const memoryHalfLife = '2m';

/** For a whole pod: below upstream's defaults, so that lower bounds show although nothing is certain after a minute. */
export const leastForPod = { cpu: 0.01, memory: 32 * mebi };

/** Of upstream. It must look twice in a resolution of Metrics Server, 10 s, to see every value. */
export const upstreamIntervalSeconds = 3;
export const upstreamFlags: readonly string[] = [
  `--cpu-histogram-decay-half-life=${cpuHalfLife}`,
  `--memory-histogram-decay-half-life=${memoryHalfLife}`,
  `--memory-aggregation-interval=${windowMs / 1000}s`,
  `--pod-recommendation-min-cpu-millicores=${leastForPod.cpu * 1000}`,
  `--pod-recommendation-min-memory-mb=${leastForPod.memory / mebi}`,
];

/** The same of ours, whose looks at metrics and passes are apart. */
export function concertinaFlags({ intervalSeconds }: { readonly intervalSeconds: number }): readonly string[] {
  return [
    '--components=metrics-aggregator,vpa',
    '--adopt=vpa',
    `--vpa-recommender-name=${concertinaName}`,
    `--vpa-interval=${intervalSeconds}s`,
    '--metrics-poll-interval=2s',
    `--vpa-cpu-half-life=${cpuHalfLife}`,
    `--vpa-memory-half-life=${memoryHalfLife}`,
    `--vpa-memory-interval=${windowMs / 1000}s`,
    `--vpa-pod-min-cpu=${leastForPod.cpu}`,
    `--vpa-pod-min-memory=${leastForPod.memory}`,
  ];
}

/** What VerticalPodAutoscalers name that are ours; upstream's name nobody. */
export const concertinaName = 'concertina';
