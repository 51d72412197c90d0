import { z } from 'zod';

/** One CEL rule for a CRD. */
interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

function cel(...rules: readonly CelRule[]): { 'x-kubernetes-validations': readonly CelRule[] } {
  return { 'x-kubernetes-validations': rules };
}

/** A positive Kubernetes quantity, as text or as a whole number. */
const quantity = z
  .union([z.int(), z.string().max(64)])
  .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$' });

/** Usable as a segment of a URL path. */
const pathSegment = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^/%]+$/);

const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).max(64).optional() }))
    .max(64)
    .optional(),
});

const target = z.strictObject({
  type: z.enum(['Utilization', 'Value', 'AverageValue']),
  value: quantity.optional(),
  averageValue: quantity.optional(),
  averageUtilization: z.int32().min(1).optional().describe('Mean over the pods in percent of their request.'),
});

const metricIdentifier = z.strictObject({ name: pathSegment, selector: labelSelector.optional() });

const averageOrUtilization = cel({
  rule: 'has(self.target.averageUtilization) != has(self.target.averageValue)',
  message: 'set exactly one of target.averageUtilization and target.averageValue',
});
const valueOrAverage = cel({
  rule: 'has(self.target.value) || has(self.target.averageValue)',
  message: 'set target.value or target.averageValue',
});

const resourceMetric = z.strictObject({ name: pathSegment, target }).meta(averageOrUtilization);
const containerResourceMetric = z
  .strictObject({
    name: pathSegment,
    container: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
    target,
  })
  .meta(averageOrUtilization);
const podsMetric = z
  .strictObject({ metric: metricIdentifier, target })
  .meta(cel({ rule: 'has(self.target.averageValue)', message: 'a Pods metric needs target.averageValue' }));
const objectMetric = z
  .strictObject({
    describedObject: z.strictObject({ apiVersion: z.string().max(253).optional(), kind: pathSegment, name: pathSegment }),
    metric: metricIdentifier,
    target,
  })
  .meta(valueOrAverage);
const exactlyOneValue = cel({
  rule: 'has(self.target.value) != has(self.target.averageValue)',
  message: 'set exactly one of target.value and target.averageValue',
});
const externalMetric = z.strictObject({ metric: metricIdentifier, target }).meta(exactlyOneValue);
const prometheusMetric = z
  .strictObject({
    source: pathSegment.describe('Name of a MetricSource; the policy never names a URL.'),
    query: z.string().min(1).max(4096).describe('PromQL that answers with one number; its selectors are confined to the namespace of the policy.'),
    name: z.string().min(1).max(253).optional().describe('Name for people; default: the beginning of the query.'),
    emptyMeans: z
      .enum(['Unknown', 'Zero'])
      .optional()
      .describe('What an answer without a value means: Unknown (default) shrinks nothing, Zero is for series that exist only while there is something.'),
    target,
  })
  .meta(exactlyOneValue);

/** Block of a metric entry by its type. */
export const metricBlocks = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
  Prometheus: 'prometheus',
} as const;

export type MetricTypeName = keyof typeof metricBlocks;

const metric = z
  .strictObject({
    type: z.enum(['Resource', 'ContainerResource', 'Pods', 'Object', 'External', 'Prometheus']),
    resource: resourceMetric.optional(),
    containerResource: containerResourceMetric.optional(),
    pods: podsMetric.optional(),
    object: objectMetric.optional(),
    external: externalMetric.optional(),
    prometheus: prometheusMetric.optional(),
  })
  .meta(
    cel(
      ...Object.entries(metricBlocks).map(([type, block]) => ({
        rule: `has(self.${block}) == (self.type == '${type}')`,
        message: `set the block ${block} with type ${type}, and only then`,
      })),
    ),
  );

const scalingRules = z.strictObject({
  stabilizationWindowSeconds: z.int32().min(0).max(3600).optional(),
  selectPolicy: z.enum(['Max', 'Min', 'Disabled']).optional(),
  policies: z
    .array(z.strictObject({ type: z.enum(['Pods', 'Percent']), value: z.int32().min(1), periodSeconds: z.int32().min(1).max(1800) }))
    .min(1)
    .max(16)
    .optional(),
  tolerance: z
    .union([z.int(), z.string().max(64)])
    .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([numkMGTPE]|[eE][+-]?[0-9]+)?$' })
    .optional()
    .describe('Band around the target in which nothing changes, as a quantity: 0.05 or 50m is 5 %.'),
});

const timeOfDayOrCron = z.string().min(1).max(128);

const schedule = z.strictObject({
  name: pathSegment,
  timeZone: z.string().max(64).optional(),
  start: timeOfDayOrCron.describe('Cron expression of the beginning.'),
  end: timeOfDayOrCron.describe('Cron expression of the end.'),
  minReplicas: z.int32().min(0).optional(),
  maxReplicas: z.int32().min(1).optional(),
});

/** `spec` of a HorizontalPolicy: all of an autoscaling/v2 HPA spec, plus the suite's own fields. */
export const horizontalPolicySpec = z
  .strictObject({
    scaleTargetRef: z
      .strictObject({ apiVersion: z.string().max(253).optional(), kind: pathSegment, name: pathSegment })
      .describe('What is scaled: any kind with a scale subresource, in the namespace of the policy.'),
    minReplicas: z.int32().min(0).default(1),
    maxReplicas: z.int32().min(1),
    metrics: z.array(metric).max(32).optional().describe('Empty: cpu at 80 % of the request.'),
    behavior: z
      .strictObject({ scaleUp: scalingRules.optional(), scaleDown: scalingRules.optional() })
      .optional()
      .describe('Absent: the built-in rules without event history. Present, also as {}: completed with the API defaults.'),
    cooldown: z
      .strictObject({
        scaleUpSeconds: z.int32().min(0).max(86_400).optional().describe('Between two scale-ups; default 180, 0 turns it off.'),
        scaleDownSeconds: z
          .int32()
          .min(0)
          .max(86_400)
          .optional()
          .describe('From any scaling to a scale-down; default 300, 0 turns it off.'),
      })
      .optional()
      .describe('Least time between scalings of the target; counted from status, so that it outlives a restart of the controller.'),
    fallback: z
      .strictObject({
        failureThreshold: z.int32().min(1),
        replicas: z.int32().min(0),
        behavior: z.enum(['Static', 'CurrentReplicas', 'CurrentReplicasIfHigher', 'CurrentReplicasIfLower']).optional(),
      })
      .optional(),
    schedules: z
      .array(schedule)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
    mode: z
      .enum(['Auto', 'DryRun', 'Paused'])
      .default('Auto')
      .describe('Auto acts; DryRun decides and shows; Paused leaves the target alone.'),
    syncPeriodSeconds: z.int32().min(1).max(3600).optional().describe("Time between two evaluations; default: the controller's."),
  })
  .meta(
    cel(
      {
        // Guarded: a rule that fails to evaluate, unlike one that answers false, is not ratcheted, and then status could not say what is missing.
        rule: '!has(self.maxReplicas) || self.maxReplicas >= self.minReplicas',
        // Not a messageExpression with the values: the API server estimates the cost of string(int) beyond the budget and refuses the CRD.
        message: 'maxReplicas must not be less than minReplicas; raise maxReplicas or lower minReplicas',
        fieldPath: '.maxReplicas',
      },
      {
        rule: "self.minReplicas != 0 || (has(self.metrics) && self.metrics.exists(m, m.type in ['Object', 'External', 'Prometheus']))",
        message: 'minReplicas 0 needs an Object, External or Prometheus metric, because pods cannot be measured at zero',
        fieldPath: '.metrics',
      },
    ),
  );

export type HorizontalPolicySpec = z.output<typeof horizontalPolicySpec>;
export type MetricInput = z.output<typeof metric>;
export type TargetInput = z.output<typeof target>;

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
  currentReplicas: z.int32().optional().describe('spec.replicas of the target when it was last looked at.'),
  desiredReplicas: z.int32().optional(),
  targets: z.string().optional().describe('Measured and wanted values in short, for kubectl get.'),
  currentMetrics: z.array(z.looseObject({ type: z.string().optional() })).optional(),
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
