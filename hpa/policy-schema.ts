import { z } from 'zod';
import { cel } from './policy-cel.ts';
import { metricSchema, pathSegment } from './policy-metric-schema.ts';
import { behaviorSchema, cooldownSchema, fallbackSchema, schedulesSchema } from './policy-scaling-schema.ts';

export { metricBlocks } from './policy-metric-schema.ts';
export type { MetricInput, MetricTypeName, TargetInput } from './policy-metric-schema.ts';
export type { FallbackInput, ScheduleInput } from './policy-scaling-schema.ts';
export { horizontalPolicyStatus } from './policy-status-schema.ts';
export type { HorizontalPolicyStatus } from './policy-status-schema.ts';

/** `spec` of a HorizontalPolicy: all of an autoscaling/v2 HPA spec, plus the suite's own fields. */
export const horizontalPolicySpec = z
  .strictObject({
    scaleTargetRef: z
      .strictObject({ apiVersion: z.string().max(253).optional(), kind: pathSegment, name: pathSegment })
      .describe('What is scaled: any kind with a scale subresource, in the namespace of the policy.'),
    minReplicas: z
      .int32()
      .min(0)
      .default(1)
      .describe('0 needs an Object, External or Prometheus metric: the target sleeps while none of its metrics asks for a replica.'),
    maxReplicas: z.int32().min(1),
    metrics: z.array(metricSchema).max(32).optional().describe('Empty: cpu at 80 % of the request.'),
    behavior: behaviorSchema.optional(),
    cooldown: cooldownSchema.optional(),
    fallback: fallbackSchema.optional(),
    schedules: schedulesSchema.optional(),
    podSelection: z
      .enum(['OwnedOnly', 'ByLabels'])
      .default('OwnedOnly')
      .describe(
        'OwnedOnly leaves out pods that carry the labels but belong to something else; ByLabels counts them, as a HorizontalPodAutoscaler does.',
      ),
    cpuInitializationPeriodSeconds: z
      .int32()
      .min(0)
      .max(86_400)
      .optional()
      .describe("How long after its start a pod's cpu counts only once it is ready; default: the controller's (300)."),
    initialReadinessDelaySeconds: z
      .int32()
      .min(0)
      .max(86_400)
      .optional()
      .describe("A pod that lost readiness so soon after its start never was ready; default: the controller's (30)."),
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
      {
        // A percentage of 0 is 0: with Max one policy of type Pods is enough, with Min all have to be, and the default list has one of type Percent.
        rule: "self.minReplicas != 0 || !has(self.behavior) || !has(self.behavior.scaleUp) || !(has(self.behavior.scaleUp.selectPolicy) && self.behavior.scaleUp.selectPolicy == 'Disabled')",
        message: 'minReplicas 0 needs growth to be possible: behavior.scaleUp.selectPolicy must not be Disabled',
        fieldPath: '.behavior',
      },
      {
        rule: "self.minReplicas != 0 || !has(self.behavior) || !has(self.behavior.scaleUp) || ((has(self.behavior.scaleUp.selectPolicy) && self.behavior.scaleUp.selectPolicy == 'Min') ? (has(self.behavior.scaleUp.policies) && self.behavior.scaleUp.policies.all(p, p.type == 'Pods')) : (!has(self.behavior.scaleUp.policies) || self.behavior.scaleUp.policies.exists(p, p.type == 'Pods')))",
        message:
          'a target at 0 cannot grow by a percentage; add a policy of type Pods to behavior.scaleUp.policies (with selectPolicy Min all must be)',
        fieldPath: '.behavior',
      },
      {
        rule: '!has(self.fallback) || !has(self.fallback.replicas) || !has(self.maxReplicas) || self.fallback.replicas <= self.maxReplicas',
        message: 'fallback.replicas must not be more than maxReplicas',
        fieldPath: '.fallback',
      },
      {
        rule: '!has(self.schedules) || !has(self.maxReplicas) || self.schedules.all(s, !has(s.minReplicas) || s.minReplicas <= self.maxReplicas)',
        message: 'minReplicas of a schedule must not be more than maxReplicas of the policy',
        fieldPath: '.schedules',
      },
      {
        rule: '!has(self.schedules) || self.schedules.all(s, !has(s.maxReplicas) || s.maxReplicas >= self.minReplicas)',
        message: 'maxReplicas of a schedule must not be less than minReplicas of the policy',
        fieldPath: '.schedules',
      },
    ),
  );

export type HorizontalPolicySpec = z.output<typeof horizontalPolicySpec>;
