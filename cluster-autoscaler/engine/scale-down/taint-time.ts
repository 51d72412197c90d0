import type { NodeRecord } from '../../../core/model/index.ts';

const seconds = /^[0-9]{1,12}$/;

/** The time that a taint of the autoscaler's carries as its value (seconds), in milliseconds; `undefined` without the taint or a readable value. */
export function taintTime({ taints }: NodeRecord, key: string): number | undefined {
  const value = taints.find((taint) => taint.key === key)?.value;
  return value === undefined || !seconds.test(value) ? undefined : Number(value) * 1000;
}

/** Whether a node carries a taint of this key. */
export function hasTaint({ taints }: NodeRecord, key: string): boolean {
  return taints.some((taint) => taint.key === key);
}
