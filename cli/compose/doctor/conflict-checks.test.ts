import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import type { OtherAutoscalers } from './autoscalers.ts';
import { judgeConflicts } from './conflict-checks.ts';
import type { PolicyFacts } from './policies.ts';
import { absent, failed, forbidden, policyFacts, read, statusesOf } from './test-support.ts';

const nobody: OtherAutoscalers = { hpas: read([]), scaledObjects: absent, vpas: absent };
const line = (check: string, policies: readonly PolicyFacts[], others: Partial<OtherAutoscalers> = {}, containers?: readonly string[]) =>
  judgeConflicts(policies, { ...nobody, ...others }, () => containers).find((each) => each.check === `conflicts/${check}`);

describe('judgeConflicts', () => {
  it('finds none where there is none', () => {
    expect(statusesOf(judgeConflicts([policyFacts('shop/web'), policyFacts('blog/web')], nobody))).toEqual([
      'OK conflicts/horizontal-policies',
      'OK conflicts/native-hpa',
      'SKIPPED conflicts/keda',
      'SKIPPED conflicts/vpa',
    ]);
  });

  it('two HorizontalPolicies on one target, whatever the version in their reference', () => {
    const other = policyFacts('shop/second', { spec: { scaleTargetRef: { apiVersion: 'apps/v1beta1', kind: 'Deployment', name: 'web' } } });
    const check = line('horizontal-policies', [policyFacts('shop/web'), other, policyFacts('blog/web')]);
    expect(check?.status).toBe('FAIL');
    expect(check?.message).toBe(
      'HorizontalPolicy shop/web and HorizontalPolicy shop/second scale Deployment shop/web both, so neither acts; delete one or set its spec.mode to DryRun',
    );
    const watching = policyFacts('shop/second', { spec: { mode: 'DryRun' } });
    expect(line('horizontal-policies', [policyFacts('shop/web'), watching])?.status, 'one that only watches').toBe('OK');
  });

  it('a native HPA on the target of a policy', () => {
    const hpa = policyFacts('shop/old', { native: true });
    expect(line('native-hpa', [policyFacts('shop/web'), hpa])).toMatchObject({
      status: 'FAIL',
      message: expect.stringContaining(
        'HorizontalPodAutoscaler shop/old scales Deployment shop/web as HorizontalPolicy shop/web does',
      ) as unknown,
    });
    expect(line('native-hpa', [policyFacts('blog/web'), hpa])?.status, 'in another namespace').toBe('OK');
    expect(line('native-hpa', [], { hpas: forbidden })?.status).toBe('SKIPPED');
    expect(line('native-hpa', [], { hpas: failed })?.status).toBe('FAIL');
  });

  it('a ScaledObject of KEDA, said once and not for its HPA too', () => {
    const scaled: KubeObject = { metadata: { namespace: 'shop', name: 'so' }, spec: { scaleTargetRef: { name: 'web' } } };
    const hpa = policyFacts('shop/keda-hpa-so', {
      native: true,
      meta: { ownerReferences: [{ apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'so', uid: 'u' }] },
    });
    const checks = judgeConflicts([policyFacts('shop/web'), hpa], { ...nobody, scaledObjects: read([scaled]) });
    expect(statusesOf(checks)).toContain('FAIL conflicts/keda');
    expect(statusesOf(checks)).toContain('OK conflicts/native-hpa');
    expect(line('keda', [policyFacts('shop/web')], { scaledObjects: read([]) })?.status).toBe('OK');
    expect(line('native-hpa', [policyFacts('shop/web'), hpa], { scaledObjects: forbidden })?.status, 'where KEDA cannot be seen').toBe(
      'FAIL',
    );
  });

  describe('a VerticalPodAutoscaler', () => {
    const vpa = (spec: object): Partial<OtherAutoscalers> => ({
      vpas: read([
        {
          metadata: { namespace: 'shop', name: 'v' },
          spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
        },
      ]),
    });

    it.each([
      ['with the default mode', {}, 'WARN'],
      ['in Auto', { updatePolicy: { updateMode: 'Auto' } }, 'WARN'],
      ['in Recreate', { updatePolicy: { updateMode: 'Recreate' } }, 'WARN'],
      ['in Off', { updatePolicy: { updateMode: 'Off' } }, 'OK'],
      ['for memory only', { resourcePolicy: { containerPolicies: [{ containerName: '*', controlledResources: ['memory'] }] } }, 'OK'],
      ['with all containers off', { resourcePolicy: { containerPolicies: [{ containerName: '*', mode: 'Off' }] } }, 'OK'],
      ['of another target', { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' } }, 'OK'],
    ])('%s: %o', (_, spec, status) => {
      expect(line('vpa', [policyFacts('shop/web')], vpa(spec))?.status).toBe(status);
    });

    it('for one named container counts the others as moved, unless the pods show that there are none', () => {
      const named = vpa({ resourcePolicy: { containerPolicies: [{ containerName: 'web', controlledResources: ['memory'] }] } });
      expect(line('vpa', [policyFacts('shop/web')], named)?.status).toBe('WARN');
      expect(line('vpa', [policyFacts('shop/web')], named, ['web'])?.status).toBe('OK');
      expect(line('vpa', [policyFacts('shop/web')], named, ['web', 'sidecar'])?.status).toBe('WARN');
    });

    it('does not matter to a policy that measures no utilization', () => {
      const average = {
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } } }],
      };
      expect(line('vpa', [policyFacts('shop/web', { spec: average })], vpa({}))?.status).toBe('OK');
    });
  });

  it('bounds what it says', () => {
    const many = Array.from({ length: 70 }, (_, index) => [policyFacts(`n${index}/a`), policyFacts(`n${index}/b`)]).flat();
    const lines = judgeConflicts(many, nobody).filter(({ check }) => check === 'conflicts/horizontal-policies');
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toMatchObject({ status: 'FAIL', message: 'and 20 more like these; correct the ones above first' });
  });
});
