import type { NodeTemplate } from '../model.ts';
import { emptyRegistryState, type RegistryState } from '../registry/index.ts';
import { emptyScaleDownState, type ScaleDownState } from '../scale-down/index.ts';
import type { PlacementHints } from '../scheduling/index.ts';
import type { BegunDeletion } from './begun-deletions.ts';
import type { LoopState } from './model.ts';

/** Times of the last scalings of a group, for its cooldowns; epoch milliseconds. */
export interface GroupScaling {
  readonly lastScaleUp?: number | undefined;
  /** Last loop that started a deletion in the group which was not given back. */
  readonly lastScaleDown?: number | undefined;
}

/** What the loop really carries. */
export interface CarriedState extends LoopState {
  /** A loop has run in this process: taints that an earlier one left behind are cleaned. */
  readonly initialized: boolean;
  readonly registry: RegistryState;
  readonly scaleDown: ScaleDownState;
  readonly templates: ReadonlyMap<string, NodeTemplate>;
  /** Where pending pods found room in the loop before. */
  readonly hints: PlacementHints;
  readonly scalings: ReadonlyMap<string, GroupScaling>;
  /** Deletions that go on, by node. */
  readonly begun: ReadonlyMap<string, BegunDeletion>;
}

/** The state before the first loop. */
export function emptyLoopState(): LoopState {
  return carried({
    initialized: false,
    registry: emptyRegistryState(),
    scaleDown: emptyScaleDownState(),
    templates: new Map(),
    hints: new Map(),
    scalings: new Map(),
    begun: new Map(),
  });
}

/** Seals a state for the way to the next loop. */
export function carried(state: Omit<CarriedState, 'kind'>): CarriedState {
  return { kind: 'loop-state', ...state };
}

/** Opens what {@link carried} sealed; states are made by this folder only. */
export function opened(state: LoopState): CarriedState {
  return state as CarriedState;
}
