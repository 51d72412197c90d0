import type { Clock } from '../../../../core/model/clock.ts';
import { formatTime } from '../../../../core/model/condition.ts';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';

export interface EventRecorder {
  /** Notes an event about an object; written in the background, repeats are counted on one Event object. */
  record(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
  idle(): boolean;
}

export interface EventRecorderOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Shown as the source: `deployment-controller`. */
  readonly component: string;
  /** Told when an event could not be written; events are never retried. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** As upstream's spam filter: so many events of one object at once, then one per five minutes. */
const burst = 25;
const refillMs = 300_000;
/** Bounds the memory for repeats and budgets; the oldest are forgotten first. */
const remembered = 4096;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { registry, clock, component } = options;
  const budgets = new Map<string, { tokens: number; at: number }>();
  const known = new Map<string, { readonly namespace: string; readonly name: string }>();
  let sequence = 0;
  let writing = 0;

  const allowed = (uid: string): boolean => {
    const now = clock.monotonic();
    const budget = budgets.get(uid) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, budget.tokens + (now - budget.at) / refillMs);
    remember(budgets, uid, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    return tokens >= 1;
  };

  const write = async (object: KubeObject, type: string, reason: string, message: string): Promise<void> => {
    const uid = object.metadata.uid ?? '';
    const key = `${uid}|${type}|${reason}|${message}`;
    const time = formatTime(clock.now());
    const previous = known.get(key);
    if (previous !== undefined) {
      const stored = await registry.mutate(resourceTypes.coreEvents, previous.namespace, previous.name, (event) => ({
        ...event,
        count: (typeof event['count'] === 'number' ? event['count'] : 1) + 1,
        lastTimestamp: time,
      }));
      if (stored !== undefined) return;
    }
    const namespace = object.metadata.namespace ?? 'default';
    const name = `${object.metadata.name}.${(BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16)}`;
    remember(known, key, { namespace, name });
    await registry.create(resourceTypes.coreEvents, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: referenceTo(object),
      type,
      reason,
      message,
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    });
  };

  return {
    record: (object, type, reason, message) => {
      if (!allowed(object.metadata.uid ?? '')) return;
      writing += 1;
      write(object, type, reason, message)
        .catch((error: unknown) => options.onError?.(error))
        .finally(() => {
          writing -= 1;
        });
    },
    idle: () => writing === 0,
  };
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > remembered)
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
}

function referenceTo(object: KubeObject): Record<string, unknown> {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion };
}
