import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { expect, it } from 'vitest';
import { runRights } from './rights-table.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
}

it('is what deploy/ grants to the program, no more and no less', async () => {
  const text = await readFile(new URL('../../../deploy/kustomize/base/rbac.yaml', import.meta.url), 'utf8');
  const roles = parseAllDocuments(text).map((document) => document.toJS() as Role);
  // The viewer is for people.
  const granted = roles
    .filter(({ kind, metadata }) => (kind === 'ClusterRole' && metadata.name === 'concertina') || kind === 'Role')
    .flatMap(({ kind, rules = [] }) =>
      rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((name) =>
              verbs.map((verb) => [kind === 'Role' ? 'own' : 'cluster', group, resource, name, verb].join(' ')),
            ),
          ),
        ),
      ),
    );
  const listed = runRights.flatMap(({ where, group, resource, name = '', verbs }) =>
    verbs.map((verb) => [typeof where === 'string' ? where : where.namespace, group, resource, name, verb].join(' ')),
  );
  expect(listed.toSorted()).toEqual(granted.toSorted());
});
