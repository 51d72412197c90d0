import type { ScaleIntent } from '../../core/model/intent.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { PodShape } from '../../core/model/pod-shape.ts';
import { projectPod } from '../../core/model/pod.ts';
import { parseSelector } from '../../core/model/selector.ts';
import type { ClusterSnapshot } from '../../core/model/snapshot.ts';
import { newestShape, scaleIntent } from '../../hpa/index.ts';
import type { Recommendation, SnapshotReading } from './recommend-from.ts';

/**
 * What the replicas controller of `run` would tell the node controller at the instant of a snapshot: intents of HorizontalPolicies, and of native objects that are
 * adopted. A shape that is not known stays unknown.
 */
export function intentsFrom(
  horizontal: readonly Recommendation[],
  snapshot: Pick<ClusterSnapshot, 'nodePools' | 'vertical'>,
  { pods, adopt }: Pick<SnapshotReading, 'pods' | 'adopt'>,
): readonly ScaleIntent[] {
  return horizontal.flatMap(({ raw, decision, evaluated }) => {
    if (evaluated === undefined || !tellsNodes(raw, adopt)) return [];
    const { target } = decision;
    // With a selector that cannot be read nothing was evaluated by metrics, and no pods are known either.
    const matched = evaluated.input.selector.ok ? pods.podsMatching(target.namespace ?? '', parseSelector(evaluated.scale.selector)) : [];
    const shape = newestShape(matched) ?? templateShape(target, snapshot);
    return [scaleIntent(decision, { proposed: evaluated.evaluation.proposed, shape })];
  });
}

/** Whether `run` would look ahead for what this policy wants. */
export function tellsNodes({ kind }: Pick<KubeObject, 'kind'>, adopt: SnapshotReading['adopt']): boolean {
  return kind !== 'HorizontalPodAutoscaler' || adopt.includes('hpa');
}

/** Of a target without pods, out of what it would make them of. */
function templateShape(
  target: ObjectReference,
  { nodePools, vertical }: Pick<ClusterSnapshot, 'nodePools' | 'vertical'>,
): PodShape | undefined {
  const workload = [...(nodePools?.controllers ?? []), ...(vertical?.workloads ?? [])].find(
    ({ apiVersion, kind, metadata }) =>
      apiVersion === target.apiVersion && kind === target.kind && metadata.namespace === target.namespace && metadata.name === target.name,
  );
  const template = (workload?.spec as { readonly template?: { readonly spec?: unknown } } | undefined)?.template;
  if (template?.spec === undefined) return undefined;
  const { name, namespace } = target;
  return projectPod({ metadata: { name, namespace }, spec: template.spec } as KubeObject, createInterner()).shape;
}
