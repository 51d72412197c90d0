import { createInterner } from '../../../core/model/interner.ts';
import { projectPod, type PodRecord } from '../../../core/model/pod.ts';
import { selectEverything } from '../../../core/model/selector.ts';
import { defaultUpdaterConfig } from '../../config.ts';
import type { Amounts, ContainerRecommendation, SizingPolicy } from '../../model.ts';
import { sizingPolicy } from '../../policy.fixture.ts';
import type { KnownPolicy, WorkloadFacts } from '../../ports.ts';
import { adaptForPolicy, podState } from '../../adaptation/index.ts';
import { noLoop } from './eviction-loop.ts';
import type { AdaptPod, UpdateInput } from './model.ts';

/** Makes what the tests of the updater decide about. */

export const start = Date.UTC(2026, 0, 2, 12);
export const hour = 3_600_000;

export const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs-1' };

export interface PodOptions {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly ageMs?: number;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly resize?: { readonly type: string; readonly reason?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  /** Milliseconds that its container ran for before it was killed for memory. */
  readonly oomAfterMs?: number;
  readonly restartOnResize?: boolean;
  readonly status?: Readonly<Record<string, string>>;
}

export function rawPod(name: string, options: PodOptions = {}) {
  const { cpu = '100m', memory = '256Mi', ageMs = 24 * hour, ready = true, phase = 'Running', resize, annotations, oomAfterMs } = options;
  const requests = { ...(cpu === '' ? {} : { cpu }), ...(memory === '' ? {} : { memory }) };
  const killed = new Date(start - 60_000);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: new Date(start - ageMs).toISOString(),
      labels: { app: 'web' },
      ownerReferences: [{ ...owner, controller: true }],
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      nodeName: 'node-1',
      containers: [
        {
          name: 'app',
          resources: { requests },
          ...(options.restartOnResize === true ? { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] } : {}),
        },
      ],
    },
    status: {
      phase,
      startTime: new Date(start - ageMs).toISOString(),
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: new Date(start - ageMs).toISOString() },
        ...(resize === undefined ? [] : [{ ...resize, status: 'True' }]),
      ],
      containerStatuses: [
        {
          name: 'app',
          ready,
          restartCount: 0,
          ...(options.status === undefined ? {} : { resources: { requests: options.status } }),
          ...(oomAfterMs === undefined
            ? {}
            : {
                lastState: {
                  terminated: {
                    reason: 'OOMKilled',
                    startedAt: new Date(killed.getTime() - oomAfterMs).toISOString(),
                    finishedAt: killed.toISOString(),
                  },
                },
              }),
        },
      ],
    },
  };
}

export function pod(name: string, options: PodOptions = {}, more: Partial<PodRecord> = {}): PodRecord {
  return { ...projectPod(rawPod(name, options), createInterner()), ...more };
}

export function pods(count: number, options: PodOptions = {}): PodRecord[] {
  return Array.from({ length: count }, (_, index) => pod(`web-${index}`, options));
}

export function recommended(target: Amounts, { spread = 0.2 }: { readonly spread?: number } = {}): ContainerRecommendation {
  const scaled = (factor: number): Amounts =>
    Object.fromEntries(Object.entries(target).map(([resource, amount]) => [resource, Math.round(amount * factor)]));
  return { container: 'app', target, lowerBound: scaled(1 - spread), upperBound: scaled(1 + spread), uncappedTarget: target };
}

export function policy(more: Partial<SizingPolicy> = {}): SizingPolicy {
  return sizingPolicy({ created: start - 48 * hour, updateMode: 'Recreate', actuation: 'Recreate', hasUpdatePolicy: true, ...more });
}

export function known(sizing: SizingPolicy, container: ContainerRecommendation | undefined): KnownPolicy {
  return {
    key: `${sizing.reference.kind}/shop/${sizing.reference.name}`,
    raw: { metadata: { name: sizing.reference.name, namespace: 'shop' } },
    policy: sizing,
    recommendation: container === undefined ? undefined : { containers: [container] },
  };
}

export function workload(more: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return {
    reference: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
    selector: selectEverything,
    replicas: 4,
    ready: undefined,
    owner: undefined,
    templateContainers: ['app'],
    surges: true,
    ...more,
  };
}

export const adapt: AdaptPod = ({ policy: sizing, recommendation }, record) => {
  const { adapted, values } = adaptForPolicy({ policy: sizing, recommendation, pod: podState(record), limits: undefined });
  if (adapted.containers.length === 0) return undefined;
  const resources = new Map(values.flatMap((each) => (each === undefined ? [] : [[each.container, each] as const])));
  return { containers: adapted.containers, resources, clamps: adapted.clamps.map(({ message }) => message) };
};

export interface InputOptions extends Partial<Omit<UpdateInput, 'outside' | 'memory' | 'config'>> {
  readonly sizing?: Partial<SizingPolicy>;
  readonly target?: never;
  readonly recommendation?: ContainerRecommendation | undefined;
  readonly outside?: Partial<UpdateInput['outside']>;
  readonly memory?: Partial<UpdateInput['memory']>;
  readonly config?: Partial<UpdateInput['config']>;
}

/** A pass over a Deployment of four pods that ask for 100m where 250m is recommended. */
export function input(options: InputOptions = {}): UpdateInput {
  const { sizing, outside, memory, config, ...more } = options;
  const recommendation = 'recommendation' in options ? options.recommendation : recommended({ cpu: 250, memory: 268_435_456 });
  const list = more.pods ?? pods(4);
  const own = policy(sizing);
  return {
    now: start,
    known: known(own, recommendation),
    workload: workload({ replicas: list.length }),
    pods: list,
    configured: () => ({ ok: true, replicas: list.length }),
    adapt,
    history: {},
    ...more,
    target: own.target ?? { apiVersion: '', kind: 'workload', name: '' },
    config: { ...defaultUpdaterConfig, ...config },
    memory: { resizing: new Map(), infeasible: new Map(), loop: noLoop, ...memory },
    outside: { dryRun: false, yields: new Map(), ...outside },
  };
}
