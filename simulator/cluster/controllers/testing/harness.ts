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
  readonly settle: () => Promise<void>;
  readonly advance: (seconds: number) => Promise<void>;
  readonly pods: (prefix?: string) => Pod[];
  /** Messages of the events with this reason. */
  readonly eventMessages: (reason: string) => string[];
  readonly stop: () => void;
  /** Stops, and throws when a controller met a failure that the test did not take out of `errors`. */
  readonly end: () => void;
}

export interface HarnessOptions {
  readonly options?: ControllerOptions;
  /** Binds pods without a scheduler; default true. */
  readonly bind?: boolean;
  readonly ready?: (pod: Pod) => boolean;
  readonly kubelet?: boolean;
  /** Make the nodes n0, n1 and n2, ready and never silent; default true. */
  readonly nodes?: boolean;
  /** Another part to start, which takes part in settling. */
  readonly beside?: (registry: Registry, clock: VirtualClock) => { stop(): void; idle(): boolean };
}

export function startHarness(input: HarnessOptions = {}): Harness {
  const clock = new VirtualClock();
  const registry = createMemoryRegistry(clock);
  const errors: unknown[] = [];
  const ends: (() => void)[] = [];
  if (input.nodes !== false) {
    for (const name of ['n0', 'n1', 'n2'])
      void registry.create(resourceTypes.nodes, readyNode(name)).catch((error: unknown) => errors.push(error));
  }
  const patient = { gracePeriodMs: Number.POSITIVE_INFINITY, startupGracePeriodMs: Number.POSITIVE_INFINITY };
  if (input.bind !== false) ends.push(bindAtOnce(registry));
  if (input.kubelet !== false) ends.push(playKubelet(registry, clock, input.ready === undefined ? {} : { ready: input.ready }));
  const onError = (_controller: string, _key: string, error: unknown): void => void errors.push(error);
  const controllers = startControllers({
    registry,
    clock,
    random: () => 0.5,
    options: { onError, ...(input.nodes === false ? {} : { nodes: patient }), ...input.options },
  });
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
  const stop = (): void => {
    for (const end of ends) end();
    controllers.stop();
    beside?.stop();
  };
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
    stop,
    end: () => {
      stop();
      if (errors.length > 0) throw new AggregateError(errors, `${errors.length} failures in the controllers: ${String(errors[0])}`);
    },
  };
}

export function readyNode(name: string, labels: Record<string, string> = {}, spec: object = {}): KubeObject {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { cpu: '8', memory: '16Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True' }] },
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
