import { formatTime } from '../../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import type { ActionOutcome } from '../engine/index.ts';
import type { ActContext, ActTask } from './act.ts';

/** Annotation of the pod template that a roll is started by, as `kubectl rollout restart` has one of its own. */
export const resizedAtAnnotation = 'concertina.dev/resized-at';

interface DeploymentParts {
  readonly spec?: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly strategy?: { readonly type?: string };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** Rolls a Deployment of one replica: its new pod is admitted with the new requests, and is ready before the old one goes. */
export async function rollWorkload({ options, signal }: ActContext, { action, workload }: ActTask): Promise<ActionOutcome> {
  const { pod } = action;
  if (workload === undefined || workload.reference.kind !== 'Deployment') {
    return { result: 'failed', message: `pod ${pod.name} cannot be rolled: its workload is not a Deployment` };
  }
  const { name } = workload.reference;
  const key = { namespace: pod.namespace, name };
  const raw = await options.client.get(resourceTypes.deployments, key, { signal });
  const busy = rolloutText(raw);
  if (busy !== undefined) return { result: 'gone', message: `Deployment ${name} is not rolled now: ${busy}` };
  const { uid, resourceVersion } = raw.metadata;
  const annotations = { [resizedAtAnnotation]: formatTime(options.clock.now()) };
  await options.client.patch(
    resourceTypes.deployments,
    key,
    { type: 'merge', body: { metadata: { uid, resourceVersion }, spec: { template: { metadata: { annotations } } } } },
    { signal },
  );
  return { result: 'done' };
}

/** Why a roll would come in between; `undefined`: it would not. */
function rolloutText(raw: KubeObject): string | undefined {
  const { spec = {}, status = {} } = raw as DeploymentParts;
  return specText(spec) ?? statusText(status, raw.metadata.generation ?? 0);
}

function specText({ replicas = 1, paused = false, strategy }: NonNullable<DeploymentParts['spec']>): string | undefined {
  if (paused) return 'its rollout is paused (spec.paused)';
  if (strategy?.type === 'Recreate') return 'its strategy is Recreate';
  return replicas === 1 ? undefined : `it is set to ${replicas} replicas now`;
}

function statusText(
  { observedGeneration = 0, replicas: there = 0, updatedReplicas = 0, availableReplicas = 0 }: NonNullable<DeploymentParts['status']>,
  generation: number,
): string | undefined {
  if (observedGeneration < generation) return 'a change of it has not been taken up yet';
  if (there !== 1 || updatedReplicas !== 1 || availableReplicas < 1) {
    return `a rollout is under way (${updatedReplicas} of ${there} pods updated, ${availableReplicas} available)`;
  }
  return undefined;
}
