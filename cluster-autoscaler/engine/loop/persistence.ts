import { z } from 'zod';
import { pathText } from '../../../core/model/schema-problems.ts';
import { withBegun } from './begun-deletions.ts';
import type { LoopState } from './model.ts';
import { carried, emptyLoopState, opened } from './state.ts';

const time = z.number().int().nonnegative();
const duration = z.number().nonnegative();
const failure = z.object({ class: z.enum(['out-of-resources', 'other']), code: z.string(), message: z.string() });

/** What outlives a restart, as JSON. Times in epoch milliseconds. */
const savedSchema = z.object({
  version: z.literal(1),
  /** Nodes that are not needed, and since when. */
  unneeded: z.record(z.string(), time),
  /** By group. */
  requests: z.record(z.string(), z.object({ at: time, expectedBy: time, increase: z.number().int().positive() })),
  backoffs: z.record(z.string(), z.object({ durationMs: duration, until: time, lastFailure: time, failure })),
  incorrectSizes: z.record(z.string(), z.object({ current: z.number().int(), expected: z.number().int(), since: time })),
  /** Instances without a node, by id. */
  unregistered: z.record(z.string(), time),
  scalings: z.record(z.string(), z.object({ lastScaleUp: time.optional(), lastScaleDown: time.optional() })),
  /** Of the whole cluster, for upstream's delays. */
  last: z.object({ scaleUp: time.optional(), deletion: time.optional(), failure: time.optional() }),
  /** By group, for upstream's delays of type local. */
  groupTimes: z.record(z.string(), z.object({ scaleUp: time.optional(), deletion: time.optional(), refusal: time.optional() })),
});

/** The JSON of {@link exportLoopState}. */
export type SavedLoopState = z.infer<typeof savedSchema>;

/** What of the state outlives a restart; small, and plain JSON. Hints, templates and failed simulations are found again. */
export function exportLoopState(state: LoopState): SavedLoopState {
  const carriedState = opened(state);
  const { registry, scaleDown } = carriedState;
  const { lastScaleUp, lastDeletion, lastFailure } = scaleDown;
  return {
    version: 1,
    unneeded: Object.fromEntries(scaleDown.unneeded),
    requests: Object.fromEntries(registry.requests),
    backoffs: Object.fromEntries(registry.backoffs),
    incorrectSizes: Object.fromEntries(registry.incorrectSizes),
    unregistered: Object.fromEntries(registry.unregistered),
    // Whoever goes on does not know what becomes of deletions that go on: they may have been done.
    scalings: Object.fromEntries(withBegun(carriedState)),
    last: withoutUndefined({ scaleUp: lastScaleUp, deletion: lastDeletion, failure: lastFailure }),
    groupTimes: Object.fromEntries(scaleDown.groups),
  };
}

export type ImportResult = { readonly ok: true; readonly state: LoopState } | { readonly ok: false; readonly problems: readonly string[] };

/**
 * The state to go on with after a restart. Past moments that lie in the future (a clock that stepped back) are taken to be now, so that nothing is
 * held longer than once. What has not the shape of {@link exportLoopState} is refused with path and reason.
 */
export function importLoopState(saved: unknown, now: number): ImportResult {
  const parsed = savedSchema.safeParse(saved);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`) };
  const { unneeded, requests, backoffs, incorrectSizes, unregistered, scalings, last, groupTimes } = parsed.data;
  const past = (at: number | undefined): number | undefined => (at === undefined ? undefined : Math.min(at, now));
  const pastTimes = (times: Readonly<Record<string, number>>): Map<string, number> =>
    new Map(Object.entries(times).map(([key, at]) => [key, Math.min(at, now)]));
  const fresh = opened(emptyLoopState());
  return {
    ok: true,
    state: carried({
      ...fresh,
      registry: {
        ...fresh.registry,
        requests: mapped(requests, (request) => ({ ...request, ...shifted(request.at, request.expectedBy, now) })),
        backoffs: mapped(backoffs, (backoff) => ({
          ...backoff,
          lastFailure: Math.min(backoff.lastFailure, now),
          until: Math.min(backoff.until, now + backoff.durationMs),
        })),
        incorrectSizes: mapped(incorrectSizes, (size) => ({ ...size, since: Math.min(size.since, now) })),
        unregistered: pastTimes(unregistered),
      },
      scaleDown: {
        ...fresh.scaleDown,
        unneeded: pastTimes(unneeded),
        lastScaleUp: past(last.scaleUp),
        lastDeletion: past(last.deletion),
        lastFailure: past(last.failure),
        groups: mapped(groupTimes, ({ scaleUp, deletion, refusal }) => ({
          scaleUp: past(scaleUp),
          deletion: past(deletion),
          refusal: past(refusal),
        })),
      },
      scalings: mapped(scalings, ({ lastScaleUp, lastScaleDown }) => ({
        lastScaleUp: past(lastScaleUp),
        lastScaleDown: past(lastScaleDown),
      })),
    }),
  };
}

/** A request of the future is one of now, with as much time. */
function shifted(at: number, expectedBy: number, now: number): { readonly at: number; readonly expectedBy: number } {
  return at <= now ? { at, expectedBy } : { at: now, expectedBy: now + Math.max(0, expectedBy - at) };
}

function mapped<From, To>(entries: Readonly<Record<string, From>>, map: (value: From) => To): Map<string, To> {
  return new Map(Object.entries(entries).map(([key, value]) => [key, map(value)]));
}

function withoutUndefined<T extends object>(times: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
