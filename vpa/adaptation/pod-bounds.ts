import { sizedResources, type Amounts, type LimitBounds, type SizedResource } from '../model.ts';
import { scaleAmount } from './amounts.ts';
import type { ClampReason } from './clamp.ts';
import type { PodState } from './pod-resources.ts';
import { proportionalLimit } from './proportional-limit.ts';

export type BoundedField = 'target' | 'lowerBound' | 'upperBound';

/** A recommendation that is being adapted. */
export interface Draft {
  readonly container: string;
  readonly target: Record<string, number>;
  readonly lowerBound: Record<string, number>;
  readonly upperBound: Record<string, number>;
  readonly uncappedTarget: Amounts;
}

export interface PodPass {
  readonly pod: PodState;
  /** By container. */
  readonly drafts: ReadonlyMap<string, Draft>;
  readonly limits: LimitBounds;
  readonly resource: SizedResource;
  readonly field: BoundedField;
  /** Quirks Q9 and Q10 as upstream has them. */
  readonly asUpstream: boolean;
}

interface Share {
  readonly draft: Draft | undefined;
  /** The recommended amount. */
  readonly amount: number;
  /** What the limit would become. */
  readonly limit: number;
}

/** What a pass did to one container. */
export interface PodMove {
  readonly draft: Draft;
  readonly from: number;
  readonly to: number;
  readonly by: ClampReason;
}

/**
 * Scales one resource of one field of all containers so that the pod fits its LimitRange (spec 4.5). A container that lacks the amount is left out where
 * upstream crashes or writes a zero.
 */
export function boundPod(pass: PodPass): readonly PodMove[] {
  const shares = sharesOf(pass);
  const min = pass.limits.min?.[pass.resource] ?? 0;
  const max = pass.limits.max?.[pass.resource] ?? 0;
  const sum = total(shares, 'amount');
  const sumOfLimits = total(shares, 'limit');
  if (sumOfLimits === 0) return [];
  if (min > sum) return scaleShares(pass, shares, { numerator: min, denominator: sum, raise: true, by: 'podLimitRangeMin' });
  if (max !== 0 && max < sumOfLimits) {
    return scaleShares(pass, shares, { numerator: max, denominator: sumOfLimits, raise: false, by: 'podLimitRangeMax' });
  }
  if (min <= sumOfLimits) return [];
  const scaling = { numerator: min, denominator: sumOfLimits, raise: !pass.asUpstream, by: 'podLimitRangeMin' } as const;
  const moves = scaleShares(pass, shares, scaling);
  // The limits are rounded down once more when they are made from the requests; one unit for each makes up for that.
  return pass.asUpstream || total(sharesOf(pass), 'limit') >= min ? moves : moves.map(addUnit(pass));
}

function addUnit({ field, resource }: PodPass): (move: PodMove) => PodMove {
  return (move) => {
    const to = move.to + 1;
    move.draft[field][resource] = to;
    return { ...move, to };
  };
}

function sharesOf({ pod, drafts, limits, resource, field }: PodPass): readonly Share[] {
  return pod.containers.map((container) => {
    const draft = drafts.get(container.name);
    const amount = (draft === undefined ? container.requests[resource] : draft[field][resource]) ?? 0;
    const { limit = 0 } = proportionalLimit({
      resource,
      originalLimit: container.limits[resource],
      originalRequest: container.requests[resource],
      request: amount,
      defaultLimit: limits.default?.[resource],
    });
    return { draft, amount, limit };
  });
}

function total(shares: readonly Share[], key: 'amount' | 'limit'): number {
  return shares.reduce((sum, share) => sum + share[key], 0);
}

interface Scaling {
  readonly numerator: number;
  readonly denominator: number;
  /** Towards a minimum: a part of a unit that is lost would make the pod miss it. */
  readonly raise: boolean;
  readonly by: ClampReason;
}

function scaleShares(pass: PodPass, shares: readonly Share[], scaling: Scaling): readonly PodMove[] {
  const moves: PodMove[] = [];
  for (const { draft, amount } of shares) {
    const list = draft?.[pass.field];
    if (draft === undefined || list === undefined || !isScaled(list, pass)) continue;
    const to = scaled(amount, pass, scaling);
    list[pass.resource] = to;
    if (to !== amount) moves.push({ draft, from: amount, to, by: scaling.by });
  }
  return moves;
}

/** Upstream crashes for a list that is not there, and writes what is not in the list. */
function isScaled(list: Amounts, { resource, asUpstream }: PodPass): boolean {
  return Object.hasOwn(list, resource) || (asUpstream && Object.keys(list).length > 0);
}

function scaled(amount: number, { resource, asUpstream }: PodPass, { numerator, denominator, raise }: Scaling): number {
  const upstreamMemory = asUpstream && resource === 'memory';
  if (raise) return scaleAmount(amount, numerator, denominator, upstreamMemory ? 'down' : 'up');
  const lowered = scaleAmount(amount, numerator, denominator);
  return upstreamMemory && lowered === 0 ? -1 : lowered;
}

/** In the order in which upstream bounds them. */
export const podPassOrder: readonly (readonly [BoundedField, SizedResource])[] = (['upperBound', 'target', 'lowerBound'] as const).flatMap(
  (field) => sizedResources.map((resource) => [field, resource] as const),
);
