import { describe, expect, it } from 'vitest';
import { filtersOf, parseDiscoverySpec, parseNodeSpec } from './node-spec.ts';
import { instanceOfProviderId, presenceOf } from './provider-id.ts';

describe('--nodes', () => {
  it('is minimum, maximum and a name that may hold colons', () => {
    expect(parseNodeSpec('0:10:workers')).toEqual({ min: 0, max: 10, name: 'workers' });
    expect(parseNodeSpec('+1:010:team:a')).toEqual({ min: 1, max: 10, name: 'team:a' });
  });

  it.each([
    ['workers', /is not <min>:<max>:<group name>/],
    ['1:workers', /is not <min>:<max>/],
    ['a:2:x', /minimum "a", which is not a whole number/],
    ['1:1.5:x', /maximum "1.5", which is not a whole number/],
    ['-1:2:x', /minimum -1; it must be 0 or more/],
    ['3:2:x', /maximum of 2, less than its minimum of 3/],
    ['1:2:', /names no group/],
    [' 1:2:x', /minimum " 1"/],
  ])('refuses %j', (text, message) => {
    expect(() => parseNodeSpec(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }) as Error,
    );
  });
});

describe('--node-group-auto-discovery', () => {
  it('is a list of tags, ANDed over all flags', () => {
    const specs = [parseDiscoverySpec('asg:tag=k8s.io/cluster-autoscaler/enabled,owner=a=b'), parseDiscoverySpec('asg:tag=owner=c')];
    expect(specs).toEqual([{ 'k8s.io/cluster-autoscaler/enabled': '', owner: 'a=b' }, { owner: 'c' }]);
    expect(filtersOf(specs)).toEqual([
      { name: 'tag-key', values: ['k8s.io/cluster-autoscaler/enabled'] },
      { name: 'tag:owner', values: ['c'] },
    ]);
    expect(filtersOf([])).toEqual([]);
  });

  it.each(['', 'asg', 'asg:', 'asg:tag', 'asg:tag=', 'asg:=x', 'asg:label=x', 'mig:tag=x', 'tag=x', 'asg:tag=a,,b', 'asg:tag==v'])(
    'refuses %j',
    (text) => {
      expect(() => parseDiscoverySpec(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    },
  );
});

describe('provider ids', () => {
  it.each([
    ['aws:///us-east-1a/i-0123abc', 'i-0123abc'],
    ['aws:///us-east-1a/i-0123abc/fargate-ip-10-0-0-1.ec2.internal', 'i-0123abc'],
    ['aws:///us-east-1a/i-placeholder-A/b.c-1', 'i-placeholder-A/b.c-1'],
    ['aws123', undefined],
    ['aws://us-east-1a/i-1', undefined],
    ['aws:///us-east-1a/I-1', undefined],
    ['xaws:///us-east-1a/i-placeholder-x', undefined],
    ['', undefined],
  ])('%j is of instance %j', (id, instance) => {
    expect(instanceOfProviderId(id)).toBe(instance);
  });

  it('tell whether the instance is there', () => {
    const known = (id: string): boolean => id === 'aws:///z/i-1';
    const node = { name: 'n', providerId: 'aws:///z/i-1', annotations: {} };
    expect(presenceOf(node, known)).toEqual({ present: true });
    expect(presenceOf({ ...node, providerId: 'aws:///z/i-2' }, known)).toEqual({ present: false, problem: 'not present' });
    expect(presenceOf({ ...node, providerId: 'kind:///n' }, known)).toEqual({ present: false, problem: 'wrong id' });
    expect(presenceOf({ ...node, name: 'fargate-ip-1' }, known)).toEqual({ present: true, problem: 'not implemented' });
    const away = { 'k8s.io/cluster-autoscaler-enabled': 'false' };
    expect(presenceOf({ ...node, providerId: 'aws:///z/i-2', annotations: away }, known)).toEqual({ present: false });
  });
});
