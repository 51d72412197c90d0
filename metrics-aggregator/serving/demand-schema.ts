import { z } from 'zod';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import { nextTurn } from './stream.ts';

/** What one subject of a remote client wants asked every tick. */
export interface Demand {
  readonly subject: string;
  readonly queries: readonly MetricQuery[];
}

/** Longest body of a client's demands, bytes. */
export const maxDemandBytes = 8 * 1024 * 1024;
/** Most queries of all subjects of one client, and most subjects. */
export const maxDemandCount = 50_000;

/** Printable: these texts come back in log lines, in `doctor` and on the dashboard. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{Cc}*$/u, 'no control characters');
const name = (max: number) => text(max).min(1);
/** PromQL may span lines: every control character but tab, line feed and carriage return. */
const promql = z
  .string()
  .min(1)
  .max(65_536)
  .refine((query) => !/[^\P{Cc}\t\n\r]/u.test(query), 'no control characters');

const namespace = name(63).regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'the name of a namespace');
const selector = text(8192);

const query = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pods'), namespace, selector, metric: name(1024), metricSelector: selector }),
  z.strictObject({
    kind: z.literal('object'),
    namespace,
    object: z.strictObject({ apiVersion: name(320).optional(), kind: name(63), name: name(253) }),
    metric: name(1024),
    metricSelector: selector,
  }),
  z.strictObject({ kind: z.literal('external'), namespace, metric: name(1024), metricSelector: selector }),
  z.strictObject({ kind: z.literal('prometheus'), namespace, source: name(253), query: promql, emptyMeans: z.enum(['unknown', 'zero']) }),
]) satisfies z.ZodType<MetricQuery>;

const subject = name(1024);

export interface DemandsRefusal {
  readonly ok: false;
  /** As in `[3].queries[0].namespace`; empty for the body as a whole. */
  readonly path: string;
  readonly reason: string;
  /** 400 not valid, 409 the lease ended meanwhile, 413 too many, 429 too many clients. */
  readonly status: 400 | 409 | 413 | 429;
}

export type DemandsResult = { readonly ok: true; readonly demands: readonly Demand[] } | DemandsRefusal;

/** Queries that are checked between two turns of the event loop: a millisecond or two. */
const queriesPerTurn = 200;

/** Reads a body of demands: a JSON list of `{ subject, queries }`. */
export async function readDemands(body: string): Promise<DemandsResult> {
  let list: unknown;
  try {
    list = JSON.parse(body);
  } catch {
    return refuse('', 'the body is not JSON: send a list of {"subject": …, "queries": […]}');
  }
  if (!Array.isArray(list)) return refuse('', 'the body is not a list: send a list of {"subject": …, "queries": […]}');
  if (list.length > maxDemandCount) return tooMany(`${list.length} subjects`);
  const demands: Demand[] = [];
  const subjects = new Set<string>();
  let queries = 0;
  let unturned = 0;
  for (const [index, item] of (list as readonly unknown[]).entries()) {
    const shape = demandShape.safeParse(item);
    if (!shape.success) return firstIssue(shape.error, `[${index}]`);
    if (subjects.has(shape.data.subject))
      return refuse(`[${index}].subject`, 'the subject is there twice: put all its queries into one entry');
    subjects.add(shape.data.subject);
    queries += shape.data.queries.length;
    if (queries > maxDemandCount) return tooMany(`more than ${maxDemandCount} queries`);
    const checked: MetricQuery[] = [];
    for (const [at, each] of shape.data.queries.entries()) {
      const parsed = query.safeParse(each);
      if (!parsed.success) return firstIssue(parsed.error, `[${index}].queries[${at}]`);
      checked.push(parsed.data);
      if (++unturned % queriesPerTurn === 0) await nextTurn();
    }
    if (checked.length === 0 && ++unturned % queriesPerTurn === 0) await nextTurn();
    demands.push({ subject: shape.data.subject, queries: checked });
  }
  return { ok: true, demands };
}

const demandShape = z.strictObject({ subject, queries: z.array(z.unknown()) });

function tooMany(what: string): DemandsRefusal {
  return { ok: false, path: '', reason: `${what} are more than the ${maxDemandCount} that one client may demand`, status: 413 };
}

function refuse(path: string, reason: string): DemandsRefusal {
  return { ok: false, path, reason, status: 400 };
}

function firstIssue(error: z.ZodError, at: string): DemandsRefusal {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  // zod repeats the names of unknown keys, which may be anything.
  const reason = (issue?.message ?? 'not valid').replaceAll(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 200);
  return refuse(`${at}${path}`.slice(0, 400), reason);
}
