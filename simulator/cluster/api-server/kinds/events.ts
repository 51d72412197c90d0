import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { objectOf } from '../json.ts';

/** Field names that core/v1 and events.k8s.io/v1 have for the same thing. */
const pairs: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

function rename(object: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const result: KubeObject = { kind: 'Event', apiVersion, metadata: object.metadata };
  for (const [field, value] of Object.entries(object)) {
    if (field !== 'kind' && field !== 'apiVersion' && field !== 'metadata') result[names.get(field) ?? field] = value;
  }
  return result;
}

const toNew = new Map(pairs);
const toCore = new Map(pairs.map(([core, events]) => [events, core] as const));

export function eventFromNew(object: KubeObject): KubeObject {
  return rename(object, 'v1', toCore);
}

export function eventToNew(object: KubeObject): KubeObject {
  return rename(object, 'events.k8s.io/v1', toNew);
}

export function defaultEvent(object: KubeObject): void {
  object['involvedObject'] ??= {};
  object['source'] ??= {};
  object['firstTimestamp'] ??= null;
  object['lastTimestamp'] ??= null;
  object['eventTime'] ??= null;
  object['reportingComponent'] ??= '';
  object['reportingInstance'] ??= '';
}

/** An event lies in the namespace of what it is about; about a cluster-scoped object in `default`. */
export function validateEvent(object: KubeObject): FieldError[] {
  const about = objectOf(object['involvedObject'])['namespace'] ?? '';
  const namespace = object.metadata.namespace ?? '';
  if (about === namespace || (about === '' && (namespace === 'default' || namespace === 'kube-system'))) return [];
  return [fieldErrors.invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}
