import type { KubeObject, ObjectReference } from '../core/model/object.ts';
import { shownValue } from '../core/model/schema-problems.ts';
import type { PauseRequest } from './engine/index.ts';
import type { PolicyProblem } from './policy-problems.ts';

/** Stops scaling: `true` in both directions, `in` or `out` in one. */
export const pausedAnnotation = 'concertina.dev/paused';
/** Puts the target to so many replicas and keeps it there. */
export const pausedReplicasAnnotation = 'concertina.dev/paused-replicas';
/** `HorizontalPodAutoscaler/NAME` or `ScaledObject/NAME`: who has scaled the target so far and shall do so no more. */
export const transferAnnotation = 'concertina.dev/transfer-from';

export interface PolicyAnnotations {
  readonly pause: PauseRequest | undefined;
  readonly transferFrom: ObjectReference | undefined;
  readonly problems: readonly PolicyProblem[];
}

const apiVersions: Readonly<Record<string, string>> = {
  HorizontalPodAutoscaler: 'autoscaling/v2',
  ScaledObject: 'keda.sh/v1alpha1',
};

/** Reads the annotations of a policy. One that cannot be read is a problem of the policy: nothing is scaled before it is clear whether that was meant to be paused. */
export function policyAnnotations({ metadata }: KubeObject, maxReplicas: number): PolicyAnnotations {
  const { annotations = {}, namespace } = metadata;
  const problems: PolicyProblem[] = [];
  const problem = (name: string, message: string): void => {
    problems.push({ path: `metadata.annotations[${name}]`, message: `${shownValue(annotations[name])} ${message}` });
  };
  const paused = annotations[pausedAnnotation];
  if (paused !== undefined && !['true', 'false', 'in', 'out'].includes(paused)) {
    problem(pausedAnnotation, 'is not one of true, in, out; correct it, or remove it to resume');
  }
  const text = annotations[pausedReplicasAnnotation];
  const replicas = text === undefined || !/^\d{1,9}$/.test(text) ? undefined : Number(text);
  if (text !== undefined && replicas === undefined)
    problem(pausedReplicasAnnotation, 'is not a number of replicas; set 0 or more, or remove it to resume');
  if (replicas !== undefined && replicas > maxReplicas) {
    problem(pausedReplicasAnnotation, `is more than maxReplicas ${maxReplicas}; lower it or raise maxReplicas`);
  }
  const transfer = annotations[transferAnnotation];
  const transferFrom = transfer === undefined ? undefined : transferOf(transfer, namespace);
  if (transfer !== undefined && transferFrom === undefined) {
    problem(transferAnnotation, 'names nothing to take over from; write HorizontalPodAutoscaler/NAME or ScaledObject/NAME');
  }
  return { pause: pauseOf(paused, replicas), transferFrom, problems };
}

function pauseOf(paused: string | undefined, replicas: number | undefined): PauseRequest | undefined {
  if (replicas !== undefined) return { scaleIn: true, scaleOut: true, replicas, annotation: `${pausedReplicasAnnotation}=${replicas}` };
  if (paused !== 'true' && paused !== 'in' && paused !== 'out') return undefined;
  return { scaleIn: paused !== 'out', scaleOut: paused !== 'in', annotation: `${pausedAnnotation}=${paused}` };
}

function transferOf(text: string, namespace: string | undefined): ObjectReference | undefined {
  const [kind = '', name = '', ...rest] = text.split('/');
  const apiVersion = apiVersions[kind];
  if (apiVersion === undefined || rest.length > 0 || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return undefined;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** Changes whenever an annotation does that is read here: they do not count in `metadata.generation`, by which a parsed policy would be kept. */
export function annotationRevision({ metadata }: KubeObject): string {
  const { annotations = {} } = metadata;
  return JSON.stringify([pausedAnnotation, pausedReplicasAnnotation, transferAnnotation].map((name) => annotations[name] ?? null));
}
