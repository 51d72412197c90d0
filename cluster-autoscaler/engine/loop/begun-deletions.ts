import type { DeletionProgress } from '../model.ts';
import type { CarriedState, GroupScaling } from './state.ts';

/** A deletion that a loop has begun and of which it is not known yet what became of it. */
export interface BegunDeletion {
  readonly group: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

type Scalings = Pick<CarriedState, 'scalings' | 'begun'>;

/**
 * The times of scalings with what became of deletions: one that was done is a scaling of its group at the time at which it was begun, one that failed or was
 * refused is none. What nobody tells of any more counts as done.
 */
export function settled({ scalings, begun }: Scalings, { running, ended }: DeletionProgress): Scalings {
  if (begun.size === 0) return { scalings, begun };
  const goesOn = new Set(running.map(({ node }) => node));
  const givenBack = new Set(ended.filter(({ result }) => result !== 'deleted').map(({ node }) => node));
  const times = new Map(scalings);
  const open = new Map<string, BegunDeletion>();
  for (const [node, deletion] of begun) {
    if (givenBack.has(node)) continue;
    if (goesOn.has(node)) open.set(node, deletion);
    else times.set(deletion.group, shrunk(times.get(deletion.group), deletion.at));
  }
  return { scalings: times, begun: open };
}

/** The same as if everything that goes on came to its end: for whoever holds what may have been done. */
export function withBegun({ scalings, begun }: Scalings): CarriedState['scalings'] {
  if (begun.size === 0) return scalings;
  const times = new Map(scalings);
  for (const { group, at } of begun.values()) times.set(group, shrunk(times.get(group), at));
  return times;
}

function shrunk(scaling: GroupScaling | undefined, at: number): GroupScaling {
  return { ...scaling, lastScaleDown: Math.max(at, scaling?.lastScaleDown ?? at) };
}
