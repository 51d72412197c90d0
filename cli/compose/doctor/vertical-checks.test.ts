import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { judgeVertical, type VerticalFacts } from './vertical-checks.ts';

const provided = { type: 'RecommendationProvided', status: 'True', reason: 'r', message: 'm', lastTransitionTime: '2026-11-28T00:00:00Z' };

function policy(name: string, { spec = {}, conditions = [provided] }: { spec?: object; conditions?: object[] } = {}): KubeObject {
  return {
    metadata: { name, namespace: 'shop' },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
    status: { conditions },
  };
}

function webhook(change: object = {}): VerticalFacts['webhook'] {
  const hook = { name: 'pods.concertina.dev', failurePolicy: 'Ignore', clientConfig: { caBundle: 'Q0E=' }, ...change };
  return { ok: true, value: { metadata: { name: 'concertina-vpa' }, webhooks: [hook] } };
}

const absent = { ok: false, kind: 'absent', message: 'not found' } as const;

function judge(policies: readonly KubeObject[], facts: Partial<VerticalFacts> = {}): string[] {
  return judgeVertical({ policies: { ok: true, value: policies }, vpas: absent, webhook: webhook(), ...facts }).map(
    ({ check, status, message }) => `${status} ${check}: ${message}`,
  );
}

describe('requests', () => {
  it('are no matter where there is no VerticalPolicy', () => {
    expect(judge([])).toEqual([]);
    expect(judge([], { policies: absent })).toEqual([]);
  });

  it('are well', () => {
    expect(judge([policy('web'), policy('api')])).toEqual([
      'OK vertical/webhook: MutatingWebhookConfiguration concertina-vpa is registered, and lets pods through when nobody answers',
      'OK vertical/policies: 2 VerticalPolicies: all recommend',
    ]);
  });

  it.each<[string, Partial<VerticalFacts>, string]>([
    ['no webhook', { webhook: absent }, 'WARN vertical/webhook: 1 VerticalPolicy acts, and there is no MutatingWebhookConfiguration'],
    [
      'no CA',
      { webhook: webhook({ clientConfig: {} }) },
      'FAIL vertical/webhook: MutatingWebhookConfiguration concertina-vpa has no caBundle for pods.concertina.dev',
    ],
    [
      'a strict webhook',
      { webhook: webhook({ failurePolicy: 'Fail' }) },
      'WARN vertical/webhook: webhook pods.concertina.dev has failurePolicy Fail',
    ],
    ['a webhook that may not be read', { webhook: { ok: false, kind: 'forbidden', message: 'no' } }, 'SKIPPED vertical/webhook: '],
    [
      'an upstream VPA on the same target',
      { vpas: { ok: true, value: [policy('web', { spec: { updatePolicy: { updateMode: 'Auto' } } })] } },
      'FAIL vertical/shop/web: VerticalPodAutoscaler shop/web sizes Deployment web too',
    ],
  ])('%s', (_, facts, line) => {
    expect(
      judge([policy('web')], facts).some((each) => each.startsWith(line)),
      judge([policy('web')], facts).join('\n'),
    ).toBe(true);
  });

  it('a VPA that only recommends is no rival, nor is one of another target', () => {
    const vpas = { ok: true, value: [policy('web', { spec: { updatePolicy: { updateMode: 'Off' } } }), policy('api')] } as const;
    expect(judge([policy('web')], { vpas }).every((line) => line.startsWith('OK'))).toBe(true);
  });

  it.each<[object[], string]>([
    [[], 'nobody has looked at it yet'],
    [[{ ...provided, status: 'False', message: 'no pods' }], 'there is no recommendation yet: no pods'],
    [[{ ...provided, type: 'Accepted', status: 'False', message: 'spec.x: wrong' }], 'Accepted is False: spec.x: wrong'],
    [[provided, { ...provided, type: 'ConfigUnsupported', message: 'not the topmost' }], 'ConfigUnsupported is True: not the topmost'],
  ])('a policy whose conditions are %j', (conditions, text) => {
    expect(judge([policy('web', { conditions })]).at(-1)).toBe(
      `WARN vertical/shop/web: ${text}${text.endsWith('yet') ? ': is the program running, with vpa among its --components?' : ''}`,
    );
  });

  it('what only recommends needs no webhook', () => {
    expect(judge([policy('web', { spec: { updatePolicy: { updateMode: 'Off' } } })], { webhook: absent })).toEqual([
      'OK vertical/policies: 1 VerticalPolicy: all recommend',
    ]);
  });
});
