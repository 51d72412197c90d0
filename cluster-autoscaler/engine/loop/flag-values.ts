import type { DrainPriority, GpuLimit } from './model.ts';

/** Priorities are 32 bit numbers in Kubernetes. */
const priorityBound = 2 ** 31;
/** More seconds than anybody waits, and few enough that they are exact as milliseconds. */
const mostSeconds = 2 ** 31;

/**
 * `10000:20,1000:100,0:60` (`--drain-priority-config`): pairs of a priority and the most seconds that pods of it and above get to end; whole numbers, no
 * priority twice. Answers them lowest priority first, or what is wrong as the rest of a sentence about the text.
 */
export function parseDrainPriorities(text: string): readonly DrainPriority[] | string {
  const buckets: DrainPriority[] = [];
  for (const pair of text.split(',')) {
    const match = /^([+-]?\d{1,10}):(\d{1,10})$/.exec(pair);
    if (match === null) return `has ${JSON.stringify(pair)}, which is not PRIORITY:SECONDS with whole numbers`;
    const [priority, seconds] = [Number(match[1]), Number(match[2])];
    if (priority < -priorityBound || priority >= priorityBound) return `has the priority ${match[1] ?? ''}, which is no 32 bit number`;
    if (seconds >= mostSeconds) return `has ${seconds} seconds, which is no 32 bit number`;
    if (buckets.some((bucket) => bucket.priority === priority)) return `names priority ${priority} twice`;
    buckets.push({ priority, graceMs: seconds * 1000 });
  }
  return buckets.toSorted((a, b) => a.priority - b.priority);
}

/** What else is limited, under names of its own; and what every object has, since amounts stand in objects by their names. */
const notGpus: ReadonlySet<string> = new Set(['cpu', 'memory', ...Object.getOwnPropertyNames(Object.prototype)]);

/** `nvidia-tesla-t4:0:16` (`--gpu-total`): what nodes of that GPU may have together, or what is wrong as the rest of a sentence about the text. */
export function parseGpuLimit(text: string): GpuLimit | string {
  const match = /^([^:]+):(\d{1,15}):(\d{1,15})$/.exec(text);
  if (match === null) return 'is not TYPE:MIN:MAX, two whole numbers after the type of a GPU';
  const [, type = ''] = match;
  const [min, max] = [Number(match[2]), Number(match[3])];
  if (notGpus.has(type)) return `names ${type}, which is no type of GPU`;
  return min > max ? `has the minimum ${min} above its maximum ${max}` : { type, min, max };
}
