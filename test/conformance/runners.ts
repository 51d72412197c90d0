import { awsTemplateRunner } from './ca-aws-template.ts';
import { balancingRunner } from './ca-balancing.ts';
import { caBinpackingRunner } from './ca-binpacking.ts';
import { caDrainRunner } from './ca-drain.ts';
import { expanderRunner } from './ca-expander.ts';
import { caSchedulingRunner } from './ca-scheduling.ts';
import { similarityRunner } from './ca-similarity.ts';
import { caTrajectoryRunner } from './ca-trajectory.ts';
import { caUtilizationRunner } from './ca-utilization.ts';
import { hpaRunner } from './hpa.ts';
import { vpaCappingLimitsRunner } from './vpa-capping-limits.ts';
import { vpaValidationRunner } from './vpa-validation.ts';
import { updatePriorityRunner } from './vpa-update-priority.ts';
import { vpaRecommenderRunner } from './vpa-recommender.ts';

/** One case of a vector file; what `input` and `expected` hold is the file's own matter. */
export interface VectorCase {
  readonly id: string;
  readonly kind: string;
  /** What is done, in files whose `kind` says where the case comes from. */
  readonly op?: string;
  /** Relative, for floating-point numbers; 0 or absent: exact. */
  readonly tolerance?: number;
  readonly description?: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expected?: Readonly<Record<string, unknown>>;
  readonly ticks?: readonly unknown[];
}

/**
 * The case shows a quirk of upstream's that the specification says to fix: with the quirk put back in we answer as upstream, without it otherwise.
 * `quirk` is its number in the specification's list.
 */
export interface FixedQuirk {
  readonly quirk: string;
}

/** Runs one case and returns what differs from the expectation, one short line each; empty when it passes. May throw. */
export type VectorRunner = (vector: VectorCase) => readonly string[] | FixedQuirk;

/** Files that this suite can check. A later part of the suite adds its rows here. */
export const runners: Readonly<Record<string, VectorRunner>> = {
  'hpa-behavior.json': hpaRunner,
  'hpa-replica-calculator.json': hpaRunner,
  'hpa-trajectory.json': hpaRunner,
  'vpa-histogram.json': vpaRecommenderRunner,
  'vpa-checkpoint.json': vpaRecommenderRunner,
  'vpa-recommender.json': vpaRecommenderRunner,
  'vpa-validation.json': vpaValidationRunner,
  'vpa-update-priority.json': updatePriorityRunner,
  'vpa-capping-limits.json': vpaCappingLimitsRunner,
  'ca-aws-template.json': awsTemplateRunner,
  'ca-balancing.json': balancingRunner,
  'ca-binpacking.json': caBinpackingRunner,
  'ca-drain.json': caDrainRunner,
  'ca-expander.json': expanderRunner,
  'ca-scheduling-fit.json': caSchedulingRunner,
  'ca-scheduling-predicates.json': caSchedulingRunner,
  'ca-similarity.json': similarityRunner,
  'ca-trajectory.json': caTrajectoryRunner,
  'ca-utilization.json': caUtilizationRunner,
};
