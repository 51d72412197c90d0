import type { NodeSelector, SelectableNode } from '../../../../core/model/index.ts';
import { createConstraint, type ConstraintState } from './constraints.ts';
import { createCounters, type CounterState } from './counters.ts';
import {
  deviceKey,
  type DeviceAlternative,
  type DeviceClaimSpec,
  type DeviceFacts,
  type DeviceRecord,
  type DeviceTaint,
  type SliceRecord,
} from './model.ts';
import { isWithin, type DevicePool } from './pools.ts';

/** What devices are chosen for, and from. */
export interface AllocationInput {
  /** All of them get their devices, or none does. */
  readonly claims: readonly DeviceClaimSpec[];
  readonly pools: readonly DevicePool[];
  readonly node: SelectableNode;
  readonly facts: Pick<DeviceFacts, 'classes' | 'selectorOf'>;
  /** Before the names of devices of local pools: those of two nodes that are copies of one template must differ. */
  readonly scope: string;
  readonly inUse: (key: string) => boolean;
}

/** The devices of one claim. */
export interface ClaimAllocation {
  /** Of devices that nobody else may have from now on. */
  readonly keys: readonly string[];
  /** The claim can be used on the node only. */
  readonly tied: boolean;
  /** Otherwise on nodes that all of these select. */
  readonly selectors: readonly NodeSelector[];
}

export type AllocationOutcome =
  | { readonly state: 'allocated'; readonly claims: readonly ClaimAllocation[] }
  /** In the scheduler's words. */
  | { readonly state: 'refused'; readonly reason: string }
  /** Nobody can say here whether the scheduler would find devices. */
  | { readonly state: 'unknown'; readonly reason: string };

/** Devices that one claim can hold (AllocationResultsMaxSize). */
const mostDevices = 32;
/** Devices that are tried before the search is given up: it is exhaustive, and the scheduler too gives it up after a time. */
const mostTries = 10_000;

const refused = { state: 'refused', reason: 'cannot allocate all claims' } as const;

/**
 * Finds devices for claims on a node by the scheduler's search: claim by claim, request by request, the first device that is free, selected, not
 * tainted and within the constraints, and back again where that leads nowhere. Where the scheduler's order of pools is any, ours is by name. The
 * answer says `unknown` where only devices that cannot be simulated are left, or an expression cannot be evaluated.
 */
export function allocate(input: AllocationInput): AllocationOutcome {
  return new Search(input).run();
}

/** A device that may be had at all. */
interface Candidate {
  /** Without the scope of local pools. */
  readonly key: string;
  readonly local: boolean;
  readonly driver: string;
  readonly pool: DevicePool;
  readonly slice: SliceRecord;
  readonly device: DeviceRecord;
}

interface Chosen {
  readonly candidate: Candidate;
  readonly adminAccess: boolean;
}

/** Where the search stands: the n-th device of a way to meet a request. */
interface Place {
  readonly claim: number;
  readonly request: number;
  readonly way: DeviceAlternative;
  readonly device: number;
}

class Search {
  readonly #input: AllocationInput;
  readonly #candidates: readonly Candidate[];
  readonly #chosen: Chosen[][];
  readonly #constraints: readonly (readonly ConstraintState[])[];
  readonly #all = new Map<DeviceAlternative, readonly Candidate[]>();
  /** Claims that a device was just chosen for, by key. */
  readonly #taken = new Map<string, Set<number>>();
  readonly #counters = new Map<DevicePool, CounterState>();
  #tries = 0;
  /** A device that might do and cannot be simulated was passed over. */
  #doubt: string | undefined;
  /** The search ends here. */
  #end: AllocationOutcome | undefined;

  constructor(input: AllocationInput) {
    this.#input = input;
    this.#candidates = candidatesOf(input.pools);
    this.#chosen = input.claims.map(() => []);
    this.#constraints = input.claims.map(({ constraints }) => constraints.map(createConstraint));
  }

  run(): AllocationOutcome {
    const unsupported = this.#input.claims.find((claim) => claim.unsupported !== undefined)?.unsupported;
    if (unsupported !== undefined) return { state: 'unknown', reason: unsupported };
    if (!this.#gatherAll()) return this.#end ?? refused;
    if (this.#request(0, 0) && this.#end === undefined) {
      return { state: 'allocated', claims: this.#chosen.map((chosen) => allocationOf(chosen, this.#input.scope)) };
    }
    if (this.#end !== undefined) return this.#end;
    if (this.#doubt !== undefined) return { state: 'unknown', reason: this.#doubt };
    return this.#input.pools.some(({ invalid }) => invalid)
      ? { state: 'refused', reason: 'invalid resource pools were encountered' }
      : refused;
  }

  /** What «all devices» are; an incomplete pool might have more of them. */
  #gatherAll(): boolean {
    const { claims, pools } = this.#input;
    for (const { name, alternatives } of claims.flatMap(({ requests }) => requests)) {
      for (const way of alternatives) {
        if (way.mode !== 'All') continue;
        const broken = pools.find(({ incomplete, invalid }) => incomplete || invalid);
        if (broken !== undefined) {
          const state = broken.incomplete ? 'being updated' : 'invalid';
          const reason = `request ${name}: asks for all devices, but resource pool ${broken.driver}/${broken.pool} is currently ${state}`;
          this.#end = { state: 'refused', reason };
          return false;
        }
        const selected = this.#candidates.filter((candidate) => this.#isSelected(candidate, way));
        if (this.#end !== undefined) return false;
        this.#all.set(way, selected);
      }
    }
    return true;
  }

  #request(claim: number, request: number): boolean {
    const spec = this.#input.claims[claim];
    if (spec === undefined) return true;
    const asked = spec.requests[request];
    if (asked === undefined) return this.#request(claim + 1, 0);
    return asked.alternatives.some((way) => this.#device({ claim, request, way, device: 0 }, 0));
  }

  /** The device of a place and all after it; candidates before `start` were tried for the place before it. */
  #device(place: Place, start: number): boolean {
    const { claim, request, way, device } = place;
    const all = this.#all.get(way);
    const wanted = all === undefined ? way.count : all.length;
    if (this.#end !== undefined || all?.length === 0) return false;
    if (device >= wanted) return this.#request(claim, request + 1);
    if ((this.#chosen[claim]?.length ?? 0) + wanted - device > mostDevices) return false;
    if (all === undefined) return this.#any(place, start);
    // Of all there is no choice.
    const candidate = all[device] as Candidate;
    return this.#isFree(candidate, place) && this.#choose(place, candidate, 0);
  }

  #any(place: Place, start: number): boolean {
    for (let index = start; index < this.#candidates.length && this.#end === undefined; index++) {
      const candidate = this.#candidates[index] as Candidate;
      if (!this.#isFree(candidate, place) || !this.#isSelected(candidate, place.way)) continue;
      if (this.#choose(place, candidate, index + 1)) return true;
    }
    return false;
  }

  /** Takes the candidate, if that may be, and goes on; gives it back when that leads nowhere. */
  #choose(place: Place, candidate: Candidate, next: number): boolean {
    const { way, device } = place;
    this.#tries += 1;
    if (this.#tries > mostTries) {
      this.#end = { state: 'unknown', reason: `no devices were found among ${mostTries} combinations` };
      return false;
    }
    if (candidate.device.unsupported !== undefined) {
      this.#doubt ??= candidate.device.unsupported;
      return false;
    }
    if (isRepelled(candidate.device, way) || !this.#takeCounters(candidate)) return false;
    if (!this.#constrain(place, candidate)) {
      this.#giveCountersBack(candidate);
      return false;
    }
    const { chosen, taken } = this.#take(place, candidate);
    if (this.#device({ ...place, device: device + 1 }, next)) return true;
    chosen.pop();
    taken.delete(place.claim);
    this.#unconstrain(place, this.#constraints[place.claim] ?? []);
    this.#giveCountersBack(candidate);
    return false;
  }

  #takeCounters({ pool, device, local }: Candidate): boolean {
    if (device.consumes.size === 0) return true;
    const { inUse, scope } = this.#input;
    let counters = this.#counters.get(pool);
    if (counters === undefined) this.#counters.set(pool, (counters = createCounters(pool, (key) => inUse(local ? `${scope}${key}` : key))));
    return counters.take(device);
  }

  #giveCountersBack({ pool, device }: Candidate): void {
    if (device.consumes.size > 0) this.#counters.get(pool)?.giveBack(device);
  }

  #take({ claim, way }: Place, candidate: Candidate): { readonly chosen: Chosen[]; readonly taken: Set<number> } {
    const key = keyOf(candidate, this.#input.scope);
    const taken = this.#taken.get(key) ?? new Set<number>();
    this.#taken.set(key, taken.add(claim));
    const chosen = this.#chosen[claim] as Chosen[];
    chosen.push({ candidate, adminAccess: way.adminAccess });
    return { chosen, taken };
  }

  /** Whether all constraints of the claim let the device in; if one does not, none has it. */
  #constrain(place: Place, { device, driver, key }: Candidate): boolean {
    const constraints = this.#constraints[place.claim] ?? [];
    const name = this.#nameOf(place);
    const refusing = constraints.findIndex((constraint) => !constraint.add(name, place.way.name, device, driver));
    if (refusing < 0) return true;
    this.#unconstrain(place, constraints.slice(0, refusing));
    if (place.way.mode === 'All') {
      // To the scheduler that is a fault of the claim, with which it ends.
      const reason = `request ${name}: cannot add device ${key} because a claim constraint would not be satisfied`;
      this.#end = { state: 'refused', reason };
    }
    return false;
  }

  #unconstrain(place: Place, constraints: readonly ConstraintState[]): void {
    const name = this.#nameOf(place);
    for (const constraint of constraints.toReversed()) constraint.remove(name, place.way.name);
  }

  #nameOf({ claim, request }: Place): string {
    return this.#input.claims[claim]?.requests[request]?.name ?? '';
  }

  /** With admin access only the own claim's devices are no choice any more. */
  #isFree(candidate: Candidate, { claim, way: { adminAccess } }: Place): boolean {
    const key = keyOf(candidate, this.#input.scope);
    const taken = this.#taken.get(key);
    if (adminAccess) return taken?.has(claim) !== true;
    return !this.#input.inUse(key) && (taken === undefined || taken.size === 0);
  }

  /** Class, request and, where devices have them, the device's own scope. */
  #isSelected(candidate: Candidate, way: DeviceAlternative): boolean {
    const { facts, node } = this.#input;
    const { slice, device, driver } = candidate;
    const expressions = [...(facts.classes.get(way.className)?.selectors ?? []), ...way.selectors];
    for (const expression of expressions) {
      const selector = facts.selectorOf(expression);
      if ('problem' in selector) {
        this.#end = { state: 'unknown', reason: selector.problem };
        return false;
      }
      try {
        if (!selector.matches(device, driver)) return false;
      } catch (error) {
        this.#end = { state: 'unknown', reason: `CEL of device ${device.name}: ${error instanceof Error ? error.message : String(error)}` };
        return false;
      }
    }
    return !slice.scopeByDevice || isWithin(device.scope, node);
  }
}

/** Of pools that are looked at again and again. */
const known = new WeakMap<readonly DevicePool[], readonly Candidate[]>();

function candidatesOf(pools: readonly DevicePool[]): readonly Candidate[] {
  let candidates = known.get(pools);
  if (candidates === undefined) known.set(pools, (candidates = pools.flatMap(candidatesIn)));
  return candidates;
}

function candidatesIn(of: DevicePool): Candidate[] {
  const { driver, pool, slices, local, incomplete, invalid } = of;
  if (incomplete || invalid) return [];
  return slices.flatMap((slice) =>
    slice.devices.map((device) => ({ key: deviceKey(driver, pool, device.name), local, driver, pool: of, slice, device })),
  );
}

function keyOf({ key, local }: Candidate, scope: string): string {
  return local ? `${scope}${key}` : key;
}

/** A taint that keeps claims away, and that the request does not tolerate. */
function isRepelled({ taints }: DeviceRecord, { tolerations }: DeviceAlternative): boolean {
  return taints.some(
    (taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((each) => tolerates(each, taint)),
  );
}

function tolerates({ key, operator, value, effect }: DeviceAlternative['tolerations'][number], taint: DeviceTaint): boolean {
  if ((effect !== '' && effect !== taint.effect) || (key !== '' && key !== taint.key)) return false;
  return operator === 'Exists' || ((operator === '' || operator === 'Equal') && value === taint.value);
}

function allocationOf(chosen: readonly Chosen[], scope: string): ClaimAllocation {
  const scopes = chosen.map(({ candidate: { slice, device } }) => (slice.scopeByDevice ? device.scope : slice.scope));
  return {
    keys: chosen.filter(({ adminAccess }) => !adminAccess).map(({ candidate }) => keyOf(candidate, scope)),
    tied: chosen.some(({ candidate }) => candidate.device.bindsToNode) || scopes.some(({ node }) => node !== undefined && node !== ''),
    selectors: scopes.flatMap(({ selector }) => selector ?? []),
  };
}
