import { describe, expect, it } from 'vitest';
import { matchesNodeLabels, matchesNodeSelector, matchesNodeTerm } from './node-selector.ts';

const node = { name: 'node-1', labels: { zone: 'a', cores: '8', gpu: '' } };
const expression = (key: string, operator: string, values?: string[]) => ({ matchExpressions: [{ key, operator, values }] });

describe('matchesNodeTerm', () => {
  it.each([
    [expression('zone', 'In', ['a', 'b']), true],
    [expression('zone', 'In', ['b']), false],
    [expression('rack', 'In', ['a']), false],
    [expression('zone', 'NotIn', ['b']), true],
    [expression('rack', 'NotIn', ['b']), true],
    [expression('zone', 'NotIn', ['a']), false],
    [expression('gpu', 'Exists'), true],
    [expression('rack', 'Exists'), false],
    [expression('rack', 'DoesNotExist'), true],
    [expression('gpu', 'DoesNotExist'), false],
    [expression('cores', 'Gt', ['7']), true],
    [expression('cores', 'Gt', ['8']), false],
    [expression('cores', 'Lt', ['9']), true],
    [expression('cores', 'Lt', ['8']), false],
    [expression('cores', 'Gt', ['7', '6']), false],
    [expression('zone', 'Gt', ['1']), false],
    [expression('rack', 'Lt', ['1']), false],
    [expression('zone', 'Like', ['a']), false],
    [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }, true],
    [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }] }, false],
    [{ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['node-2'] }] }, true],
    [{ matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['node-1'] }] }, false],
    [{}, false],
    [{ matchExpressions: [], matchFields: null }, false],
  ])('%j: %s', (term, expected) => {
    expect(matchesNodeTerm(term, node)).toBe(expected);
  });

  it('requires every expression and every field', () => {
    const field = { key: 'metadata.name', operator: 'In', values: ['node-1'] };
    expect(matchesNodeTerm({ ...expression('zone', 'In', ['a']), matchFields: [field] }, node)).toBe(true);
    expect(matchesNodeTerm({ ...expression('zone', 'In', ['b']), matchFields: [field] }, node)).toBe(false);
  });
});

describe('matchesNodeSelector', () => {
  it('needs one term; no terms match no node', () => {
    expect(matchesNodeSelector({ nodeSelectorTerms: [] }, node)).toBe(false);
    expect(matchesNodeSelector({ nodeSelectorTerms: [{}] }, node)).toBe(false);
    expect(matchesNodeSelector({ nodeSelectorTerms: [expression('zone', 'In', ['b']), expression('gpu', 'Exists')] }, node)).toBe(true);
  });
});

describe('matchesNodeLabels', () => {
  it('needs every pair', () => {
    expect(matchesNodeLabels({}, node)).toBe(true);
    expect(matchesNodeLabels({ zone: 'a', gpu: '' }, node)).toBe(true);
    expect(matchesNodeLabels({ zone: 'a', rack: '' }, node)).toBe(false);
  });
});
