import { z } from 'zod';
import { updateModes } from './model.ts';
import { containerPolicySchema, estimationSchema, startupBoostSchema } from './policy-container-schema.ts';

export { halfLifeBounds } from './policy-container-schema.ts';
export type { EstimationInput } from './policy-container-schema.ts';
export { verticalPolicyStatus } from './policy-status-schema.ts';
export type { VerticalPolicyStatus } from './policy-status-schema.ts';

/**
 * Most container policies. API servers without kubernetes#132837 take no note of a maxLength when they estimate what a rule about a quantity costs, and refuse
 * the CRD for one more.
 */
const mostContainerPolicies = 15;

const updatePolicySchema = z
  .strictObject({
    updateMode: z
      .enum(updateModes)
      .default('Auto')
      .describe(
        'Off recommends; Initial sets new pods; Recreate evicts pods; InPlaceOrRecreate resizes them where they run and evicts them when that fails; InPlace never evicts; Auto is InPlaceOrRecreate.',
      ),
    minReplicas: z.int32().min(1).optional().describe("Live replicas below which nothing is evicted; default: the controller's (2)."),
    evictionRequirements: z
      .array(
        z.strictObject({
          resources: z.array(z.string().min(1).max(253)).min(1).max(16),
          changeRequirement: z.enum(['TargetHigherThanRequests', 'TargetLowerThanRequests']),
        }),
      )
      .max(16)
      .optional()
      .describe('A pod is updated only when each of them is met by one of its resources.'),
    evictAfterOOMSeconds: z
      .int32()
      .min(1)
      .optional()
      .describe("An OOM kill so soon after the start of a container updates the pod at once; default: the controller's (600)."),
    singleReplica: z
      .enum(['Never', 'Surge'])
      .default('Never')
      .describe(
        'A workload with one replica: Never leaves its pod alone below minReplicas; Surge rolls it where its strategy starts the new pod before the old one goes.',
      ),
  })
  .default({ updateMode: 'Auto', singleReplica: 'Never' });

/** `spec` of a VerticalPolicy: all of an autoscaling.k8s.io/v1 VerticalPodAutoscaler's spec, plus the suite's own fields. */
export const verticalPolicySpec = z.strictObject({
  targetRef: z
    .strictObject({ apiVersion: z.string().max(253).optional(), kind: z.string().min(1).max(253), name: z.string().min(1).max(253) })
    .describe('Whose pods are sized: the topmost controller of the pods, in the namespace of the policy.'),
  updatePolicy: updatePolicySchema,
  resourcePolicy: z
    .strictObject({
      containerPolicies: z
        .array(containerPolicySchema)
        .max(mostContainerPolicies)
        .optional()
        .describe('For a container the first with its name counts, else the last one for *; the two are never mixed.'),
    })
    .optional(),
  recommenders: z
    .array(z.strictObject({ name: z.string().min(1).max(253) }))
    .max(1)
    .optional()
    .describe('Name of the recommender that looks after the policy; default: the one named default.'),
  startupBoost: startupBoostSchema.optional(),
  estimation: estimationSchema
    .optional()
    .describe("How usage becomes a recommendation, where it is to be otherwise than the controller's flags say."),
  mode: z.enum(['Auto', 'DryRun', 'Paused']).default('Auto').describe('Auto acts; DryRun decides and shows; Paused leaves the pods alone.'),
  cooldown: z
    .strictObject({
      scaleUpSeconds: z
        .int32()
        .min(0)
        .max(86_400)
        .optional()
        .describe('Between two updates to larger requests; default 180, 0 turns it off.'),
      scaleDownSeconds: z
        .int32()
        .min(0)
        .max(86_400)
        .optional()
        .describe('From any update to one to smaller requests; default 300, 0 turns it off.'),
    })
    .optional()
    .describe('Least time between updates of pods of the workload; counted from status, so that it outlives a restart of the controller.'),
  horizontalPolicies: z
    .enum(['Rebase', 'Yield', 'Ignore'])
    .default('Rebase')
    .describe(
      'Where a horizontal policy goes by the utilization of a resource of this one: Rebase, both act and utilization counts against the request of the pod template; Yield, this policy leaves the resource alone; Ignore, both act as if alone.',
    ),
  injectedContainers: z
    .enum(['Manage', 'Ignore'])
    .default('Ignore')
    .describe(
      'Containers that are not in the pod template, because a webhook put them there: Ignore leaves them alone, Manage sizes them too.',
    ),
});

export type VerticalPolicySpec = z.output<typeof verticalPolicySpec>;
