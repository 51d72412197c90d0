import { messageOf } from '../../core/errors.ts';
import { isNotFound } from '../../core/kube/status-error.ts';
import { resourceTypes, type ObjectReference, type ResourceType } from '../../core/model/object.ts';
import type { ScalingPolicy } from '../policy.ts';
import type { HpaControllerOptions } from './ports.ts';

const scaledObjects: ResourceType = {
  group: 'keda.sh',
  version: 'v1alpha1',
  plural: 'scaledobjects',
  kind: 'ScaledObject',
  namespaced: true,
};

/** KEDA scales through a HorizontalPodAutoscaler of this name. */
const kedaPrefix = 'keda-hpa-';

/** Whether an object that scales the target is the one that the policy takes over from. */
export function isTransferred(policy: ScalingPolicy, { kind, name }: ObjectReference): boolean {
  const from = policy.transferFrom;
  if (from === undefined || kind !== 'HorizontalPodAutoscaler') return false;
  return from.kind === 'ScaledObject' ? name === `${kedaPrefix}${from.name}` : name === from.name;
}

/** One sentence for as long as the other one is there. */
export function transferText({ transferFrom, target }: ScalingPolicy): string {
  const from = `${transferFrom?.kind ?? ''} ${transferFrom?.namespace ?? ''}/${transferFrom?.name ?? ''}`;
  return `${from} still scales ${target.kind} ${target.namespace ?? ''}/${target.name}; it is deleted as soon as this policy can decide, and this policy acts then`;
}

/**
 * Deletes whoever has scaled the target so far. Called only when the policy has just decided with all its metrics known, so that the target is never without somebody who
 * looks after it. Answers what went wrong, with the permission that is missing.
 */
export async function takeOver(
  { client }: HpaControllerOptions,
  { transferFrom }: ScalingPolicy,
  signal: AbortSignal,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly problem: string }> {
  if (transferFrom === undefined) return { ok: true };
  const { kind, namespace, name } = transferFrom;
  const type = kind === 'ScaledObject' ? scaledObjects : resourceTypes.horizontalPodAutoscalers;
  try {
    await client.delete(type, { namespace, name }, { signal });
    return { ok: true };
  } catch (error) {
    if (isNotFound(error)) return { ok: true };
    const group = type.group === '' ? '' : `.${type.group}`;
    return {
      ok: false,
      problem: `${kind} ${namespace ?? ''}/${name} could not be deleted: ${messageOf(error)}; grant delete on ${type.plural}${group} or delete it yourself`,
    };
  }
}
