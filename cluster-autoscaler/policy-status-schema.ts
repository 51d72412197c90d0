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

const unneededNode = z.object({
  node: z.string(),
  since: time.describe('First look in a row at which it was not needed.'),
  removableAt: time.optional().describe('When it goes if nothing changes; absent: that cannot be known.'),
  reason: z.string().optional().describe('Why it has not gone yet.'),
});

const groupStatus = z.object({
  name: z.string(),
  minSize: z.int32().describe('That holds, out of the policy and the cloud.'),
  maxSize: z.int32(),
  targetSize: z.int32().describe('What the cloud was asked for.'),
  ready: z.int32(),
  notReady: z.int32().optional().describe('Registered and not ready, those that are starting included.'),
  upcoming: z.int32().optional().describe('Asked for and not there yet.'),
  beingDeleted: z.int32().optional(),
  health: z.enum(['Healthy', 'Unhealthy']),
  scaleUp: z.enum(['InProgress', 'Backoff', 'NoActivity']),
  backoff: z
    .object({ until: time, code: z.string(), message: z.string().max(512) })
    .optional()
    .describe('The cloud has refused nodes: the group is not asked again before then.'),
  lastScaleUpTime: time.optional().describe('Cooldowns count from these two.'),
  lastScaleDownTime: time.optional(),
  unneeded: z.array(unneededNode).max(20).optional().describe('The first ones by name.'),
  unneededCount: z.int32().optional(),
  kept: z
    .array(z.object({ reason: z.string(), nodes: z.int32(), example: z.string().max(512).optional() }))
    .max(20)
    .optional()
    .describe('Nodes that are not to go, by reason.'),
  notes: z.array(z.string().max(512)).max(8).optional().describe('What is odd about the group in its cloud.'),
});

/** `status` of a NodePoolPolicy. */
export const nodePoolPolicyStatus = z.object({
  observedGeneration: z.int().optional(),
  nodes: z.int32().optional().describe('Sum of the target sizes of the groups.'),
  minNodes: z.int32().optional(),
  maxNodes: z.int32().optional(),
  readyNodes: z.int32().optional(),
  unneededNodes: z.int32().optional(),
  groups: z.array(groupStatus).max(64).optional().describe('In the order of their names.'),
  conditions: z
    .array(condition)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  lastDecision: z
    .object({
      group: z.string(),
      from: z.int32(),
      to: z.int32(),
      reason: z.string(),
      message: z.string(),
      at: time,
      holds: z.array(z.object({ by: z.string(), until: time.optional(), message: z.string() })).optional(),
    })
    .optional()
    .describe('Renewed when the outcome changes, not at every look.'),
});

export type NodePoolPolicyStatus = z.output<typeof nodePoolPolicyStatus>;
export type GroupStatus = z.output<typeof groupStatus>;
