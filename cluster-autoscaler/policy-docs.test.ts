import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { JsonSchema } from '../core/kube/crd-schema.ts';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import { defaultGroupOptions } from './engine/loop/index.ts';
import { nodePoolPolicyCrd } from './policy-crd.ts';
import { parseNodePoolPolicy } from './policy.ts';

const page = readFileSync(new URL('../docs/policies.md', import.meta.url), 'utf8');
const [, section = ''] = page.split('\n## NodePoolPolicy\n');

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
  const { versions } = nodePoolPolicyCrd().spec as {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonSchema } }[];
  };
  const schema = versions[0]?.schema.openAPIV3Schema.properties?.[part];
  if (schema === undefined) throw new Error(`the CRD has no ${part}`);
  return schema;
}

/** By the names in the first column. */
const table = new Map<string, string>();
for (const line of section.split('\n').filter((each) => each.startsWith('| `'))) {
  for (const [, name = ''] of (line.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)) table.set(name, line);
}

/** What the row of a field does not say of it. */
function untold({ path, schema, required }: Field): string[] {
  const row = table.get(path) ?? '';
  const [, given = '', meaning = ''] = row.split(' | ');
  const { default: standard, enum: choices = [], minimum, maximum, maxItems } = schema;
  const facts: readonly (readonly [fact: string, isTold: boolean])[] = [
    [
      `default ${JSON.stringify(standard)}`,
      standard === undefined || given.includes(`\`${JSON.stringify(standard).replaceAll('"', '')}\``),
    ],
    ['required', !required || given.includes('required')],
    [`${minimum}…${maximum}`, maximum === undefined || meaning.includes(`${minimum}…${maximum}`)],
    [`${minimum} or more`, minimum === undefined || maximum !== undefined || meaning.includes(`${minimum} or more`)],
    [`up to ${maxItems}`, maxItems === undefined || meaning.includes(`up to ${maxItems}`)],
    ...choices.map((choice) => [String(choice), row.includes(`\`${String(choice)}\``)] as const),
  ];
  return facts.filter(([, isTold]) => !isTold).map(([fact]) => `${path}: ${fact}`);
}

describe('docs/policies.md on NodePoolPolicy', () => {
  const fields = fieldsOf(schemaOf('spec'));

  it('has every field of the schema, and no other', () => {
    expect(fields.length).toBeGreaterThan(35);
    expect(fields.map(({ path }) => path).filter((path) => !table.has(path))).toEqual([]);
    const known = new Set(fields.map(({ path }) => path));
    const told = [...table.keys()].filter((name) => !/^(status\.|[A-Z])/.test(name));
    expect(told.filter((name) => !known.has(name))).toEqual([]);
  });

  it('tells the defaults, choices and ranges of the schema, and what is required', () => {
    expect(fields.flatMap(untold)).toEqual([]);
  });

  it('tells every field of status', () => {
    for (const { path } of fieldsOf(schemaOf('status'))) {
      const [top = '', ...rest] = path.replaceAll('[]', '').split('.');
      const row = table.get(`status.${top}`);
      expect(row, path).toBeDefined();
      for (const part of rest) expect(row, path).toContain(`\`${part}\``);
    }
  });

  it('tells the defaults that stand in the code', () => {
    const defaults: Readonly<Record<string, number | boolean>> = {
      'cooldown.scaleUpSeconds': defaultCooldown.scaleUpMs / 1000,
      'cooldown.scaleDownSeconds': defaultCooldown.scaleDownMs / 1000,
      'scaleUp.maxProvisionSeconds': defaultGroupOptions.maxProvisionMs / 1000,
      'scaleUp.maxStartupSeconds': defaultGroupOptions.maxStartupMs / 1000,
      'scaleDown.utilizationThreshold': defaultGroupOptions.utilizationThreshold,
      'scaleDown.gpuUtilizationThreshold': defaultGroupOptions.gpuUtilizationThreshold,
      'scaleDown.unneededSeconds': defaultGroupOptions.unneededMs / 1000,
      'scaleDown.unreadySeconds': defaultGroupOptions.unreadyMs / 1000,
      'scaleDown.ignoreDaemonSetsUtilization': defaultGroupOptions.ignoreDaemonSetsUtilization,
    };
    for (const [name, value] of Object.entries(defaults))
      expect(table.get(name), name).toContain(`the controller's, \`${String(value)}\` |`);
    expect(table.get('scaleUp.zeroOrMax')).toContain(`| \`${String(defaultGroupOptions.zeroOrMax)}\` |`);
  });

  const examples = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  );

  it.each(examples.map((object) => [object.metadata.name, object] as const))('has a true example: %s', (_, object) => {
    expect(object.kind).toBe('NodePoolPolicy');
    expect(parseNodePoolPolicy(object)).toMatchObject({ ok: true });
  });
});

describe('deploy/examples/node-pool-*.yaml', () => {
  const folder = new URL('../deploy/examples/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.startsWith('node-pool-'));
  const read = (file: string): readonly KubeObject[] =>
    parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => document.toJS() as KubeObject);

  it.each([
    [
      'node-pool-general.yaml',
      [
        {
          minSize: 1,
          maxSize: 20,
          cooldown: { scaleUpMs: 120_000, scaleDownMs: 300_000 },
          options: { utilizationThreshold: 0.6 },
          disruption: [{}, { maxNodes: 0, window: { name: 'opening-hours' } }],
        },
      ],
    ],
    [
      'node-pool-spot.yaml',
      [
        { priority: 50, price: 0.06 },
        { priority: 10, price: 0.19 },
      ],
    ],
    [
      'node-pool-gpu.yaml',
      [
        {
          mode: 'DryRun',
          template: { capacity: { 'nvidia.com/gpu': 1_000 }, allocatable: { cpu: 7_910 } },
          options: { gpuUtilizationThreshold: 0 },
        },
      ],
    ],
  ])('%s is what it says', (file, expected) => {
    expect(read(file).map((object) => parseNodePoolPolicy(object))).toMatchObject(expected.map((policy) => ({ ok: true, policy })));
  });

  it('are all known here, and told of on the page', () => {
    expect(files.toSorted()).toEqual(['node-pool-general.yaml', 'node-pool-gpu.yaml', 'node-pool-spot.yaml']);
    for (const file of files) expect(section).toContain(`../deploy/examples/${file}`);
  });
});
