import { createContainerRings, type ContainerRings } from './container-rings.kernel.ts';
import { departedKey, type DepartedContainer, type Departure, type UsageGeneration } from './usage-generation.ts';

/** A ring with the number of points in it that are the claimant's own. */
export interface ClaimedRing {
  /** -1: there is no room. */
  readonly slot: number;
  readonly points: number;
}

/**
 * Who owns which ring. A container that an answer no longer lists keeps its ring for a while, so that a pod that flickers in and out of the list (as a
 * crash-looping one does) has one history, and is counted once.
 */
export interface ContainerHistories {
  readonly rings: ContainerRings;
  readonly departures: readonly Departure[];
  /** Containers whose ring was given up, or that got none, for lack of room. */
  readonly evicted: number;
  /** The ring of a container that the answer before did not list: the one that it had, or a new one. */
  claim(namespace: string, pod: string, container: string): ClaimedRing;
  /** Notes the containers that left, by key; their rings stay theirs. */
  depart(pods: ReadonlyMap<string, readonly DepartedContainer[]>, lastSeen: number): void;
  /** Gives up the rings of those that were last seen before. */
  forget(before: number): void;
  /** Drops the notes of those that came back. */
  tidy(): void;
}

const nothing: ClaimedRing = { slot: -1, points: 0 };

/** `points` a container, at most `maxContainers` of them. */
export function createContainerHistories(points: number, maxContainers: number): ContainerHistories {
  const rings = createContainerRings(points, maxContainers);
  /** By slot: sequence of the departure that holds it, 0 while its container is listed or it is free. */
  const heldBy: number[] = [];
  let departures: readonly Departure[] = [];
  /** By sequence of a departure: its containers, and how many of them are still away. */
  const counts = new Map<number, { readonly all: number; away: number }>();
  let sequence = 0;
  let evicted = 0;

  /** The oldest departure's rings become free; answers how many. */
  const giveUpOldest = (): number => {
    const [oldest, ...rest] = departures;
    if (oldest === undefined) return 0;
    departures = rest;
    counts.delete(oldest.sequence);
    let given = 0;
    for (const containers of oldest.pods.values()) {
      for (const { slot } of containers) {
        // It may be back, or have left again since.
        if (heldBy[slot] !== oldest.sequence) continue;
        heldBy[slot] = 0;
        rings.release(slot);
        given++;
      }
    }
    return given;
  };

  const takeBack = (key: string, container: string): ClaimedRing | undefined => {
    for (let at = departures.length - 1; at >= 0; at--) {
      const departure = departures[at];
      const found = departure?.pods.get(key)?.find(({ name, slot }) => name === container && heldBy[slot] === departure.sequence);
      if (found === undefined) continue;
      heldBy[found.slot] = 0;
      const count = counts.get(departure?.sequence ?? 0);
      if (count !== undefined) count.away--;
      return found;
    }
    return undefined;
  };

  /** Most of it is back: servers that answer in turn and each miss some nodes would else leave a large note with every answer. */
  const isWorn = (departure: Departure): boolean => {
    const count = counts.get(departure.sequence);
    return count !== undefined && count.away * 2 < count.all;
  };

  const withoutReturned = (departure: Departure): readonly Departure[] => {
    const pods = new Map<string, readonly DepartedContainer[]>();
    let all = 0;
    for (const [key, containers] of departure.pods) {
      const away = containers.filter(({ slot }) => heldBy[slot] === departure.sequence);
      if (away.length > 0) pods.set(key, away);
      all += away.length;
    }
    if (all === 0) counts.delete(departure.sequence);
    else counts.set(departure.sequence, { all, away: all });
    return all === 0 ? [] : [{ ...departure, pods }];
  };

  const claimNew = (): ClaimedRing => {
    let slot = rings.claim();
    while (slot < 0 && departures.length > 0) {
      evicted += giveUpOldest();
      slot = rings.claim();
    }
    if (slot >= 0) {
      heldBy[slot] = 0;
      return { slot, points: 0 };
    }
    evicted++;
    return nothing;
  };

  return {
    rings,
    get departures() {
      return departures;
    },
    get evicted() {
      return evicted;
    },
    claim: (namespace, pod, container) => {
      const back = departures.length === 0 ? undefined : takeBack(departedKey(namespace, pod), container);
      return back ?? claimNew();
    },
    depart: (pods, lastSeen) => {
      sequence++;
      let all = 0;
      for (const containers of pods.values()) {
        for (const { slot } of containers) heldBy[slot] = sequence;
        all += containers.length;
      }
      counts.set(sequence, { all, away: all });
      departures = [...departures, { sequence, lastSeen, pods }];
    },
    forget: (before) => {
      while (departures[0] !== undefined && departures[0].lastSeen < before) giveUpOldest();
    },
    tidy: () => {
      if (departures.some(isWorn))
        departures = departures.flatMap((departure) => (isWorn(departure) ? withoutReturned(departure) : [departure]));
    },
  };
}

/** Adds the container in a row of a generation to those that leave, unless it has no ring. */
export function addDeparted(
  leaving: Map<string, DepartedContainer[]>,
  { shape, ends, points }: UsageGeneration,
  row: { readonly pod: number; readonly container: number },
): void {
  const slot = shape.slots[row.container] ?? -1;
  if (slot < 0) return;
  const key = departedKey(shape.namespaces[row.pod] ?? '', shape.names[row.pod] ?? '');
  const container = {
    name: shape.containers[row.container] ?? '',
    slot,
    end: ends[row.container] ?? 0,
    points: points[row.container] ?? 0,
  };
  const others = leaving.get(key);
  if (others === undefined) leaving.set(key, [container]);
  else others.push(container);
}
