/** How an import stands; grows while it runs. */
export interface HistoryReport {
  /** `waiting`: between two attempts after a failure. */
  readonly state: 'idle' | 'running' | 'waiting' | 'done' | 'stopped';
  /** Epoch milliseconds of the past that is asked for. */
  readonly from: number;
  readonly to: number;
  readonly namespaces: {
    readonly done: number;
    readonly pending: number;
    /** Given up: nothing of them is used, nothing else suffers. */
    readonly failed: readonly { readonly namespace: string; readonly reason: string; readonly message: string }[];
  };
  readonly queries: { readonly asked: number; readonly failed: number; readonly split: number };
  readonly cachedBlocks: number;
  /** Series given away, their points, and those of them that were taken. */
  readonly series: number;
  readonly samples: number;
  readonly accepted: number;
  /** Pods of whom nothing tells whose they were, and of those that no policy is about. */
  readonly droppedPods: { readonly unknownOwner: number; readonly noTarget: number };
  readonly lastFailure: { readonly at: number; readonly reason: string; readonly message: string } | undefined;
}

/** The same, to be written into. */
export interface HistoryProgress {
  state: HistoryReport['state'];
  readonly failed: Map<string, { readonly reason: string; readonly message: string }>;
  asked: number;
  failures: number;
  split: number;
  cachedBlocks: number;
  series: number;
  samples: number;
  accepted: number;
  lastFailure: HistoryReport['lastFailure'];
}

export function createProgress(): HistoryProgress {
  return {
    state: 'idle',
    failed: new Map(),
    asked: 0,
    failures: 0,
    split: 0,
    cachedBlocks: 0,
    series: 0,
    samples: 0,
    accepted: 0,
    lastFailure: undefined,
  };
}
