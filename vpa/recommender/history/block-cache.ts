/** Usage of one container in one block, by point; NaN: none. */
export interface BlockSeries {
  readonly pod: string;
  readonly container: string;
  /** Cores. */
  readonly cpu: Float64Array;
  /** Bytes. */
  readonly memory: Float64Array;
}

/** The topmost controller of a pod that may be gone by now. */
export interface PodController {
  readonly kind: string;
  readonly name: string;
}

/** Everything that is known of a namespace in one block. Without series: nothing ran, which is worth knowing too. */
export interface HistoryBlock {
  readonly series: readonly BlockSeries[];
  readonly controllers: ReadonlyMap<string, PodController>;
  /** Labels of pods, spelled as Prometheus spells them. */
  readonly labels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

export interface BlockKey {
  /** Server, metrics, labels and resolution: all that makes the same block another one. */
  readonly scope: string;
  readonly namespace: string;
  /** Epoch milliseconds. */
  readonly start: number;
}

/** Keeps blocks that are over. A block that cannot be had is a miss; nothing throws. */
export interface BlockCache {
  get(key: BlockKey): Promise<HistoryBlock | undefined>;
  put(key: BlockKey, block: HistoryBlock): Promise<void>;
}

export function blockBytes({ series, controllers, labels }: HistoryBlock): number {
  const usage = series.reduce(
    (sum, { cpu, memory, pod, container }) => sum + cpu.byteLength + memory.byteLength + pod.length + container.length + 200,
    0,
  );
  return usage + controllers.size * 150 + labels.size * 500 + 200;
}

/** In memory: what was read in vain before a failure is not read again. The block that was used least lately goes first. */
export function createMemoryBlockCache(maxBytes = 64 * 1024 * 1024): BlockCache & { readonly bytes: number } {
  const blocks = new Map<string, HistoryBlock>();
  let bytes = 0;
  const drop = (id: string): void => {
    const block = blocks.get(id);
    if (block !== undefined) bytes -= blockBytes(block);
    blocks.delete(id);
  };
  return {
    get: (key) => {
      const id = idOf(key);
      const block = blocks.get(id);
      if (block !== undefined) {
        blocks.delete(id);
        blocks.set(id, block);
      }
      return Promise.resolve(block);
    },
    put: (key, block) => {
      drop(idOf(key));
      blocks.set(idOf(key), block);
      bytes += blockBytes(block);
      for (const id of blocks.keys()) {
        if (bytes <= maxBytes) break;
        drop(id);
      }
      return Promise.resolve();
    },
    get bytes() {
      return bytes;
    },
  };
}

/** What is read from the slow one is kept in the fast one. */
export function createLayeredBlockCache(fast: BlockCache, slow: BlockCache): BlockCache {
  return {
    get: async (key) => {
      const near = await fast.get(key);
      if (near !== undefined) return near;
      const far = await slow.get(key);
      if (far !== undefined) await fast.put(key, far);
      return far;
    },
    put: async (key, block) => {
      await fast.put(key, block);
      await slow.put(key, block);
    },
  };
}

export function idOf({ scope, namespace, start }: BlockKey): string {
  return `${start}\n${namespace}\n${scope}`;
}
