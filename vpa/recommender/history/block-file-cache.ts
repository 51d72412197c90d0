import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import { idOf, type BlockCache, type BlockKey } from './block-cache.ts';
import { decodeBlock, encodeBlock } from './block-format.ts';

export interface FileBlockCacheOptions {
  /** Made when it is missing; holds nothing but blocks. */
  readonly directory: string;
  readonly logger: Logger;
  /** Of all files; default 256 MiB. */
  readonly maxBytes?: number | undefined;
}

const suffix = '.block';
const temporary = '.tmp';

/**
 * One file for each block, put in place by renaming. A file that is broken, of another version or of another key is a miss and goes. When the files are more than
 * they may be the oldest blocks go, down to nine tenths.
 */
export function createFileBlockCache({ directory, logger, maxBytes = 256 * 1024 * 1024 }: FileBlockCacheOptions): BlockCache {
  let sizes: Promise<Map<string, number>> | undefined;
  let warned = false;
  const failed = (what: string, thrown: unknown): void => {
    // A full or read-only disk would say the same thousands of times.
    if (warned) return;
    warned = true;
    logger.warn(`history blocks cannot be ${what} in ${directory}: they are read from Prometheus again`, { cause: messageOf(thrown) });
  };
  const files = (): Promise<Map<string, number>> => (sizes ??= openDirectory(directory));

  return {
    get: async (key) => {
      const file = path.join(directory, fileName(key));
      let content: Buffer;
      try {
        content = await readFile(file);
      } catch (thrown) {
        if (!isMissing(thrown)) failed('read', thrown);
        return undefined;
      }
      const block = decodeBlock(content, idOf(key));
      if (block === undefined) await rm(file, { force: true }).catch((thrown: unknown) => failed('removed', thrown));
      return block;
    },
    put: async (key, block) => {
      const name = fileName(key);
      const draft = path.join(directory, `${name}.${randomUUID()}${temporary}`);
      try {
        const known = await files();
        const content = encodeBlock(block, idOf(key));
        await writeFile(draft, content, { mode: 0o600 });
        await rename(draft, path.join(directory, name));
        known.set(name, content.length);
        await shrink(directory, known, maxBytes);
      } catch (thrown) {
        sizes = undefined;
        await rm(draft, { force: true }).catch(() => undefined);
        failed('written', thrown);
      }
    },
  };
}

/** Sorts by the block's start; the rest is a digest, for namespaces and scopes are no file names. */
function fileName(key: BlockKey): string {
  const digest = createHash('sha256').update(idOf(key)).digest('hex').slice(0, 32);
  return `${String(key.start).padStart(15, '0')}-${digest}${suffix}`;
}

async function openDirectory(directory: string): Promise<Map<string, number>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const sizes = new Map<string, number>();
  for (const name of (await readdir(directory)).toSorted()) {
    const file = path.join(directory, name);
    // Left by a process that died while it wrote.
    if (name.endsWith(temporary)) await rm(file, { force: true });
    else if (name.endsWith(suffix)) sizes.set(name, (await stat(file)).size);
  }
  return sizes;
}

async function shrink(directory: string, sizes: Map<string, number>, maxBytes: number): Promise<void> {
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (total <= maxBytes) return;
  for (const name of [...sizes.keys()].toSorted()) {
    if (total <= maxBytes * 0.9) return;
    await rm(path.join(directory, name), { force: true });
    total -= sizes.get(name) ?? 0;
    sizes.delete(name);
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}
