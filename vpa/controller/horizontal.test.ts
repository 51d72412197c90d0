import { describe, expect, it } from 'vitest';
import type { Claim } from '../../core/model/intent.ts';
import { bookOf } from '../policy.fixture.ts';
import { known } from './controller.fixture.ts';
import { createHorizontalRule } from './horizontal.ts';

const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

function hpa(overrides: Partial<Claim> = {}): Claim {
  const policy = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: 'web' };
  return { controller: 'hpa', policy, target, dimension: 'replicas', measures: 'cpu', ...overrides };
}

const template = new Map([['app', { cpu: 500 }]]);

function rule(policy = known('web'), claims: readonly Claim[] = [hpa()], moved: readonly string[] = ['cpu', 'memory']) {
  let at = 0;
  const made = createHorizontalRule({
    book: bookOf(policy),
    horizontalClaims: () => claims,
    claims: () =>
      moved.map((resource) => ({ controller: 'vpa', policy: policy.policy.reference, target, dimension: `requests/${resource}` })),
    templateOf: () => template,
    monotonic: () => (at += 2_000),
  });
  return { yields: [...made.yields(policy).keys()], reason: made.yields(policy).get('cpu'), reference: made.referenceOf(target) };
}

describe('two policies on one workload', () => {
  it('both act by default: utilization is measured against the template', () => {
    const { yields, reference } = rule();
    expect(yields).toEqual([]);
    expect(reference).toMatchObject({ policy: { kind: 'VerticalPolicy', name: 'web' }, resources: ['cpu', 'memory'], template });
  });

  it('the requests policy yields where it says so, and then there is nothing to rebase', () => {
    const { yields, reason, reference } = rule(known('web', { horizontalPolicies: 'Yield' }));
    expect(yields).toEqual(['cpu']);
    expect(reason).toBe(
      'HorizontalPolicy shop/web scales the workload by its cpu utilization, and horizontalPolicies of this policy is Yield: cpu requests are left alone',
    );
    expect(reference).toBeUndefined();
  });

  it('yields to a controller that cannot be told of moved requests', () => {
    const { yields, reason } = rule(known('web'), [hpa({ foreign: true })]);
    expect(yields).toEqual(['cpu']);
    expect(reason).toContain('adopt it (--adopt=hpa)');
  });

  it('a native VPA does what upstream does', () => {
    const native = known('web');
    expect(rule({ ...native, policy: { ...native.policy, native: true } }, [hpa({ foreign: true })]).yields).toEqual([]);
  });

  it('Ignore changes nothing', () => {
    const { yields, reference } = rule(known('web', { horizontalPolicies: 'Ignore' }), [hpa({ foreign: true })]);
    expect(yields).toEqual([]);
    expect(reference).toBeUndefined();
  });

  it('another workload, or a metric that is no share of a request, is nobody’s rival', () => {
    expect(rule(known('web', { horizontalPolicies: 'Yield' }), [hpa({ target: { ...target, name: 'api' } })]).yields).toEqual([]);
    const { measures: _measures, ...absolute } = hpa();
    expect(rule(known('web', { horizontalPolicies: 'Yield' }), [absolute]).yields).toEqual([]);
  });

  it('what moves nothing rebases nothing', () => {
    expect(rule(known('web'), [hpa()], []).reference).toBeUndefined();
  });
});
