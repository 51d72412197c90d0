import { describe, expect, it } from 'vitest';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { JsonSchema } from '../core/kube/crd-schema.ts';
import type { KubeObject } from '../core/model/object.ts';
import { verticalPolicyCheckpointCrd } from './checkpoint-crd.ts';
import { verticalPolicyCrd } from './policy-crd.ts';
import { acceptedSpecs, refusedSpecs } from './policy-crd.fixture.ts';
import { parseVerticalPolicy } from './policy.ts';

interface Version {
  readonly schema: { readonly openAPIV3Schema: JsonSchema };
  readonly subresources?: object;
  readonly additionalPrinterColumns: readonly { readonly name: string; readonly priority?: number }[];
}

function versionOf(crd: KubeObject): Version {
  return (crd.spec as { readonly versions: readonly Version[] }).versions[0]!;
}

function properties(crd: KubeObject, part: 'spec' | 'status'): Readonly<Record<string, JsonSchema>> {
  return versionOf(crd).schema.openAPIV3Schema.properties?.[part]?.properties ?? {};
}

describe('verticalPolicyCrd', () => {
  const crd = verticalPolicyCrd();
  const spec = properties(crd, 'spec');

  it('has the whole policy', () => {
    expect(crd.spec).toMatchObject({ group: 'concertina.dev', scope: 'Namespaced' });
    expect(crd.spec).toMatchObject({ names: { kind: 'VerticalPolicy', plural: 'verticalpolicies', shortNames: ['vpol'] } });
    expect(versionOf(crd).subresources).toEqual({ status: {} });
    expect(Object.keys(spec)).toEqual([
      'targetRef',
      'updatePolicy',
      'resourcePolicy',
      'recommenders',
      'startupBoost',
      'estimation',
      'mode',
      'cooldown',
      'horizontalPolicies',
      'injectedContainers',
    ]);
    expect(Object.keys(spec['resourcePolicy']?.properties?.['containerPolicies']?.items?.properties ?? {})).toEqual([
      'containerName',
      'mode',
      'minAllowed',
      'maxAllowed',
      'controlledResources',
      'controlledValues',
      'oomBumpUpRatio',
      'oomMinBumpUp',
      'memoryAggregationIntervalSeconds',
      'memoryAggregationIntervalCount',
      'startupBoost',
      'estimation',
    ]);
    expect(versionOf(crd).schema.openAPIV3Schema.properties?.['spec']?.required).toEqual(['targetRef']);
  });

  it('has defaults that fill in the columns, and none that would contradict another field', () => {
    expect(spec['updatePolicy']?.default).toEqual({ updateMode: 'Auto', singleReplica: 'Never' });
    expect(spec['mode']?.default).toBe('Auto');
    const policy = spec['resourcePolicy']?.properties?.['containerPolicies']?.items?.properties ?? {};
    for (const [name, field] of Object.entries(policy)) expect(field, name).not.toHaveProperty('default');
  });

  it('bounds what its rules cost: every list and map has a greatest length, and every text that a rule reads', () => {
    const unbounded = (schema: JsonSchema, path: string): string[] => {
      const own =
        (schema.type === 'array' && schema.maxItems === undefined) ||
        (schema.additionalProperties !== undefined && schema.maxProperties === undefined) ||
        (schema['x-kubernetes-int-or-string'] === true && schema.maxLength === undefined)
          ? [path]
          : [];
      const below = [
        ...Object.entries(schema.properties ?? {}),
        ...(schema.items === undefined ? [] : [['[]', schema.items] as const]),
        ...(typeof schema.additionalProperties === 'object' ? [['*', schema.additionalProperties] as const] : []),
      ].flatMap(([name, each]) => unbounded(each, `${path}.${name}`));
      return [...own, ...below];
    };
    expect(Object.entries(spec).flatMap(([name, schema]) => unbounded(schema, name))).toEqual([]);
  });

  it('has the columns of a VerticalPodAutoscaler, and whether it is carried out', () => {
    const columns = versionOf(crd).additionalPrinterColumns;
    const narrow = columns.filter(({ priority }) => priority === undefined).map(({ name }) => name);
    expect(narrow).toEqual(['Mode', 'Target', 'CPU', 'Mem', 'Provided', 'Applied', 'Age']);
  });

  const policy = (each: object): KubeObject => ({ metadata: { name: 'web', namespace: 'shop' }, spec: each });

  it.each(acceptedSpecs)('agrees with the reader on what is right: $name', ({ spec: each }) => {
    expect(parseVerticalPolicy(policy(each), { cooldown: defaultCooldown })).toMatchObject({ ok: true });
  });

  it.each(refusedSpecs)('agrees with the reader on what is wrong: $name', ({ spec: each }) => {
    expect(parseVerticalPolicy(policy(each), { cooldown: defaultCooldown })).toMatchObject({ ok: false });
  });
});

describe('verticalPolicyCheckpointCrd', () => {
  const crd = verticalPolicyCheckpointCrd();

  it('has the fields of a VerticalPodAutoscalerCheckpoint, and as that no status subresource', () => {
    expect(crd.spec).toMatchObject({ names: { kind: 'VerticalPolicyCheckpoint', shortNames: ['vpolcheckpoint'] } });
    expect(Object.keys(properties(crd, 'spec'))).toEqual(['vpaObjectName', 'containerName']);
    expect(Object.keys(properties(crd, 'status'))).toEqual([
      'lastUpdateTime',
      'version',
      'cpuHistogram',
      'memoryHistogram',
      'firstSampleStart',
      'lastSampleStart',
      'totalSamplesCount',
    ]);
    expect(properties(crd, 'status')['lastUpdateTime']).toMatchObject({ type: 'string', format: 'date-time', nullable: true });
    expect(versionOf(crd)).not.toHaveProperty('subresources');
  });
});
