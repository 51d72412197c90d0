import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodUsage } from '../../../core/model/metrics-view.ts';
import { podsOfTable } from '../../store/usage-table-builder.ts';
import type { UsageTable } from '../../store/usage-table.ts';
import { parseNodeMetrics, parsePodMetrics } from './parse.ts';
import { readNodeList, readPodList } from './read-lists.ts';

/** A JSON string, or one in which everything is escaped that need not be. */
function escaped(value: string, escapes: boolean): string {
  if (!escapes) return JSON.stringify(value);
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

const word = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('a', 'b', 'web-1', 'web-2', 'c', 'ab') },
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const text = fc.tuple(word, fc.nat(50)).map(([value, chance]) => escaped(value, chance === 50));
const quantity = fc
  .oneof(
    { weight: 6, arbitrary: fc.constantFrom('123456n', '12u', '50m', '1', '30Mi', '123456Ki', '62131814400m', '0') },
    fc.constantFrom('-1', '1.5Gi', '1e3', 'NaN', '', 'é', '"'),
  )
  .map((value) => JSON.stringify(value));
const timestamp = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('"2026-11-22T06:07:13Z"', '"2026-11-22T06:07:28Z"', '"2026-11-23T00:00:00Z"') },
  fc.constantFrom('"2026-11-22T06:07:13.5Z"', '"never"', '"1"', 'null', '17', '"2026-11-22T06:07:13+01:00"', '"2026-13-22T06:07:13Z"'),
);
const window = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('"9.98s"', '"15s"', '"1m0s"') },
  fc.constantFrom('"10x"', '15', '""', '"500ms"'),
);
const labels = fc
  .array(fc.tuple(text, fc.oneof({ weight: 40, arbitrary: text }, fc.constantFrom('1', 'null', '{"a":"}]"}'))), { maxLength: 3 })
  .map((pairs) => `{${pairs.map(([key, value]) => `${key}:${value}`).join(',')}}`);

const container = fc.record({ name: text, cpu: quantity, memory: quantity, shape: fc.nat(60) }).map(({ name, cpu, memory, shape }) => {
  if (shape === 0) return `{"usage":{"memory":${memory},"cpu":${cpu}},"name":${name}}`;
  if (shape === 1) return `{"name":${name},"usage":{"cpu":${cpu}}}`;
  if (shape === 2) return `{"name":${name},"usage":{"cpu":7,"memory":${memory}},"more":[1,{"x":"]}"}]}`;
  if (shape === 3) return `{"name":${name}}`;
  if (shape === 4) return `{"usage":{}}`;
  if (shape === 5) return 'null';
  if (shape === 6) return `{ "name":${name},"usage":{"cpu":${cpu},"memory":${memory}}}`;
  return `{"name":${name},"usage":{"cpu":${cpu},"memory":${memory}}}`;
});
const item = fc
  .record({
    name: text,
    namespace: text,
    created: fc.constantFrom('', ',"creationTimestamp":"2026-11-22T06:07:14Z"', ',"creationTimestamp":null', ',"creationTimestamp":7'),
    labels: fc.option(labels, { nil: undefined }),
    timestamp,
    window,
    containers: fc.array(container, { maxLength: 3 }).map((list) => `[${list.join(',')}]`),
    shape: fc.nat(60),
  })
  .map((made) => {
    const { name, namespace, created, shape } = made;
    const labelled = made.labels === undefined ? '' : `,"labels":${made.labels}`;
    const metadata = `{"name":${name},"namespace":${namespace}${created}${labelled}}`;
    const usual = `{"metadata":${metadata},"timestamp":${made.timestamp},"window":${made.window},"containers":${made.containers}}`;
    const odd = [
      `{"window":${made.window},"timestamp":${made.timestamp},"containers":${made.containers},"metadata":${metadata}}`,
      `{"metadata":{"namespace":${namespace},"name":${name}},"timestamp":${made.timestamp},"window":${made.window},"containers":${made.containers}}`,
      `{"timestamp":${made.timestamp},"window":${made.window},"containers":${made.containers}}`,
      `{"kind":"PodMetrics","metadata":${metadata},"timestamp":${made.timestamp},"window":${made.window},"containers":${made.containers}}`,
      usual.replace(/}$/, ',"containers":[]}'),
      usual.replace(/}$/, ',"more":{"a":["}",{}]}}'),
      usual.replaceAll(',"', ' ,\n"'),
      `{"metadata":${metadata},"timestamp":${made.timestamp},"window":${made.window},"containers":null}`,
      `{"metadata":{"name":${name},"namespace":7},"timestamp":${made.timestamp},"window":${made.window},"containers":[]}`,
      `{"metadata":{"name":${name}},"timestamp":${made.timestamp},"window":${made.window},"containers":[]}`,
      'null',
      '[{"metadata":{}}]',
      '"},{"',
      '-1.5e3',
      '{}',
    ];
    return odd[shape] ?? usual;
  });
const items = fc.array(item, { maxLength: 8 });
const frame = fc.constantFrom<(list: string) => string>(
  (list) => `{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[${list}]}`,
  (list) => `{"items":[${list}],"kind":"PodMetricsList","metadata":{"continue":"\\"items\\":["}}\n`,
  (list) => ` {"kind":"items","metadata":{"items":[1]},"items" : [ ${list} ] }`,
);

interface Plain {
  readonly pods: readonly PodUsage[];
  readonly rejected: readonly string[];
}

/** The same by JSON.parse of the whole; `undefined` for what is no list. */
function plainly(body: Buffer): Plain | undefined {
  const parsed = itemsByParsing(body)?.map(parsePodMetrics);
  return (
    parsed && {
      pods: parsed.flatMap((each) => (each.ok ? [each.value] : [])),
      rejected: parsed.flatMap((each) => (each.ok ? [] : [each.problem])),
    }
  );
}

function itemsByParsing(body: Buffer): readonly unknown[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const items = (list as { items?: unknown } | null)?.items;
  return Array.isArray(items) ? (items as readonly unknown[]) : undefined;
}

async function byReader(body: Buffer, previous?: UsageTable) {
  const read = await readPodList(body, '/pods', previous);
  return read.ok ? { table: read.value, plain: { pods: [...podsOfTable(read.value)], rejected: read.rejected } } : undefined;
}

/** Where JSON.parse refuses the whole, a part may be refused instead; but nothing may pass in silence. */
function expectAsPlain(read: Awaited<ReturnType<typeof byReader>>, plain: Plain | undefined): void {
  const isRefused = read === undefined || read.plain.rejected.some((problem) => problem.startsWith('an item is not JSON'));
  expect(plain === undefined ? isRefused : read?.plain).toEqual(plain ?? true);
}

/** The body with one byte changed, at every place. */
function* variants(good: Buffer): Generator<Buffer> {
  for (let at = 0; at < good.length; at++) {
    for (const byte of Buffer.from('{}[],:" \\x0\n\xff', 'latin1')) {
      const body = Buffer.from(good);
      body[at] = byte;
      yield body;
    }
  }
}

describe('a PodMetricsList read from its bytes', () => {
  it('is what JSON.parse makes of it, whatever was read before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(items, frame), { minLength: 1, maxLength: 3 }), fc.nat(3), async (lists, keep) => {
        let previous: UsageTable | undefined;
        let before: readonly string[] = [];
        for (const [made, framed] of lists) {
          // A part of the answer before comes again.
          const list = [...before.slice(keep), ...made];
          const body = Buffer.from(framed(list.join(',')));
          const read = await byReader(body, previous);
          expect(read?.plain).toEqual(plainly(body));
          previous = read?.table;
          before = list;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is a failure when it ends early, at whatever byte', async () => {
    await fc.assert(
      fc.asyncProperty(items, frame, async (made, framed) => {
        const body = Buffer.from(framed(made.join(',')).trimEnd());
        for (let length = 0; length < body.length; length += 1 + (length % 7)) {
          expect(await byReader(body.subarray(0, length)), `${length} of ${body.length} bytes`).toBeUndefined();
        }
        expect(await byReader(body.subarray(0, -1))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('never passes for whole when a byte is not as it should be', async () => {
    const bytes = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[],:" \\]')));
    await fc.assert(
      fc.asyncProperty(items, frame, fc.tuple(fc.maxSafeNat(), fc.boolean()), bytes, async (made, framed, [where, inSyntax], byte) => {
        const body = Buffer.from(framed(made.join(',')));
        // Half of the time it is one that is no letter or digit.
        const places = [...body.keys()].filter((at) => !inSyntax || /[^a-zA-Z0-9.-]/.test(String.fromCharCode(body[at] ?? 0)));
        body[places[where % places.length] ?? 0] = byte;
        expectAsPlain(await byReader(body), plainly(body));
      }),
      { numRuns: 3000 },
    );
  });

  it('never passes for whole when any one byte of a usual answer is another', async () => {
    const usual = (name: string): string =>
      `{"metadata":{"name":"${name}","namespace":"n","creationTimestamp":null,"labels":{"a":"b","c":"d"}},"timestamp":"2026-11-22T06:07:13Z","window":"15s","containers":[{"name":"c","usage":{"cpu":"1","memory":"1"}},{"name":"d","usage":{"cpu":"1n","memory":"1Ki"}}]}`;
    for (const body of variants(Buffer.from(`{"items":[${usual('a')},${usual('b')}]}`))) expectAsPlain(await byReader(body), plainly(body));
  });

  it('is refused when it has its items twice', async () => {
    const twice = Buffer.from('{"items":[],"items":[]}');
    expect(await readPodList(twice, '/pods', undefined)).toMatchObject({ ok: false, reason: 'invalid' });
  });
});

describe('a NodeMetricsList read from its bytes', () => {
  const read = async (body: Buffer) => {
    const list = await readNodeList(body, '/nodes');
    return list.ok ? { plain: { nodes: list.value, rejected: list.rejected } } : undefined;
  };
  const expected = (body: Buffer) => {
    const items = itemsByParsing(body);
    if (items === undefined) return undefined;
    const parsed = items.map(parseNodeMetrics);
    return {
      nodes: parsed.flatMap((each) => (each.ok ? [each.value] : [])),
      rejected: parsed.flatMap((each) => (each.ok ? [] : [each.problem])),
    };
  };

  it('is what JSON.parse makes of it, with any byte changed', async () => {
    const usual = (name: string, rest: string): string =>
      `{"metadata":{"name":"${name}"${rest}},"timestamp":"2026-11-22T06:07:13Z","window":"15s","usage":{"cpu":"1","memory":"1Ki"}}`;
    const good = Buffer.from(
      `{"items":[${usual('a', ',"creationTimestamp":null,"labels":{"a":"b","c":"d"}')},${usual('b', ',"uid":"x"')},${usual('c', '')}]}`,
    );
    expect((await read(good))?.plain.nodes).toHaveLength(3);
    for (const body of [good, ...variants(good)]) {
      const plain = expected(body);
      const found = await read(body);
      const isRefused = found === undefined || found.plain.rejected.some((problem) => problem.startsWith('an item is not JSON'));
      expect(plain === undefined ? isRefused : found?.plain).toEqual(plain ?? true);
    }
  });
});
