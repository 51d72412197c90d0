import { createInterner, projectNode, projectPod, type Interner, type PodRecord } from '../../../core/model/index.ts';
import { defaultLoopOptions, upstreamGroupOptions, upstreamLoopOptions } from '../loop/options.ts';
import type { LoopOptions, Pause } from '../loop/model.ts';
import type { Effect, EffectResult, NodeGroup } from '../model.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../scheduling/index.ts';
import type { ScaleUpGroup, ScaleUpInput, ScaleUpResult } from './model.ts';
import { compareText } from './pod-groups.ts';
import { scaleUp } from './scale-up.ts';

const interner: Interner = createInterner();

export interface PodSketch {
  readonly name: string;
  readonly namespace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly labels?: Record<string, string>;
  /** uid of its ReplicaSet; absent: no controller. */
  readonly owner?: string;
  readonly created?: string;
  readonly spec?: object;
}

/** A pending pod. */
export function pod({ name, namespace = 'default', cpu = '100m', memory = '100Mi', labels, owner, created, spec }: PodSketch): PodRecord {
  return projectPod(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        uid: `uid-${namespace}-${name}`,
        creationTimestamp: created ?? '2026-01-01T00:00:00Z',
        ...(labels === undefined ? {} : { labels }),
        ...(owner === undefined
          ? {}
          : { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }),
      },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu, memory } } }], ...spec },
      status: { phase: 'Pending' },
    },
    interner,
  );
}

/** Pods that are the same but for their names. */
export function pods(count: number, sketch: Omit<PodSketch, 'name'> & { readonly prefix?: string } = {}): PodRecord[] {
  const { prefix = 'p', ...rest } = sketch;
  return Array.from({ length: count }, (_, index) => pod({ ...rest, name: `${prefix}-${String(index).padStart(5, '0')}` }));
}

export interface GroupSketch {
  readonly id: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly podLimit?: number;
  readonly size?: number;
  readonly min?: number;
  readonly max?: number;
  readonly zone?: string;
  readonly labels?: Record<string, string>;
  readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  readonly price?: number;
  readonly priority?: number;
  readonly options?: Partial<NodeGroup['options']>;
  readonly state?: ScaleUpGroup['state'];
  readonly hold?: string;
  readonly template?: boolean;
}

/** A healthy group of nodes with 4 cores and 16 GiB. */
export function group(sketch: GroupSketch): ScaleUpGroup {
  const { id, cpu = '4', memory = '16Gi', podLimit = 110, zone = 'a' } = sketch;
  const resources = { cpu, memory, pods: String(podLimit) };
  const labels = { 'kubernetes.io/hostname': `template-${id}`, 'topology.kubernetes.io/zone': zone, ...sketch.labels };
  const node = projectNode(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `template-${id}`, labels },
      spec: { taints: sketch.taints ?? [] },
      status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    interner,
  );
  const template = sketch.template === false ? undefined : { node, pods: [] };
  return {
    group: {
      id,
      minSize: sketch.min ?? 0,
      maxSize: sketch.max ?? 10,
      targetSize: sketch.size ?? 0,
      instances: [],
      template,
      options: { ...upstreamGroupOptions, ...sketch.options },
      price: sketch.price,
      priority: sketch.priority,
    },
    template,
    state: sketch.state ?? 'healthy',
    hold: sketch.hold,
  };
}

/** A cluster with as many nodes of each group as its target says, by name as the loop puts them in. */
export function snapshotOf(groups: readonly ScaleUpGroup[]): SchedulingSnapshot {
  const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
  for (const { group: of, template } of groups.toSorted((a, b) => compareText(a.group.id, b.group.id))) {
    if (template === undefined) continue;
    for (let index = 0; index < of.targetSize; index++) snapshot.addCopy(template, `${of.id}-${index}`);
  }
  return snapshot;
}

export interface Scene extends Partial<Omit<ScaleUpInput, 'options'>> {
  readonly groups: readonly ScaleUpGroup[];
  readonly options?: Partial<LoopOptions>;
  /** Upstream's way. */
  readonly compat?: boolean;
  /** Groups that the cloud refuses to increase. */
  readonly refused?: readonly string[];
}

export interface Played {
  readonly result: ScaleUpResult;
  readonly effects: readonly Effect[];
  readonly snapshot: SchedulingSnapshot;
}

/** Runs a scale-up against a cloud that says yes to all but the groups named. */
export function play({ compat = false, refused = [], options, ...given }: Scene): Played {
  const snapshot = given.snapshot ?? snapshotOf(given.groups);
  const defaults = compat ? upstreamLoopOptions : defaultLoopOptions;
  return drive(scaleUp({ now: 1000, pods: [], ...given, snapshot, options: { ...defaults, ...options } }), refused, snapshot);
}

/** Answers the effects of a generator. */
export function drive(
  steps: Generator<Effect | Pause, ScaleUpResult, EffectResult>,
  refused: readonly string[],
  snapshot: SchedulingSnapshot,
): Played {
  const effects: Effect[] = [];
  let step = steps.next();
  while (step.done !== true) {
    if (step.value.type !== 'pause') effects.push(step.value);
    const refuses = step.value.type === 'increase-size' && refused.includes(step.value.group);
    const failure = { class: 'out-of-resources', code: 'InsufficientInstanceCapacity', message: 'no capacity' } as const;
    step = steps.next(refuses ? { ok: false, failure } : { ok: true });
  }
  return { result: step.value, effects, snapshot };
}

/** `group from→to` of what was done. */
export function sizes({ increases }: ScaleUpResult): readonly string[] {
  return increases.map(({ group: id, from, to }) => `${id} ${from}→${to}`);
}
