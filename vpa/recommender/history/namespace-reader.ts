import { blockBytes, type BlockCache, type HistoryBlock } from './block-cache.ts';
import { readBlock, type BlockReaderContext, type BlockReading } from './block-reader.ts';
import type { HistoryFailure } from './history-client.ts';
import type { Block, HistoryGrid } from './history-grid.ts';

export interface NamespaceReaderContext extends BlockReaderContext {
  readonly cache: BlockCache;
  /** Holds the block under way as well, which ends where the import does: to other imports it would be a stale one. */
  readonly recent: BlockCache;
  readonly grid: HistoryGrid;
  readonly scope: string;
  readonly onCached: () => void;
}

export type NamespacesReading =
  /** By namespace, one for each block of the grid. Of a batch that is too large for its memory the last namespaces are missing. */
  { readonly ok: true; readonly blocks: ReadonlyMap<string, readonly HistoryBlock[]> } | HistoryFailure;

/** All blocks of some namespaces, oldest first; those that are over from the cache, or into it as soon as they are read: a failure later loses nothing. */
export async function readNamespaces(context: NamespaceReaderContext, namespaces: readonly string[]): Promise<NamespacesReading> {
  const { grid, config } = context;
  const found = new Map<string, HistoryBlock[]>(namespaces.map((namespace) => [namespace, []]));
  for (const [index, block] of grid.blocks.entries()) {
    const reading = await readOne(context, [...found.keys()], block);
    if (!reading.ok) return reading;
    for (const [namespace, content] of reading.blocks) found.get(namespace)?.push(content);
    shed(found, (config.batchBytes * (index + 1)) / grid.blocks.length);
  }
  return { ok: true, blocks: found };
}

/** Leaves out the last namespaces while the rest, at this rate, would take more than it may. What was read of them is in the cache. */
function shed(found: Map<string, HistoryBlock[]>, maxBytes: number): void {
  let bytes = 0;
  let kept = 0;
  for (const [namespace, blocks] of found) {
    bytes += blocks.reduce((sum, block) => sum + blockBytes(block), 0);
    if (kept > 0 && bytes > maxBytes) found.delete(namespace);
    else kept += 1;
  }
}

async function readOne(context: NamespaceReaderContext, namespaces: readonly string[], block: Block): Promise<BlockReading> {
  const { scope, onCached } = context;
  const cache = block.closed ? context.cache : context.recent;
  const known = new Map<string, HistoryBlock>();
  for (const namespace of namespaces) {
    const cached = await cache.get({ scope, namespace, start: block.start });
    if (cached === undefined) continue;
    known.set(namespace, cached);
    onCached();
  }
  const missing = namespaces.filter((namespace) => !known.has(namespace));
  if (missing.length === 0) return { ok: true, blocks: known };
  const reading = await readBlock(context, missing, block);
  if (!reading.ok) return reading;
  for (const [namespace, content] of reading.blocks) {
    known.set(namespace, content);
    await cache.put({ scope, namespace, start: block.start }, content);
  }
  return { ok: true, blocks: known };
}
