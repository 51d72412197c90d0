/** Takes changes back in layers. Nothing is written down outside of forks. */
export interface Journal {
  write(takeBack: () => unknown): void;
  fork(): void;
  /** Takes the changes of the newest layer back, newest first. */
  revert(): void;
  /** Hands the newest layer's changes to the layer below; forgets them when there is none. */
  commit(): void;
}

export function createJournal(): Journal {
  const changes: (() => unknown)[] = [];
  const layers: number[] = [];
  return {
    write: (takeBack) => {
      if (layers.length > 0) changes.push(takeBack);
    },
    fork: () => void layers.push(changes.length),
    revert: () => {
      const start = layers.pop() ?? 0;
      while (changes.length > start) changes.pop()?.();
    },
    commit: () => {
      layers.pop();
      if (layers.length === 0) changes.length = 0;
    },
  };
}
