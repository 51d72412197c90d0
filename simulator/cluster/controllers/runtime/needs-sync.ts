import type { KubeObject } from '../../../../core/model/object.ts';
import { sameJson } from './canonical.ts';

/** False for a change of status alone: a controller's own status writes need no second look. */
export function needsSync(object: KubeObject, previous: KubeObject | undefined): boolean {
  if (previous === undefined) return true;
  const [now, before] = [object.metadata, previous.metadata];
  return (
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    !sameJson(now.labels, before.labels) ||
    !sameJson(now.annotations, before.annotations) ||
    !sameJson(now.ownerReferences, before.ownerReferences)
  );
}
