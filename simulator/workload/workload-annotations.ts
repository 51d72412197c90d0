import { messageOf } from '../../core/errors.ts';
import { createReflector } from '../../core/kube/index.ts';
import type { KubeClient, Reflector } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { parseTime } from '../../core/model/condition.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { KubeObject, ResourceType } from '../../core/model/object.ts';
import { Quantity, tryParseDurationMs, tryParseMilli } from '../../core/units/index.ts';
import { parseLoad } from './load-text.ts';
import type { WorkloadDefinition, WorkloadModel } from './types.ts';

/**
 * Requests per second on a Deployment or StatefulSet, as a load text: `concertina.dev/sim-load: "step:0s=10,60s=100"`. Time zero is when the
 * text appears or changes, unless `…/sim-load-origin` names a time. With it go `…/sim-cpu-per-request` (core time, default `10ms`),
 * `…/sim-base-cpu` (`1m`), `…/sim-base-memory` (`32Mi`), `…/sim-memory-per-request` (`0`) and `…/sim-max-queue` (requests, default no bound).
 */
export const loadAnnotation = 'concertina.dev/sim-load';

export interface WorkloadAnnotationsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly model: WorkloadModel;
  /** Told of texts that cannot be read; the load before stays. */
  readonly onProblem?: (problem: { readonly subject: string; readonly message: string }) => void;
}

export interface WorkloadAnnotations {
  /** Resolves when the annotations that exist are in force. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const settings = ['load', 'load-origin', 'cpu-per-request', 'base-cpu', 'base-memory', 'memory-per-request', 'max-queue'] as const;
type Setting = (typeof settings)[number];

interface Annotated {
  readonly namespace: string;
  readonly name: string;
  readonly texts: Readonly<Partial<Record<Setting, string>>>;
}

/** Lets users of kubectl set loads: keeps the model's workloads as the annotations of Deployments and StatefulSets say. */
export function createWorkloadAnnotations(options: WorkloadAnnotationsOptions): WorkloadAnnotations {
  const { client, clock, random, model } = options;
  const reflectors: Reflector<Annotated>[] = [];
  /** What was made here, by `namespace/name`, with the text that it was made of. */
  const own = new Map<string, string>();

  const apply = (kind: string, item: Annotated | undefined, key: string): void => {
    const subject = `${kind}/${key}`;
    const text = item === undefined ? '{}' : JSON.stringify(item.texts);
    if (own.get(subject) === text) return;
    try {
      if (item?.texts.load === undefined) {
        if (own.delete(subject)) model.remove(subject);
        return;
      }
      own.set(subject, text);
      const definition = read(subject, item, clock.now());
      const existing = findDefined(model, item);
      // A workload that a program defined keeps its shape; only the load is the user's.
      if (existing !== undefined && existing !== subject) model.setLoad(existing, definition.load, definition.origin);
      else model.define(definition);
    } catch (error) {
      options.onProblem?.({ subject, message: messageOf(error) });
    }
  };

  const follow = (type: ResourceType): void => {
    const reflector = createReflector<Annotated>({ client, clock, random, type, project });
    reflector.onDelta((delta) => apply(type.kind, delta.new, delta.key));
    reflector.start();
    reflectors.push(reflector);
  };

  return {
    start: async () => {
      follow(resourceTypes.deployments);
      follow(resourceTypes.statefulSets);
      await Promise.all(reflectors.map((reflector) => reflector.waitForSync()));
    },
    stop: async () => {
      await Promise.all(reflectors.splice(0).map((reflector) => reflector.stop()));
    },
  };
}

function project(object: KubeObject): Annotated {
  const annotations = object.metadata.annotations ?? {};
  const texts: Partial<Record<Setting, string>> = {};
  for (const setting of settings) {
    const text = annotations[`concertina.dev/sim-${setting}`];
    if (text !== undefined) texts[setting] = text;
  }
  return { namespace: object.metadata.namespace ?? 'default', name: object.metadata.name, texts };
}

function findDefined(model: WorkloadModel, item: Annotated): string | undefined {
  return model.names().find((name) => {
    const definition = model.definition(name);
    return definition?.namespace === item.namespace && (definition.owner ?? definition.name) === item.name;
  });
}

function read(name: string, item: Annotated, now: number): WorkloadDefinition {
  const { texts } = item;
  const origin = parseTime(texts['load-origin']) ?? now;
  const bytes = (text: string | undefined): number | undefined => Quantity.tryParse(text)?.toNumber();
  const maxQueue = bytes(texts['max-queue']);
  return {
    name,
    namespace: item.namespace,
    owner: item.name,
    load: parseLoad(texts.load ?? '0', { origin }),
    origin,
    cpuPerRequest: tryParseDurationMs(texts['cpu-per-request']) ?? 10,
    baseCpu: tryParseMilli(texts['base-cpu']) ?? 1,
    memory: { base: bytes(texts['base-memory']) ?? 32 * 1024 * 1024, perRequest: bytes(texts['memory-per-request']) ?? 0 },
    ...(maxQueue === undefined ? {} : { maxQueue }),
  };
}
