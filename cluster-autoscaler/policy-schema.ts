import { z } from 'zod';
import { cel } from './policy-cel.ts';
import { cronPattern, timeZonePattern } from './policy-windows.ts';

export { nodePoolPolicyStatus } from './policy-status-schema.ts';
export type { GroupStatus, NodePoolPolicyStatus } from './policy-status-schema.ts';

/** A day: no cooldown or timer of a pool is longer. */
const mostSeconds = 86_400;

const seconds = (least = 0) => z.int32().min(least).max(mostSeconds);

const groupSelector = z
  .strictObject({
    name: z.string().min(1).max(255).optional().describe('Its id: on AWS the name of the Auto Scaling group.'),
    pattern: z.string().min(1).max(255).optional().describe('Ids of this form; * stands for any characters.'),
    tags: z
      .record(z.string(), z.string().max(256))
      .meta({ maxProperties: 16 })
      .optional()
      .describe('Tags that the group has in its cloud, all of them; an empty value stands for any.'),
  })
  .meta(
    cel({
      rule: 'has(self.name) ? !has(self.pattern) && !has(self.tags) : has(self.pattern) || has(self.tags)',
      message: 'set name alone, or pattern, tags or both',
    }),
  );

const quantity = z
  .union([z.int(), z.string().max(64)])
  .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$', maxLength: 64 });

const quantities = z.record(z.string(), quantity).meta({ maxProperties: 32 });

const taint = z.strictObject({
  key: z.string().min(1).max(317),
  value: z.string().max(63).optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

const template = z
  .strictObject({
    labels: z.record(z.string(), z.string().max(63)).meta({ maxProperties: 64 }).optional().describe('Labels that its nodes will have.'),
    taints: z.array(taint).max(32).optional().describe('Taints that its nodes will have; one of the same key and effect is replaced.'),
    capacity: quantities.optional().describe('Amounts by resource, as status.capacity of a node will have them.'),
    allocatable: quantities
      .optional()
      .describe('What of it is left for pods; default: the amount in capacity. Tells from zero what the kubelet reserves.'),
  })
  .describe("Corrects the cloud's description of a node of the group, which counts while there is no node to look at.");

/** A whole number or a share such as 10%. */
const nodeCount = z.union([z.int32().min(0), z.string().max(16)]).meta({ pattern: '^[0-9]{1,3}%$', maxLength: 16 });

const disruptionWindow = z.strictObject({
  name: z.string().min(1).max(63),
  timeZone: z.string().max(64).meta({ pattern: timeZonePattern.source }).default('UTC').describe('IANA name, like Europe/Berlin.'),
  start: z
    .string()
    .max(128)
    .meta({ pattern: cronPattern.source })
    .describe('Cron expression of five fields of the beginning, like 0 8 * * MON-FRI.'),
  durationSeconds: z.int32().min(60).max(604_800),
  maxNodes: nodeCount.describe('As disruption.maxNodes, while the window is open; 0: no node is removed.'),
});

/** `spec` of a NodePoolPolicy. */
export const nodePoolPolicySpec = z
  .strictObject({
    groups: z
      .array(groupSelector)
      .min(1)
      .max(64)
      .describe('Node groups that the policy is for, out of those that the cloud provider finds. A group has one policy.'),
    minSize: z.int32().min(0).optional().describe("Least size; default: the group's own. It never goes below that."),
    maxSize: z.int32().min(0).optional().describe("Greatest size; default: the group's own. It never goes beyond that."),
    priority: z
      .int32()
      .min(0)
      .optional()
      .describe(
        'For the expander priority: of the groups that could take a pod those with the highest. The ConfigMap of priorities, if there is one, wins.',
      ),
    pricePerHour: z.number().min(0).max(1_000_000).optional().describe('Of one node, in any currency, for the expanders price and cost.'),
    template: template.optional(),
    cooldown: z
      .strictObject({
        scaleUpSeconds: seconds().optional().describe("Between two scale-ups of a group; default: the controller's (180), 0 turns it off."),
        scaleDownSeconds: seconds()
          .optional()
          .describe("From any scaling of a group to the removal of one of its nodes; default: the controller's (300), 0 turns it off."),
      })
      .optional()
      .describe('Least time between scalings of a group; counted from status, so that it outlives a restart of the controller.'),
    scaleUp: z
      .strictObject({
        maxProvisionSeconds: seconds(1)
          .optional()
          .describe("A node that has not come after so long is given up; default: the controller's (900)."),
        maxStartupSeconds: seconds(1)
          .optional()
          .describe("So young a node may be not ready without being unready; default: the controller's (900)."),
        zeroOrMax: z.boolean().optional().describe('The group has 0 nodes or maxSize, nothing in between.'),
      })
      .optional(),
    scaleDown: z
      .strictObject({
        utilizationThreshold: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe("A node whose pods request at most this share of it may go; default: the controller's (0.5)."),
        gpuUtilizationThreshold: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe("The same for nodes with GPUs, of which only those count; default: the controller's (0.5)."),
        unneededSeconds: seconds().optional().describe("How long a node has to be unneeded; default: the controller's (600)."),
        unreadySeconds: seconds().optional().describe("The same for a node that is not ready; default: the controller's (1200)."),
        ignoreDaemonSetsUtilization: z.boolean().optional().describe("Pods of DaemonSets do not count; default: the controller's (false)."),
      })
      .optional(),
    disruption: z
      .strictObject({
        maxNodes: nodeCount
          .optional()
          .describe(
            'Most nodes of a group that are being removed at once, or a share of its size, rounded up; default: no limit of its own.',
          ),
        windows: z
          .array(disruptionWindow)
          .max(16)
          .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
          .optional()
          .describe('Times with another limit. Of all that hold the least counts.'),
      })
      .optional(),
    mode: z
      .enum(['Auto', 'DryRun', 'Paused'])
      .default('Auto')
      .describe('Auto acts; DryRun decides and shows; Paused leaves the groups alone.'),
  })
  .meta(
    cel({
      rule: '!has(self.minSize) || !has(self.maxSize) || self.minSize <= self.maxSize',
      message: 'maxSize must not be less than minSize; raise maxSize or lower minSize',
      fieldPath: '.maxSize',
    }),
  );

export type NodePoolPolicySpec = z.output<typeof nodePoolPolicySpec>;
