import type { NodeUsage } from '../../../core/model/metrics-view.ts';
import { bytesOf, takeString, takeTimes, takeUsage, type PlainItem } from './plain-item.kernel.ts';

const itemStart = bytesOf('{"metadata":{"name":"');

/** Adds the item of a NodeMetricsList that begins at `start` and answers where it ends; -1 when it is not of the usual shape, and then nothing was added. */
export function readNodeItem(item: PlainItem, start: number, nodes: NodeUsage[]): number {
  let at = takeString(item, start, itemStart);
  const { from, to } = item;
  at = takeUsage(item, takeTimes(item, at));
  if (at < 0) return -1;
  const { timestampMs: timestamp, windowMs, cpuMilli, memoryMilli } = item;
  nodes.push({
    name: item.body.toString('latin1', from, to),
    timestamp,
    windowMs,
    cpuMilli: known(cpuMilli),
    memoryMilli: known(memoryMilli),
  });
  return at;
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
