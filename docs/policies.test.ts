import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import { defaultHpaConfig, fromHpa, horizontalPolicyCrd, parsePolicy } from '../hpa/index.ts';
import { defaultLimits, metricSourceCrd, parseMetricSource } from '../metrics-aggregator/index.ts';

const whole = readFileSync(new URL('../docs/policies.md', import.meta.url), 'utf8');
/** Without the parts on requests and on nodes, which vpa/policy-docs.test.ts and cluster-autoscaler/policy-docs.test.ts look at. */
const page = whole.replace(/\n## VerticalPolicy\n[^]*?(?=\n## MetricSource\n)/, '').replace(/\n## NodePoolPolicy\n[^]*$/, '');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** The schemas as the API server gets them: generated from zod. */
function schemaOf(crd: KubeObject, part: 'spec' | 'status'): Schema {
  const { versions } = crd.spec as { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] };
  const schema = versions[0]?.schema.openAPIV3Schema.properties?.[part];
  if (schema === undefined) throw new Error(`the CRD has no ${part}`);
  return schema;
}

function fieldsOf({ properties = {}, items, required = [] }: Schema, path = ''): Field[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [{ path: at, schema, required: required.includes(name) }, ...fieldsOf(schema, at)];
  });
  return items === undefined ? own : [...own, ...fieldsOf(items, `${path}[]`)];
}

/** As the page names it: what several blocks have alike is told once. */
function shownPath(path: string): string {
  const inMetric = /^metrics\[\]\.[a-zA-Z]+\.(.+)$/.exec(path)?.[1];
  if (inMetric !== undefined) {
    if (/^(target|metric|describedObject)(\.|$)/.test(inMetric)) return inMetric;
    return path.replace('metrics[].', '');
  }
  return path.replace(/^behavior\.(?:scaleUp|scaleDown)\./, 'behavior.*.');
}

/** Fields that stand in the row of what they are part of, by their last name. */
const inRowOf: readonly [RegExp, string][] = [
  [/^metric\.selector\..+/, 'metric.selector'],
  [/^metric$/, 'metric.name'],
  [/^describedObject$/, 'object.describedObject'],
  [/^(auth\..*secretRef|auth\.basic\.(?:username|password)|tls\.ca)\.(?:name|key)$/, '$1'],
  [/^(auth|tls|network|tenancy|limits|options)$/, '$1'],
  [/^(auth\.(?:bearer|basic|clientCertificate))$/, '$1'],
];

function rows(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each.startsWith('| `'))) {
    const first = line.split(' | ')[0] ?? '';
    for (const [, name = ''] of first.matchAll(/`([^`]+)`/g)) found.set(name, line);
  }
  return found;
}

const [policyPart = '', sourcePart = ''] = page.split('\n## MetricSource\n');

function rowOf(table: ReadonlyMap<string, string>, path: string): string | undefined {
  const shown = shownPath(path);
  const own = table.get(shown);
  if (own !== undefined) return own;
  const [, owner] = inRowOf.find(([pattern]) => pattern.test(shown)) ?? [];
  if (owner === undefined) return undefined;
  const [pattern] = inRowOf.find(([each]) => each.test(shown)) ?? [/$/];
  const at = shown.replace(pattern, owner);
  const row = table.get(at) ?? [...table].find(([name]) => name.startsWith(`${at}.`))?.[1];
  const last = shown.split('.').at(-1)?.replace('[]', '') ?? '';
  return row?.includes(last) === true ? row : undefined;
}

const objects = [
  ['HorizontalPolicy', rows(policyPart), fieldsOf(schemaOf(horizontalPolicyCrd(), 'spec'))],
  ['MetricSource', rows(sourcePart), fieldsOf(schemaOf(metricSourceCrd(), 'spec'))],
] as const;

describe.each(objects)('docs/policies.md on %s', (_, table, fields) => {
  it('has every field of the schema', () => {
    expect(fields.length).toBeGreaterThan(40);
    expect(fields.map(({ path }) => path).filter((path) => rowOf(table, path) === undefined)).toEqual([]);
  });

  it('has no field that the schema does not have', () => {
    const known = new Set(fields.map(({ path }) => shownPath(path)));
    const told = [...table.keys()].filter((name) => !/^(status\.|concertina\.dev\/|[A-Z])/.test(name));
    expect(told.filter((name) => !known.has(name) && name !== 'object.describedObject')).toEqual([]);
  });

  it('tells the defaults, choices and ranges of the schema, and what is required', () => {
    const told = fields.filter(({ path }) => table.has(shownPath(path)));
    expect(told.flatMap((field) => untold(field, table.get(shownPath(field.path)) ?? ''))).toEqual([]);
  });
});

/** What the row of a field does not say of it. */
function untold({ path, schema, required }: Field, row: string): string[] {
  const [, given = '', meaning = ''] = row.split(' | ');
  const { default: standard, enum: choices = [], minimum = 0, maximum } = schema;
  const facts: readonly (readonly [fact: string, isTold: boolean])[] = [
    [
      `default ${JSON.stringify(standard)}`,
      standard === undefined || given.includes(`\`${JSON.stringify(standard).replaceAll('"', '')}\``),
    ],
    ['required', !required || given.includes('required') || given.includes('none')],
    [`${minimum}…${maximum}`, maximum === undefined || meaning.includes(`${minimum}…${maximum}`)],
    ...choices.map((choice) => [String(choice), row.includes(`\`${String(choice)}\``)] as const),
  ];
  return facts.filter(([, isTold]) => !isTold).map(([fact]) => `${path}: ${fact}`);
}

describe('docs/policies.md', () => {
  it('tells every field of status', () => {
    const table = rows(policyPart);
    for (const { path } of fieldsOf(schemaOf(horizontalPolicyCrd(), 'status'))) {
      const [top = '', ...rest] = path.replaceAll('[]', '').split('.');
      const row = table.get(`status.${top}`);
      expect(row, path).toBeDefined();
      for (const part of rest) expect(row, path).toContain(`\`${part}\``);
    }
    const last = sourcePart.split('\n').find((line) => line.startsWith('`status`')) ?? '';
    for (const name of Object.keys(schemaOf(metricSourceCrd(), 'status').properties ?? {})) expect(last).toContain(`\`${name}\``);
  });

  it('tells the defaults that stand in the code', () => {
    const [policy, source] = [rows(policyPart), rows(sourcePart)];
    expect(policy.get('cooldown.scaleUpSeconds')).toContain(`\`${defaultCooldown.scaleUpMs / 1000}\``);
    expect(policy.get('cooldown.scaleDownSeconds')).toContain(`\`${defaultCooldown.scaleDownMs / 1000}\``);
    const { engine, syncPeriodMs } = defaultHpaConfig;
    expect(policy.get('cpuInitializationPeriodSeconds')).toContain(`the controller's, ${engine.cpuInitializationMs / 1000} |`);
    expect(policy.get('initialReadinessDelaySeconds')).toContain(`the controller's, ${engine.initialReadinessDelayMs / 1000} |`);
    expect(policy.get('syncPeriodSeconds')).toContain(`the controller's, ${syncPeriodMs / 1000} |`);
    expect(policy.get('behavior.*.stabilizationWindowSeconds')).toContain(`the controller's, ${engine.downscaleStabilizationMs / 1000} |`);
    expect(policy.get('behavior.*.tolerance')).toContain(`the controller's, ${engine.tolerance * 100} % |`);
    const { timeoutMs, ...others } = defaultLimits;
    for (const [name, value] of Object.entries({ timeoutSeconds: timeoutMs / 1000, ...others })) {
      expect(source.get(`limits.${name}`), name).toContain(`| \`${value}\` |`);
    }
  });

  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  );

  const readers: Readonly<Record<string, (object: KubeObject) => { readonly ok: boolean }>> = {
    HorizontalPolicy: (object) => parsePolicy(object, defaultCooldown),
    HorizontalPodAutoscaler: (object) => fromHpa(object),
    MetricSource: parseMetricSource,
  };

  it.each(examples.map((object) => [`${object.kind} ${object.metadata.name}`, object] as const))('has a true example: %s', (_, object) => {
    expect(readers[object.kind ?? '']?.(object)).toMatchObject({ ok: true });
  });

  it('has an example of every metric type, and of every part', () => {
    const specs = examples.map(({ spec }) => spec as Readonly<Record<string, unknown>>);
    const types = specs.flatMap(({ metrics }) => ((metrics ?? []) as readonly { readonly type: string }[]).map(({ type }) => type));
    expect(new Set(types)).toEqual(new Set(['Resource', 'ContainerResource', 'Pods', 'Object', 'External', 'Prometheus']));
    const parts = new Set(specs.flatMap((spec) => Object.keys(spec)));
    for (const part of ['behavior', 'cooldown', 'fallback', 'schedules']) expect(parts).toContain(part);
    expect(specs.some(({ minReplicas }) => minReplicas === 0)).toBe(true);
    const annotations = examples.flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}));
    expect(annotations).toEqual(['concertina.dev/paused', 'concertina.dev/transfer-from']);
  });

  it('has no link to a heading that is not there', () => {
    const headings = new Set([...whole.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-')));
    for (const [, anchor = ''] of whole.matchAll(/\]\(#([^)]+)\)/g)) expect(headings).toContain(anchor);
  });
});
