import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../core/kube/crd-schema.ts';
import type { KubeObject } from '../core/model/object.ts';
import { Percent } from '../core/units/index.ts';
import { acceptedSpecs, refusedSpecs } from './policy-crd.fixture.ts';
import { nodePoolPolicyCrd } from './policy-crd.ts';
import { parseNodePoolPolicy } from './policy.ts';

const groups = [{ name: 'general-a' }];

function policy(spec: unknown, annotations?: Record<string, string>): KubeObject {
  return { metadata: { name: 'general', uid: 'u1', generation: 3, ...(annotations === undefined ? {} : { annotations }) }, spec };
}

function problemsOf(spec: unknown, annotations?: Record<string, string>): string[] {
  const result = parseNodePoolPolicy(policy(spec, annotations));
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('parseNodePoolPolicy', () => {
  it('reads everything, with seconds as milliseconds and amounts as thousandths', () => {
    const everything = acceptedSpecs.find(({ name }) => name === 'everything');
    expect(parseNodePoolPolicy(policy(everything?.spec))).toEqual({
      ok: true,
      policy: {
        reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'NodePoolPolicy', name: 'general', uid: 'u1' },
        generation: 3,
        mode: 'DryRun',
        groups,
        minSize: 0,
        maxSize: 20,
        priority: 10,
        price: 0.192,
        template: {
          labels: { 'example.com/pool': 'general' },
          taints: [{ key: 'dedicated', value: 'shop', effect: 'NoSchedule' }],
          capacity: { cpu: 4_000, memory: 16 * 2 ** 30 * 1000, 'example.com/device': 1_000 },
          allocatable: { cpu: 3_920, memory: 14.5 * 2 ** 30 * 1000 },
        },
        cooldown: { scaleUpMs: 0, scaleDownMs: 600_000 },
        options: {
          utilizationThreshold: 0.65,
          gpuUtilizationThreshold: 0,
          unneededMs: 300_000,
          unreadyMs: 900_000,
          ignoreDaemonSetsUtilization: true,
          maxProvisionMs: 600_000,
          maxStartupMs: 300_000,
          zeroOrMax: true,
        },
        disruption: [
          { maxNodes: Percent.of(10) },
          { maxNodes: 0, window: { name: 'office', timeZone: 'Europe/Berlin', start: '0 8 * * MON-FRI', durationMs: 36_000_000 } },
        ],
      },
    });
  });

  it('leaves open what a policy does not say', () => {
    const result = parseNodePoolPolicy(policy({ groups }));
    expect(result).toMatchObject({ ok: true, policy: { mode: 'Auto', cooldown: {}, disruption: [] } });
    if (!result.ok) throw new Error('refused');
    const { minSize, maxSize, priority, price, template, options } = result.policy;
    expect([minSize, maxSize, priority, price, template, ...Object.values(options)].filter((value) => value !== undefined)).toEqual([]);
  });

  it('is paused by its annotation, and refuses one that it cannot read', () => {
    expect(parseNodePoolPolicy(policy({ groups }, { 'concertina.dev/paused': 'true' }))).toMatchObject({
      ok: true,
      policy: { mode: 'Paused' },
    });
    expect(parseNodePoolPolicy(policy({ groups }, { 'concertina.dev/paused': 'false' }))).toMatchObject({
      ok: true,
      policy: { mode: 'Auto' },
    });
    expect(problemsOf({ groups }, { 'concertina.dev/paused': 'yes' })).toEqual([
      'metadata.annotations[concertina.dev/paused]: "yes" is not true or false; correct it, or remove it to resume',
    ]);
  });

  it.each([
    [{ groups, minSize: 5, maxSize: 4 }, 'spec.maxSize: 4 is less than minSize 5; raise maxSize or lower minSize'],
    [{ groups, color: 'red' }, 'spec.color: unknown field; remove it or correct its name'],
    [{ groups: [{ tags: {} }] }, 'spec.groups[0].tags: has no tag, which every group would have; add one or remove it'],
    [
      { groups, minSize: 1, scaleUp: { zeroOrMax: true } },
      'spec.minSize: 1 contradicts scaleUp.zeroOrMax, which knows 0 and maxSize only; remove one of the two',
    ],
    [
      { groups, template: { labels: { pool: 'a b' } } },
      'spec.template.labels.pool: "a b" is not a label\'s value; use letters, digits, -, _ and .',
    ],
    [
      { groups, template: { taints: [{ key: '/x', effect: 'NoSchedule' }] } },
      'spec.template.taints[0].key: "/x" is not a taint\'s name; write example.com/pool or pool',
    ],
    [
      { groups, template: { capacity: { cpu: 4 }, allocatable: { cpu: 5 } } },
      'spec.template.allocatable.cpu: 5 is more than the capacity 4; lower it',
    ],
    [
      { groups, template: { capacity: { memory: '1XB' } } },
      'spec.template.capacity.memory: "1XB" is not a quantity of 0 or more, like 4, 3920m or 15Gi',
    ],
    [
      { groups, disruption: { maxNodes: '101%' } },
      'spec.disruption.maxNodes: "101%" is neither a number of nodes nor a share up to 100%; write 3 or "10%"',
    ],
    [
      { groups, disruption: { windows: [{ name: 'w', start: '0 8 * *', durationSeconds: 3600, maxNodes: 1 }] } },
      'spec.disruption.windows[0].start: "0 8 * *" is not a cron expression of five fields, like 0 8 * * MON-FRI',
    ],
    [
      {
        groups,
        disruption: { windows: [{ name: 'w', timeZone: 'Mars/Olympus', start: '0 8 * * *', durationSeconds: 3600, maxNodes: 1 }] },
      },
      'spec.disruption.windows[0].timeZone: "Mars/Olympus" is not known; write an IANA name, like Europe/Berlin',
    ],
  ])('refuses %j with the path, the value and a remedy', (spec, sentence) => {
    expect(problemsOf(spec)).toEqual([sentence]);
  });

  it('says which groups a policy is for that is wrong elsewhere', () => {
    expect(parseNodePoolPolicy(policy({ groups: [{ name: 'a' }, { name: 1 }, { pattern: 'b-*' }], minSize: 'many' }))).toMatchObject({
      ok: false,
      groups: [{ name: 'a' }, { pattern: 'b-*' }],
    });
    expect(parseNodePoolPolicy(policy(undefined))).toEqual({
      ok: false,
      groups: [],
      problems: [{ path: 'spec', message: 'is required; add it' }],
    });
  });
});

describe('nodePoolPolicyCrd', () => {
  const crd = nodePoolPolicyCrd();
  const { versions, scope, names } = crd.spec as {
    readonly scope: string;
    readonly names: { readonly shortNames: readonly string[] };
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonSchema } }[];
  };
  const spec = versions[0]?.schema.openAPIV3Schema.properties?.['spec'];

  it('is one for the cluster', () => {
    expect(scope).toBe('Cluster');
    expect(names.shortNames).toEqual(['npol']);
    expect(spec?.required).toEqual(['groups']);
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
    expect(Object.entries(spec?.properties ?? {}).flatMap(([name, schema]) => unbounded(schema, name))).toEqual([]);
  });

  it.each(acceptedSpecs)('agrees with the reader on what is right: $name', ({ spec: each }) => {
    expect(parseNodePoolPolicy(policy(each))).toMatchObject({ ok: true });
  });

  it.each(refusedSpecs)('agrees with the reader on what is wrong: $name', ({ spec: each, field }) => {
    const result = parseNodePoolPolicy(policy(each));
    if (result.ok) throw new Error('accepted');
    expect(result.problems.map(({ path }) => path)).toContain(field);
  });
});
