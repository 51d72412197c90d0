import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { defaultAdmissionConfig } from '../config.ts';
import { concernsNamespace, planRegistration, registeredBundle, registrationDifferences, webhookObject } from './webhook-object.ts';

const { registration } = defaultAdmissionConfig('concertina');
const wanted = webhookObject({ registration, ownNamespace: 'concertina', caBundle: 'PEM' });

type Webhook = Record<string, unknown>;
const webhooksOf = (object: KubeObject): Webhook[] => object['webhooks'] as Webhook[];

/** As the API server stores it: keys in another order, fields beside them. */
function stored(change: (webhook: Webhook) => void = () => undefined): KubeObject {
  const copy = structuredClone(wanted);
  copy.metadata.resourceVersion = '7';
  copy.metadata.labels = { team: 'x', ...copy.metadata.labels };
  copy['webhooks'] = webhooksOf(copy).map((each) => Object.fromEntries(Object.entries(each).toReversed()));
  for (const each of webhooksOf(copy)) change(each);
  return copy;
}

describe('the webhook object', () => {
  it('asks about new pods everywhere but where a cluster comes up', () => {
    expect(webhooksOf(wanted)).toHaveLength(1);
    expect(webhooksOf(wanted)[0]).toMatchObject({
      clientConfig: { caBundle: 'UEVN', service: { namespace: 'concertina', name: 'concertina-vpa', port: 443, path: '/mutate-pods' } },
      failurePolicy: 'Ignore',
      sideEffects: 'None',
      timeoutSeconds: 5,
      namespaceSelector: {
        matchExpressions: [
          {
            key: 'kubernetes.io/metadata.name',
            operator: 'NotIn',
            values: ['concertina', 'kube-node-lease', 'kube-public', 'kube-system'],
          },
        ],
      },
    });
  });

  it('never excludes the empty name (quirk Q3)', () => {
    const odd = { ...registration, ignoredNamespaces: ['', 'batch'], onlyNamespaces: [''] };
    const [webhook] = webhooksOf(webhookObject({ registration: odd, ownNamespace: '', caBundle: undefined }));
    expect(JSON.stringify(webhook?.['namespaceSelector'])).toContain('["batch","kube-node-lease","kube-public","kube-system"]');
    expect(JSON.stringify(webhook?.['namespaceSelector'])).not.toContain('""');
    expect(JSON.stringify(webhook)).not.toContain('caBundle');
  });

  it('can ask about some namespaces only, by URL, and about VPAs', () => {
    const object = webhookObject({
      registration: {
        ...registration,
        onlyNamespaces: ['b', 'a'],
        validateVpas: true,
        address: { kind: 'url', url: 'https://127.0.0.1:24800/' },
      },
      ownNamespace: 'concertina',
      caBundle: undefined,
    });
    expect(webhooksOf(object).map((each) => each['clientConfig'])).toEqual([
      { url: 'https://127.0.0.1:24800/mutate-pods' },
      { url: 'https://127.0.0.1:24800/validate-vpas' },
    ]);
    expect(JSON.stringify(webhooksOf(object)[0]?.['namespaceSelector'])).toContain('"operator":"In","values":["a","b"]');
  });

  it('concerns namespaces as its selector does', () => {
    expect(
      ['shop', 'kube-system', 'concertina', 'batch'].map((each) =>
        concernsNamespace({ ...registration, ignoredNamespaces: ['batch'] }, 'concertina', each),
      ),
    ).toEqual([true, false, false, false]);
    expect(concernsNamespace({ ...registration, onlyNamespaces: ['a'] }, 'concertina', 'shop')).toBe(false);
  });
});

describe('a comparison', () => {
  it('finds nothing where others added what is theirs', () => {
    expect(planRegistration(stored(), wanted)).toEqual({ action: 'none' });
    expect(
      planRegistration(
        stored((each) => (each['matchConditions'] = [])),
        wanted,
      ),
    ).toEqual({ action: 'none' });
    expect(
      planRegistration(
        stored((each) => (each['newFieldOfALaterVersion'] = true)),
        wanted,
      ),
    ).toEqual({ action: 'none' });
  });

  it('creates what is missing', () => expect(planRegistration(undefined, wanted)).toEqual({ action: 'create', object: wanted }));

  it.each<[string, (webhook: Webhook) => void]>([
    ['failurePolicy', (each) => (each['failurePolicy'] = 'Fail')],
    ['timeoutSeconds', (each) => (each['timeoutSeconds'] = 30)],
    ['namespaceSelector', (each) => (each['namespaceSelector'] = {})],
    ['objectSelector', (each) => (each['objectSelector'] = { matchLabels: { a: 'b' } })],
    ['rules', (each) => (each['rules'] = [])],
    ['matchConditions', (each) => (each['matchConditions'] = [{ name: 'x', expression: 'false' }])],
    ['clientConfig.caBundle', (each) => (each['clientConfig'] = { ...(each['clientConfig'] as object), caBundle: 'eA==' })],
    ['clientConfig.service', (each) => (each['clientConfig'] = { caBundle: 'UEVN', url: 'https://evil.example' })],
  ])('puts %s right', (field, change) => {
    const plan = planRegistration(stored(change), wanted);
    expect(plan).toMatchObject({ action: 'patch', body: { metadata: { resourceVersion: '7' }, webhooks: webhooksOf(wanted) } });
    expect(plan.action === 'patch' && plan.differences).toContain(`${field} of webhook pods.vpa.concertina.dev`);
  });

  it('tells of webhooks and labels', () => {
    const odd = stored();
    odd['webhooks'] = [{ name: 'x.y.z' }];
    odd.metadata.labels = {};
    expect(registrationDifferences(odd, wanted)).toEqual([
      'label app.kubernetes.io/managed-by is not "concertina"',
      'webhook pods.vpa.concertina.dev is missing',
      'webhook x.y.z does not belong there',
    ]);
    expect(registrationDifferences({ ...stored(), webhooks: 'junk' }, wanted)).toHaveLength(1);
  });

  it('leaves a bundle that somebody else writes where it is', () => {
    const without = webhookObject({ registration, ownNamespace: 'concertina', caBundle: undefined });
    const plan = planRegistration(
      stored((each) => (each['timeoutSeconds'] = 1)),
      without,
    );
    expect(plan.action === 'patch' && JSON.stringify(plan.body)).toContain('"caBundle":"UEVN"');
    expect(planRegistration(stored(), without)).toEqual({ action: 'none' });
    expect(registeredBundle(stored())).toBe('PEM');
    expect(registeredBundle(without)).toBeUndefined();
  });
});
