import { z } from 'zod';
import { cel } from './policy-cel.ts';
import { pathSegment } from './policy-metric-schema.ts';
import { cronPattern, timeZonePattern } from './schedule/index.ts';

const scalingRules = z.strictObject({
  stabilizationWindowSeconds: z
    .int32()
    .min(0)
    .max(3600)
    .optional()
    .describe("Default for scaleUp 0, for scaleDown the controller's downscale stabilisation (300)."),
  selectPolicy: z
    .enum(['Max', 'Min', 'Disabled'])
    .optional()
    .describe('Max (default) takes the policy that permits most, Min the one that permits least.'),
  policies: z
    .array(z.strictObject({ type: z.enum(['Pods', 'Percent']), value: z.int32().min(1), periodSeconds: z.int32().min(1).max(1800) }))
    .min(1)
    .max(16)
    .optional()
    .describe('Default for scaleUp: 4 pods and 100 percent in 15 s; for scaleDown: 100 percent in 15 s.'),
  tolerance: z
    .union([z.int(), z.string().max(64)])
    .meta({ pattern: '^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([numkMGTPE]|[eE][+-]?[0-9]+)?$' })
    .optional()
    .describe("Band around the target in which nothing changes, as a quantity: 0.05 or 50m is 5 %. Default: the controller's (10 %)."),
});

/** `spec.behavior`. */
export const behaviorSchema = z
  .strictObject({ scaleUp: scalingRules.optional(), scaleDown: scalingRules.optional() })
  .describe('Absent: the built-in rules without event history. Present, also as {}: completed with the API defaults.');

/** `spec.cooldown`. */
export const cooldownSchema = z
  .strictObject({
    scaleUpSeconds: z
      .int32()
      .min(0)
      .max(86_400)
      .optional()
      .describe('Between two scale-ups; default 180, 0 turns it off. Corrections up to minReplicas and waking from 0 do not wait.'),
    scaleDownSeconds: z.int32().min(0).max(86_400).optional().describe('From any scaling to a scale-down; default 300, 0 turns it off.'),
    panicRatio: z
      .number()
      .min(1)
      .max(1000)
      .optional()
      .describe('A load of more than so many times its target does not wait for the scale-up cooldown; default: every growth waits.'),
  })
  .describe('Least time between scalings of the target; counted from status, so that it outlives a restart of the controller.');

/** `spec.fallback`. */
export const fallbackSchema = z
  .strictObject({
    failureThreshold: z
      .int32()
      .min(1)
      .max(1000)
      .describe('Failed evaluations of a metric in a row from which on the fallback stands in for it.'),
    replicas: z
      .int32()
      .min(1)
      .optional()
      .describe('For all behaviors but CurrentReplicas and Hold. Not 0: an outage of metrics switches nothing off.'),
    behavior: z
      .enum(['Static', 'CurrentReplicas', 'CurrentReplicasIfHigher', 'CurrentReplicasIfLower', 'Hold'])
      .optional()
      .describe(
        'What the failed metric is taken to ask for: replicas (Static), the current size, or the larger or smaller of both; Hold: nothing, and the target does not shrink. Only Static and CurrentReplicasIfLower may shrink it. Default: CurrentReplicasIfHigher with replicas, Hold without.',
      ),
  })
  .meta(
    cel({
      rule: "has(self.replicas) || !has(self.behavior) || self.behavior in ['CurrentReplicas', 'Hold']",
      message: 'set replicas with behavior Static, CurrentReplicasIfHigher or CurrentReplicasIfLower',
      fieldPath: '.replicas',
    }),
  )
  .describe(
    'What stands in for a metric that cannot be read; metrics that can are heard all the same. Absent: nothing shrinks while a metric is unknown.',
  );

/** The form is for the API server; what is wrong with a text is said better where it is read (policy-problems.ts). */
const cron = z.string().max(128).meta({ pattern: cronPattern.source });

const schedule = z
  .strictObject({
    name: pathSegment.max(63),
    timeZone: z.string().max(64).meta({ pattern: timeZonePattern.source }).default('UTC').describe('IANA name, like Europe/Berlin.'),
    start: cron.describe('Cron expression of five fields of the beginning, like 0 8 * * MON-FRI.'),
    end: cron.describe('Cron expression of the end.'),
    minReplicas: z.int32().min(1).optional().describe('Floor while the window is open; raises minReplicas, never lowers it.'),
    maxReplicas: z
      .int32()
      .min(1)
      .optional()
      .describe('Ceiling while the window is open; lowers maxReplicas, never raises it. A floor above it wins.'),
    ramp: z
      .strictObject({ durationSeconds: z.int32().min(10).max(86_400) })
      .optional()
      .describe(
        'The floor rises in 10 equal steps before the window opens, so that it is whole at start, and falls in 10 steps after end. Default: at once.',
      ),
  })
  .meta(
    cel(
      { rule: 'has(self.minReplicas) || has(self.maxReplicas)', message: 'set minReplicas, maxReplicas or both' },
      {
        rule: '!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas',
        message: 'maxReplicas must not be less than minReplicas of the schedule',
        fieldPath: '.maxReplicas',
      },
      {
        rule: '!has(self.ramp) || has(self.minReplicas)',
        message: 'a ramp needs minReplicas, which it raises in steps',
        fieldPath: '.ramp',
      },
    ),
  );

/** `spec.schedules`. */
export const schedulesSchema = z
  .array(schedule)
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
  .describe('Windows of time with their own bounds. Of several that are open the highest floor and the lowest ceiling count.');

export type ScheduleInput = z.output<typeof schedule>;
export type FallbackInput = z.output<typeof fallbackSchema>;
