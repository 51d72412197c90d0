import type { KubeObject } from '../../core/model/object.ts';
import { annotationRevision } from '../policy.ts';

const known = new WeakMap<KubeObject, string>();

/**
 * Changes whenever something changes that a policy is parsed from: its generation, the annotations that are read, and for HorizontalPodAutoscalers of API servers
 * before 1.37, which keep no generation of them, the spec itself.
 */
export function revisionOf(raw: KubeObject): string {
  let revision = known.get(raw);
  if (revision === undefined) {
    const { uid, generation } = raw.metadata;
    revision = JSON.stringify([uid ?? null, generation ?? JSON.stringify(raw.spec), annotationRevision(raw)]);
    known.set(raw, revision);
  }
  return revision;
}
