import { formatMilli } from '../../../core/units/milli.ts';
import type { ContainerRecommendation, Recommendation, SizedResource } from '../../model.ts';

export type ClampCause =
  | 'min-allowed'
  | 'max-allowed'
  | 'global-max-allowed'
  | 'node-size'
  | 'integer-cpu'
  | 'rounding'
  /** Usage was not seen for long enough to lower requests. */
  | 'short-observation';

export type ClampedField = Exclude<keyof ContainerRecommendation, 'container' | 'uncappedTarget'>;

/** One change that a post-processor has made. Amounts: milli-cores or bytes. */
export interface Clamp {
  readonly container: string;
  readonly resource: SizedResource;
  /** Upstream tells of the target only. */
  readonly field: ClampedField;
  readonly from: number;
  readonly to: number;
  readonly by: ClampCause;
  /** For a person. */
  readonly message: string;
}

export interface Processed {
  readonly recommendation: Recommendation;
  /** In the order in which they were made. */
  readonly clamps: readonly Clamp[];
}

/** For a person: `250m`, `1.5Gi`. */
export function amountText(resource: string, amount: number): string {
  return formatMilli(resource, resource === 'cpu' ? amount : amount * 1000);
}
