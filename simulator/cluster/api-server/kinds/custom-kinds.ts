import { formatTime } from '../../../../core/model/condition.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import { compileCrd, validateCrd } from '../crd/index.ts';
import type { CrdKind } from '../crd/index.ts';
import { isJson, objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import { kind, storageKeyOf } from './kind.ts';
import type { Kind, KindContext } from './kind.ts';

/** Held while custom resources of the definition remain. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export const crdType: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

function defaultCrd(draft: KubeObject): void {
  const spec = (draft.spec ??= {}) as Json;
  const names = objectOf(spec['names']);
  names['singular'] ??= textOf(names['kind']).toLowerCase();
  names['listKind'] ??= `${textOf(names['kind'])}List`;
  spec['names'] = names;
  if (!isJson(spec['conversion'])) spec['conversion'] = { strategy: 'None' };
}

/** Names are accepted and the definition is established at once: nothing else competes for them in one process. */
function establishedStatus(draft: KubeObject, context: KindContext): Json {
  const spec = objectOf(draft.spec);
  const at = formatTime(context.now);
  const storage = objectsOf(spec['versions']).find((version) => version['storage'] === true);
  return {
    conditions: [
      { type: 'NamesAccepted', status: 'True', lastTransitionTime: at, reason: 'NoConflicts', message: 'no conflicts found' },
      {
        type: 'Established',
        status: 'True',
        lastTransitionTime: at,
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
    ],
    acceptedNames: spec['names'],
    storedVersions: storage === undefined ? [] : [storage['name']],
  };
}

export const crdKind: Kind = kind({
  type: crdType,
  short: ['crd', 'crds'],
  categories: ['api-extensions'],
  subresources: ['status'],
  generation: 'spec',
  defaults: defaultCrd,
  prepareCreate: (draft, context) => {
    draft.status = establishedStatus(draft, context);
    draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), cleanupFinalizer])];
  },
  prepareUpdate: (next) => {
    next.status = { ...objectOf(next.status), acceptedNames: objectOf(next.spec)['names'] };
  },
  validate: (object) => [...validateCrd(object)],
});

/** The rows of the table that a CustomResourceDefinition stands for: one for each served version. */
export function kindsOfCrd(crd: KubeObject): readonly Kind[] {
  const versions = compileCrd(crd);
  const storage = versions.find((version) => version.storage) ?? versions[0];
  if (storage === undefined) return [];
  return versions.filter((version) => version.served || version === storage).map((version) => customKind(version, storage));
}

function customKind(version: CrdKind, storage: CrdKind): Kind {
  const convert = (to: CrdKind) => {
    const apiVersion = apiVersionOf(to.type);
    return (object: KubeObject): KubeObject => ({ ...object, apiVersion });
  };
  const foreign = version !== storage;
  return kind({
    type: version.type,
    singular: version.singular,
    listKind: version.listKind,
    short: version.shortNames,
    categories: version.categories,
    storageKey: storageKeyOf(version.type),
    subresources: [...(version.hasStatus ? (['status'] as const) : []), ...(version.scale === undefined ? [] : (['scale'] as const))],
    generation: 'content',
    unconditionalUpdate: false,
    merge: undefined,
    scale: version.scale,
    custom: version,
    printerColumns: version.printerColumns,
    encode: foreign ? convert(version) : undefined,
    decode: foreign ? convert(storage) : undefined,
  });
}
