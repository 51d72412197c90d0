import { describe, expect, it } from 'vitest';
import type { QueryResult } from '../../core/model/metrics-view.ts';
import { inputOf, start } from '../serving/test-support.ts';
import { differs, heldThrough, type HeldView } from './held-view.ts';

const absence = { since: start + 1000, problem: 'it does not answer' };
const now = start + 20_000;
const maxAgeMs = 60_000;
const detail = 'it does not answer; its last answer is still used for growth';

function known(overrides: Partial<Extract<QueryResult, { known: true }>> = {}): QueryResult {
  const series = [{ object: '', labels: {}, milli: 1n, timestamp: start, windowMs: undefined }];
  return { known: true, at: start, source: 's', coverage: 1, doubt: undefined, series, ...overrides };
}

function through(overrides: Partial<HeldView>, at = now): HeldView {
  return heldThrough({ ...inputOf(), ...overrides }, absence, at, maxAgeMs);
}

describe('heldThrough', () => {
  it('puts a doubt on usage and on every source', () => {
    const report = {
      name: 'x',
      state: { healthy: true, lastSuccess: start },
      doubt: undefined,
      latencyMs: 5,
      queries: 2,
      circuit: 'closed',
    } as const;
    const outage = { reason: 'outage', detail: 'all at zero' } as const;
    const held = through({ sources: [report, { ...report, name: 'y', doubt: outage }] });
    const away = { healthy: false, reason: 'source-unavailable', detail: 'it does not answer', since: start + 1000, lastSuccess: start };
    expect(held.resourceSource).toEqual(away);
    expect(held.usageDoubt).toEqual({ reason: 'source-unavailable', detail, since: start + 1000 });
    expect(held.sources).toEqual([
      { ...report, state: away, doubt: { reason: 'source-unavailable', detail, since: start + 1000 } },
      { ...report, name: 'y', state: away, doubt: outage },
    ]);
  });

  it('goes on counting from when it first went wrong', () => {
    const before = { healthy: false, reason: 'source-broken', detail: 'empty', since: start - 5000, lastSuccess: start - 9000 } as const;
    const held = through({ resourceSource: before, usageDoubt: { reason: 'source-broken', detail: 'empty', since: start - 5000 } });
    expect(held.resourceSource).toMatchObject({ reason: 'source-unavailable', since: start - 5000, lastSuccess: start - 9000 });
    expect(held.usageDoubt?.since).toBe(start - 5000);
  });

  it('doubts nothing where nothing was known', () => {
    const before = { healthy: false, reason: 'not-observed', detail: '', since: 0, lastSuccess: undefined } as const;
    expect(through({ resourceSource: before })).toMatchObject({ usageDoubt: undefined, resourceSource: { since: start + 1000 } });
  });

  const result = (answer: QueryResult, at = now): QueryResult | undefined =>
    through({ queries: new Map([['k', answer]]) }, at).queries.get('k');
  const doubt = { reason: 'source-unavailable', detail, since: start + 1000 };

  it('holds an answer for growth', () => {
    expect(result(known())).toEqual(known({ doubt: doubt as NonNullable<Extract<QueryResult, { known: true }>['doubt']> }));
  });

  it('keeps a doubt that lasts, and replaces one that would end', () => {
    const partial = { reason: 'partial', detail: 'a warning' } as const;
    expect(result(known({ doubt: partial }))).toMatchObject({ doubt: partial });
    expect(result(known({ doubt: { ...partial, until: now + 1 } }))).toMatchObject({ doubt });
  });

  it('makes an answer unknown when it is too old, or all its values are', () => {
    const gone = { known: false, reason: 'source-unavailable', detail: 's: it does not answer', since: start + 1000, source: 's' };
    expect(result(known(), start + maxAgeMs)?.known).toBe(true);
    expect(result(known(), start + maxAgeMs + 1)).toEqual(gone);
    const old = { object: '', labels: {}, milli: 9n, timestamp: now - maxAgeMs - 1, windowMs: undefined };
    expect(result(known({ series: [old] }))).toEqual(gone);
    const young = { ...old, timestamp: now };
    expect(result(known({ series: [old, young] }))).toMatchObject({ known: true, series: [young] });
  });

  it('leaves alone what is not known', () => {
    const refused: QueryResult = { known: false, reason: 'refused', detail: 'x', since: 1, source: 's' };
    expect(result(refused)).toEqual(refused);
  });
});

describe('differs', () => {
  const unknown: QueryResult = { known: false, reason: 'stale', detail: 'x', since: 1, source: 's' };

  it('tells news from repetition', () => {
    expect(differs(undefined, undefined)).toBe(false);
    expect(differs(known(), known())).toBe(false);
    expect(differs(unknown, { ...unknown })).toBe(false);
    expect(differs(known(), undefined)).toBe(true);
    expect(differs(undefined, unknown)).toBe(true);
    expect(differs(known(), unknown)).toBe(true);
    expect(differs(unknown, known())).toBe(true);
    expect(differs(known(), known({ at: start + 1 }))).toBe(true);
    expect(differs(known(), known({ doubt: { reason: 'partial', detail: 'x' } }))).toBe(true);
    expect(differs(unknown, { ...unknown, reason: 'missing' })).toBe(true);
  });
});
