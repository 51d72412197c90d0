import { z } from 'zod';
import type { QueryResult, SourceReport, SourceState } from '../../core/model/metrics-view.ts';
import { unknownReasons, type Doubt } from '../../core/model/sample.ts';
import { wireVersion, type ViewHeader } from '../serving/view-wire.ts';

/** What of a view's lines is read with schemas: all but pods, nodes and series, which are too many. Unknown fields are those of a newer server, and ignored. */

const time = z.number();
const count = z.int().min(0).max(10_000_000);
const reason = z.enum(unknownReasons);

const doubt = z.object({ reason, detail: z.string(), since: time.optional(), until: time.optional() }) satisfies z.ZodType<Doubt>;

const state = z.discriminatedUnion('healthy', [
  z.object({ healthy: z.literal(true), lastSuccess: time }),
  z.object({
    healthy: z.literal(false),
    reason,
    detail: z.string(),
    since: time,
    lastSuccess: time.optional().transform((value): number | undefined => value),
  }),
]);

export const headerLine = z.object({
  schemaVersion: z.literal(wireVersion),
  instance: z.string().min(1).max(256),
  sequence: z.int().min(0),
  at: time,
  now: time,
  usage: z.enum(['whole', 'unchanged']),
  usageSource: z.string(),
  resourceSource: state,
  usageDoubt: doubt.optional(),
  startGraceMs: z.number().min(0),
  unscrapedNodes: z.array(z.object({ name: z.string(), since: time, pods: count })),
  demands: z.int().min(0).optional(),
  counts: z.object({ sources: count, pods: count, nodes: count, queries: count }),
}) satisfies z.ZodType<ViewHeader>;

const sourceReport = z.object({
  name: z.string(),
  state,
  doubt: doubt.optional(),
  latencyMs: z.number().min(0).optional(),
  queries: count,
  circuit: z.enum(['closed', 'half-open', 'open']),
});

export const sourcesLine = z.array(sourceReport);

/** A result without its series. */
export const queryResult = z.discriminatedUnion('known', [
  z.object({ known: z.literal(true), at: time, source: z.string(), coverage: z.number().min(0).max(1), doubt: doubt.optional() }),
  z.object({ known: z.literal(false), reason, detail: z.string(), since: time, source: z.string() }),
]);

/** As the model has them: what the wire leaves out is there and undefined. */
export function stateOf(read: z.output<typeof state>): SourceState {
  return read.healthy ? read : { ...read, lastSuccess: read.lastSuccess };
}

export function reportOf(read: z.output<typeof sourceReport>): SourceReport {
  return { ...read, state: stateOf(read.state), doubt: read.doubt, latencyMs: read.latencyMs };
}

export function resultOf(read: z.output<typeof queryResult>, series: Extract<QueryResult, { known: true }>['series']): QueryResult {
  return read.known ? { ...read, doubt: read.doubt, series } : read;
}
