import { VirtualClock } from '../../../../core/runtime/clock.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { createWorkloadModel } from '../../../workload/index.ts';
import type { WorkloadModel } from '../../../workload/index.ts';
import { createKubeletFleet } from '../index.ts';
import type { FleetOptions, KubeletFleet } from '../index.ts';
import { FakeApi } from './fake-client.ts';

/** A fleet on a fake API server in virtual time. */
export interface Harness {
  readonly clock: VirtualClock;
  readonly api: FakeApi;
  readonly workload: WorkloadModel;
  readonly fleet: KubeletFleet;
  readonly problems: string[];
}

/** Delays of nothing, so that tests see the steps that they ask for by annotations. */
export const instant: FleetOptions = {
  startup: { pull: 0, start: 0, init: 0 },
  stop: 0,
  resize: 1000,
  system: { cpuMilli: 0, memoryBytes: 0 },
};

export function harness(options: FleetOptions = instant): Harness {
  const clock = new VirtualClock();
  const random = seeded(1);
  const api = new FakeApi(clock);
  const workload = createWorkloadModel({ clock, random });
  const problems: string[] = [];
  const fleet = createKubeletFleet({
    client: api.client(),
    clock,
    random,
    workload,
    options: { ...options, onProblem: ({ subject, error }) => problems.push(`${subject}: ${String(error)}`) },
  });
  return { clock, api, workload, fleet, problems };
}

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface PodOptions {
  readonly node?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly cpuLimit?: string;
  readonly memoryLimit?: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
  readonly container?: Record<string, unknown>;
}

/** A pod of one container, bound to a node. */
export function boundPod(name: string, options: PodOptions = {}): KubeObject {
  const requests = { cpu: options.cpu ?? '100m', memory: options.memory ?? '64Mi' };
  const limits = {
    ...(options.cpuLimit !== undefined && { cpu: options.cpuLimit }),
    ...(options.memoryLimit !== undefined && { memory: options.memoryLimit }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: options.labels ?? {}, annotations: options.annotations ?? {}, ...options.metadata },
    spec: {
      nodeName: options.node ?? 'n1',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      containers: [{ name: 'c', image: 'app:1', resources: { requests, limits }, ...options.container }],
      ...options.spec,
    },
    status: { phase: 'Pending', qosClass: 'Burstable' },
  };
}

/** Status of a pod as the tests read it. */
export interface SeenStatus {
  readonly phase: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration: number;
  readonly podIP: string;
  readonly hostIP: string;
  readonly startTime: string;
  readonly conditions: readonly {
    type: string;
    status: string;
    reason?: string;
    message?: string;
    observedGeneration?: number;
    lastTransitionTime: string;
  }[];
  readonly containerStatuses: readonly SeenContainer[];
  readonly initContainerStatuses?: readonly SeenContainer[];
}

export interface SeenContainer {
  readonly name: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: {
    readonly waiting?: { readonly reason: string; readonly message?: string };
    readonly running?: { readonly startedAt: string };
    readonly terminated?: { readonly exitCode: number; readonly reason: string };
  };
  readonly lastState: { readonly terminated?: { readonly exitCode: number; readonly reason: string } };
  readonly resources: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
  readonly allocatedResources?: Record<string, string>;
}

export function statusOf(api: FakeApi, name: string): SeenStatus {
  const pod = api.get('pods', name);
  if (pod === undefined) throw new Error(`pod ${name} is gone`);
  return pod.status as SeenStatus;
}

export function conditionOf(status: SeenStatus, type: string): SeenStatus['conditions'][number] | undefined {
  return status.conditions.find((condition) => condition.type === type);
}
