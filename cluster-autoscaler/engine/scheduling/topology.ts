import type { SelectionRule, TolerationRule } from './node-rules.ts';
import { setDomain, setEligible, type Ground, type TopologyKey } from './tally.kernel.ts';

/** Which nodes a ground holds: those with all keys that the pod may use, as far as the constraint's policies honour that. */
export interface GroundOptions {
  readonly keys: readonly string[];
  readonly selection: SelectionRule | undefined;
  readonly pinnedNode: string | undefined;
  readonly tolerations: TolerationRule | undefined;
}

/** What topology is told of the rows. */
export interface TopologyInput {
  /** Rows with a node, in order. */
  readonly eachRow: (visit: (row: number) => void) => void;
  readonly label: (row: number, key: string) => string | undefined;
  readonly name: (row: number) => string;
  readonly selects: (rule: SelectionRule, row: number) => boolean;
  readonly hasUntoleratedTaint: (rule: TolerationRule, row: number) => boolean;
}

/** Topology keys and grounds that somebody asked for, kept right while nodes come and go. */
export interface Topology {
  key(name: string): TopologyKey;
  ground(options: GroundOptions): Ground;
  /** After a node came, before its pods are counted. */
  addRow(row: number): void;
  /** Before a node goes, after its pods were counted out. */
  removeRow(row: number): void;
}

interface KeptGround extends GroundOptions {
  readonly ground: Ground;
}

export function createTopology(input: TopologyInput): Topology {
  const keys = new Map<string, TopologyKey>();
  const grounds: KeptGround[] = [];

  const keyOf = (name: string): TopologyKey => {
    let key = keys.get(name);
    if (key !== undefined) return key;
    key = { name, ids: new Map(), domainOf: new Int32Array(64).fill(-1) };
    keys.set(name, key);
    const made = key;
    input.eachRow((row) => setDomain(made, row, input.label(row, name)));
    return key;
  };
  const holds = ({ ground, selection, pinnedNode, tolerations }: KeptGround, row: number): boolean =>
    ground.keys.every((key) => (key.domainOf[row] as number) >= 0) &&
    (pinnedNode === undefined || pinnedNode === input.name(row)) &&
    (selection === undefined || input.selects(selection, row)) &&
    (tolerations === undefined || !input.hasUntoleratedTaint(tolerations, row));
  const groundOf = (options: GroundOptions): Ground => {
    const known = grounds.find(
      (kept) =>
        kept.selection === options.selection &&
        kept.pinnedNode === options.pinnedNode &&
        kept.tolerations === options.tolerations &&
        kept.keys.length === options.keys.length &&
        options.keys.every((name) => kept.keys.includes(name)),
    );
    if (known !== undefined) return known.ground;
    const groundKeys = options.keys.map(keyOf);
    const ground: Ground = {
      keys: groundKeys,
      eligible: new Uint8Array(64),
      nodesIn: groundKeys.map(() => new Int32Array(8)),
      domains: new Int32Array(groundKeys.length),
    };
    const kept: KeptGround = { ...options, ground };
    grounds.push(kept);
    input.eachRow((row) => setEligible(ground, row, holds(kept, row)));
    return ground;
  };

  return {
    key: keyOf,
    ground: groundOf,
    addRow: (row) => {
      for (const key of keys.values()) setDomain(key, row, input.label(row, key.name));
      for (const kept of grounds) setEligible(kept.ground, row, holds(kept, row));
    },
    removeRow: (row) => {
      for (const { ground } of grounds) setEligible(ground, row, false);
    },
  };
}
