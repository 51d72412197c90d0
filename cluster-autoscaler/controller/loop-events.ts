import { apiVersionOf, resourceTypes, type Clock, type ObjectReference } from '../../core/model/index.ts';
import type { LoopEvent } from '../engine/loop/model.ts';
import type { EventSink } from './ports.ts';

/** The same event is not told again for so long, unless somebody wants to hear it each time. */
const quietMs = 300_000;
const mostRemembered = 20_000;

/** Writes events of the loop and of deletions; equal ones once in five minutes (§20). */
export interface LoopEvents {
  emit(event: LoopEvent): void;
}

export interface LoopEventsOptions {
  readonly sink: EventSink;
  readonly clock: Clock;
  /** Every event is written, however often. */
  readonly duplicated: boolean;
  /** The status ConfigMap; `undefined`: there is none, and its events are not written. */
  readonly status: () => ObjectReference | undefined;
  /** `kubectl describe node` finds the events of its node by uid. */
  readonly nodeUid: (name: string) => string | undefined;
}

export function createLoopEvents(options: LoopEventsOptions): LoopEvents {
  const { sink, clock, duplicated } = options;
  // Two generations: what was told before both of them is forgotten at once, and nothing is looked for one by one.
  let told = new Map<string, number>();
  let toldBefore = new Map<string, number>();
  const isNews = (event: LoopEvent): boolean => {
    if (duplicated) return true;
    const { kind, namespace = '', name, uid = '' } = event.on;
    // A pod of the same name may be another one; of a node the uid is not always said.
    const key = `${kind}\n${namespace}\n${name}\n${kind === 'Pod' ? uid : ''}\n${event.type}\n${event.reason}\n${event.message}`;
    const now = clock.monotonic();
    const before = told.get(key) ?? toldBefore.get(key);
    if (before !== undefined && now - before < quietMs) return false;
    if (told.size >= mostRemembered / 2) {
      toldBefore = told;
      told = new Map();
    }
    told.set(key, now);
    return true;
  };
  return {
    emit: (event) => {
      const reference = referenceOf(event, options);
      if (reference === undefined || !isNews(event)) return;
      const { type, reason, message } = event;
      sink.emit(reference, { type, reason, message });
    },
  };
}

function referenceOf({ on }: LoopEvent, { status, nodeUid }: Pick<LoopEventsOptions, 'status' | 'nodeUid'>): ObjectReference | undefined {
  if (on.kind === 'Status') return status();
  const uid = on.uid ?? (on.kind === 'Node' ? nodeUid(on.name) : undefined);
  const type = on.kind === 'Pod' ? resourceTypes.pods : resourceTypes.nodes;
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: on.name,
    ...(on.namespace === undefined ? {} : { namespace: on.namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}
