import { type KubeObject, type ResourceType } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import { type LabelSelector, type PodTemplate, uidOf } from '../kinds.ts';
import { controllerReference } from '../runtime/adoption.ts';
import { ignoreNotFound, isAlreadyExists } from '../runtime/api-errors.ts';
import { canonicalJson, nameHash } from '../runtime/canonical.ts';

export const controllerRevisions: ResourceType = {
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
};

/** On pods of StatefulSets and DaemonSets, and on their revisions: which template. */
export const revisionHashLabel = 'controller-revision-hash';

export interface RevisionedSet extends KubeObject {
  spec: { selector: LabelSelector; template: PodTemplate; revisionHistoryLimit?: number };
  status?: Record<string, unknown> & { collisionCount?: number };
}

export interface Revision {
  readonly object: KubeObject;
  readonly name: string;
  readonly number: number;
  readonly template: PodTemplate;
}

function read(object: KubeObject): Revision {
  const data = object['data'] as { spec?: { template?: PodTemplate } } | undefined;
  const number = typeof object['revision'] === 'number' ? object['revision'] : 0;
  return { object, name: object.metadata.name, number, template: data?.spec?.template ?? { spec: { containers: [] } } };
}

/** The revisions of a set, oldest first. */
export function listRevisions(registry: Registry, set: KubeObject): Revision[] {
  const owned = registry.listOwned(controllerRevisions, uidOf(set)).map(read);
  return owned.sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1));
}

/** The revision of the present template: an old one of the same template is raised to the newest, else one is created. */
export async function currentRevision(registry: Registry, set: RevisionedSet, type: ResourceType): Promise<Revision> {
  const revisions = listRevisions(registry, set);
  const wanted = templateText(set.spec.template);
  const newest = revisions.at(-1);
  const same = revisions.findLast((revision) => templateText(revision.template) === wanted);
  const next = (newest?.number ?? 0) + 1;
  if (same !== undefined) {
    if (same === newest) return same;
    const raised = await registry.mutate(controllerRevisions, set.metadata.namespace, same.name, (object) => ({
      ...object,
      revision: next,
    }));
    return raised === undefined ? same : read(raised);
  }
  return createRevision(registry, set, type, next);
}

function templateText(template: PodTemplate): string {
  return canonicalJson({ metadata: template.metadata, spec: template.spec });
}

async function createRevision(registry: Registry, set: RevisionedSet, type: ResourceType, number: number): Promise<Revision> {
  for (let collisions = set.status?.collisionCount ?? 0; ; collisions++) {
    const hash = nameHash(templateText(set.spec.template), collisions);
    const name = `${set.metadata.name}-${hash}`;
    try {
      const created = await registry.create(controllerRevisions, {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: {
          name,
          namespace: set.metadata.namespace ?? 'default',
          labels: { ...set.spec.template.metadata?.labels, 'controller.kubernetes.io/hash': hash },
          ownerReferences: [controllerReference(set, type)],
        },
        data: { spec: { template: { ...set.spec.template, $patch: 'replace' } } },
        revision: number,
      });
      return read(created);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

/** Deletes the oldest revisions that no pod and no status names, beyond the history limit. */
export async function truncateHistory(registry: Registry, set: RevisionedSet, live: ReadonlySet<string>): Promise<void> {
  const unused = listRevisions(registry, set).filter(({ name }) => !live.has(name));
  const excess = unused.length - (set.spec.revisionHistoryLimit ?? 10);
  for (const { name } of unused.slice(0, Math.max(0, excess))) {
    await ignoreNotFound(registry.delete(controllerRevisions, set.metadata.namespace, name));
  }
}
