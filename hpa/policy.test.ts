import { describe, expect, it } from 'vitest';
import { defaultCooldown } from '../core/model/cooldown.ts';
import { horizontalPolicyCrd } from './policy-crd.ts';
import { problemsText } from '../core/model/schema-problems.ts';
import { fromHpa, parsePolicy } from './policy.ts';

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } };

function policy(spec: object) {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'HorizontalPolicy',
    metadata: { name: 'web', namespace: 'shop', generation: 3 },
    spec,
  };
}

function problems(spec: object): string {
  const result = parsePolicy(policy(spec), defaultCooldown);
  return result.ok ? 'accepted' : `${result.reason}: ${problemsText(result.problems)}`;
}

describe('parsePolicy', () => {
  it('fills in the defaults of §2 and of the house', () => {
    const result = parsePolicy(policy({ scaleTargetRef, maxReplicas: 5 }), defaultCooldown);
    expect(result).toMatchObject({
      ok: true,
      policy: {
        native: false,
        generation: 3,
        target: { ...scaleTargetRef, namespace: 'shop' },
        spec: {
          minReplicas: 1,
          maxReplicas: 5,
          metrics: [{ type: 'Resource', resource: 'cpu', target: { averageUtilization: 80 } }],
          behavior: undefined,
          cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 },
          mode: 'Auto',
          podSelection: 'OwnedOnly',
        },
      },
    });
  });

  it('completes behavior field by field; present is not absent', () => {
    const result = parsePolicy(policy({ scaleTargetRef, maxReplicas: 5, behavior: { scaleDown: { tolerance: '50m' } } }), defaultCooldown);
    expect(result).toMatchObject({
      policy: {
        spec: {
          behavior: {
            scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ value: 4 }, { value: 100 }], tolerance: undefined },
            scaleDown: { stabilizationWindowSeconds: undefined, policies: [{ type: 'Percent', value: 100 }], tolerance: 0.05 },
          },
        },
      },
    });
  });

  it('takes its own cooldown over the flags, each for itself', () => {
    const result = parsePolicy(policy({ scaleTargetRef, maxReplicas: 5, cooldown: { scaleUpSeconds: 0 } }), defaultCooldown);
    expect(result).toMatchObject({ policy: { spec: { cooldown: { scaleUpMs: 0, scaleDownMs: 300_000 } } } });
  });

  it.each([
    [
      'min above max',
      { minReplicas: 6, maxReplicas: 5 },
      'InvalidPolicy: spec.maxReplicas: 5 is less than minReplicas 6; raise maxReplicas or lower minReplicas',
    ],
    ['an unknown field', { maxReplicas: 5, maxReplica: 5 }, 'InvalidPolicy: spec.maxReplica: unknown field; remove it or correct its name'],
    ['a missing field', {}, 'InvalidPolicy: spec.maxReplicas: is required; add it'],
    ['a fraction', { maxReplicas: 2.5 }, 'InvalidPolicy: spec.maxReplicas: 2.5 is not a whole number'],
    ['a number that is too small', { maxReplicas: 0 }, 'InvalidPolicy: spec.maxReplicas: 0 is too small; the least is 1'],
    [
      'an unknown metric type',
      { maxReplicas: 5, metrics: [{ type: 'Disk' }] },
      'InvalidPolicy: spec.metrics[0].type: "Disk" is not one of Resource, ContainerResource, Pods, Object, External, Prometheus',
    ],
    [
      'two targets',
      {
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 5, averageValue: '1' } } },
        ],
      },
      'InvalidPolicy: spec.metrics[0].resource.target: set exactly one of averageUtilization and averageValue',
    ],
    [
      'a block of another type',
      { maxReplicas: 5, metrics: [{ ...cpu, type: 'Pods' }] },
      'InvalidPolicy: spec.metrics[0].resource: does not belong to type Pods; remove it or set type Resource; spec.metrics[0].pods: is required by type Pods; add it',
    ],
    [
      'a target of zero',
      { maxReplicas: 5, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '0' } } }] },
      'InvalidPolicy: spec.metrics[0].resource.target.averageValue: "0" is not a quantity above 0, like 500m or 1Gi',
    ],
    [
      'a window that is too long',
      { maxReplicas: 5, behavior: { scaleUp: { stabilizationWindowSeconds: 3601 } } },
      'InvalidPolicy: spec.behavior.scaleUp.stabilizationWindowSeconds: 3601 is too large; the most is 3600',
    ],
    [
      'zero without a metric that exists without pods',
      { maxReplicas: 5, minReplicas: 0 },
      'InvalidPolicy: spec.metrics: minReplicas 0 needs an Object, External or Prometheus metric, because pods cannot be measured at zero; add one or set minReplicas to 1',
    ],
    [
      'a resource that nobody measures',
      {
        maxReplicas: 5,
        metrics: [{ type: 'Resource', resource: { name: 'ephemeral-storage', target: { type: 'AverageValue', averageValue: '1Gi' } } }],
      },
      'NotSupportedYet: spec.metrics[0].resource.name: "ephemeral-storage" is not supported yet; use cpu or memory: metrics.k8s.io has no others',
    ],
  ])('refuses %s with path, value and remedy', (_, spec, text) => {
    expect(problems({ scaleTargetRef, ...spec })).toBe(text);
  });

  it('accepts what an HPA may say of cpu and memory', () => {
    const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '512Mi' } } };
    expect(problems({ scaleTargetRef, maxReplicas: 5, metrics: [cpu, memory], mode: 'DryRun', syncPeriodSeconds: 5 })).toBe('accepted');
  });
});

describe('fromHpa', () => {
  const hpa = (spec: object) => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'shop' },
    spec,
  });

  it("keeps upstream's timing", () => {
    const result = fromHpa(hpa({ scaleTargetRef, maxReplicas: 5, metrics: [cpu] }));
    expect(result).toMatchObject({ ok: true, policy: { native: true, spec: { cooldown: { scaleUpMs: 0, scaleDownMs: 0 } } } });
  });

  it('has none of what only the own policies have, and may sleep at zero', () => {
    const external = { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '5' } } };
    // Upstream accepts one that can never wake.
    const behavior = { scaleUp: { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } };
    const raw = hpa({ scaleTargetRef, minReplicas: 0, maxReplicas: 5, metrics: [external], behavior });
    const annotated = { ...raw, metadata: { ...raw.metadata, annotations: { 'concertina.dev/paused': 'maybe' } } };
    expect(fromHpa(annotated)).toMatchObject({
      ok: true,
      policy: { spec: { minReplicas: 0, podSelection: 'ByLabels', mode: 'Auto' } },
    });
    expect(fromHpa(annotated)).not.toHaveProperty('policy.spec.pause');
  });

  it('leaves fields of a newer API server alone', () => {
    const spec = { scaleTargetRef, maxReplicas: 5, metrics: [{ ...cpu, sampling: 'fast' }], something: { new: true } };
    expect(fromHpa(hpa(spec)).ok).toBe(true);
  });

  it('takes metrics of other APIs, and refuses a resource that nobody measures unless told otherwise', () => {
    const external = {
      type: 'External',
      external: { metric: { name: 'q', selector: { matchLabels: { a: 'b' } } }, target: { type: 'Value', value: '5' } },
    };
    expect(fromHpa(hpa({ scaleTargetRef, maxReplicas: 5, metrics: [external] }))).toMatchObject({
      ok: true,
      policy: { spec: { metrics: [{ type: 'External', metric: 'q', selector: 'a=b', target: { value: 5000n } }] } },
    });
    const storage = { type: 'Resource', resource: { name: 'storage', target: { type: 'AverageValue', averageValue: '1Gi' } } };
    const raw = hpa({ scaleTargetRef, maxReplicas: 5, metrics: [storage] });
    expect(fromHpa(raw)).toMatchObject({ ok: false, reason: 'NotSupportedYet' });
    expect(fromHpa(raw, { anyMetric: true }).ok).toBe(true);
  });
});

describe('horizontalPolicyCrd', () => {
  const crd = horizontalPolicyCrd() as {
    spec: { names: object; versions: { schema: { openAPIV3Schema: { properties: { spec: Schema } } } }[] };
  };
  interface Schema {
    readonly properties: Record<string, Schema & { readonly default?: unknown; readonly items?: Schema }>;
    readonly required?: readonly string[];
    readonly 'x-kubernetes-validations'?: readonly { readonly rule: string }[];
  }
  const spec = crd.spec.versions[0]!.schema.openAPIV3Schema.properties.spec;

  it('has the whole policy', () => {
    expect(crd.spec.names).toMatchObject({ kind: 'HorizontalPolicy', plural: 'horizontalpolicies', shortNames: ['hpol'] });
    expect(Object.keys(spec.properties)).toEqual([
      'scaleTargetRef',
      'minReplicas',
      'maxReplicas',
      'metrics',
      'behavior',
      'cooldown',
      'fallback',
      'schedules',
      'podSelection',
      'cpuInitializationPeriodSeconds',
      'initialReadinessDelaySeconds',
      'mode',
      'syncPeriodSeconds',
    ]);
    expect(spec.required).toEqual(['scaleTargetRef', 'maxReplicas']);
    expect(spec.properties['minReplicas']).toMatchObject({ default: 1, minimum: 0, format: 'int32' });
    expect(spec.properties['behavior']).not.toHaveProperty('default');
  });

  it('says in CEL what a schema cannot', () => {
    expect(spec['x-kubernetes-validations']?.map(({ rule }) => rule)).toContain(
      '!has(self.maxReplicas) || self.maxReplicas >= self.minReplicas',
    );
    const metric = spec.properties['metrics']?.items;
    expect(metric?.['x-kubernetes-validations']).toHaveLength(6);
    expect(metric?.properties['resource']?.['x-kubernetes-validations']).toHaveLength(1);
  });
});
