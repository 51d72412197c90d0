import type { PlannedDeletion } from '../model.ts';
import type { ScaleDownResult, ScaleDownState } from '../scale-down/index.ts';
import type { ScaleUpResult } from '../scale-up/index.ts';
import type { BegunDeletion } from './begun-deletions.ts';
import type { PendingPodReport, ScaleUpOutcome } from './model.ts';
import type { PodsToHelp } from './pods-to-help.ts';
import type { GroupScaling } from './state.ts';

/** What the loop has come to so far. */
export interface Progress {
  readonly outcomes: ScaleUpOutcome[];
  /** Ordinary scale-up, then the raise to minimum sizes, as far as they were tried. */
  readonly scaleUps: ScaleUpResult[];
  help: PodsToHelp | undefined;
  /** Pods for which no scale-up was tried. */
  waiting: readonly PendingPodReport[];
  scaleDown: ScaleDownState;
  scaleDownResult: ScaleDownResult | undefined;
  /** Deletions that were begun. */
  deletions: readonly PlannedDeletion[];
  /** Resources whose limit kept a group from growing, once for each group. */
  limited: readonly string[];
  readonly scalings: Map<string, GroupScaling>;
  readonly begun: Map<string, BegunDeletion>;
  error: string | undefined;
}
