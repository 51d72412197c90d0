import { describe, expect, it } from 'vitest';
import { equalities, formatSelector, matchesSelector, parseSelector, selectNothing, selectorOf } from './selector.ts';

const matches = (text: string, labels: Record<string, string>): boolean => matchesSelector(parseSelector(text), labels);

describe('parseSelector', () => {
  it.each([
    ['a=b', 'a=b'],
    ['a==b', 'a==b'],
    ['a!=b', 'a!=b'],
    ['c in (e,d)', 'c in (d,e)'],
    ['c in(d)', 'c in (d)'],
    ['c notin (d, e)', 'c notin (d,e)'],
    ['!f', '!f'],
    ['! f', '!f'],
    ['g', 'g'],
    ['a=b,c in (d,e),!f, g', 'a=b,c in (d,e),!f,g'],
    ['z,a', 'a,z'],
    ['a=', 'a='],
    ['a=,b', 'a=,b'],
    ['a in (,b)', 'a in (,b)'],
    ['a in ()', 'a in ()'],
    ['in in (in)', 'in in (in)'],
    ['notin', 'notin'],
    ['example.com/a-b_c.d = V.1_2-3', 'example.com/a-b_c.d=V.1_2-3'],
    ['x>3,y<2', 'x>3,y<2'],
    ['', ''],
    ['  ', ''],
  ])('%j prints as %j', (text, printed) => {
    expect(formatSelector(parseSelector(text))).toBe(printed);
  });

  it.each([
    'a=b,',
    ',a',
    'a,,b',
    '=b',
    'a b',
    'a in b',
    'a in (b',
    'a in b)',
    'a in (b c)',
    'a=b=c',
    '!',
    '!a=b',
    'a!',
    'a>x',
    'a>-2',
    'a/b/c=d',
    '/a',
    '-a=b',
    'a=-b',
    'Upper.Example/a',
    `${'k'.repeat(64)}=v`,
    `a=${'v'.repeat(64)}`,
    'a in (b),)',
  ])('refuses %j', (text) => {
    expect(() => parseSelector(text)).toThrowError(expect.objectContaining({ code: 'SELECTOR_INVALID' }));
  });

  it('names the text and the place', () => {
    expect(() => parseSelector('app=web,tier in front')).toThrowError(
      'label selector app=web,tier in front: expected "(" at position 17 but found "front"',
    );
  });
});

describe('matchesSelector', () => {
  const labels = { app: 'web', tier: 'front', empty: '', replicas: '5' };

  it.each([
    ['app=web', true],
    ['app=api', false],
    ['other=web', false],
    ['app!=web', false],
    ['app!=api', true],
    ['other!=web', true],
    ['app in (api,web)', true],
    ['app in (api)', false],
    ['app notin (api)', true],
    ['other notin (api)', true],
    ['app notin (web)', false],
    ['app', true],
    ['other', false],
    ['!other', true],
    ['!app', false],
    ['empty=', true],
    ['other=', false],
    ['replicas>4', true],
    ['replicas>5', false],
    ['replicas<6', true],
    ['app>1', false],
    ['other>1', false],
    ['app=web,tier=back', false],
    ['app=web,tier=front,!gone', true],
    ['', true],
  ])('%j: %s', (text, expected) => {
    expect(matches(text, labels)).toBe(expected);
  });

  it('sees no inherited properties', () => {
    expect(matches('constructor', {})).toBe(false);
    expect(matches('!toString', {})).toBe(true);
  });

  it('compares 64-bit integers exactly', () => {
    expect(matches('n>9007199254740992', { n: '9007199254740993' })).toBe(true);
  });
});

describe('selectorOf', () => {
  it('reads the object form', () => {
    const selector = selectorOf({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['front', 'back'] },
        { key: 'old', operator: 'DoesNotExist' },
        { key: 'zone', operator: 'NotIn', values: ['a'] },
        { key: 'owner', operator: 'Exists', values: [] },
      ],
    });
    expect(formatSelector(selector)).toBe('app=web,!old,owner,tier in (back,front),zone notin (a)');
    expect(matchesSelector(selector, { app: 'web', tier: 'back', owner: 'x' })).toBe(true);
    expect(matchesSelector(selector, { app: 'web', tier: 'back' })).toBe(false);
  });

  it('null matches nothing, {} everything', () => {
    for (const nothing of [null, undefined]) {
      expect(selectorOf(nothing)).toBe(selectNothing);
      expect(matchesSelector(selectorOf(nothing), {})).toBe(false);
      expect(formatSelector(selectorOf(nothing))).toBeUndefined();
    }
    expect(matchesSelector(selectorOf({}), { any: 'thing' })).toBe(true);
    expect(matchesSelector(selectorOf({ matchLabels: null, matchExpressions: null }), {})).toBe(true);
  });

  it.each([
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }],
    [{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }],
    [{ matchExpressions: [{ key: 'a', operator: 'nonsense' }] }],
    [{ matchLabels: { 'not a key': 'x' } }],
    [{ matchLabels: { a: 'not a value' } }],
  ])('refuses %j', (object) => {
    expect(() => selectorOf(object)).toThrowError(expect.objectContaining({ code: 'SELECTOR_INVALID' }));
  });
});

describe('equalities', () => {
  it('are the pairs that an index can answer', () => {
    expect(equalities(parseSelector('a=b,c==d,e in (f),g in (h,i),j,!k,l!=m'))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ]);
  });
});
