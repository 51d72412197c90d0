import { expect, test } from 'vitest';
import { group, play, pod } from '../../cluster-autoscaler/engine/scale-up/builders.fixture.ts';

// The main thread's stack holds about 125,000 arguments, that of the threads in which tests run four times as many.
const count = 600_000;
const first = pod({ name: 'p', cpu: '1m', memory: '1Mi', owner: 'rs' });
const pods = Array.from({ length: count }, (_, at) => ({ ...first, name: `p-${at}`, uid: `uid-${at}` }));
const groups = [group({ id: 'g', cpu: '512', memory: '1Ti', podLimit: 1000, max: 1000 })];

test.each([
  { what: 'that no group takes, as upstream', compat: true, given: [], state: 'refused' },
  { what: 'that no group takes', compat: false, given: [], state: 'refused' },
  { what: 'that a group takes, as upstream', compat: true, given: groups, state: 'helped' },
  { what: 'that a group takes', compat: false, given: groups, state: 'helped' },
])('six hundred thousand pods $what are told of, each', ({ compat, given, state }) => {
  const { result } = play({ groups: given, pods, compat, options: { expanders: ['least-waste'] } });
  expect(result.pods).toHaveLength(count);
  expect(result.pods.every((each) => each.state === state)).toBe(true);
  expect(result.events.filter(({ on }) => on.kind === 'Pod')).toHaveLength(count);
});
