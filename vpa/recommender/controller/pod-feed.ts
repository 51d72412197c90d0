import type { PodRecord } from '../../../core/model/pod.ts';
import type { ObjectChange } from '../../ports.ts';
import type { OomRecord, RecommenderEngine } from '../engine/types.ts';
import type { PodPort, RecommenderOptions } from './ports.ts';
import { inSlices, type Slicing } from './slices.ts';

export interface PodFeedOptions {
  readonly engine: Pick<RecommenderEngine, 'setPod' | 'removePod'>;
  readonly pods: PodPort;
  readonly oomKills: NonNullable<RecommenderOptions['oomKills']>;
  /** A kill in a pod that the engine knows by then. */
  readonly onOom: (oom: OomRecord, pod: PodRecord) => void;
  readonly slicing: Slicing;
}

/** Keeps the engine's pods up to date: those of namespaces that have policies, others cost nothing. */
export interface PodFeed {
  start(): void;
  stop(): void;
  /** Namespaces that count from now on; pods of new ones are looked up, those of others are forgotten. */
  setNamespaces(namespaces: ReadonlySet<string>): void;
  /** Resolves when every change so far has reached the engine. */
  drained(): Promise<void>;
}

export function createPodFeed({ engine, pods, oomKills, onOom, slicing }: PodFeedOptions): PodFeed {
  let namespaces: ReadonlySet<string> = new Set();
  let queue: ObjectChange<PodRecord>[] = [];
  let draining: Promise<void> | undefined;
  let unsubscribe: (() => void) | undefined;

  const apply = ({ key, old, new: next }: ObjectChange<PodRecord>): void => {
    const namespace = next?.namespace ?? old?.namespace ?? '';
    if (next === undefined) {
      // A pod whose namespace does not count any more may still be in the engine.
      engine.removePod(namespace, old?.name ?? key.slice(key.indexOf('/') + 1));
      return;
    }
    // As upstream: a pod that has not begun to run has no usage and is not counted.
    if (!namespaces.has(namespace) || next.phase === 'Pending') return;
    const kills = old === undefined ? [] : oomKills(old, next);
    if (old !== undefined && old.uid !== next.uid) engine.removePod(namespace, old.name);
    engine.setPod(next);
    for (const kill of kills) onOom(kill, next);
  };

  const drain = async (): Promise<void> => {
    await slicing.turn();
    while (queue.length > 0 && !slicing.signal.aborted) {
      const batch = queue;
      queue = [];
      await inSlices(batch, apply, slicing);
    }
  };

  const push = (change: ObjectChange<PodRecord>): void => {
    queue.push(change);
    draining ??= drain().finally(() => {
      draining = undefined;
    });
  };

  const onDelta = (change: ObjectChange<PodRecord>): void => {
    // A resync says nothing new.
    if (change.old !== undefined && change.old === change.new) return;
    const namespace = change.new?.namespace ?? change.old?.namespace ?? '';
    if (namespaces.has(namespace)) push(change);
  };

  return {
    start: () => {
      unsubscribe ??= pods.onDelta(onDelta);
    },
    stop: () => {
      unsubscribe?.();
      unsubscribe = undefined;
      queue = [];
    },
    setNamespaces: (next) => {
      const before = namespaces;
      const opened = [...next].some((each) => !before.has(each));
      const closed = [...before].some((each) => !next.has(each));
      namespaces = next;
      if (unsubscribe === undefined || (!opened && !closed)) return;
      for (const pod of pods.items()) {
        const key = `${pod.namespace}/${pod.name}`;
        const [was, is] = [before.has(pod.namespace), next.has(pod.namespace)];
        if (is && !was) push({ type: 'added', key, old: undefined, new: pod });
        else if (was && !is) push({ type: 'deleted', key, old: pod, new: undefined });
      }
    },
    drained: async () => {
      while (draining !== undefined) await draining;
    },
  };
}
