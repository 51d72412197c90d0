import type { KubeObject } from '../../../../core/model/object.ts';
import { internalError } from '../errors.ts';
import { isJson, valueAt, withValueAt } from '../json.ts';
import type { Kind, ScalePaths } from '../kinds/kind.ts';
import type { LabelSelectorShape } from '../kinds/shapes.ts';
import { selectorText } from '../label-selectors.ts';

export const scaleType = { group: 'autoscaling', kind: 'Scale' };

function pathsOf(kind: Kind): ScalePaths {
  if (kind.scale === undefined) throw internalError(`${kind.type.plural} has no scale subresource`);
  return kind.scale;
}

/** autoscaling/v1 Scale of an object. */
export function scaleOf(kind: Kind, object: KubeObject): KubeObject {
  const paths = pathsOf(kind);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, paths.specReplicasPath);
  if (replicas === undefined && kind.custom !== undefined) {
    throw internalError(`the spec replicas field "${paths.specReplicasPath}" does not exist`);
  }
  const selector = paths.labelSelectorPath === undefined ? '' : selectorOf(kind, valueAt(object, paths.labelSelectorPath));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: replicas === 0 ? {} : { replicas: replicas ?? 0 },
    status: { replicas: valueAt(object, paths.statusReplicasPath) ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

/** Builtins hold a selector object (replication controllers a map), custom resources its text. */
function selectorOf(kind: Kind, value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isJson(value)) return '';
  const isMap = kind.storageKey === '/replicationcontrollers';
  return selectorText(isMap ? { matchLabels: value as Record<string, string> } : (value as LabelSelectorShape));
}

export function withReplicas(kind: Kind, object: KubeObject, replicas: number): KubeObject {
  return withValueAt(object, pathsOf(kind).specReplicasPath, replicas);
}
