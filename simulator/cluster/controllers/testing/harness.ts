import { VirtualClock } from '../../../../core/runtime/clock.ts';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import { type ControllerOptions, startControllers } from '../index.ts';
import type { Deployment, Pod, PodSpec, ReplicaSet } from '../kinds.ts';
import { createMemoryRegistry, type MemoryRegistry, playKubelet } from './memory-registry.ts';

/** A registry with controllers on virtual time; pods are bound to a node at once unless a scheduler is started beside. */
export interface Harness {
  readonly registry: MemoryRegistry;
  readonly clock: VirtualClock;
  readonly errors: unknown[];
  /** Lets everything that is due now come to rest. */
  settle(): Promise<void>;
  advance(seconds: number): Promise<void>;
  pods(prefix?: string): Pod[];
  /** Messages of the events with this reason. */
  eventMessages(reason: string): string[];
  stop(): void;
}

export interface HarnessOptions {
  readonly options?: ControllerOptions;
  /** Binds pods without a scheduler; default true. */
  readonly bind?: boolean;
  readonly ready?: (pod: Pod) => boolean;
  readonly kubelet?: boolean;
  /** Another part to start, which takes part in settling. */
  readonly beside?: (registry: Registry, clock: VirtualClock) => { stop(): void; idle(): boolean };
}

export function startHarness(input: HarnessOptions = {}): Harness {
  const clock = new VirtualClock();
  const registry = createMemoryRegistry(clock);
  const errors: unknown[] = [];
  const ends: (() => void)[] = [];
  if (input.bind !== false) ends.push(bindAtOnce(registry));
  if (input.kubelet !== false) ends.push(playKubelet(registry, clock, input.ready === undefined ? {} : { ready: input.ready }));
  const onError = (_controller: string, _key: string, error: unknown): void => void errors.push(error);
  const controllers = startControllers({ registry, clock, random: () => 0.5, options: { onError, ...input.options } });
  const beside = input.beside?.(registry, clock);
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 6;) {
      const before = registry.writes();
      await new Promise<void>((resolve) => setImmediate(resolve));
      const rest = controllers.idle() && (beside?.idle() ?? true) && registry.writes() === before;
      quiet = rest ? quiet + 1 : 0;
    }
  };
  clock.useSettle(settle);
  return {
    registry,
    clock,
    errors,
    settle,
    advance: async (seconds) => clock.advance(seconds * 1000),
    pods: (prefix = '') => (registry.list(resourceTypes.pods) as Pod[]).filter((pod) => pod.metadata.name.startsWith(prefix)),
    eventMessages: (reason) =>
      registry
        .list(resourceTypes.coreEvents)
        .filter((event) => event['reason'] === reason)
        .map((event) => String(event['message'])),
    stop: () => {
      for (const end of ends) end();
      controllers.stop();
      beside?.stop();
    },
  };
}

function bindAtOnce(registry: Registry): () => void {
  let next = 0;
  return registry.watch(resourceTypes.pods, (event) => {
    const pod = event.object as Pod;
    if (event.type !== 'ADDED' || pod.spec.nodeName !== undefined) return;
    const nodeName = `n${next++ % 3}`;
    setImmediate(() => {
      void registry.mutate(
        resourceTypes.pods,
        pod.metadata.namespace,
        pod.metadata.name,
        (object) => ({ ...object, spec: { ...(object.spec as object), nodeName } }),
        { subresource: 'binding' },
      );
    });
  });
}

export function podSpec(image = 'app:1', requests: Record<string, string> = {}): PodSpec {
  return { containers: [{ name: 'c', image, resources: { requests } }], terminationGracePeriodSeconds: 0 };
}

/** A Deployment named `web`; `spec` overrides fields of its spec. */
export function deployment(replicas: number, spec: Partial<Deployment['spec']> = {}): KubeObject {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: podSpec() },
      ...spec,
    },
  };
}

export function getDeployment(registry: Registry, name = 'web'): Deployment {
  return registry.get(resourceTypes.deployments, 'default', name) as Deployment;
}

export function replicaSets(registry: Registry): ReplicaSet[] {
  return registry.list(resourceTypes.replicaSets) as ReplicaSet[];
}

/** Changes fields of an object's spec. */
export async function patchSpec(
  registry: Registry,
  type: (typeof resourceTypes)[keyof typeof resourceTypes],
  name: string,
  spec: object,
): Promise<void> {
  const namespace = type.namespaced ? 'default' : undefined;
  await registry.mutate(type, namespace, name, (object) => ({ ...object, spec: { ...(object.spec as object), ...spec } }));
}
