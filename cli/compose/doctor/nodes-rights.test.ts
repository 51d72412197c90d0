import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { expect, it } from 'vitest';
import { clusterApiRights, nodesRights } from './nodes-rights.ts';
import type { Right } from './rights-table.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
}

it.each<[string, readonly Right[]]>([
  ['node-pools/rbac/rbac.yaml', nodesRights],
  ['node-pools-clusterapi/rbac.yaml', clusterApiRights],
])('are what components/%s grants to the program, no more and no less', async (file, rights) => {
  const text = await readFile(new URL(`../../../deploy/kustomize/components/${file}`, import.meta.url), 'utf8');
  const roles = parseAllDocuments(text).map((document) => document.toJS() as Role);
  const place = ({ kind, metadata }: Role): string => {
    if (kind === 'ClusterRole') return 'cluster';
    return metadata.namespace === 'concertina-system' ? 'own' : (metadata.namespace ?? '');
  };
  // Viewers are for people.
  const granted = roles
    .filter(({ kind, metadata }) => (kind === 'ClusterRole' || kind === 'Role') && !metadata.name.endsWith('-viewer'))
    .flatMap((role) =>
      (role.rules ?? []).flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((name) => verbs.map((verb) => [place(role), group, resource, name, verb].join(' '))),
          ),
        ),
      ),
    );
  const asked = rights.flatMap(({ where, group, resource, name = '', verbs }) =>
    verbs.map((verb) => [typeof where === 'string' ? where : where.namespace, group, resource, name, verb].join(' ')),
  );
  expect(asked.toSorted()).toEqual(granted.toSorted());
});
