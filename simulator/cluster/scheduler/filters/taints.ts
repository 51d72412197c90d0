import type { Taint, Toleration } from '../../controllers/kinds.ts';
import { type Rejection, rejection } from './rejection.ts';

/** Whether one toleration covers a taint. The comparison operators Gt and Lt are an alpha feature that is off, as in upstream 1.36. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { effect = '', key = '', operator = '', value = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  for (const toleration of tolerations) if (tolerates(toleration, taint)) return true;
  return false;
}

/** Taints that keep new pods away; PreferNoSchedule only lowers the score. */
export function blocksScheduling(taint: Taint): boolean {
  return taint.effect === 'NoSchedule' || taint.effect === 'NoExecute';
}

export function hasUntoleratedTaint(taints: readonly Taint[], tolerations: readonly Toleration[]): boolean {
  for (const taint of taints) if (blocksScheduling(taint) && !isTolerated(taint, tolerations)) return true;
  return false;
}

const untolerated = rejection('TaintToleration', ['node(s) had untolerated taint(s)'], true);
const unschedulable = rejection('NodeUnschedulable', ['node(s) were unschedulable'], true);
const cordonTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** TaintToleration. Since 1.34 the text does not name the taint, which may be confidential. */
export function filterTaints(taints: readonly Taint[], tolerations: readonly Toleration[]): Rejection | undefined {
  return taints.length > 0 && hasUntoleratedTaint(taints, tolerations) ? untolerated : undefined;
}

/** NodeUnschedulable: a cordoned node takes only pods that tolerate the taint of cordoning. */
export function filterUnschedulable(cordoned: boolean, tolerations: readonly Toleration[]): Rejection | undefined {
  return cordoned && !isTolerated(cordonTaint, tolerations) ? unschedulable : undefined;
}
