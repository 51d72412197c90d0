import { z } from 'zod';
import { cel } from './policy-cel.ts';

/** A positive Kubernetes quantity, as text or as a whole number. */
const quantity = z
  .union([z.int(), z.string().max(64)])
  .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$' });

/** Usable as a segment of a URL path. */
export const pathSegment = z
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
    query: z
      .string()
      .min(1)
      .max(4096)
      .describe('PromQL that answers with one number; its selectors are confined to the namespace of the policy.'),
    name: z.string().min(1).max(253).optional().describe('Name for people; default: the beginning of the query.'),
    emptyMeans: z
      .enum(['Unknown', 'Zero'])
      .optional()
      .describe(
        'What an answer without a value means: Unknown (default) shrinks nothing, Zero is for series that exist only while there is something.',
      ),
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

/** An entry of `spec.metrics`. */
export const metricSchema = z
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

export type MetricInput = z.output<typeof metricSchema>;
export type TargetInput = z.output<typeof target>;
