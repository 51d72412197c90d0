import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { createMemoryBlockCache, type BlockKey, type HistoryBlock } from './block-cache.ts';
import { createFileBlockCache } from './block-file-cache.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'concertina-blocks-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function block(pods = 1): HistoryBlock {
  return {
    series: Array.from({ length: pods }, (_, at) => ({
      pod: `web-${at}`,
      container: 'app',
      cpu: Float64Array.of(0.1, NaN, 1 / 3),
      memory: Float64Array.of(NaN, 5, 6),
    })),
    controllers: new Map([['web-0', { kind: 'Deployment', name: 'web' }]]),
    labels: new Map([['web-0', { app: 'web' }]]),
  };
}

function key(start: number, more: Partial<BlockKey> = {}): BlockKey {
  return { scope: 's', namespace: 'shop', start, ...more };
}

test('a block in a file outlives the process, to the last bit', async () => {
  const logger = recordingLogger();
  await createFileBlockCache({ directory, logger }).put(key(1), block());
  const next = createFileBlockCache({ directory, logger });
  expect(await next.get(key(1))).toEqual(block());
  expect(await next.get(key(2))).toBeUndefined();
  expect(await next.get(key(1, { namespace: 'other' }))).toBeUndefined();
  expect(await next.get(key(1, { scope: 't' }))).toBeUndefined();
  expect(logger.lines).toEqual([]);
});

test.each([
  ['cut short', (content: Buffer) => content.subarray(0, content.length - 5)],
  ['empty', () => Buffer.alloc(0)],
  ['changed', (content: Buffer) => Buffer.from(content.toString().replace('0.1', '0.2'))],
  ['of another version', (content: Buffer) => Buffer.from(content.toString().replace('"version":1', '"version":2'))],
  ['nonsense', () => Buffer.from('{"version":1}\n{')],
])('a file that is %s is a miss and goes', async (_what, change) => {
  const cache = createFileBlockCache({ directory, logger: recordingLogger() });
  await cache.put(key(1), block());
  const [name = ''] = await readdir(directory);
  await writeFile(path.join(directory, name), change(await readFile(path.join(directory, name))));
  expect(await cache.get(key(1))).toBeUndefined();
  expect(await readdir(directory)).toEqual([]);
});

test('the oldest blocks go when the files are too much, and drafts of a process that died', async () => {
  await writeFile(path.join(directory, 'x.block.tmp'), 'half');
  const cache = createFileBlockCache({ directory, logger: recordingLogger(), maxBytes: 3_000 });
  for (let start = 1; start <= 10; start++) await cache.put(key(start), block(4));
  const sizes = await Promise.all((await readdir(directory)).map(async (name) => (await readFile(path.join(directory, name))).length));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3_000);
  expect(sizes.length).toBeGreaterThan(2);
  expect(await cache.get(key(1))).toBeUndefined();
  expect(await cache.get(key(10))).toEqual(block(4));
  expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('a directory that cannot be written is said once and is a miss', async () => {
  const file = path.join(directory, 'file');
  await writeFile(file, '');
  const logger = recordingLogger();
  const cache = createFileBlockCache({ directory: path.join(file, 'below'), logger });
  await cache.put(key(1), block());
  await cache.put(key(2), block());
  expect(await cache.get(key(1))).toBeUndefined();
  expect(logger.lines).toHaveLength(1);
});

test('blocks in memory are bounded; the one that was used least lately goes', async () => {
  const cache = createMemoryBlockCache(2_400);
  await cache.put(key(1), block());
  await cache.put(key(2), block());
  await cache.get(key(1));
  await cache.put(key(3), block());
  expect(await cache.get(key(2))).toBeUndefined();
  expect(await cache.get(key(1))).toEqual(block());
  expect(cache.bytes).toBeLessThanOrEqual(2_400);
});
