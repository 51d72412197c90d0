import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildClusterView } from './cluster-view.ts';
import { createInterner } from './interner.ts';
import { projectNode } from './node.ts';
import { projectPdb } from './pdb.ts';
import { projectPod } from './pod.ts';
import { matchesSelector, parseSelector, selectNothing } from './selector.ts';

const interner = createInterner();

function pod(namespace: string, name: string, labels: Record<string, string>, { owner, node }: { owner?: string; node?: string } = {}) {
  const ownerReferences =
    owner === undefined ? [] : [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }];
  return projectPod({ metadata: { namespace, name, labels, ownerReferences }, spec: { nodeName: node } }, interner);
}

describe('buildClusterView', () => {
  const pods = [
    pod('shop', 'web-1', { app: 'web', tier: 'front' }, { owner: 'rs1', node: 'n1' }),
    pod('shop', 'web-2', { app: 'web', tier: 'front' }, { owner: 'rs1', node: 'n2' }),
    pod('shop', 'db-0', { app: 'db' }, { node: 'n1' }),
    pod('other', 'web-1', { app: 'web' }),
  ];
  const view = buildClusterView({
    at: 1000,
    pods: new Set(pods),
    nodes: [projectNode({ metadata: { name: 'n1' } }, interner)],
    pdbs: [
      projectPdb({ metadata: { name: 'web', namespace: 'shop' }, spec: { selector: { matchLabels: { app: 'web' } } } }, interner),
      projectPdb({ metadata: { name: 'all', namespace: 'shop' }, spec: { selector: {} } }, interner),
      projectPdb({ metadata: { name: 'none', namespace: 'shop' }, spec: {} }, interner),
      projectPdb({ metadata: { name: 'web', namespace: 'other' }, spec: { selector: {} } }, interner),
    ],
  });
  const names = (text: string, namespace = 'shop') => view.podsMatching(namespace, parseSelector(text)).map((each) => each.name);

  it('answers by name, namespace, node and owner', () => {
    expect(view.at).toBe(1000);
    expect(view.pod('shop', 'db-0')).toBe(pods[2]);
    expect(view.pod('shop', 'gone')).toBeUndefined();
    expect(view.pod('gone', 'db-0')).toBeUndefined();
    expect(view.podsInNamespace('shop')).toHaveLength(3);
    expect(view.podsInNamespace('gone')).toEqual([]);
    expect(view.podsOnNode('n1').map((each) => each.name)).toEqual(['web-1', 'db-0']);
    expect(view.podsOwnedBy('rs1').map((each) => each.name)).toEqual(['web-1', 'web-2']);
    expect(view.podsOwnedBy('nobody')).toEqual([]);
    expect(view.node('n1')?.name).toBe('n1');
    expect(view.node('n9')).toBeUndefined();
  });

  it('answers by selector within the namespace', () => {
    expect(names('app=web')).toEqual(['web-1', 'web-2']);
    expect(names('app=web', 'other')).toEqual(['web-1']);
    expect(names('app=web,tier=back')).toEqual([]);
    expect(names('app!=web')).toEqual(['db-0']);
    expect(names('tier')).toEqual(['web-1', 'web-2']);
    expect(names('app in (db)')).toEqual(['db-0']);
    expect(names('app=gone')).toEqual([]);
    expect(names('')).toHaveLength(3);
    expect(view.podsMatching('shop', selectNothing)).toEqual([]);
  });

  it('finds the budgets of a pod', () => {
    expect(view.pdbsFor('shop', { app: 'web' }).map((pdb) => pdb.name)).toEqual(['web', 'all']);
    expect(view.pdbsFor('shop', { app: 'db' }).map((pdb) => pdb.name)).toEqual(['all']);
  });

  it('is not changed by what happens to its input', () => {
    const list = [...pods];
    const frozen = buildClusterView({ at: 0, pods: list });
    list.pop();
    expect(frozen.pods).toHaveLength(4);
  });

  it('answers as a scan would, index or not', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const value = fc.constantFrom('x', 'y', '');
    const labels = fc.dictionary(key, value);
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
      key,
      key.map((name) => `!${name}`),
      fc
        .tuple(key, fc.constantFrom('in', 'notin'), fc.array(value, { minLength: 1 }))
        .map(([name, operator, values]) => `${name} ${operator} (${values.join(',')})`),
    );
    fc.assert(
      fc.property(fc.array(labels, { maxLength: 400 }), fc.array(term, { maxLength: 4 }), (sets, terms) => {
        const many = sets.map((set, index) => pod('ns', `p${index}`, set));
        const selector = parseSelector(terms.join(','));
        const found = buildClusterView({ at: 0, pods: many }).podsMatching('ns', selector);
        expect(found).toEqual(many.filter((each) => matchesSelector(selector, each.labels)));
      }),
    );
  });
});
