import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { JsonSchema } from '../core/kube/crd-schema.ts';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import { defaultVpaConfig } from './config.ts';
import { updateModes } from './model.ts';
import { verticalPolicyCrd } from './policy-crd.ts';
import { fromVpa, parseVerticalPolicy } from './policy.ts';

const page = readFileSync(new URL('../docs/policies.md', import.meta.url), 'utf8');
const [, fromHere = ''] = page.split('\n## VerticalPolicy\n');
const [section = ''] = fromHere.split('\n## MetricSource\n');

interface Field {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

function fieldsOf({ properties = {}, items, required = [] }: JsonSchema, path = ''): Field[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [{ path: at, schema, required: required.includes(name) }, ...fieldsOf(schema, at)];
  });
  return items === undefined ? own : [...own, ...fieldsOf(items, `${path}[]`)];
}

function schemaOf(part: 'spec' | 'status'): JsonSchema {
  const { versions } = verticalPolicyCrd().spec as {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonSchema } }[];
  };
  return versions[0]!.schema.openAPIV3Schema.properties![part]!;
}

/** As the page names it: what stands in several places is told once. */
function shownPath(path: string): string {
  const inContainer = path.replace(/^resourcePolicy\.containerPolicies\[\]\./, 'containerPolicies[].');
  return /^containerPolicies\[\]\.((?:startupBoost|estimation)\..+)$/.exec(inContainer)?.[1] ?? inContainer;
}

/** By the names in the first column. */
const table = new Map<string, string>();
for (const line of section.split('\n').filter((each) => each.startsWith('| `'))) {
  for (const [, name = ''] of (line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)) table.set(name, line);
}

/** Amounts for cpu and memory stand in the row of what they are amounts of. */
function rowOf(path: string): string | undefined {
  const shown = shownPath(path);
  const own = table.get(shown);
  if (own !== undefined) return own;
  const [, owner = '', resource = ''] = /^(estimation\.\w+)\.(cpu|memory)$/.exec(shown) ?? [];
  const row = table.get(owner);
  return row?.includes(`\`${resource}\``) === true ? row : undefined;
}

/** What the row of a field does not say of it. */
function untold({ path, schema, required }: Field): string[] {
  const row = rowOf(path) ?? '';
  const [, given = '', meaning = ''] = row.split(' | ');
  const { default: standard, enum: choices = [], minimum, maximum, maxItems } = schema;
  const facts: readonly (readonly [fact: string, isTold: boolean])[] = [
    [
      `default ${JSON.stringify(standard)}`,
      standard === undefined || given.includes(`\`${JSON.stringify(standard).replaceAll('"', '')}\``),
    ],
    ['required', !required || given.includes('required')],
    ['a default', required || given.trim() !== ''],
    [`${minimum}…${maximum}`, maximum === undefined || meaning.includes(`${minimum}…${maximum}`)],
    [`${minimum} or more`, minimum === undefined || maximum !== undefined || meaning.includes(`${minimum} or more`)],
    [`up to ${maxItems}`, maxItems === undefined || /up to \d+|at most one|`cpu`, `memory`|one of them/.test(meaning)],
    ...choices.map((choice) => [String(choice), row.includes(`\`${String(choice)}\``)] as const),
  ];
  return facts.filter(([, isTold]) => !isTold).map(([fact]) => `${path}: ${fact}`);
}

describe('docs/policies.md on VerticalPolicy', () => {
  const fields = fieldsOf(schemaOf('spec'));

  it('has every field of the schema, and no other', () => {
    expect(fields.length).toBeGreaterThan(60);
    expect(fields.map(({ path }) => path).filter((path) => rowOf(path) === undefined)).toEqual([]);
    const known = new Set(fields.map(({ path }) => shownPath(path)));
    const told = [...table.keys()].filter((name) => !/^(status\.|evidence$|concertina\.dev\/|vpa-post-processor)/.test(name));
    expect(told.filter((name) => !known.has(name))).toEqual([]);
  });

  it('tells the defaults, choices and ranges of the schema, and what is required', () => {
    expect(fields.flatMap(untold)).toEqual([]);
  });

  it('tells every field of status', () => {
    for (const { path } of fieldsOf(schemaOf('status'))) {
      const [top = '', ...rest] = path.replaceAll('[]', '').split('.');
      const row = rest.includes('evidence') && rest.at(-1) !== 'evidence' ? table.get('evidence') : table.get(`status.${top}`);
      expect(row, path).toBeDefined();
      for (const part of rest.slice(rest.indexOf('evidence') + 1)) expect(row, path).toContain(`\`${part}\``);
    }
  });

  it('tells the defaults that stand in the code', () => {
    expect(table.get('cooldown.scaleUpSeconds')).toContain(`\`${defaultCooldown.scaleUpMs / 1000}\``);
    expect(table.get('cooldown.scaleDownSeconds')).toContain(`\`${defaultCooldown.scaleDownMs / 1000}\``);
    const { estimation } = defaultVpaConfig.recommender;
    const { updater } = defaultVpaConfig;
    const mebi = 1024 * 1024;
    const defaults: Readonly<Record<string, string | number>> = {
      'updatePolicy.minReplicas': updater.minReplicas,
      'updatePolicy.evictAfterOOMSeconds': updater.evictAfterOomMs / 1000,
      'estimation.lowerBoundPercentile': estimation.lowerBoundPercentile.cpu,
      'estimation.targetPercentile': estimation.targetPercentile.cpu,
      'estimation.upperBoundPercentile': estimation.upperBoundPercentile.memory,
      'estimation.margin': estimation.margin.cpu,
      'estimation.halfLife': `${estimation.halfLifeMs.memory / 3_600_000}h`,
      'estimation.podMinimum': `${estimation.podMinimum.cpu}m and ${estimation.podMinimum.memory / mebi}Mi`,
      'containerPolicies[].oomBumpUpRatio': estimation.oomBumpUpRatio,
      'containerPolicies[].oomMinBumpUp': `${estimation.oomMinBumpUp / mebi}Mi`,
      'containerPolicies[].memoryAggregationIntervalSeconds': estimation.memoryAggregationIntervalMs / 1000,
      'containerPolicies[].memoryAggregationIntervalCount': estimation.memoryAggregationIntervalCount,
    };
    for (const [name, value] of Object.entries(defaults)) expect(table.get(name), name).toContain(`the controller's, ${value} |`);
  });

  it('has a row for each mode', () => {
    const [, after = ''] = section.split('\n### Modes\n');
    const [modes = ''] = after.split('\n### ');
    const rows = modes.split('\n').filter((line) => /^\| [A-Z]/.test(line));
    expect(rows.map((line) => /^\| (\w+)/.exec(line)?.[1])).toEqual([...updateModes]);
  });

  const examples = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  );
  const readers: Readonly<Record<string, (object: KubeObject) => { readonly ok: boolean }>> = {
    VerticalPolicy: (object) => parseVerticalPolicy(object, { cooldown: defaultCooldown }),
    VerticalPodAutoscaler: (object) => fromVpa(object),
  };

  it.each(examples.map((object) => [`${object.kind} ${object.metadata.name}`, object] as const))('has a true example: %s', (_, object) => {
    expect(readers[object.kind ?? '']?.(object)).toMatchObject({ ok: true });
  });

  it('has an example of both kinds', () => {
    expect(new Set(examples.map(({ kind }) => kind))).toEqual(new Set(['VerticalPolicy', 'VerticalPodAutoscaler']));
  });
});

describe('deploy/examples/vertical-*.yaml', () => {
  const folder = new URL('../deploy/examples/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.startsWith('vertical-'));
  const read = (file: string): readonly KubeObject[] =>
    parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => document.toJS() as KubeObject);

  it.each([
    ['vertical-web.yaml', { actuation: 'InPlaceOrRecreate', minReplicas: 3, target: { kind: 'Deployment', name: 'web' } }],
    [
      'vertical-batch.yaml',
      { actuation: 'Initial', target: { apiVersion: 'batch/v1', kind: 'CronJob' }, containers: [{ oomBumpUpRatio: 1.5 }, { mode: 'Off' }] },
    ],
    ['vertical-single-replica.yaml', { singleReplica: 'Surge', cooldown: { scaleUpMs: 600_000, scaleDownMs: 300_000 } }],
  ])('%s is what it says', (file, expected) => {
    const objects = read(file);
    expect(objects).toHaveLength(1);
    expect(parseVerticalPolicy(objects[0]!, { cooldown: defaultCooldown })).toMatchObject({ ok: true, policy: expected });
  });

  it('are all known here, and told of on the page', () => {
    expect(files.toSorted()).toEqual(['vertical-batch.yaml', 'vertical-single-replica.yaml', 'vertical-web.yaml']);
    for (const file of files) expect(section).toContain(`../deploy/examples/${file}`);
  });
});
