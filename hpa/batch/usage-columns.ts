import type { MetricsView, PodUsage, UsageColumns } from '../../core/model/metrics-view.ts';

/** The columns of a view: its own, or made of its pods one after the other. */
export function columnsOf(view: MetricsView): UsageColumns {
  return view.columns?.() ?? columnsOfPods(view.pods(), view.podCount);
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
