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
}

const nothing: ClaimedRing = { slot: -1, points: 0 };

/** `points` a container, at most `maxContainers` of them. */
export function createContainerHistories(points: number, maxContainers: number): ContainerHistories {
  const rings = createContainerRings(points, maxContainers);
  /** By slot: sequence of the departure that holds it, 0 while its container is listed or it is free. */
  const heldBy: number[] = [];
  let departures: readonly Departure[] = [];
  let sequence = 0;
  let evicted = 0;

  /** The oldest departure's rings become free; answers how many. */
  const giveUpOldest = (): number => {
    const [oldest, ...rest] = departures;
    if (oldest === undefined) return 0;
    departures = rest;
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
      return found;
    }
    return undefined;
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
      for (const containers of pods.values()) for (const { slot } of containers) heldBy[slot] = sequence;
      departures = [...departures, { sequence, lastSeen, pods }];
    },
    forget: (before) => {
      while (departures[0] !== undefined && departures[0].lastSeen < before) giveUpOldest();
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
