import { z } from 'zod';
import { resourceList } from './policy-container-schema.ts';

const time = z.iso.datetime();

const condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: time.optional(),
  observedGeneration: z.int().optional(),
});

const resourceEvidence = z.object({
  lowerBoundPercentile: z.number(),
  targetPercentile: z.number(),
  upperBoundPercentile: z.number(),
  margin: z.number(),
});

const evidence = z
  .object({
    samples: z.int().min(0).describe('CPU samples.'),
    firstSampleTime: time.optional(),
    lastSampleTime: time.optional(),
    confidence: z.number().describe('1: a day of samples every minute.'),
    coverage: z.number().describe('Share of the minutes since the first sample that have one, 0 to 1.'),
    memoryPeaks: z.int().min(0).optional().describe('Memory peaks that are counted.'),
    oomKills: z.int().min(0).optional().describe('How many of them an OOM kill made larger.'),
    cpu: resourceEvidence.optional().describe('Percentiles and margin that were used.'),
    memory: resourceEvidence.optional().describe('Percentiles and margin that were used.'),
    clamps: z.array(z.string().max(256)).max(32).optional().describe('What moved the target, like "memory raised to minAllowed 256Mi".'),
  })
  .describe('What the recommendation rests on.');

const containerRecommendation = z.object({
  containerName: z.string(),
  target: resourceList,
  lowerBound: resourceList.optional(),
  upperBound: resourceList.optional(),
  uncappedTarget: resourceList.optional(),
  evidence: evidence.optional(),
});

/** `status` of a VerticalPolicy. */
export const verticalPolicyStatus = z.object({
  observedGeneration: z.int().optional(),
  podCount: z.int32().min(0).optional().describe('Pods of the target.'),
  recommendation: z
    .object({ containerRecommendations: z.array(containerRecommendation).optional() })
    .optional()
    .describe('As of a VerticalPodAutoscaler, sorted by container name.'),
  lastScaleUpTime: time.optional().describe('Last update of a pod to larger requests; cooldowns count from it.'),
  lastScaleDownTime: time.optional().describe('Last update of a pod to smaller requests only.'),
  conditions: z
    .array(condition)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  lastDecision: z
    .object({
      dimension: z
        .string()
        .optional()
        .describe('What of the pods it is about: requests/cpu/CONTAINER in milli-cores, requests/memory/CONTAINER in bytes.'),
      wanted: z.number().int().optional().describe('What is recommended for it.'),
      reason: z.string(),
      message: z.string(),
      at: time,
      holds: z.array(z.object({ by: z.string(), until: time.optional(), message: z.string() })).optional(),
    })
    .optional()
    .describe('Renewed when the outcome changes, not at every pass.'),
});

export type VerticalPolicyStatus = z.output<typeof verticalPolicyStatus>;
