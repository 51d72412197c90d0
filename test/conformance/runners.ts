import { hpaRunner } from './hpa.ts';

/** One case of a vector file; what `input` and `expected` hold is the file's own matter. */
export interface VectorCase {
  readonly id: string;
  readonly kind: string;
  readonly description?: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expected?: Readonly<Record<string, unknown>>;
  readonly ticks?: readonly unknown[];
}

/** Runs one case and returns what differs from the expectation, one short line each; empty when it passes. May throw. */
export type VectorRunner = (vector: VectorCase) => readonly string[];

/** Files that this suite can check. A later part of the suite adds its rows here. */
export const runners: Readonly<Record<string, VectorRunner>> = {
  'hpa-behavior.json': hpaRunner,
  'hpa-replica-calculator.json': hpaRunner,
  'hpa-trajectory.json': hpaRunner,
};
