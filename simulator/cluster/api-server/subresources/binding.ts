import { formatTime } from '../../../../core/model/condition.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import type { Core } from '../core.ts';
import { conflict, fieldErrors, invalid } from '../errors.ts';
import { objectOf } from '../json.ts';
import { topologyLabels } from '../kinds/pod-admission.ts';
import type { PodCondition, PodSpec, PodStatus } from '../kinds/shapes.ts';

const bindings = { group: '', plural: 'pods/binding' };

/** The pod bound to the node that `input.spec.nodeName` names, once and for all. */
export function bindPod(input: KubeObject, old: KubeObject, core: Core): KubeObject {
  const target = (objectOf(input.spec) as PodSpec).nodeName ?? '';
  const spec = objectOf(old.spec) as PodSpec;
  const { name } = old.metadata;
  if (target === '') throw invalid({ group: '', kind: 'Binding' }, name, [fieldErrors.required('target.name')]);
  if (old.metadata.deletionTimestamp !== undefined) {
    throw conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (spec.nodeName !== undefined && spec.nodeName !== '') {
    throw conflict(bindings, name, `pod ${name} is already assigned to node "${spec.nodeName}"`);
  }
  if ((spec.schedulingGates ?? []).length > 0) {
    throw conflict(bindings, name, `pod ${name} has non-empty .spec.schedulingGates`);
  }
  const labels = { ...topologyLabels(core.store.get('/nodes', '', target)?.object), ...old.metadata.labels, ...input.metadata.labels };
  const annotations = { ...old.metadata.annotations, ...input.metadata.annotations };
  return {
    ...old,
    metadata: {
      ...old.metadata,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: { ...spec, nodeName: target },
    status: scheduled(objectOf(old.status) as PodStatus, formatTime(core.clock.now())),
  };
}

function scheduled(status: PodStatus, at: string): PodStatus {
  const previous = (status.conditions ?? []).find((condition) => condition.type === 'PodScheduled');
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: previous?.status === 'True' ? (previous.lastTransitionTime ?? at) : at,
  };
  const others = (status.conditions ?? []).filter((entry) => entry.type !== 'PodScheduled');
  return { ...status, conditions: [...others, condition] };
}
