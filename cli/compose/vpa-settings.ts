import { z } from 'zod';
import { defaultVpaConfig, type VpaConfig } from '../../vpa/index.ts';
import { address, amount, duration, flag, fraction, isLoopback, notA, number, wholeFrom } from './setting-parts.ts';

/** What the engine of vertical policies may be told; shared by `run`, `recommend` and `demo`. Defaults are upstream's. */
export const vpaSettings = z
  .strictObject({
    interval: duration('1m', 'Time between two recommendations of a policy', 100),
    updateInterval: duration('1m', 'Time between two looks for pods to update', 100),
    recommenderName: z
      .string()
      .min(1)
      .default('default')
      .describe('Policies that name a recommender belong to the one of that name (default)'),
    targetCpuPercentile: fraction('Share of CPU samples that the target covers', 0.9),
    targetMemoryPercentile: fraction('Share of memory peaks that the target covers', 0.9),
    lowerCpuPercentile: fraction('The same of the lower bound, CPU', 0.5),
    lowerMemoryPercentile: fraction('The same of the lower bound, memory', 0.5),
    upperCpuPercentile: fraction('The same of the upper bound, CPU', 0.95),
    upperMemoryPercentile: fraction('The same of the upper bound, memory', 0.95),
    margin: number('a number of 0 or more', (value) => value >= 0)
      .default(0.15)
      .describe('Added to every estimate, as a fraction of it (0.15)'),
    podMinCpu: amount('cpu').prefault('25m').describe('Least CPU recommended for a whole pod, split over its containers (25m)'),
    podMinMemory: amount('memory')
      .prefault('250Mi')
      .describe('Least memory recommended for a whole pod, split over its containers (250Mi)'),
    maxAllowedCpu: amount('cpu').optional().describe('Most CPU recommended for a container whose policy sets no maxAllowed (no limit)'),
    maxAllowedMemory: amount('memory').optional().describe('Most memory recommended for such a container (no limit)'),
    cpuHalfLife: duration('24h', 'A CPU sample of this age counts half', 60_000),
    memoryHalfLife: duration('24h', 'A memory peak of this age counts half', 60_000),
    memoryInterval: duration('24h', 'Length of the window of one memory peak', 60_000),
    memoryIntervalCount: wholeFrom(1).default(8).describe('Usage is forgotten after so many windows without a sample (8)'),
    oomBumpUpRatio: number('a number of 1 or more', (value) => value >= 1)
      .default(1.2)
      .describe('Memory of a container that was OOM-killed counts as so many times what it had (1.2)'),
    oomMinBumpUp: amount('memory').prefault('100Mi').describe('And as so much more at the least (100Mi)'),
    roundCpu: amount('cpu').prefault('1m').describe('Recommended CPU is rounded up to a multiple (1m)'),
    roundMemory: amount('memory').prefault('1').describe('Recommended memory is rounded up to a multiple (1)'),
    minReplicas: wholeFrom(1).default(2).describe('Workloads with fewer live pods are not evicted from (2)'),
    evictionTolerance: fraction('Share of a workload’s pods that may be away at once because of updates', 0.5),
    evictionRateLimit: number('a number', () => true)
      .default(-1)
      .describe('Most evictions a second, and most resizes; 0 or less: no limit (-1)'),
    evictionRateBurst: wholeFrom(1).default(1).describe('Most at once (1)'),
    shrinkAfter: duration('24h', 'A VerticalPolicy lowers no request before usage was seen for so long; 0: at once, as upstream'),
    updateThreshold: fraction('Least relative change for which a pod within its bounds is updated', 0.1),
    boundsLifetime: duration('12h', 'A pod within its bounds is updated once it is so old'),
    evictAfterOom: duration('10m', 'A container that was OOM-killed sooner than this after its start has its pod updated at once'),
    inPlaceSkipDisruptionBudget: flag('Resizes that restart nothing do not count as disruption', false),
    checkpointsPerMinute: wholeFrom(1).default(1_200).describe('Most checkpoints written a minute (1200)'),
    adoptedCooldown: flag('VerticalPodAutoscalers get the cooldowns too; false keeps upstream’s timing', false),
    ignoredNamespaces: z
      .array(z.string().min(1))
      .default([])
      .describe('Namespaces whose vertical policies and pods are left alone, separated by commas (none)'),
  })
  .refine(({ lowerCpuPercentile: low, targetCpuPercentile: mid, upperCpuPercentile: high }) => low <= mid && mid <= high, {
    path: ['targetCpuPercentile'],
    error: 'percentiles must rise: lowerCpuPercentile, targetCpuPercentile, upperCpuPercentile',
  })
  .refine(({ lowerMemoryPercentile: low, targetMemoryPercentile: mid, upperMemoryPercentile: high }) => low <= mid && mid <= high, {
    path: ['targetMemoryPercentile'],
    error: 'percentiles must rise: lowerMemoryPercentile, targetMemoryPercentile, upperMemoryPercentile',
  });

export type VpaSettings = z.output<typeof vpaSettings>;

/** History of usage from before the program ran. */
export const historySettings = z.strictObject({
  source: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the MetricSource (a Prometheus) that usage of the past is read from at start (none: checkpoints only)'),
  length: duration('192h', 'How far back; 192h is eight days', 3_600_000),
  resolution: duration('1h', 'Distance of the samples that are read: four scrape intervals or more', 60_000),
  cacheDirectory: z.string().min(1).optional().describe('Where parts of it that cannot change any more are kept (memory only)'),
});

/** The webhook that gives new pods their requests. */
export const admissionSettings = z
  .strictObject({
    address: address('Where the webhook is served over TLS, HOST:PORT (not served: new pods keep their requests, and nothing is evicted)'),
    service: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the Service through which the API server reaches it, in the program’s namespace'),
    servicePort: wholeFrom(1).default(443).describe('Port of that Service (443)'),
    url: z.string().min(1).optional().describe('URL by which the API server reaches it, in place of a Service'),
    webhookName: z.string().min(1).default('concertina-vpa').describe('Name of the MutatingWebhookConfiguration (concertina-vpa)'),
    secret: z
      .string()
      .min(1)
      .default('concertina-vpa-admission')
      .describe('Name of the Secret with its certificates (concertina-vpa-admission)'),
    timeoutSeconds: number('a whole number from 1 to 5', (value) => Number.isInteger(value) && value >= 1 && value <= 5)
      .default(5)
      .describe('How long the API server waits for it, seconds (5)'),
    external: flag('Another admission controller of VPA (Lease vpa-admission-controller) does this', false),
    maxBoostCpu: amount('cpu').optional().describe('Most CPU that a start-up boost gives (no limit)'),
  })
  .refine(({ address: at, service, url }) => at === undefined || (service === undefined) !== (url === undefined), {
    path: ['service'],
    error: 'exactly one of service and url says how the API server reaches the webhook',
  })
  .refine(({ address: at, url }) => url === undefined || at === undefined || url.startsWith('https://'), {
    path: ['url'],
    error: 'must begin with https://: API servers call nothing else',
  })
  .refine(({ address: at, external }) => !external || at === undefined, {
    path: ['external'],
    error: 'an external admission controller and one of our own contradict each other: leave out admission.address or external',
  });

export type AdmissionSettings = z.output<typeof admissionSettings>;

export const adoptable = z.enum(['hpa', 'vpa'], notA('hpa or vpa'));

export { isLoopback };

/** Settings as the requests controller takes them. */
export function vpaConfig(
  { vpa, cooldown }: { readonly vpa: VpaSettings; readonly cooldown: { readonly scaleUp: number; readonly scaleDown: number } },
  { dryRun = false, adoptVpas = false } = {},
): VpaConfig {
  const { recommender, updater } = defaultVpaConfig;
  return {
    recommender: {
      ...recommender,
      intervalMs: vpa.interval,
      name: vpa.recommenderName,
      checkpointsPerMinute: vpa.checkpointsPerMinute,
      shrinkAfterMs: vpa.shrinkAfter,
      estimation: {
        ...recommender.estimation,
        targetPercentile: { cpu: vpa.targetCpuPercentile, memory: vpa.targetMemoryPercentile },
        lowerBoundPercentile: { cpu: vpa.lowerCpuPercentile, memory: vpa.lowerMemoryPercentile },
        upperBoundPercentile: { cpu: vpa.upperCpuPercentile, memory: vpa.upperMemoryPercentile },
        margin: { cpu: vpa.margin, memory: vpa.margin },
        podMinimum: { cpu: vpa.podMinCpu, memory: vpa.podMinMemory },
        halfLifeMs: { cpu: vpa.cpuHalfLife, memory: vpa.memoryHalfLife },
        memoryAggregationIntervalMs: vpa.memoryInterval,
        memoryAggregationIntervalCount: vpa.memoryIntervalCount,
        oomBumpUpRatio: vpa.oomBumpUpRatio,
        oomMinBumpUp: vpa.oomMinBumpUp,
        rounding: { cpu: vpa.roundCpu, memory: vpa.roundMemory },
        maxAllowed: {
          ...(vpa.maxAllowedCpu === undefined ? {} : { cpu: vpa.maxAllowedCpu }),
          ...(vpa.maxAllowedMemory === undefined ? {} : { memory: vpa.maxAllowedMemory }),
        },
      },
    },
    updater: {
      ...updater,
      intervalMs: vpa.updateInterval,
      minReplicas: vpa.minReplicas,
      evictionTolerance: vpa.evictionTolerance,
      evictionRateLimit: vpa.evictionRateLimit,
      evictionRateBurst: vpa.evictionRateBurst,
      updateThreshold: vpa.updateThreshold,
      lifetimeThresholdMs: vpa.boundsLifetime,
      evictAfterOomMs: vpa.evictAfterOom,
      inPlaceSkipDisruptionBudget: vpa.inPlaceSkipDisruptionBudget,
    },
    cooldown: { scaleUpMs: cooldown.scaleUp, scaleDownMs: cooldown.scaleDown },
    adoptVpas,
    adoptedCooldown: vpa.adoptedCooldown,
    dryRun,
    ignoredNamespaces: vpa.ignoredNamespaces,
  };
}
