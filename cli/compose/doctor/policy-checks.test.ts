import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { Check } from './check.ts';
import { judgePolicies } from './policy-checks.ts';
import { container, messageOf, pod, policyFacts, statusesOf, type PolicyInput } from './test-support.ts';

const accepted = { conditions: [{ type: 'Accepted', status: 'True', reason: 'PolicyAccepted', message: '' }] };
const judge = (input: PolicyInput = {}, pods: readonly PodRecord[] | 'unseen' = [pod('shop/a')]): Check[] =>
  judgePolicies([policyFacts('shop/web', { status: accepted, ...input })], () => (pods === 'unseen' ? undefined : pods));
const statusOf = (checks: readonly Check[], check: string): string | undefined =>
  checks.find((each) => each.check === `policies/${check}`)?.status;

describe('judgePolicies', () => {
  it('is content with a good one', () => {
    expect(statusesOf(judge())).toEqual([
      'OK policies/valid',
      'OK policies/accepted',
      'OK policies/target',
      'OK policies/requests',
      'OK policies/effect',
    ]);
    expect(statusesOf(judgePolicies([], () => []))).toEqual(['OK policies/valid']);
  });

  it('names the field of a spec that cannot be used; of a native HPA it is a hint', () => {
    const wrong = { metrics: [{ type: 'Disk' }] };
    const checks = judge({ spec: wrong });
    expect(statusOf(checks, 'valid')).toBe('FAIL');
    expect(messageOf(checks, 'policies/valid')).toContain('HorizontalPolicy shop/web: spec.metrics[0].type: "Disk" is not one of');
    expect(statusOf(judge({ spec: wrong, native: true }), 'valid')).toBe('WARN');
  });

  it('passes on what the running program refuses, and notices when none looks', () => {
    const refused = { conditions: [{ type: 'Accepted', status: 'False', reason: 'InvalidPolicy', message: 'spec.x\u001b[2J: no' }] };
    const checks = judge({ status: refused });
    expect(statusOf(checks, 'accepted')).toBe('FAIL');
    expect(messageOf(checks, 'policies/accepted')).toContain('(InvalidPolicy): spec.x [2J: no');
    expect(statusOf(judge({ status: {} }), 'accepted')).toBe('WARN');
  });

  it('passes on why a target cannot be scaled', () => {
    const checks = judge({ scale: { ok: false, message: 'Deployment shop/web does not exist; create it' } }, 'unseen');
    expect(messageOf(checks, 'policies/target')).toBe('HorizontalPolicy shop/web: Deployment shop/web does not exist; create it');
    expect(statusOf(checks, 'requests'), 'nor can its pods be seen').toBe('SKIPPED');
  });

  describe('utilization of pods without requests', () => {
    const bare = container('sidecar', { memory: '1Mi' });
    const ofContainer = (name: string): object => ({
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: name, target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
    });

    it('fails by the container that lacks one', () => {
      const checks = judge({}, [
        pod('shop/a'),
        pod('shop/c', { containers: [container('web'), bare] }),
        pod('shop/b', { containers: [container('web'), bare] }),
      ]);
      expect(statusOf(checks, 'requests')).toBe('FAIL');
      expect(messageOf(checks, 'policies/requests')).toContain('container sidecar of pod shop/b has no cpu request (2 pods like that)');
      expect(messageOf(checks, 'policies/requests')).toContain('set resources.requests.cpu');
    });

    it.each([
      ['a native sidecar counts', [pod('shop/a', { initContainers: [{ ...bare, restartPolicy: 'Always' }] })], {}, 'FAIL'],
      ['an init container does not', [pod('shop/a', { initContainers: [bare] })], {}, 'OK'],
      ['a request of the pod stands for all', [pod('shop/a', { containers: [bare], resources: { requests: { cpu: '1' } } })], {}, 'OK'],
      ['only the measured container counts', [pod('shop/a', { containers: [container('web'), bare] })], ofContainer('web'), 'OK'],
      ['the measured container', [pod('shop/a', { containers: [container('web'), bare] })], ofContainer('sidecar'), 'FAIL'],
      ['no pod, no gap', [], {}, 'OK'],
    ])('%s', (_, pods, spec, status) => {
      expect(statusOf(judge({ spec: spec as Record<string, unknown> }, pods), 'requests')).toBe(status);
    });
  });

  it('warns of a policy that cannot do anything, and counts those that only watch', () => {
    expect(statusOf(judge({ spec: { minReplicas: 4, maxReplicas: 4 } }), 'effect')).toBe('WARN');
    expect(messageOf(judge({ spec: { mode: 'DryRun' } }), 'policies/effect')).toBe(
      '1 HorizontalPolicy can scale, but for 1 in mode DryRun',
    );
  });
});
