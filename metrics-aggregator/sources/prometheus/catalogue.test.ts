import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkQuery } from '../../promql/index.ts';
import { builtInEntries } from './catalogue-entries.ts';
import { createCatalogue, type Catalogue } from './catalogue.ts';
import { parseTemplate, type QueryTemplate } from './query-template.ts';

function catalogue(templates: Readonly<Record<string, string>> = {}): Catalogue {
  const result = createCatalogue(templates);
  if (!result.ok) throw new Error(result.problem);
  return result.catalogue;
}

function template(text: string): QueryTemplate {
  const result = parseTemplate(text);
  if (!result.ok) throw new Error(result.problem);
  return result.template;
}

describe('the built-in queries', () => {
  test.each(builtInEntries.map((entry) => [entry.name, entry] as const))('%s is PromQL that gives a vector', (name, { query }) => {
    const rendered = catalogue().render(name, { range: 300_000 });
    expect(rendered).toMatchObject({ ok: true });
    expect(checkQuery(rendered.ok ? rendered.query : '')).toMatchObject({ ok: true, kind: 'vector' });
    expect(rendered.ok && rendered.query.includes('{{')).toBe(false);
    expect(query.includes('{{range}}')).toBe(rendered.ok && rendered.query.includes('[5m]'));
  });

  test('are listed, with what they need', () => {
    const listed = catalogue().list();
    expect(listed.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'cpuUsage',
        'memoryUsage',
        'memoryPeak',
        'cpuThrottling',
        'oomEvents',
        'requests',
        'limits',
        'allocatable',
        'restarts',
        'podOwners',
        'podLabels',
        'coverage',
      ]),
    );
    expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
    expect(listed.find(({ name }) => name === 'cpuUsage')).toMatchObject({ unit: 'cores', needs: ['range'], overridden: false });
  });

  test('take matchers for fewer series', () => {
    const matchers = [{ name: 'namespace', op: '=' as const, value: 'team"a' }];
    expect(catalogue().render('memoryUsage', {}, matchers)).toEqual({
      ok: true,
      query: String.raw`max by (namespace, pod, container) (container_memory_working_set_bytes{container!="",container!="POD",namespace="team\"a"})`,
    });
  });
});

describe('templates of a MetricSource', () => {
  test('stand in place of the built-in ones', () => {
    const own = catalogue({ cpuUsage: 'my_cpu{ns="{{namespace}}"}[{{range}}:{{ step }}]' });
    expect(own.list().find(({ name }) => name === 'cpuUsage')).toMatchObject({ overridden: true, needs: ['namespace', 'range', 'step'] });
    expect(own.render('cpuUsage', { namespace: 'a', range: 60_000, step: 15_000 })).toEqual({ ok: true, query: 'my_cpu{ns="a"}[1m:15s]' });
    expect(own.render('cpuUsage', { range: 60_000, step: 15_000 })).toEqual({
      ok: false,
      problem: 'templates.cpuUsage: the template needs a value for {{namespace}}',
    });
  });

  test.each<[Readonly<Record<string, string>>, string]>([
    [{ cpuUsag: 'x' }, 'templates.cpuUsag is not a query of the catalogue; there are cpuUsage,'],
    [{ cpuUsage: 'x[{{window}}]' }, 'templates.cpuUsage: {{window}} is not a placeholder; there are range,'],
    [{ cpuUsage: 'x{{' }, 'templates.cpuUsage'],
    [{ cpuUsage: 'x{{}}' }, '{{}} is not a placeholder'],
    [{ cpuUsage: 'sum(' }, 'templates.cpuUsage: the query is not PromQL'],
    [{ cpuUsage: '{{namespace}}_total' }, 'must stand inside of double quotes'],
    [{ cpuUsage: 'x{a={{namespace}}}' }, 'templates.cpuUsage'],
    [{ cpuUsage: "x{a='{{namespace}}'}" }, 'must stand inside of double quotes'],
    [{ cpuUsage: 'x{a=`{{namespace}}`}' }, 'must stand inside of double quotes'],
    [{ cpuUsage: 'sum by ({{node}}) (x)' }, 'must stand inside of double quotes'],
    [{ cpuUsage: '' }, 'the query is empty'],
  ])('%j is a problem', (templates, problem) => {
    const result = createCatalogue(templates);
    expect(result.ok ? '' : result.problem).toContain(problem);
  });

  test('an unknown name is a problem', () => {
    expect(catalogue().render('nothing', {})).toMatchObject({
      ok: false,
      problem: expect.stringContaining('nothing is not a query') as string,
    });
  });
});

test('a value cannot change the query, and in a regular expression matches itself only', () => {
  const plain = template('x{a="{{pod}}",b="c"}');
  const regex = template('x{a=~"{{pod}}-.*",b!~"{{ namespace }}"}');
  fc.assert(
    fc.property(
      fc
        .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '.*', '"}', '\n', '`', '{{range}}', "'"))
        .filter((text) => !/\p{Surrogate}/u.test(text)),
      (value) => {
        const first = plain.render({ pod: value });
        const read = checkQuery(first.ok ? first.query : '');
        expect(read).toMatchObject({ ok: true, selectors: [expect.stringMatching(/^x\{a=".*",b="c"\}$/su) as string] });
        const second = regex.render({ pod: value, namespace: value });
        const literal = /a=~"((?:[^"\\]|\\.)*)-\.\*",b/su.exec(second.ok ? second.query : '')?.[1] ?? '';
        const expression = literal
          .replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
          .replace(/\\n/g, '\n')
          .replace(/\\(["\\])/g, '$1');
        expect(new RegExp(`^(?:${expression})$`).test(value)).toBe(true);
      },
    ),
  );
});
