import { inOrder, type NodesRecording, type RecordedEvent, type RecordedLoop } from './nodes-recording.ts';
import { firstStepFrom } from './nodes-scene.ts';

/** What a recording shows of one machine: an instance and its node. Times in seconds; `undefined`: was not seen. */
export interface Machine {
  readonly group: string;
  readonly number: number;
  /** Absent: it was there from the beginning. */
  readonly asked?: number | undefined;
  /** First listed by the cloud, at a step of the world. */
  listed?: number | undefined;
  registered?: number | undefined;
  ready?: number | undefined;
  stockout?: boolean;
  /** The autoscaler had the instance deleted. */
  deleted?: number | undefined;
  /** The instance ended, at a step of the world. */
  ended?: number | undefined;
  /** The Node object went. */
  gone?: number | undefined;
  readonly broken: { readonly at: number; until?: number | undefined }[];
}

/** All machines of a recording by name, and the increases that the cloud refused. */
export interface Observation {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly refusals: readonly { readonly group: string; readonly at: number }[];
}

/** Name of an instance and of its node. */
export function machineName(group: string, number: number): string {
  return `${group}-n${String(number).padStart(2, '0')}`;
}

/** Number of a machine by its name. */
export function numberOf(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? Number.NaN);
}

/** Goes through a recording and notes the times of every machine. Machines of a group are numbered in the order in which they are asked for. */
export function observeMachines({ input, loops }: NodesRecording): Observation {
  const machines = createRegister();
  const refusals: { group: string; at: number }[] = [];
  for (const event of inOrder(input.initial)) {
    if (event.e === 'instance') machines.add(event.group, undefined);
    if (event.e === 'node' && !event.ready) machines.byName.get(event.name)?.broken.push({ at: event.since });
  }
  for (const { t, events, expected } of loops) {
    const moment = { step: t - input.worldSecondsBeforeLoop, lead: input.worldSecondsBeforeLoop };
    for (const event of inOrder(events)) note(machines, event, moment);
    for (const [group, count] of Object.entries(expected.scaleUp ?? {})) for (let each = 0; each < count; each++) machines.add(group, t);
    refusals.push(...(expected.scaleUpRefused ?? []).flatMap(({ group, refused }) => (refused === true ? [{ group, at: t }] : [])));
    noteDeletions(machines, expected);
  }
  return { machines: machines.byName, refusals };
}

function noteDeletions({ byName }: Register, { deleted = [] }: RecordedLoop['expected']): void {
  for (const { t, node, refused } of deleted) {
    const machine = byName.get(node);
    if (machine !== undefined && refused !== true) machine.deleted = t;
  }
}

interface Register {
  readonly byName: ReadonlyMap<string, Machine>;
  readonly add: (group: string, asked: number | undefined) => void;
}

function createRegister(): Register {
  const byName = new Map<string, Machine>();
  const numbers = new Map<string, number>();
  return {
    byName,
    add: (group, asked) => {
      const number = (numbers.get(group) ?? 0) + 1;
      numbers.set(group, number);
      byName.set(machineName(group, number), { group, number, asked, broken: [] });
    },
  };
}

/** A step of the world, and how long it comes before the loop. */
interface Moment {
  readonly step: number;
  readonly lead: number;
}

function note(machines: Register, event: RecordedEvent, moment: Moment): void {
  if (event.e === 'instance' || event.e === 'instanceGone') noteInstance(machines, event, moment);
  else if (event.e === 'node' || event.e === 'nodeGone' || event.e === 'ready' || event.e === 'notReady') noteNode(machines, event, moment);
}

function noteInstance(
  { byName, add }: Register,
  event: Extract<RecordedEvent, { e: 'instance' | 'instanceGone' }>,
  { step, lead }: Moment,
): void {
  const machine = byName.get(event.name);
  if (machine === undefined) return;
  if (event.e === 'instance') {
    machine.listed ??= step;
    if (event.state === 'stockout') machine.stockout = true;
    return;
  }
  machine.ended = machine.deleted === undefined ? step : firstStepFrom(machine.deleted, lead);
  // What the autoscaler did not end, the cloud did, and starts another one in its place.
  if (machine.deleted === undefined) add(machine.group, step);
}

function noteNode(
  { byName }: Register,
  event: Extract<RecordedEvent, { e: 'node' | 'nodeGone' | 'ready' | 'notReady' }>,
  { step }: Moment,
): void {
  const machine = byName.get(event.e === 'node' ? event.name : event.node);
  if (machine === undefined) return;
  if (event.e === 'node') {
    machine.registered = event.t;
    if (event.ready) machine.ready = event.t;
  } else if (event.e === 'nodeGone') machine.gone = step;
  else if (event.e === 'notReady') machine.broken.push({ at: event.t });
  else {
    const open = machine.broken.find(({ until }) => until === undefined);
    if (open !== undefined) open.until = event.t;
    else machine.ready ??= event.t;
  }
}
