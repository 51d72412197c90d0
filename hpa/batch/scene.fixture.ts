import fc from 'fast-check';
import type { ContainerUsage, PodUsage } from '../../core/model/metrics-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { formatTime } from '../../core/model/condition.ts';
import type { PodChange, PodSource } from './target-groups.ts';

/** Builders for tests of the batch: pods and their usage, drawn at random, and a source of pods that a test can change. */

export const now = Date.UTC(2026, 10, 22, 12);

const interner = createInterner();

export interface PodFacts {
  readonly name: string;
  readonly namespace?: string;
  readonly app?: string;
  readonly phase?: string;
  readonly deleting?: boolean;
  readonly ready?: 'True' | 'False' | 'Unknown' | undefined;
  readonly readyAgo?: number | undefined;
  /** Milliseconds; `undefined`: never started. */
  readonly startedAgo?: number | undefined;
  /** Quantities by container; `undefined`: without request. */
  readonly requests?: readonly ({ readonly cpu?: string | undefined; readonly memory?: string | undefined } | undefined)[];
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  /** At which the ages are counted from. */
  readonly at?: number;
}

/** A pod as the mirror would keep it. */
export function podRecord(facts: PodFacts): PodRecord {
  const { name, namespace = 'shop', app = 'web', at = now, owner = `${app}-1` } = facts;
  const requests = facts.requests ?? [{ cpu: '500m', memory: '256Mi' }];
  return projectPod(
    {
      metadata: {
        name,
        namespace,
        uid: `uid-${name}`,
        labels: { app, ...facts.labels },
        ...(facts.deleting === true ? { deletionTimestamp: formatTime(at - 1000) } : {}),
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true }],
      },
      spec: {
        ...(facts.nodeName === undefined ? {} : { nodeName: facts.nodeName }),
        containers: requests.map((request, index) => ({
          name: containerName(index),
          resources: { requests: Object.fromEntries(Object.entries(request ?? {}).filter(([, value]) => value !== undefined)) },
        })),
      },
      status: podStatus(facts, requests.length),
    },
    interner,
  );
}

function podStatus(facts: PodFacts, containers: number) {
  const { phase = 'Running', at = now } = facts;
  const { ready = 'True', readyAgo = 3_600_000, startedAgo = 3_610_000 } = facts;
  const isSet = (field: keyof PodFacts): boolean => !(field in facts) || facts[field] !== undefined;
  return {
    phase,
    ...(isSet('startedAgo') ? { startTime: formatTime(at - startedAgo) } : {}),
    conditions: isSet('ready') ? [{ type: 'Ready', status: ready, lastTransitionTime: formatTime(at - readyAgo) }] : [],
    containerStatuses: Array.from({ length: containers }, (_, index) => ({
      name: containerName(index),
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: formatTime(at - startedAgo) } },
    })),
  };
}

export function containerName(index: number): string {
  return index === 0 ? 'app' : `sidecar-${index}`;
}

export interface DrawnSample {
  readonly ageMs: number;
  readonly windowMs: number;
  readonly containers: readonly ContainerUsage[];
  readonly clockSkew: boolean;
}

export interface DrawnPod {
  readonly facts: PodFacts;
  readonly sample: DrawnSample | undefined;
}

const request = fc.option(
  fc.record(
    {
      cpu: fc.option(fc.constantFrom('500m', '250m', '1', '0', '333m'), { nil: undefined, freq: 60 }),
      memory: fc.option(fc.constantFrom('256Mi', '1Gi', '0', '6Gi', '400Gi'), { nil: undefined, freq: 60 }),
    },
    { requiredKeys: ['cpu', 'memory'] },
  ),
  { nil: undefined, freq: 60 },
);

/** Mostly about the request, sometimes nothing, sometimes more than a double sums up exactly. */
function usageOf(huge: boolean): fc.Arbitrary<ContainerUsage> {
  const memory = huge ? fc.integer({ min: 2 ** 51, max: Number.MAX_SAFE_INTEGER }) : fc.integer({ min: 0, max: 2 ** 46 });
  return fc.record({
    name: fc.constantFrom('app', 'app', 'app', 'sidecar-1', 'other'),
    cpuMilli: fc.option(huge ? fc.integer({ min: 2 ** 51, max: Number.MAX_SAFE_INTEGER }) : fc.integer({ min: 0, max: 1200 }), {
      nil: undefined,
      freq: 12,
    }),
    memoryMilli: fc.option(memory, { nil: undefined, freq: 12 }),
  });
}

const age = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((seconds) => seconds * 1000),
  fc.integer({ min: 0, max: 600 }).map((seconds) => seconds * 1000),
);

function podOf({
  tidy,
  huge,
}: {
  readonly tidy: boolean;
  readonly huge: boolean;
}): fc.Arbitrary<Omit<DrawnPod, 'facts'> & { readonly facts: Omit<PodFacts, 'name'> }> {
  const steady = { phase: fc.constant('Running'), deleting: fc.constant(false), ready: fc.constant('True' as const) };
  const loose = {
    phase: fc.constantFrom('Running', 'Running', 'Running', 'Pending', 'Failed', 'Succeeded', 'Unknown'),
    deleting: fc.boolean().map((value) => value),
    ready: fc.constantFrom('True' as const, 'True' as const, 'False' as const, 'Unknown' as const, undefined),
  };
  return fc.record({
    facts: fc.record({
      ...(tidy ? steady : loose),
      startedAgo: tidy ? fc.constant(3_610_000) : fc.option(age, { nil: undefined, freq: 12 }),
      readyAgo: tidy ? fc.constant(3_600_000) : age,
      requests: tidy ? fc.constant([{ cpu: '500m', memory: '256Mi' }]) : fc.array(request, { minLength: 1, maxLength: 2 }),
    }),
    sample: fc.option(
      fc.record({
        ageMs: tidy ? fc.constant(5000) : fc.integer({ min: -5000, max: 240_000 }),
        windowMs: fc.constantFrom(10_000, 15_000, 60_000),
        containers: tidy
          ? fc.integer({ min: 0, max: 1200 }).map((milli) => [{ name: 'app', cpuMilli: milli, memoryMilli: milli * 500_000_000 }])
          : fc.array(usageOf(huge), { minLength: huge ? 1 : 0, maxLength: 2 }),
        clockSkew: tidy ? fc.constant(false) : fc.boolean().map((value) => value),
      }),
      { nil: undefined, freq: tidy ? 20 : 5 },
    ),
  });
}

/** The pods of one target; a part of the draws is well-behaved, so that not everything is in doubt. */
export const drawnPods: fc.Arbitrary<readonly DrawnPod[]> = fc
  .oneof(
    { arbitrary: fc.array(podOf({ tidy: true, huge: false }), { maxLength: 12 }), weight: 3 },
    { arbitrary: fc.array(podOf({ tidy: false, huge: false }), { maxLength: 12 }), weight: 4 },
    { arbitrary: fc.array(podOf({ tidy: false, huge: true }), { minLength: 2, maxLength: 6 }), weight: 1 },
  )
  .map((pods) => pods.map(({ facts, sample }, index) => ({ facts: { ...facts, name: `p${index}` }, sample })));

/** The usage that a view has of the pods. */
export function usageOfPods(pods: readonly DrawnPod[], at: number): PodUsage[] {
  return pods.flatMap(({ facts, sample }) => {
    if (sample === undefined) return [];
    const { ageMs, windowMs, containers, clockSkew } = sample;
    const usage = { namespace: facts.namespace ?? 'shop', name: facts.name, timestamp: at - ageMs, windowMs, containers };
    return [clockSkew ? { ...usage, clockSkew } : usage];
  });
}

/** Pods that a test changes, as a mirror would tell. */
export interface FakePods extends PodSource {
  /** Makes the pods these; answers how many were touched. */
  become(pods: readonly PodRecord[]): number;
}

export function fakePods(): FakePods {
  let held = new Map<string, PodRecord>();
  const handlers = new Set<(change: PodChange) => void>();
  const tell = (change: PodChange): void => {
    for (const handler of handlers) handler(change);
  };
  return {
    items: () => [...held.values()],
    onDelta: (handler) => {
      handlers.add(handler);
      for (const pod of held.values()) handler({ old: undefined, new: pod });
      return () => handlers.delete(handler);
    },
    become: (pods) => {
      const next = new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
      let touched = 0;
      const before = held;
      held = new Map(before);
      for (const [key, pod] of before) {
        if (next.has(key)) continue;
        held.delete(key);
        tell({ old: pod, new: undefined });
        touched += 1;
      }
      for (const [key, pod] of next) {
        const old = before.get(key);
        if (old === pod) continue;
        held.set(key, pod);
        tell({ old, new: pod });
        touched += 1;
      }
      return touched;
    },
  };
}
