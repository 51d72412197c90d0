import { describe, expect, it } from 'vitest';
import { defaultCooldown } from '../core/model/cooldown.ts';
import { problemsText } from '../core/model/schema-problems.ts';
import { annotationRevision, parsePolicy } from './policy.ts';

const raw = (annotations: Record<string, string>) => ({
  apiVersion: 'concertina.dev/v1alpha1',
  kind: 'HorizontalPolicy',
  metadata: { name: 'web', namespace: 'shop', annotations },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 },
});

function read(annotations: Record<string, string>) {
  const result = parsePolicy(raw(annotations), defaultCooldown);
  if (!result.ok) return problemsText(result.problems);
  const { pause } = result.policy.spec;
  const { transferFrom } = result.policy;
  return { ...(pause === undefined ? {} : { pause }), ...(transferFrom === undefined ? {} : { transferFrom }) };
}

describe('annotations of a policy', () => {
  it.each([
    [{}, {}],
    [{ 'concertina.dev/paused': 'false' }, {}],
    [{ 'concertina.dev/paused': 'true' }, { pause: { scaleIn: true, scaleOut: true, annotation: 'concertina.dev/paused=true' } }],
    [{ 'concertina.dev/paused': 'in' }, { pause: { scaleIn: true, scaleOut: false, annotation: 'concertina.dev/paused=in' } }],
    [{ 'concertina.dev/paused': 'out' }, { pause: { scaleIn: false, scaleOut: true, annotation: 'concertina.dev/paused=out' } }],
    [
      { 'concertina.dev/paused-replicas': '0' },
      { pause: { scaleIn: true, scaleOut: true, replicas: 0, annotation: 'concertina.dev/paused-replicas=0' } },
    ],
    [
      { 'concertina.dev/paused': 'in', 'concertina.dev/paused-replicas': '3' },
      { pause: { scaleIn: true, scaleOut: true, replicas: 3, annotation: 'concertina.dev/paused-replicas=3' } },
    ],
    [
      { 'concertina.dev/transfer-from': 'HorizontalPodAutoscaler/web-old' },
      { transferFrom: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace: 'shop', name: 'web-old' } },
    ],
    [
      { 'concertina.dev/transfer-from': 'ScaledObject/web' },
      { transferFrom: { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', namespace: 'shop', name: 'web' } },
    ],
  ] as const)('%j', (annotations, expected) => {
    expect(read(annotations)).toEqual(expected);
  });

  it.each([
    [
      { 'concertina.dev/paused': 'yes' },
      'metadata.annotations[concertina.dev/paused]: "yes" is not one of true, in, out; correct it, or remove it to resume',
    ],
    [
      { 'concertina.dev/paused-replicas': '-1' },
      'metadata.annotations[concertina.dev/paused-replicas]: "-1" is not a number of replicas; set 0 or more, or remove it to resume',
    ],
    [
      { 'concertina.dev/paused-replicas': '6' },
      'metadata.annotations[concertina.dev/paused-replicas]: "6" is more than maxReplicas 5; lower it or raise maxReplicas',
    ],
    [
      { 'concertina.dev/transfer-from': 'Deployment/web' },
      'metadata.annotations[concertina.dev/transfer-from]: "Deployment/web" names nothing to take over from; write HorizontalPodAutoscaler/NAME or ScaledObject/NAME',
    ],
    [
      { 'concertina.dev/transfer-from': 'ScaledObject/../web' },
      'metadata.annotations[concertina.dev/transfer-from]: "ScaledObject/../web" names nothing to take over from; write HorizontalPodAutoscaler/NAME or ScaledObject/NAME',
    ],
  ] as const)('%j cannot be read, and nothing scales on a guess', (annotations, problem) => {
    expect(read(annotations)).toBe(problem);
  });

  it('have a revision of their own, since they do not count in the generation', () => {
    const plain = annotationRevision(raw({}));
    expect(annotationRevision(raw({ 'example.dev/other': '1' }))).toBe(plain);
    for (const name of ['paused', 'paused-replicas', 'transfer-from'])
      expect(annotationRevision(raw({ [`concertina.dev/${name}`]: '1' }))).not.toBe(plain);
  });
});
