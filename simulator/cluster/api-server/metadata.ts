import type { KubeObject } from '../../../core/model/object.ts';
import { equalJson } from './json.ts';

type Metadata = KubeObject['metadata'];

/** Copies what a client may write: labels, annotations, owners, finalizers. Emptied ones count as absent, as Go's `omitempty` has it. */
export function copyClientMetadata(target: Metadata, given: Metadata): void {
  const { labels, annotations, ownerReferences, finalizers } = given;
  if (isFilled(labels)) target.labels = labels;
  if (isFilled(annotations)) target.annotations = annotations;
  if (ownerReferences !== undefined && ownerReferences !== null && ownerReferences.length > 0) target.ownerReferences = ownerReferences;
  if (finalizers !== undefined && finalizers !== null && finalizers.length > 0) target.finalizers = finalizers;
}

function isFilled(value: Record<string, string> | undefined | null): value is Record<string, string> {
  if (value === undefined || value === null) return false;
  for (const _ in value) return true;
  return false;
}

/** The stored metadata with the parts that the client may write taken from its object. */
export function updatedMetadata(given: Metadata, old: Metadata): Metadata {
  const metadata: Metadata = { name: old.name };
  copyServerMetadata(metadata, old);
  copyClientMetadata(metadata, given);
  copyRest(metadata, old);
  return metadata;
}

function copyServerMetadata(target: Metadata, old: Metadata): void {
  if (old.namespace !== undefined) target.namespace = old.namespace;
  if (old.uid !== undefined) target.uid = old.uid;
  if (old.creationTimestamp !== undefined) target.creationTimestamp = old.creationTimestamp;
  if (old.generation !== undefined) target.generation = old.generation;
}

function copyRest(target: Metadata, old: Metadata): void {
  if (old.generateName !== undefined) target.generateName = old.generateName;
  if (old.resourceVersion !== undefined) target.resourceVersion = old.resourceVersion;
  if (old.deletionTimestamp !== undefined) target.deletionTimestamp = old.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined) target.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
}

/** The same but for the revision. */
export function sameObject(a: KubeObject, b: KubeObject): boolean {
  for (const field in a) if (field !== 'metadata' && !equalJson(a[field], b[field])) return false;
  for (const field in b) if (b[field] !== undefined && a[field] === undefined) return false;
  for (const field in a.metadata) if (field !== 'resourceVersion' && !equalJson(a.metadata[field], b.metadata[field])) return false;
  for (const field in b.metadata) if (b.metadata[field] !== undefined && a.metadata[field] === undefined) return false;
  return true;
}
