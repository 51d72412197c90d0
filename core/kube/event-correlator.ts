import type { Clock } from '../model/clock.ts';
import type { ObjectReference } from '../model/object.ts';
import type { EventInput } from './event-recorder.ts';
import { createRateLimiter, type RateLimiter } from './rate-limit.ts';

/** An Event object that was written. */
export interface WrittenEvent {
  readonly namespace: string;
  readonly name: string;
  readonly count: number;
}

/** Decides which events are one. The windows and limits are those of client-go's correlator. */
export interface EventCorrelator {
  /** The event to write and the key of the Event object that it belongs to; undefined when its object speaks too much. */
  correlate(event: EventInput): { readonly key: string; readonly event: EventInput } | undefined;
  /** The Event object that stands for the key, if it was written within the window. */
  written(key: string): WrittenEvent | undefined;
  noteWritten(key: string, event: WrittenEvent): void;
}

const windowMs = 10 * 60_000;
const maxDifferentMessages = 10;
const maxEntries = 4_096;
/** 25 events at once for each object, then one in five minutes. */
const spamLimit = { qps: 1 / 300, burst: 25 };

interface Similar {
  readonly messages: Set<string>;
  lastAt: number;
}

export function createEventCorrelator(clock: Clock): EventCorrelator {
  const similar = new Map<string, Similar>();
  const events = new Map<string, { readonly event: WrittenEvent; readonly at: number }>();
  const limiters = new Map<string, RateLimiter>();

  /** One key for many different messages of one reason. */
  const combine = (event: EventInput): { readonly key: string; readonly event: EventInput } => {
    const group = [objectKey(event.object), event.type, event.reason].join('\n');
    const now = clock.monotonic();
    let seen = similar.get(group);
    if (seen === undefined || now - seen.lastAt > windowMs) seen = { messages: new Set(), lastAt: now };
    seen.lastAt = now;
    remember(similar, group, seen);
    if (seen.messages.has(event.message) || seen.messages.size < maxDifferentMessages) {
      seen.messages.add(event.message);
      return { key: `${group}\n${event.message}`, event };
    }
    return { key: group, event: { ...event, message: `(combined from similar events): ${event.message}`.slice(0, 1_024) } };
  };

  return {
    correlate: (event) => {
      const key = objectKey(event.object);
      const limiter = limiters.get(key) ?? createRateLimiter(spamLimit, clock);
      remember(limiters, key, limiter);
      return limiter.tryTake() ? combine(event) : undefined;
    },
    written: (key) => {
      const found = events.get(key);
      return found === undefined || clock.monotonic() - found.at > windowMs ? undefined : found.event;
    },
    noteWritten: (key, event) => remember(events, key, { event, at: clock.monotonic() }),
  };
}

function objectKey(object: ObjectReference): string {
  return [object.apiVersion, object.kind, object.namespace ?? '', object.name, object.uid ?? ''].join('\n');
}

/** Puts an entry at the young end and forgets the oldest ones. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxEntries) break;
    map.delete(oldest);
  }
}
