import { z } from 'zod';

const time = z.iso.datetime();

const condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: time,
  observedGeneration: z.int().optional(),
});

/** `status` of a HorizontalPolicy. */
export const horizontalPolicyStatus = z.object({
  observedGeneration: z.int().optional(),
  lastScaleTime: time.optional().describe('Last change of replicas by the controller.'),
  lastScaleUpTime: time.optional(),
  lastScaleDownTime: time.optional(),
  pendingScaling: z
    .object({ from: z.int32().min(0), to: z.int32().min(0), at: time })
    .optional()
    .describe(
      'A scaling that is about to be made: noted before it is, so that its cooldown outlives a crash, and gone once its outcome is known.',
    ),
  currentReplicas: z.int32().optional().describe('spec.replicas of the target when it was last looked at.'),
  desiredReplicas: z.int32().optional(),
  targets: z.string().optional().describe('Measured and wanted values in short, for kubectl get.'),
  currentMetrics: z.array(z.looseObject({ type: z.string().optional() })).optional(),
  failingMetrics: z
    .array(
      z.object({
        index: z.int32().min(0).describe('Place in spec.metrics.'),
        metric: z.string().max(1024),
        failures: z.int32().min(1).describe('Failed evaluations in a row; counted up to fallback.failureThreshold.'),
        since: time,
      }),
    )
    .max(32)
    .optional()
    .describe('Metrics that cannot be read now; kept here so that a restart of the controller does not begin to count anew.'),
  conditions: z
    .array(condition)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  lastDecision: z
    .object({
      from: z.int32(),
      to: z.int32(),
      wanted: z.int32().optional().describe('What the load asks for; absent when it is not known.'),
      reason: z.string(),
      message: z.string(),
      at: time,
      holds: z.array(z.object({ by: z.string(), until: time.optional(), message: z.string() })).optional(),
    })
    .optional()
    .describe('Renewed when the outcome changes, not at every evaluation.'),
});

export type HorizontalPolicyStatus = z.output<typeof horizontalPolicyStatus>;
