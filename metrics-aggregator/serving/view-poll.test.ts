import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { fakeAggregator } from './test-support.ts';
import { createViewPoll, type PollOutcome, type SeenView } from './view-poll.ts';

function make() {
  const clock = new VirtualClock();
  const aggregator = fakeAggregator();
  const revisions = new Map<string, number>();
  const poll = createViewPoll({ aggregator, clock, instance: 'i', demandsOf: (client) => revisions.get(client) ?? 0 });
  const wait = (seen: Partial<SeenView>, waitMs = 10_000, signal = new AbortController().signal) => {
    const state: { outcome?: PollOutcome } = {};
    const done = poll
      .wait({ client: undefined, after: undefined, instance: undefined, demands: 0, ...seen }, waitMs, signal)
      .then((outcome) => (state.outcome = outcome));
    return { done, state };
  };
  const brief = (outcome: PollOutcome): string => (outcome.kind === 'view' ? `${outcome.view.sequence} ${outcome.usage}` : outcome.kind);
  return { clock, aggregator, revisions, poll, wait, brief };
}

describe('createViewPoll', () => {
  it('answers at once who has nothing, an older view, or one of another life', async () => {
    const { wait, brief, aggregator } = make();
    aggregator.publish();
    expect(brief(await wait({}).done)).toBe('2 whole');
    expect(brief(await wait({ after: 1, instance: 'i' }).done)).toBe('2 whole');
    expect(brief(await wait({ after: 900, instance: 'i' }).done)).toBe('2 whole');
    expect(brief(await wait({ after: 2, instance: 'of-old' }).done)).toBe('2 whole');
  });

  it('answers when a view comes', async () => {
    const { wait, brief, aggregator, poll } = make();
    const { done, state } = wait({ after: 1, instance: 'i' });
    await Promise.resolve();
    expect([state.outcome, poll.waiting]).toEqual([undefined, 1]);
    aggregator.publish();
    expect(brief(await done)).toBe('2 whole');
    expect(poll.waiting).toBe(0);
  });

  it('answers that nothing came when the time is up', async () => {
    const { wait, brief, clock, poll } = make();
    const { done, state } = wait({ after: 1, instance: 'i' });
    await clock.advance(9_999);
    expect(state.outcome).toBeUndefined();
    await clock.advance(1);
    expect(brief(await done)).toBe('none');
    expect([poll.waiting, clock.pending]).toEqual([0, 0]);
    expect(brief(await wait({ after: 1, instance: 'i' }, 0).done)).toBe('none');
  });

  it('says that usage is unchanged while only queries were answered', async () => {
    const { wait, brief, aggregator } = make();
    aggregator.publish({}, { usage: false });
    aggregator.publish({}, { usage: false });
    expect(brief(await wait({ after: 1, instance: 'i' }).done)).toBe('3 unchanged');
    expect(brief(await wait({ after: 1 }).done)).toBe('3 whole');
    expect(brief(await wait({ after: 1, instance: 'of-old' }).done)).toBe('3 whole');
    aggregator.publish();
    aggregator.publish({}, { usage: false });
    expect(brief(await wait({ after: 3, instance: 'i' }).done)).toBe('5 whole');
    expect(brief(await wait({ after: 4, instance: 'i' }).done)).toBe('5 unchanged');
  });

  it('answers a client whose demands have changed with the view that it has', async () => {
    const { wait, brief, revisions, poll } = make();
    const seen = { client: 'c', after: 1, instance: 'i' };
    const other = wait({ ...seen, client: 'd' });
    const { done } = wait(seen);
    revisions.set('c', 7);
    poll.wake('c');
    expect(brief(await done)).toBe('1 unchanged');
    expect(brief(await wait({ ...seen, demands: 3 }).done)).toBe('1 unchanged');
    expect(poll.waiting).toBe(1);
    expect(other.state.outcome).toBeUndefined();
    expect(brief(await wait({ ...seen, demands: 7 }, 0).done)).toBe('none');
  });

  it('holds nothing for a client that has gone', async () => {
    const { wait, poll, clock } = make();
    const leaving = new AbortController();
    const { done } = wait({ after: 1, instance: 'i' }, 10_000, leaving.signal);
    leaving.abort();
    await done;
    expect([poll.waiting, clock.pending]).toEqual([0, 0]);
  });

  it('lets 256 wait', async () => {
    const { wait, brief, poll } = make();
    for (let index = 0; index < 256; index++) wait({ after: 1, instance: 'i' });
    expect(brief(await wait({ after: 1, instance: 'i' }).done)).toBe('busy');
    expect(brief(await wait({}).done)).toBe('1 whole');
    poll.close();
    expect(poll.waiting).toBe(0);
  });
});
