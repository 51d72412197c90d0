import type { MetricsView, PodUsage } from '../../core/model/metrics-view.ts';

/**
 * The usage of all pods of a view in columns; nothing in them changes. Row `i` is one pod; its containers are the entries `firstContainer[i]` up to
 * `firstContainer[i + 1]` of the container columns. Views of answers that list the same pods and containers share `names`, `namespaces` and `containers`.
 */
export interface UsageColumns {
  readonly podCount: number;
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  /** End of the window, epoch milliseconds. */
  readonly timestamps: Float64Array;
  /** Rows with an earlier timestamp do not exist. */
  readonly oldest: number;
  readonly windowsMs: Float64Array;
  /** 1: the clock of the sample is in doubt. */
  readonly skewed: Uint8Array;
  readonly firstContainer: Int32Array;
  readonly containers: readonly string[];
  /** Milli-cores; NaN: unknown. */
  readonly cpuMilli: Float64Array;
  /** Milli-bytes; NaN: unknown. */
  readonly memoryMilli: Float64Array;
}

/** A view that has its usage in columns already and need not make an object of each pod. */
interface WithColumns {
  readonly columns: () => UsageColumns;
}

/** The columns of a view: its own, or made of its pods one after the other. */
export function columnsOf(view: MetricsView): UsageColumns {
  return hasColumns(view) ? view.columns() : columnsOfPods(view.pods(), view.podCount);
}

function hasColumns(view: MetricsView | (MetricsView & WithColumns)): view is MetricsView & WithColumns {
  return 'columns' in view && typeof view.columns === 'function';
}

interface Growing {
  readonly names: string[];
  readonly namespaces: string[];
  readonly timestamps: Float64Array;
  readonly windowsMs: Float64Array;
  readonly skewed: Uint8Array;
  readonly firstContainer: Int32Array;
  readonly containers: string[];
  cpuMilli: Float64Array;
  memoryMilli: Float64Array;
}

function columnsOfPods(pods: Iterable<PodUsage>, podCount: number): UsageColumns {
  const columns: Growing = {
    names: [],
    namespaces: [],
    timestamps: new Float64Array(podCount),
    windowsMs: new Float64Array(podCount),
    skewed: new Uint8Array(podCount),
    firstContainer: new Int32Array(podCount + 1),
    containers: [],
    cpuMilli: new Float64Array(podCount),
    memoryMilli: new Float64Array(podCount),
  };
  let row = 0;
  let container = 0;
  for (const usage of pods) {
    container = addRow(columns, usage, row, container);
    row += 1;
  }
  return { ...columns, podCount: row, oldest: -Infinity };
}

/** Answers where the containers of the next row begin. */
function addRow(
  columns: Growing,
  { namespace, name, timestamp, windowMs, clockSkew, containers }: PodUsage,
  row: number,
  first: number,
): number {
  columns.names[row] = name;
  columns.namespaces[row] = namespace;
  columns.timestamps[row] = timestamp;
  columns.windowsMs[row] = windowMs;
  if (clockSkew === true) columns.skewed[row] = 1;
  let at = first;
  for (const each of containers) {
    if (at >= columns.cpuMilli.length) {
      columns.cpuMilli = longer(columns.cpuMilli);
      columns.memoryMilli = longer(columns.memoryMilli);
    }
    columns.containers[at] = each.name;
    columns.cpuMilli[at] = each.cpuMilli ?? Number.NaN;
    columns.memoryMilli[at] = each.memoryMilli ?? Number.NaN;
    at += 1;
  }
  columns.firstContainer[row + 1] = at;
  return at;
}

function longer(column: Float64Array): Float64Array {
  const copy = new Float64Array(2 * column.length + 16);
  copy.set(column);
  return copy;
}
