import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Decision } from '../../core/model/decision.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { ClusterSnapshot } from '../../core/model/snapshot.ts';
import { recommend } from '../../hpa/index.ts';
import { createUsageView } from '../../metrics-aggregator/index.ts';
import type { DecisionSettings } from './settings.ts';
import { hpaConfig } from './suite.ts';

/** What would be decided at the instant of the snapshot; the same functions as in `run`. */
export function recommendFrom(snapshot: Omit<ClusterSnapshot, 'complete'>, settings: DecisionSettings): Decision[] {
  const interner = createInterner();
  const scales = new Map(snapshot.scales.map((scale) => [targetKey(scale), scale]));
  const { source, pods, nodes } = snapshot.metrics;
  return recommend({
    policies: [...snapshot.horizontalPolicies, ...snapshot.horizontalPodAutoscalers].toSorted(byName),
    scaleOf: (target) => {
      const scale = scales.get(targetKey(target));
      if (scale === undefined) return `the snapshot has no scale of ${target.kind} ${target.namespace ?? ''}/${target.name}`;
      return scale.ok ? scale : scale.message;
    },
    pods: buildClusterView({ at: snapshot.takenAt, pods: snapshot.pods.map((raw) => projectPod(raw, interner)) }),
    view: createUsageView({
      at: snapshot.takenAt,
      sequence: 1,
      resourceSource: source,
      pods: new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod])),
      nodes: new Map(nodes.map((node) => [node.name, node])),
      maxAgeMs: settings.metrics.maxAge,
    }),
    now: snapshot.takenAt,
    config: hpaConfig(settings, false),
  });
}

/** With the group and version: two groups may have a kind of the same name. */
function targetKey({ apiVersion, kind, namespace = '', name }: ObjectReference): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}

function byName(a: KubeObject, b: KubeObject): number {
  const name = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  return name(a) < name(b) ? -1 : 1;
}
