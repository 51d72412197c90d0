/**
 * Usage of many pods in columns: what a source parses an answer into and the store takes in, without an object for each pod. Row `i` is one pod, in the order
 * of the answer; its containers are the entries `firstContainer[i]` up to `firstContainer[i + 1]` of the container columns.
 */
export interface UsageTable {
  readonly podCount: number;
  readonly containerCount: number;
  readonly namespaces: readonly string[];
  readonly names: readonly string[];
  /** End of the window, epoch milliseconds. */
  readonly timestamps: Float64Array;
  readonly windowsMs: Float64Array;
  /** Length `podCount + 1` or more. */
  readonly firstContainer: Int32Array;
  readonly containers: readonly string[];
  /** Milli-cores; NaN when the sample does not have it or it cannot be used. */
  readonly cpuMilli: Float64Array;
  /** Milli-bytes; NaN likewise. */
  readonly memoryMilli: Float64Array;
}
