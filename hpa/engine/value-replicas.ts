import { ceilInt32, ceilInt64, isWithin, sumCapped, type Tolerances } from './arithmetic.ts';
import type { HpaPod, Milli } from './model.ts';
import type { CalculationError } from './usage-replicas.ts';

/** How a count came about from one value (Object, External). */
export interface ValueCalculation {
  readonly ok: true;
  readonly replicas: number;
  /** The (summed) value. */
  readonly total: Milli;
  /** Per replica of status; only for AverageValue targets, `undefined` at zero replicas. */
  readonly average?: Milli | undefined;
  readonly ratio: number;
  /** What the ratio was multiplied by: ready pods, replicas while no pod is ready, or 1 from zero. */
  readonly factor?: number;
  readonly rule: 'ready-pods' | 'current-size' | 'from-zero' | 'per-replica' | 'within-tolerance';
}

export interface ValueContext {
  /** scale.spec.replicas */
  readonly currentReplicas: number;
  /** scale.status.replicas */
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly pods: readonly HpaPod[];
  readonly sizeWhenUnready?: boolean | undefined;
}

/**
 * Value target (§5.5): the ratio scales the ready pods; from zero there is neither tolerance nor pods. While no pod is ready upstream asks for 0, however high the load;
 * with `sizeWhenUnready` the ratio scales the current size, so that an overload which makes all pods unready is answered (§15 no. 16).
 */
export function valueReplicas(values: readonly Milli[], target: Milli, context: ValueContext): ValueCalculation | CalculationError {
  const total = sumCapped(values);
  const ratio = Number(total) / Number(target);
  if (context.currentReplicas === 0) return { ok: true, replicas: ceilInt32(ratio), total, ratio, factor: 1, rule: 'from-zero' };
  if (isWithin(context.tolerances, ratio)) {
    return { ok: true, replicas: context.currentReplicas, total, ratio, rule: 'within-tolerance' };
  }
  const growsBlindly = context.sizeWhenUnready === true && ratio > 1;
  if (context.pods.length === 0 && !growsBlindly) return { ok: false, kind: 'NoPods', message: "no pod matches the target's selector" };
  // Deleting pods count while they are ready, as upstream.
  const ready = context.pods.filter((pod) => pod.phase === 'Running' && pod.ready === 'True').length;
  if (ready === 0 && context.sizeWhenUnready === true) {
    const factor = context.currentReplicas;
    return { ok: true, replicas: ceilInt32(ratio * factor), total, ratio, factor, rule: 'current-size' };
  }
  return { ok: true, replicas: ceilInt32(ratio * ready), total, ratio, factor: ready, rule: 'ready-pods' };
}

/**
 * AverageValue target of one value (§5.6): no pods are consulted, and "no change" is status.replicas. A negative total is refused:
 * upstream takes it for an overflow and would grow without bound.
 */
export function perReplicaValue(values: readonly Milli[], target: Milli, context: ValueContext): ValueCalculation | CalculationError {
  const total = sumCapped(values);
  if (total < 0n) {
    return { ok: false, kind: 'InvalidValue', message: `the value is negative (${total}m); an AverageValue target needs one of 0 or more` };
  }
  const status = context.statusReplicas;
  const ratio = Number(total) / (Number(target) * status);
  const average = ceilInt64(Number(total) / status);
  if (isWithin(context.tolerances, ratio)) {
    return { ok: true, replicas: status, total, average, ratio, rule: 'within-tolerance' };
  }
  return { ok: true, replicas: ceilInt32(Number(total) / Number(target)), total, average, ratio, rule: 'per-replica' };
}
