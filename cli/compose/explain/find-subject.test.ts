import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { findSubject, readWanted, type Found } from './find-subject.ts';

function policy(place: string, target = 'Deployment/web', kind = 'HorizontalPolicy'): KubeObject {
  const [namespace = '', name = ''] = place.split('/');
  const [targetKind, targetName] = target.split('/');
  return { kind, metadata: { name, namespace }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: targetKind, name: targetName } } };
}

const web = policy('shop/web');
const api = policy('shop/api-scaling', 'StatefulSet/api');
const legacy = policy('shop/legacy', 'Deployment/web', 'HorizontalPodAutoscaler');
const blog = policy('blog/web');
const all = [web, api, legacy, blog];

function find(text: string, namespace?: string, policies: readonly KubeObject[] = all): Found {
  const wanted = readWanted(text);
  if (wanted === undefined) throw new Error(`${text} cannot be read`);
  return findSubject(policies, wanted, namespace);
}

const problem = (found: Found): string => (found.ok ? '' : found.problem);

describe('readWanted', () => {
  it.each([
    ['web', undefined, 'web'],
    ['hpol/web', 'horizontalpolicy', 'web'],
    ['HorizontalPolicy/web', 'horizontalpolicy', 'web'],
    ['horizontalpolicies.concertina.dev/web', 'horizontalpolicy', 'web'],
    ['hpa/web', 'horizontalpodautoscaler', 'web'],
    ['vpol/web', 'verticalpolicy', 'web'],
    ['vpa/web', 'verticalpodautoscaler', 'web'],
    ['deploy/web', 'deployment', 'web'],
    ['deployments.apps/web', 'deployments', 'web'],
    ['Rollout/web.v2', 'rollout', 'web.v2'],
  ])('reads %s', (text, kind, name) => {
    expect(readWanted(text)).toEqual({ kind, name, text });
  });

  it.each([
    '',
    '/',
    'a/b/c',
    '/web',
    'deployment/',
    'We b',
    'Web',
    '-web',
    'web/..',
    '../web',
    'de ploy/web',
    'x\u001b[2J',
    `w${'x'.repeat(254)}`,
  ])('refuses %j', (text) => {
    expect(readWanted(text)).toBeUndefined();
  });
});

describe('findSubject', () => {
  it('finds what sizes a workload beside what scales it', () => {
    const vertical: KubeObject = {
      kind: 'VerticalPolicy',
      metadata: { name: 'sizes', namespace: 'shop' },
      spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
    };
    const vpa: KubeObject = { ...vertical, kind: 'VerticalPodAutoscaler', metadata: { name: 'web', namespace: 'shop' } };
    expect(find('deployment/web', 'shop', [web, vertical])).toMatchObject({ policies: [web, vertical] });
    expect(find('vpol/sizes', 'shop', [web, vertical])).toMatchObject({ policies: [vertical] });
    expect(find('vpa/web', 'shop', [web, vpa])).toMatchObject({ policies: [vpa] });
    expect(find('web', 'shop', [web, vpa])).toMatchObject({ policies: [web, vpa] });
    expect(problem(find('vpa/wbe', 'shop', [vpa]))).toContain('there is no policy "vpa/wbe"');
  });

  it('finds a policy by its name, by its kind, and by what it scales', () => {
    expect(find('web', 'shop')).toEqual({ ok: true, policies: [web], namespace: 'shop' });
    expect(find('hpol/web', 'shop')).toMatchObject({ policies: [web] });
    expect(find('hpa/legacy')).toMatchObject({ policies: [legacy], namespace: 'shop' });
    expect(find('sts/api')).toMatchObject({ policies: [api] });
    expect(find('api')).toMatchObject({ policies: [api] });
    expect(find('deployments/web', 'blog')).toMatchObject({ policies: [blog] });
  });

  it('means all that scale one workload', () => {
    expect(find('deployment/web', 'shop')).toMatchObject({ policies: [web, legacy] });
  });

  it('does not guess the namespace', () => {
    expect(find('web')).toEqual({
      ok: false,
      why: 'ambiguous',
      problem: '"web" is in 2 namespaces (blog, shop); name one with --namespace',
    });
  });

  it('names what is near when there is nothing of that name', () => {
    expect(find('wbe', 'shop')).toEqual({
      ok: false,
      why: 'missing',
      problem:
        'there is no policy and no scaled workload "wbe" in namespace shop; did you mean Deployment shop/web or HorizontalPolicy shop/web?',
    });
    expect(problem(find('ap1'))).toBe(
      'there is no policy and no scaled workload "ap1" in any namespace; did you mean StatefulSet shop/api?',
    );
    expect(problem(find('hpa/legasy'))).toBe(
      'there is no policy "hpa/legasy" in any namespace; did you mean HorizontalPodAutoscaler shop/legacy?',
    );
    expect(problem(find('deployment/api', 'shop'))).toBe(
      'no policy and no native autoscaler scales or sizes "deployment/api" in namespace shop; did you mean StatefulSet shop/api?',
    );
    expect(problem(find('something-else', 'shop'))).toBe(
      'there is no policy and no scaled workload "something-else" in namespace shop; there are HorizontalPodAutoscaler shop/legacy, HorizontalPolicy shop/api-scaling, HorizontalPolicy shop/web',
    );
    expect(problem(find('web', 'prod', [web]))).toBe(
      'there is no policy and no scaled workload "web" in namespace prod; it is in namespace shop',
    );
    expect(problem(find('web', undefined, []))).toBe(
      'there is no policy and no scaled workload "web" in any namespace; there are none at all',
    );
  });

  it('lists a few of many', () => {
    const many = Array.from({ length: 9 }, (_, index) => policy(`shop/policy-number-${index}`, `Deployment/workload-${index}`));
    expect(problem(find('x', 'shop', many))).toMatch(/number-4 and 4 more$/);
  });

  it('survives a policy without a target', () => {
    expect(find('bare', undefined, [{ kind: 'HorizontalPolicy', metadata: { name: 'bare', namespace: 'shop' } }])).toMatchObject({
      ok: true,
    });
    expect(find('x', undefined, [{ metadata: { name: 'bare' }, spec: { scaleTargetRef: { kind: 3 } } } as KubeObject]).ok).toBe(false);
  });
});
