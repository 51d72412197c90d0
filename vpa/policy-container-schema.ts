import { z } from 'zod';
import { cel, type CelRule } from '../core/kube/cel.ts';
import { sizedResources } from './model.ts';

/** An int-or-string as a quantity. `string(int)` would do, but the API server estimates its cost beyond the budget and refuses the CRD. */
function celQuantity(value: string): string {
  return `(type(${value}) == int ? quantity('0').add(${value}) : quantity(${value}))`;
}

/** A Kubernetes quantity of 0 or more, as text or as a whole number. The length is for the API server: it bounds what it thinks that a rule costs. */
const quantity = z
  .union([z.int(), z.string().max(64)])
  .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$', maxLength: 64 });

/** `limits` or `requests`: quantities by resource name. */
export const resourceList = z.record(z.string(), quantity).meta({ maxProperties: 16 });

function perResource<T extends z.ZodType>(value: T) {
  return z.strictObject({ cpu: value.optional(), memory: value.optional() });
}

const percentile = z.number().min(0.01).max(1);

/** Go text without a sign; longer is nothing that anybody means. */
const halfLife = z
  .string()
  .max(16)
  .meta({
    pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$',
    ...cel({
      rule: "duration(self) >= duration('1m') && duration(self) <= duration('8760h')",
      message: 'must be from 1m to 8760h, like 24h',
    }),
  });

/** Shortest and longest half-life, milliseconds. */
export const halfLifeBounds = { least: 60_000, most: 8760 * 3_600_000 };

const percentileOrder = [
  ['lowerBoundPercentile', 'targetPercentile'],
  ['targetPercentile', 'upperBoundPercentile'],
  ['lowerBoundPercentile', 'upperBoundPercentile'],
] as const;

function orderRules(): CelRule[] {
  return percentileOrder.flatMap(([low, high]) =>
    sizedResources.map((resource) => ({
      rule: `!has(self.${low}) || !has(self.${high}) || !has(self.${low}.${resource}) || !has(self.${high}.${resource}) || self.${low}.${resource} <= self.${high}.${resource}`,
      message: `${high}.${resource} must not be less than ${low}.${resource}`,
      fieldPath: `.${high}`,
    })),
  );
}

/** `spec.estimation`, and `estimation` of a container policy. */
export const estimationSchema = z
  .strictObject({
    targetPercentile: perResource(percentile)
      .optional()
      .describe('Share of the usage that the target covers: 0.9 is the 90th percentile, as in the flags of the recommender.'),
    lowerBoundPercentile: perResource(percentile)
      .optional()
      .describe('Share of the usage below which a pod is updated however young it is.'),
    upperBoundPercentile: perResource(percentile)
      .optional()
      .describe('Share of the usage above which a pod is updated however young it is.'),
    margin: perResource(z.number().min(0).max(10)).optional().describe('Added to every estimate: 0.15 is 15 %.'),
    halfLife: perResource(halfLife)
      .optional()
      .describe('After so long a sample weighs half as much: a duration from 1m to 8760h, like 24h.'),
    podMinimum: perResource(quantity)
      .optional()
      .describe(
        'Least recommendation of a whole pod, split evenly over its containers; in a container policy: as if this were that of the pod.',
      ),
  })
  .meta(cel(...orderRules()));

/** `spec.startupBoost`, and `startupBoost` of a container policy. */
export const startupBoostSchema = z
  .strictObject({
    cpu: z
      .strictObject({
        type: z.enum(['Factor', 'Quantity']).describe('Factor: so many times the request; Quantity: so much more.'),
        factor: z.int32().min(1).optional(),
        quantity: quantity.optional(),
        durationSeconds: z.int32().min(0).optional().describe('How long the boost stays after the pod became ready; default 0.'),
      })
      .meta(
        cel(
          { rule: "has(self.factor) == (self.type == 'Factor')", message: 'set factor with type Factor, and only then' },
          { rule: "has(self.quantity) == (self.type == 'Quantity')", message: 'set quantity with type Quantity, and only then' },
        ),
      )
      .optional(),
  })
  .describe('More CPU while a container starts.');

function boundRules(): CelRule[] {
  const present = (resource: string): string =>
    `!has(self.minAllowed) || !has(self.maxAllowed) || !('${resource}' in self.minAllowed) || !('${resource}' in self.maxAllowed)`;
  const order = sizedResources.map((resource) => ({
    rule: `${present(resource)} || ${celQuantity(`self.maxAllowed['${resource}']`)}.compareTo(${celQuantity(`self.minAllowed['${resource}']`)}) >= 0`,
    message: `maxAllowed.${resource} must not be less than minAllowed.${resource}`,
    fieldPath: '.maxAllowed',
  }));
  const whole = (['minAllowed', 'maxAllowed'] as const).map((field) => ({
    rule: `!has(self.${field}) || !('memory' in self.${field}) || type(self.${field}['memory']) == int || quantity(self.${field}['memory']).isInteger()`,
    message: `${field}.memory must be a whole number of bytes, like 256Mi`,
    fieldPath: `.${field}`,
  }));
  return [...order, ...whole];
}

/** An entry of `spec.resourcePolicy.containerPolicies`. */
export const containerPolicySchema = z
  .strictObject({
    containerName: z.string().min(1).max(63).describe('Name of a container, or * for all that have no policy of their own.'),
    mode: z.enum(['Auto', 'Off']).optional().describe('Off: neither recommended for nor updated. Default Auto.'),
    minAllowed: resourceList.optional().describe('Least that is recommended; cpu in whole milli-cores, memory in whole bytes.'),
    maxAllowed: resourceList.optional().describe('Most that is recommended; wins over minAllowed.'),
    controlledResources: z
      .array(z.enum(sizedResources))
      .max(2)
      .optional()
      .describe('Which resources are recommended for: default both; an empty list means none.'),
    controlledValues: z
      .enum(['RequestsAndLimits', 'RequestsOnly'])
      .optional()
      .describe('RequestsAndLimits (default): limits keep their ratio to the requests; RequestsOnly: limits stay, and cap the requests.'),
    oomBumpUpRatio: quantity
      .optional()
      .describe('After an OOM kill the recommendation is at least so many times what was used; default 1.2.'),
    oomMinBumpUp: quantity.optional().describe('After an OOM kill the recommendation grows by at least so much; default 100Mi.'),
    memoryAggregationIntervalSeconds: z.int32().min(1).optional().describe('Of each such interval the memory peak counts; default 86400.'),
    memoryAggregationIntervalCount: z.int().min(1).optional().describe('After so many intervals usage is forgotten; default 8.'),
    startupBoost: startupBoostSchema.optional(),
    estimation: estimationSchema.optional().describe('Goes over the estimation of the policy, each field and resource for itself.'),
  })
  .meta(
    cel(
      ...boundRules(),
      {
        rule: "!has(self.mode) || self.mode != 'Off' || !has(self.controlledValues) || self.controlledValues != 'RequestsAndLimits'",
        message: 'controlledValues RequestsAndLimits has no meaning with mode Off; remove one of them',
        fieldPath: '.controlledValues',
      },
      {
        rule: `!has(self.oomBumpUpRatio) || ${celQuantity('self.oomBumpUpRatio')}.compareTo(quantity('1')) >= 0`,
        message: 'oomBumpUpRatio must be 1 or more, like 1.2',
        fieldPath: '.oomBumpUpRatio',
      },
    ),
  );

export type EstimationInput = z.output<typeof estimationSchema>;
