import { machineName, observeMachines, type Machine } from './nodes-machines.ts';
import type { NodesRecording, RecordedEvent } from './nodes-recording.ts';
import type { BootPattern, CloudIncident, SceneCloud } from './nodes-scene.ts';

/** What is taken where a recording does not show a duration: the middle of those that others show. */
const unseen = { boot: 60, readyAfter: 20, nodeLingers: 10, broken: 200 };

/** The world takes a step every ten seconds, so nothing is known better than that. */
const tolerance = 10;

/** An outage is taken to have begun, and to have lasted, this much around the call that met it, but never over one that did not. */
const outageMargin = 60;

/** What a recording tells of the cloud: how long machines take, and what befell them by itself. */
export function recordedCloud(recording: NodesRecording): SceneCloud {
  const { machines, refusals } = observeMachines(recording);
  const end = recording.loops.at(-1)?.t ?? 0;
  const all = [...machines.values()];
  const asked = all.filter((machine) => machine.asked !== undefined);
  const boots = asked.filter(({ registered }) => registered !== undefined);
  const any = median(boots.map(bootOf)) ?? unseen.boot;
  const patterns = new Map(recording.input.groups.map(({ id }) => [id, bootPattern(boots, id, any)]));
  const waits = asked
    .filter(({ registered, stockout }) => registered === undefined && stockout !== true)
    .map((machine) => ({ machine, seconds: (machine.deleted ?? end) - (machine.asked ?? 0) }));
  const late = new Set(recording.input.groups.filter(({ lateInstances }) => lateInstances === true).map(({ id }) => id));
  const leads = boots
    .filter(({ group, listed }) => late.has(group) && listed !== undefined)
    .map((machine) => (machine.registered ?? 0) - (machine.listed ?? 0));
  return {
    bootOf: new Map([
      ...boots.map((machine) => [nameOf(machine), bootOf(machine)] as const),
      // It took longer than it was waited for.
      ...waits
        .filter((wait) => !isStuck(wait, patterns) && wait.seconds >= likelyBoot(patterns, wait.machine))
        .map(({ machine, seconds }) => [nameOf(machine), seconds + tolerance] as const),
    ]),
    bootLike: patterns,
    readyAfter: least(boots.flatMap(({ registered = 0, ready }) => (ready === undefined ? [] : [ready - registered]))) ?? unseen.readyAfter,
    taintsNotReady: recording.loops.some(({ events = [] }) => events.some(taintsNotReady)),
    nodeLingers:
      least(all.flatMap(({ ended, gone }) => (ended === undefined || gone === undefined ? [] : [gone - ended]))) ?? unseen.nodeLingers,
    listedBefore: least(leads) ?? 0,
    incidents: [
      ...all.flatMap((machine) => befell(machine, nameOf(machine), end)),
      ...outages(asked, { refusals, stuck: waits.filter((wait) => isStuck(wait, patterns)).map(({ machine }) => machine) }),
    ],
  };
}

function taintsNotReady(event: RecordedEvent): boolean {
  return (event.e === 'node' || event.e === 'taints') && event.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready') === true;
}

function bootOf({ asked = 0, registered = 0 }: Machine): number {
  return registered - asked;
}

function nameOf({ group, number }: Machine): string {
  return machineName(group, number);
}

/** Breakdowns and losses of one machine. */
function befell({ group, broken, ended, deleted, gone }: Machine, name: string, end: number): readonly CloudIncident[] {
  const incidents: CloudIncident[] = broken.map(({ at, until }) => ({
    what: 'broken',
    at,
    until: until ?? Math.max(at + unseen.broken, gone ?? end),
    group,
    name,
  }));
  if (ended !== undefined && deleted === undefined) incidents.push({ what: 'lost', at: ended, group, name });
  return incidents;
}

interface OutageFacts {
  readonly refusals: readonly Point[];
  readonly stuck: readonly Machine[];
}

function outages(asked: readonly Machine[], { refusals, stuck }: OutageFacts): readonly CloudIncident[] {
  const met = (what: 'refuses' | 'stockout' | 'stuck', bad: readonly Point[], good: readonly Point[]): readonly CloudIncident[] =>
    bad.map(({ group, at }) => {
      const others = good.filter((each) => each.group === group).map((each) => each.at);
      const before = Math.max(...others.filter((each) => each < at), -1);
      const after = Math.min(...others.filter((each) => each > at));
      return { what, group, from: Math.max(at - outageMargin, before + 1), to: Math.min(at + outageMargin, after - 1) };
    });
  const points = (list: readonly Machine[]): readonly Point[] => list.map((machine) => ({ group: machine.group, at: machine.asked ?? 0 }));
  return [
    ...met('refuses', refusals, points(asked)),
    ...met(
      'stockout',
      points(asked.filter(({ stockout }) => stockout === true)),
      points(asked.filter(({ stockout }) => stockout !== true)),
    ),
    ...met('stuck', points(stuck), points(asked.filter(({ registered }) => registered !== undefined))),
  ];
}

interface Point {
  readonly group: string;
  readonly at: number;
}

/** A machine for which nobody saw a node, and how long it was waited for. */
interface Wait {
  readonly machine: Machine;
  readonly seconds: number;
}

function likelyBoot(patterns: ReadonlyMap<string, BootPattern>, { group, number }: Machine): number {
  const pattern = patterns.get(group);
  return pattern?.byRemainder[number % 3] ?? pattern?.any ?? unseen.boot;
}

/** Longer than machines like it took, by so much that it is not one of the slower ones of its group. */
function isStuck({ machine, seconds }: Wait, patterns: ReadonlyMap<string, BootPattern>): boolean {
  const known = patterns.get(machine.group)?.byRemainder[machine.number % 3] !== undefined;
  return seconds > likelyBoot(patterns, machine) + (known ? 1 : 3) * tolerance;
}

function bootPattern(boots: readonly Machine[], group: string, otherwise: number): BootPattern {
  const mine = boots.filter((machine) => machine.group === group);
  const like = (remainder: number): number | undefined => median(mine.filter(({ number }) => number % 3 === remainder).map(bootOf));
  return { byRemainder: [like(0), like(1), like(2)], any: median(mine.map(bootOf)) ?? otherwise };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
