import { z } from 'zod';
import { Quantity } from '../core/units/index.ts';
import { updateModes } from './model.ts';

const quantity = z
  .union([z.number(), z.string()])
  .refine((value) => Quantity.tryParse(value) !== undefined, 'it is not a quantity, like 250m or 1Gi');

const resourceList = z.record(z.string(), quantity).nullish();

const containerPolicy = z.object({
  containerName: z.string().nullish(),
  mode: z.enum(['Auto', 'Off']).nullish(),
  minAllowed: resourceList,
  maxAllowed: resourceList,
  controlledResources: z.array(z.string()).nullish(),
  controlledValues: z.enum(['RequestsAndLimits', 'RequestsOnly']).nullish(),
  oomBumpUpRatio: quantity.nullish(),
  oomMinBumpUp: quantity.nullish(),
  memoryAggregationIntervalSeconds: z.number().nullish(),
  memoryAggregationIntervalCount: z.number().nullish(),
  startupBoost: z.unknown().optional(),
});

/** `spec` of a stored VerticalPodAutoscaler: fields of newer servers are dropped, and what upstream has not validated is taken as it is. */
export const nativeSpec = z.object({
  targetRef: z.object({ apiVersion: z.string().nullish(), kind: z.string(), name: z.string() }).nullish(),
  updatePolicy: z
    .object({
      updateMode: z.enum(['', ...updateModes]).nullish(),
      minReplicas: z.number().nullish(),
      evictionRequirements: z
        .array(
          z.object({ resources: z.array(z.string()), changeRequirement: z.enum(['TargetHigherThanRequests', 'TargetLowerThanRequests']) }),
        )
        .nullish(),
      evictAfterOOMSeconds: z.number().nullish(),
    })
    .nullish(),
  resourcePolicy: z.object({ containerPolicies: z.array(containerPolicy).nullish() }).nullish(),
  recommenders: z.array(z.object({ name: z.string() })).nullish(),
  startupBoost: z.unknown().optional(),
});

export type NativeSpec = z.output<typeof nativeSpec>;

/** A container policy of either kind, as far as both have it. */
export type ContainerPolicyInput = z.output<typeof containerPolicy>;
