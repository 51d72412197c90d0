import { describe, expect, it } from 'vitest';
import { sceneOf } from './nodes-scene-of.ts';
import { sceneGroup, sceneSet, setShape } from './nodes-scene.fixture.ts';
import type { NodesRecording, RecordedEvent, RecordedLoop } from './nodes-recording.ts';

const { template } = sceneGroup('g1');

/** A recording of one group and one set, with a world that takes its steps 3 seconds before the loops. */
function recording(
  initial: readonly RecordedEvent[],
  loops: readonly (Partial<RecordedLoop['expected']> & { t: number; events?: readonly RecordedEvent[] })[],
): NodesRecording {
  return {
    id: 'made up',
    input: {
      flags: [],
      worldSecondsBeforeLoop: 3,
      groups: [{ id: 'g1', min: 0, max: 5, template }],
      shapes: { s1: setShape('s1', '1'), lone: setShape('lone', '1') },
      sets: [sceneSet('s1')],
      initial,
    },
    loops: loops.map(({ t, events = [], ...expected }) => ({ t, events, expected: { targetSizes: {}, ...expected } })),
  };
}

const instance = (number: number, state: 'creating' | 'running' | 'stockout' = 'creating'): RecordedEvent => ({
  e: 'instance',
  group: 'g1',
  name: `g1-n0${number}`,
  state,
});
const node = (number: number, t: number, ready = false): RecordedEvent => ({
  e: 'node',
  group: 'g1',
  name: `g1-n0${number}`,
  t,
  ready,
  since: t,
});
const pod = (number: number, t: number, on?: string): RecordedEvent => ({
  e: 'pod',
  name: `s1-00${number}`,
  shape: 's1',
  t,
  ...(on === undefined ? {} : { node: on }),
});
const start = [instance(1, 'running'), node(1, -3600, true)];

describe('what a recording tells of the cloud', () => {
  it('has the times that machines take, by name and else by what others of the group took', () => {
    const { cloud } = sceneOf(
      recording(start, [
        { t: 10, scaleUp: { g1: 3 } },
        { t: 20, events: [instance(2), instance(3), instance(4)] },
        { t: 50, events: [node(3, 47)] },
        { t: 60, events: [node(4, 57), { e: 'ready', node: 'g1-n03', t: 57 }] },
        { t: 70, events: [node(2, 67), { e: 'ready', node: 'g1-n04', t: 67 }], deleted: [{ t: 75, node: 'g1-n01' }] },
        {
          t: 80,
          events: [
            { e: 'instanceGone', name: 'g1-n01' },
            { e: 'notReady', node: 'g1-n03', t: 77 },
          ],
        },
        {
          t: 100,
          events: [
            { e: 'nodeGone', node: 'g1-n01' },
            { e: 'ready', node: 'g1-n03', t: 97 },
          ],
        },
      ]),
    );
    expect(cloud).toEqual({
      bootOf: new Map([
        ['g1-n02', 57],
        ['g1-n03', 37],
        ['g1-n04', 47],
      ]),
      bootLike: new Map([['g1', { byRemainder: [37, 47, 57], any: 47 }]]),
      readyAfter: 10,
      taintsNotReady: false,
      nodeLingers: 20,
      listedBefore: 0,
      incidents: [{ what: 'broken', at: 77, until: 97, group: 'g1', name: 'g1-n03' }],
    });
  });

  it('knows machines that the cloud took away, and numbers the ones that it starts in their place', () => {
    const { cloud } = sceneOf(
      recording(start, [
        { t: 10, events: [{ e: 'instanceGone', name: 'g1-n01' }, instance(2)], scaleUp: { g1: 1 } },
        { t: 20, events: [instance(3), { e: 'nodeGone', node: 'g1-n01' }] },
        { t: 60, events: [node(2, 57), node(3, 57)] },
      ]),
    );
    expect(cloud.bootOf).toEqual(
      new Map([
        ['g1-n02', 50],
        ['g1-n03', 47],
      ]),
    );
    expect(cloud.incidents).toEqual([{ what: 'lost', at: 7, group: 'g1', name: 'g1-n01' }]);
    expect(cloud.nodeLingers).toBe(10);
  });

  it('takes an outage to be a minute longer than it was met on both sides, but never over a call that went well', () => {
    const refused = [{ group: 'g1', delta: 1, refused: true }];
    const { cloud } = sceneOf(
      recording(start, [
        { t: 100, scaleUp: { g1: 1 } },
        { t: 110, events: [instance(2)], scaleUpRefused: refused },
        { t: 150, events: [node(2, 147)] },
        { t: 300, scaleUp: { g1: 1 } },
        { t: 310, events: [instance(3, 'stockout')], deleted: [{ t: 310, node: 'g1-n03' }] },
        { t: 500, scaleUp: { g1: 1 } },
        { t: 510, events: [instance(4)] },
        { t: 700, deleted: [{ t: 700, node: 'g1-n04' }] },
      ]),
    );
    expect(cloud.incidents).toEqual([
      { what: 'refuses', group: 'g1', from: 101, to: 170 },
      { what: 'stockout', group: 'g1', from: 240, to: 360 },
      { what: 'stuck', group: 'g1', from: 440, to: 560 },
    ]);
  });

  it('does not take a machine for stuck that was given up before it could have come', () => {
    const { cloud } = sceneOf(
      recording(start, [
        { t: 10, scaleUp: { g1: 1 } },
        { t: 20, events: [instance(2)] },
        { t: 80, deleted: [{ t: 80, node: 'g1-n02' }] },
        { t: 90 },
      ]),
    );
    expect(cloud.incidents).toEqual([]);
    expect(cloud.bootOf.get('g1-n02')).toBe(80);
  });
});

describe('what a recording tells of the workload', () => {
  it('has changes of size with the places of those who went, and not what drains and lost nodes did', () => {
    const initial = [
      ...start,
      instance(2, 'running'),
      node(2, -3600, true),
      pod(1, 0, 'g1-n01'),
      pod(2, 0, 'g1-n02'),
      pod(3, 0, 'g1-n02'),
      { e: 'replicas', set: 's1', spec: 3, current: 3 } as const,
    ];
    const {
      workload,
      graceOf,
      start: from,
    } = sceneOf(
      recording(initial, [
        { t: 10, evictions: [{ t: 15, pod: 's1-001' }], deleted: [{ t: 15, node: 'g1-n01' }] },
        { t: 20, events: [{ e: 'podGone', pod: 's1-001' }, pod(4, 17)] },
        {
          t: 30,
          events: [
            { e: 'terminating', pod: 's1-003', t: 27 },
            { e: 'replicas', set: 's1', spec: 2, current: 2 },
          ],
        },
        { t: 40, events: [{ e: 'replicas', set: 's1', spec: 4, current: 4 }, pod(5, 37), pod(6, 37)] },
        {
          t: 50,
          events: [{ e: 'podGone', pod: 's1-003' }, { e: 'nodeGone', node: 'g1-n02' }, { e: 'podGone', pod: 's1-002' }, pod(7, 47)],
        },
      ]),
    );
    expect(from.replicas).toEqual({ s1: 3 });
    expect(workload).toEqual([
      { what: 'scale', at: 27, set: 's1', to: 2, gone: { places: [1], of: 3 } },
      { what: 'scale', at: 37, set: 's1', to: 4 },
    ]);
    expect(graceOf).toEqual({ s1: 20 });
  });

  it('has pods without controller, that come and go by themselves', () => {
    const { workload } = sceneOf(
      recording(start, [
        { t: 20, events: [{ e: 'pod', name: 'lone-001', shape: 'lone', t: 17 }] },
        { t: 40, events: [{ e: 'podGone', pod: 'lone-001' }] },
      ]),
    );
    expect(workload).toEqual([
      { what: 'stray', at: 17, name: 'lone-001', shape: 'lone' },
      { what: 'stray-gone', at: 37, name: 'lone-001' },
    ]);
  });
});
