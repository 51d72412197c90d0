import { expect, test } from 'vitest';
import { createInterner } from '../../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { evictionOoms, oomKills } from './observers.ts';

const interner = createInterner();
const killedAt = '2026-01-01T10:00:00Z';
const killed = { terminated: { reason: 'OOMKilled', finishedAt: killedAt } };
const running = { running: { startedAt: '2026-01-01T09:00:00Z' } };

interface PodParts {
  readonly uid?: string;
  readonly requests?: object;
  readonly status?: object;
  readonly init?: object;
}

function pod({ uid = 'one', requests = { memory: '1Gi' }, status = {}, init }: PodParts): PodRecord {
  const raw = {
    metadata: { namespace: 'shop', name: 'web', uid },
    spec: { containers: [{ name: 'app', resources: { requests } }], initContainers: [{ name: 'warm', restartPolicy: 'Always' }] },
    status: {
      containerStatuses: [{ name: 'app', restartCount: 0, ...status }],
      ...(init === undefined ? {} : { initContainerStatuses: [{ name: 'warm', restartCount: 0, ...init }] }),
    },
  };
  return projectPod(raw, interner);
}

const kill = { namespace: 'shop', pod: 'web', container: 'app', at: Date.parse(killedAt) };

test('a container that stands killed counts with what the new pod asks for, the kubelet before the spec', () => {
  expect(oomKills(pod({ status: { state: running } }), pod({ status: { state: killed } }))).toEqual([{ ...kill, memory: 2 ** 30 }]);
  const resized = pod({ status: { state: killed, resources: { requests: { memory: '1500.5m' } } } });
  expect(oomKills(pod({ status: { state: running } }), resized)).toEqual([{ ...kill, memory: 2 }]);
  const limited = pod({ status: { state: killed, resources: { limits: { memory: '5' } } } });
  expect(oomKills(pod({ status: { state: running } }), limited)).toEqual([{ ...kill, memory: 0 }]);
});

test('one that runs again counts with what the old pod asked for', () => {
  const before = pod({ requests: { memory: '100' }, status: { state: running, restartCount: 2 } });
  const after = pod({ requests: { memory: '200' }, status: { state: running, restartCount: 3, lastState: killed } });
  expect(oomKills(before, after)).toEqual([{ ...kill, memory: 100 }]);
});

test.each([
  ['the same kill seen twice', { state: killed }, { state: killed }],
  [
    'a kill seen before the crash loop ends',
    { state: { waiting: {} }, lastState: killed },
    { state: running, restartCount: 1, lastState: killed },
  ],
  [
    'a crash loop after a kill',
    { state: running },
    { state: { waiting: { reason: 'CrashLoopBackOff' } }, restartCount: 1, lastState: killed },
  ],
  ['an end for another reason', { state: running }, { state: { terminated: { reason: 'Error', finishedAt: killedAt } } }],
  ['a restart without a kill', { state: running }, { state: running, restartCount: 1 }],
  ['an old kill that is still told of', { state: running, lastState: killed }, { state: running, ready: true, lastState: killed }],
  ['a kill of unknown time', { state: running }, { state: { terminated: { reason: 'OOMKilled' } } }],
])('%s is not counted', (_what, before, after) => {
  expect(oomKills(pod({ status: before }), pod({ status: after }))).toEqual([]);
});

test('a second kill after a restart counts again', () => {
  const first = pod({ status: { state: killed } });
  const later = { terminated: { reason: 'OOMKilled', finishedAt: '2026-01-01T11:00:00Z' } };
  expect(oomKills(first, pod({ status: { state: later, restartCount: 1 } }))).toMatchObject([{ at: Date.parse('2026-01-01T11:00:00Z') }]);
});

test('a new pod, another pod of that name and init containers have no step', () => {
  const after = pod({ status: { state: killed } });
  expect(oomKills(undefined, after)).toEqual([]);
  expect(oomKills(pod({ uid: 'two', status: { state: running } }), after)).toEqual([]);
  expect(
    oomKills(pod({ status: { state: running }, init: { state: running } }), pod({ status: { state: running }, init: { state: killed } })),
  ).toEqual([]);
});

const annotations = { offending_containers: 'app,log', offending_containers_usage: '1500.5m,2Ki', starved_resource: 'memory,memory' };
const pods = { kind: 'Pod', namespace: 'shop', name: 'web' };

function evicted(more: object, given: object = annotations) {
  return { metadata: { name: 'e', creationTimestamp: killedAt, annotations: given as Record<string, string> }, reason: 'Evicted', ...more };
}

test('evictions for want of memory are read in both spellings of Events', () => {
  const expected = [
    { ...kill, memory: 2 },
    { ...kill, container: 'log', memory: 2048 },
  ];
  expect(evictionOoms(evicted({ involvedObject: pods }))).toEqual(expected);
  expect(evictionOoms(evicted({ regarding: pods }))).toEqual(expected);
});

test.each([
  ['another reason', evicted({ involvedObject: pods, reason: 'Killing' })],
  ['another kind', evicted({ involvedObject: { ...pods, kind: 'Node' } })],
  ['no object', evicted({})],
  ['lists of different lengths', evicted({ involvedObject: pods }, { ...annotations, starved_resource: 'memory' })],
  ['no annotations', evicted({ involvedObject: pods }, {})],
  ['an unknown time', { ...evicted({ involvedObject: pods }), metadata: { name: 'e', annotations } }],
  ['annotations that are no texts', evicted({ involvedObject: pods }, { ...annotations, offending_containers: 5 })],
])('an Event with %s tells of nothing', (_what, event) => {
  expect(evictionOoms(event)).toEqual([]);
});

test('of an Event the entries for other resources and without a quantity are left out', () => {
  const mixed = {
    offending_containers: 'a,b,c,d',
    offending_containers_usage: '1,2,lots,-4',
    starved_resource: 'ephemeral-storage,memory,memory,memory',
  };
  expect(evictionOoms(evicted({ involvedObject: pods }, mixed))).toEqual([{ ...kill, container: 'b', memory: 2 }]);
});
