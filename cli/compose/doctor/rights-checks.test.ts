import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../../../core/kube/index.ts';
import { judgeRights, askRights } from './rights-checks.ts';
import type { Right } from './rights-table.ts';
import { foundScale, policyFacts } from './test-support.ts';
import { usedRights } from './used-rights.ts';

const right = (change: Partial<Right> = {}): Right => ({
  group: '',
  resource: 'pods',
  verbs: ['get', 'list'],
  where: 'cluster',
  need: 'always',
  purpose: 'knowing the pods',
  ...change,
});
const subject = { who: 'a/b', decisive: true, namespace: 'own' };

describe('judgeRights', () => {
  it.each([
    [right(), ['yes', 'yes'], 'OK', 'a/b may get and list pods cluster-wide'],
    [
      right(),
      ['yes', 'no'],
      'FAIL',
      'a/b may not list pods cluster-wide, needed for knowing the pods; apply deploy/kustomize/base/rbac.yaml or grant it',
    ],
    [right({ need: 'extra' }), ['no', 'no'], 'WARN', 'a/b may not get or list pods'],
    [right({ group: 'apps', resource: 'deployments/scale', verbs: ['patch'] }), ['no'], 'FAIL', 'may not patch deployments.apps/scale'],
    [right({ resource: 'secrets', verbs: ['get'], where: 'own' }), ['no'], 'FAIL', 'may not get secrets in namespace own'],
    [right({ where: { namespace: 'shop' }, verbs: ['get'] }), ['yes'], 'OK', 'in namespace shop'],
    [right({ verbs: ['get'], name: 'x' }), [{ problem: 'timed out' }], 'SKIPPED', 'whether a/b may get pods "x" is not known: timed out'],
  ] as [Right, ('yes' | 'no')[], string, string][])('%o %o: %s', (each, answers, status, text) => {
    const [check] = judgeRights([{ right: each, answers }], subject);
    expect(check?.status).toBe(status);
    expect(check?.message).toContain(text);
  });

  it('fails nothing by the rights of somebody whom the program does not run as', () => {
    expect(judgeRights([{ right: right(), answers: ['no', 'yes'] }], { ...subject, decisive: false })[0]?.status).toBe('WARN');
  });
});

it('askRights asks for each verb, and keeps the answers apart', async () => {
  const asked: string[] = [];
  const client = {
    raw: ({ body }: { body: string }) => {
      const {
        verb,
        resource,
        subresource = '',
        namespace = '*',
        name = '',
      } = (JSON.parse(body) as { spec: { resourceAttributes: Record<string, string> } }).spec.resourceAttributes;
      asked.push([verb, resource, subresource, namespace, name].join(' '));
      return Promise.resolve({ status: 201, headers: {}, body: Buffer.from(JSON.stringify({ status: { allowed: verb !== 'patch' } })) });
    },
  } as unknown as KubeClient;
  const rights = [right(), right({ group: 'apps', resource: 'deployments/scale', verbs: ['get', 'patch'], where: 'own', name: 'x' })];
  const answers = await askRights(client, rights, 'own');
  expect(asked).toEqual(['get pods  * ', 'list pods  * ', 'get deployments scale own x', 'patch deployments scale own x']);
  expect(answers.map((each) => each.answers)).toEqual([
    ['yes', 'yes'],
    ['yes', 'no'],
  ]);
});

describe('usedRights', () => {
  const metric = (type: string, block: object): object => ({ metrics: [{ type, ...block }] });

  it('is nothing for what the table has', () => {
    expect(usedRights([policyFacts('shop/web')])).toEqual([]);
  });

  it('is the scale of another kind, and metrics by their names', () => {
    const rollouts = { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', kind: 'Rollout', namespaced: true };
    const pods = metric('Pods', { pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '1' } } });
    const external = metric('External', { external: { metric: { name: 'queue' }, target: { type: 'Value', value: '1' } } });
    const rights = usedRights([
      policyFacts('shop/a', { scale: foundScale('a=b', rollouts) }),
      policyFacts('shop/b', { spec: pods as Record<string, unknown> }),
      policyFacts('shop/b2', { spec: pods as Record<string, unknown> }),
      policyFacts('blog/c', { spec: external as Record<string, unknown> }),
      policyFacts('shop/d', { native: true, spec: external as Record<string, unknown> }),
    ]);
    expect(
      rights.map(({ group, resource, verbs, where }) => [
        group,
        resource,
        verbs.join(),
        typeof where === 'string' ? where : where.namespace,
      ]),
    ).toEqual([
      ['argoproj.io', 'rollouts/scale', 'get,patch', 'cluster'],
      ['custom.metrics.k8s.io', 'pods/qps', 'get', 'shop'],
      ['external.metrics.k8s.io', 'queue', 'list', 'blog'],
    ]);
  });
});
