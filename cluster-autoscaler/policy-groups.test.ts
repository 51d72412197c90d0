import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { KubeObject } from '../core/model/object.ts';
import { assignGroups, wildcard } from './policy-groups.ts';

function policy(name: string, spec: unknown): KubeObject {
  return { metadata: { name }, spec };
}

const groups = [
  { id: 'general-b', tags: { team: 'shop', env: 'prod' } },
  { id: 'general-a', tags: { team: 'shop' } },
  { id: 'gpu', tags: { team: 'ml', 'k8s.io/enabled': '' } },
  { id: 'bare' },
];

function selected(spec: unknown): readonly string[] {
  return assignGroups([policy('p', spec)], groups).entries[0]?.groups ?? [];
}

describe('assignGroups', () => {
  it('selects by name, by pattern, by tags, and by pattern and tags together', () => {
    expect(selected({ groups: [{ name: 'gpu' }] })).toEqual(['gpu']);
    expect(selected({ groups: [{ name: 'gp*' }] })).toEqual([]);
    expect(selected({ groups: [{ pattern: 'general-*' }] })).toEqual(['general-a', 'general-b']);
    expect(selected({ groups: [{ tags: { team: 'shop' } }] })).toEqual(['general-a', 'general-b']);
    expect(selected({ groups: [{ tags: { team: '' } }] })).toEqual(['general-a', 'general-b', 'gpu']);
    expect(selected({ groups: [{ pattern: '*-b', tags: { team: 'shop', env: 'prod' } }] })).toEqual(['general-b']);
    expect(selected({ groups: [{ pattern: '*-a', tags: { env: 'prod' } }] })).toEqual([]);
    expect(selected({ groups: [{ name: 'gpu' }, { name: 'bare' }] })).toEqual(['bare', 'gpu']);
  });

  it('leaves a group without a policy to its tags', () => {
    const assignment = assignGroups([policy('p', { groups: [{ name: 'gpu' }] })], groups);
    expect(assignment.claimOf('bare')).toEqual({ state: 'none' });
    expect(assignment.claimOf('gpu')).toMatchObject({ state: 'one', policy: { reference: { name: 'p' } } });
  });

  it('lets two policies on one group hold each other, whatever their modes, and leaves the other groups alone', () => {
    const assignment = assignGroups(
      [policy('z', { groups: [{ pattern: 'general-*' }] }), policy('a', { groups: [{ name: 'general-b' }], mode: 'Paused' })],
      groups,
    );
    expect(assignment.claimOf('general-b')).toEqual({ state: 'conflict', policies: ['a', 'z'] });
    expect(assignment.claimOf('general-a')).toMatchObject({ state: 'one' });
    expect(assignment.entries.map(({ name, conflicts }) => [name, [...conflicts]])).toEqual([
      ['a', [['general-b', ['z']]]],
      ['z', [['general-b', ['a']]]],
    ]);
  });

  it('keeps the groups of a policy that cannot be read from being changed', () => {
    const assignment = assignGroups([policy('p', { groups: [{ name: 'gpu' }], maxSize: 'many' })], groups);
    expect(assignment.claimOf('gpu')).toMatchObject({ state: 'invalid', entry: { name: 'p' } });
  });

  it('does not go by the order of its lists', () => {
    const policies = [policy('b', { groups: [{ pattern: '*' }] }), policy('a', { groups: [{ name: 'gpu' }] })];
    const [one, other] = [assignGroups(policies, groups), assignGroups(policies.toReversed(), groups.toReversed())];
    expect(other.entries).toEqual(one.entries);
    for (const { id } of groups) expect(other.claimOf(id)).toEqual(one.claimOf(id));
  });
});

describe('wildcard', () => {
  it('agrees with the regular expression that it stands for', () => {
    const letter = fc.constantFrom('a', 'b', '*', '.');
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 6 }), fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 8 }), (pattern, text) => {
        const source = pattern.map((each) => (each === '*' ? '.*' : each === '.' ? '\\.' : each)).join('');
        expect(wildcard(pattern.join(''))(text.join(''))).toBe(new RegExp(`^${source}$`).test(text.join('')));
      }),
    );
  });
});
