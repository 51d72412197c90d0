import { createReflector, isNotFound } from '../../../core/kube/index.ts';
import type { Reflector } from '../../../core/kube/index.ts';
import type { Timer } from '../../../core/model/clock.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { AddressPool } from './address-pool.ts';
import { expositionText } from './exposition.ts';
import { publish, tickNode } from './housekeeping.ts';
import { NodeAgent } from './node-agent.ts';
import { NodeRuntime } from './node-runtime.ts';
import { afterExit, updateServing } from './pod-life.ts';
import type { PodLifeContext } from './pod-life.ts';
import { PodManager } from './pod-manager.ts';
import { podKey } from './pod-runtime.ts';
import type { FleetOptions, KubeletFaults, KubeletFleet, KubeletFleetDependencies, NodeScrape, NodeSpec, PodView } from './types.ts';
import { podView } from './views.ts';
import { Wakeups } from './wakeups.ts';
import { WriteQueue } from './write-queue.ts';

const defaultSystem = { cpuMilli: 25, memoryBytes: 100 * 1024 * 1024 };

/** Makes a fleet without nodes; see {@link KubeletFleet}. */
export function createKubeletFleet(dependencies: KubeletFleetDependencies): KubeletFleet {
  return new Fleet(dependencies);
}

interface Member {
  readonly node: NodeRuntime;
  readonly agent: NodeAgent;
  /** Which of the ticks between two housekeepings is this node's. */
  readonly slot: number;
  /** Pods as last seen while the node was cut off. */
  readonly missed: Map<string, KubeObject>;
}

class Fleet implements KubeletFleet {
  readonly faults: KubeletFaults = {
    failScrape: new Set(),
    pauseHeartbeats: new Set(),
    failPull: new Set(),
    failResize: new Set(),
    notReady: new Set(),
  };
  readonly #dependencies: KubeletFleetDependencies;
  #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #wakeups: Wakeups;
  readonly #podWrites: WriteQueue;
  readonly #nodeWrites: WriteQueue;
  readonly #pods: PodManager;
  readonly #life: PodLifeContext;
  readonly #addresses = new AddressPool();
  #reflector: Reflector<KubeObject, 'node'> | undefined;
  #tick: Timer | undefined;
  #ticks = 0;
  #heldUnready: ReadonlySet<string> = new Set();
  #slots = 0;
  #stopped = false;

  constructor(dependencies: KubeletFleetDependencies) {
    this.#dependencies = dependencies;
    this.#options = dependencies.options ?? {};
    const { clock, random, workload } = dependencies;
    const onProblem = (subject: string, error: unknown): void => this.#options.onProblem?.({ subject, error });
    this.#wakeups = new Wakeups(clock);
    this.#podWrites = new WriteQueue({ clock, onProblem, concurrency: this.#options.concurrency ?? 32 });
    this.#nodeWrites = new WriteQueue({ clock, onProblem, concurrency: 8 });
    this.#life = { random, workload, options: this.#options, faults: this.faults };
    this.#pods = new PodManager({
      ...this.#life,
      clock,
      onProblem,
      wakeups: this.#wakeups,
      writes: this.#podWrites,
      clientOf: (node) => this.#member(node.spec.name).agent.client,
      newAddress: () => this.#addresses.takePod(),
      freeAddress: (address) => this.#addresses.freePod(address),
    });
  }

  async addNode(spec: NodeSpec): Promise<void> {
    if (this.#members.has(spec.name)) throw new RangeError(`node ${spec.name} is in the fleet already: remove it first`);
    const { clock, client, random } = this.#dependencies;
    const address = spec.address ?? this.#options.endpoint?.address ?? this.#addresses.takeNode();
    const node = new NodeRuntime(spec, address, this.#options.system ?? defaultSystem, clock.now());
    const agent = new NodeAgent(node, {
      admin: client,
      clock,
      wakeups: this.#wakeups,
      writes: this.#nodeWrites,
      faults: this.faults,
      options: () => this.#options,
    });
    // Before the Node exists, so that no pod that is bound to it at once goes unseen.
    this.#members.set(spec.name, { node, agent, slot: this.#slots++, missed: new Map() });
    try {
      await agent.register(random());
    } catch (error) {
      this.#members.delete(spec.name);
      agent.stop();
      throw error;
    }
    publish(node, clock.now());
    for (const pod of this.#reflector?.byIndex('node', spec.name) ?? []) this.#observe(pod);
  }

  async removeNode(name: string, options: { readonly pods?: 'delete' | 'leave'; readonly node?: 'delete' | 'leave' } = {}): Promise<void> {
    const member = this.#members.get(name);
    if (member === undefined) return;
    const { client } = this.#dependencies;
    member.agent.stop();
    const pods = [...member.node.pods.values()];
    for (const pod of pods) this.#pods.drop(pod);
    this.#members.delete(name);
    if (options.node !== 'leave') await ignoreNotFound(() => client.delete(resourceTypes.nodes, { name }));
    if (options.pods === 'leave') return;
    await Promise.all(
      pods.map(({ spec, uid }) =>
        ignoreNotFound(() =>
          client.delete(
            resourceTypes.pods,
            { namespace: spec.identity.namespace, name: spec.identity.name },
            { gracePeriodSeconds: 0, preconditions: { uid } },
          ),
        ),
      ),
    );
  }

  failNode(name: string, options: { readonly containers?: 'keep' | 'stop' } = {}): void {
    const { node } = this.#member(name);
    node.alive = false;
    if (options.containers !== 'stop') return;
    node.powered = false;
    const now = this.#dependencies.clock.now();
    for (const pod of node.pods.values()) {
      for (const container of pod.containers) {
        if (container.running) container.terminate(now, { code: 255, reason: 'Unknown' });
      }
    }
  }

  recoverNode(name: string): void {
    const { node, agent, missed } = this.#member(name);
    const now = this.#dependencies.clock.now();
    node.alive = true;
    node.notReadyReason = undefined;
    if (!node.powered) this.#reboot(node, now);
    agent.resume();
    for (const pod of node.pods.values()) pod.dirty = true;
    for (const object of missed.values()) this.#observe(object);
    missed.clear();
    for (const pod of node.pods.values()) this.#pods.live(pod, now);
  }

  notReady(name: string, reason = 'KubeletNotReady'): void {
    const { node, agent } = this.#member(name);
    node.notReadyReason = reason;
    agent.refreshStatus();
  }

  async start(): Promise<void> {
    const { client, clock, random } = this.#dependencies;
    this.#reflector = createReflector<KubeObject, 'node'>({
      client,
      clock,
      random,
      type: resourceTypes.pods,
      // All bound pods by one watch: a node identity may watch only its own, and a thousand watches cost a thousand connections.
      fieldSelector: 'spec.nodeName!=',
      project: withoutManagedFields,
      indexes: { node: (pod) => [nodeNameOf(pod)] },
      onFailure: ({ error }) => this.#options.onProblem?.({ subject: 'watch of pods', error }),
    });
    this.#reflector.onDelta((delta) => {
      if (delta.type === 'deleted') this.#gone(delta.key, delta.old);
      else this.#observe(delta.new);
    });
    this.#reflector.start();
    this.#armTick();
    await this.#reflector.waitForSync();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#tick?.cancel();
    for (const { agent } of this.#members.values()) agent.stop();
    this.#wakeups.stop();
    this.#podWrites.stop();
    this.#nodeWrites.stop();
    this.#pods.release();
    await this.#reflector?.stop();
  }

  async idle(): Promise<void> {
    while (this.#podWrites.busy || this.#nodeWrites.busy) {
      await this.#podWrites.idle();
      await this.#nodeWrites.idle();
    }
  }

  nodeNames(): readonly string[] {
    return [...this.#members.keys()];
  }

  hasNode(name: string): boolean {
    return this.#members.has(name);
  }

  pods(): readonly PodView[] {
    const now = this.#dependencies.clock.now();
    return [...this.#pods.all()].map((pod) => podView(pod, now));
  }

  pod(namespace: string, name: string): PodView | undefined {
    const pod = this.#pods.get(`${namespace}/${name}`);
    return pod === undefined ? undefined : podView(pod, this.#dependencies.clock.now());
  }

  killContainer(
    key: { readonly namespace: string; readonly name: string },
    name: string,
    exit: { readonly code: number; readonly reason: string },
  ): boolean {
    const now = this.#dependencies.clock.now();
    const pod = this.#pods.get(`${key.namespace}/${key.name}`);
    const container = pod?.containers.find((candidate) => candidate.name === name && candidate.running);
    if (pod === undefined || container === undefined) return false;
    container.terminate(now, exit);
    afterExit(pod, container, now);
    updateServing(pod, now);
    this.#pods.live(pod, now);
    return true;
  }

  scrape(name: string): NodeScrape {
    const { node } = this.#member(name);
    if (!node.alive || this.faults.failScrape.has(name)) throw new Error(`the kubelet of node ${name} does not answer`);
    const pods: NodeScrape['pods'][number][] = [];
    for (const pod of node.pods.values()) {
      const containers = pod.containers.flatMap(({ published }) => (published === undefined ? [] : [published]));
      if (containers.length === 0) continue;
      pods.push({ namespace: pod.spec.identity.namespace, name: pod.spec.identity.name, containers });
    }
    const { cpuSeconds, memoryBytes, housekeepingAt } = node;
    return { node: { name, cpuSeconds, memoryBytes, timestamp: housekeepingAt }, pods };
  }

  resourceMetrics(name: string): string {
    return expositionText(this.scrape(name));
  }

  setEndpoint(endpoint: { readonly port: number; readonly address: string }): void {
    this.#options = { ...this.#options, endpoint };
    for (const { agent, node } of this.#members.values()) if (node.registered) agent.refreshEndpoint();
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new RangeError(`there is no node ${name} in the fleet`);
    return member;
  }

  #observe(object: KubeObject): void {
    const member = this.#members.get(nodeNameOf(object));
    if (member === undefined) return;
    if (!member.node.alive) {
      member.missed.set(podKey(object), object);
      return;
    }
    const { podIP } = (object.status ?? {}) as { readonly podIP?: string };
    if (podIP !== undefined) this.#addresses.usePod(podIP);
    this.#pods.observe(member.node, object);
  }

  #gone(key: string, object: KubeObject): void {
    for (const { missed } of this.#members.values()) missed.delete(key);
    this.#pods.gone(key, object.metadata.uid);
  }

  /** After a power cut everything that ran starts again. */
  #reboot(node: NodeRuntime, now: number): void {
    node.powered = true;
    for (const pod of node.pods.values()) {
      if (pod.terminal) continue;
      for (const container of pod.containers) {
        if (container.terminated?.reason === 'Unknown') afterExit(pod, container, now);
      }
    }
  }

  #armTick(): void {
    if (this.#stopped) return;
    const { tickMs = 1000 } = this.#options;
    const { clock } = this.#dependencies;
    // On whole multiples, so that the ticks of a long run do not drift.
    const now = clock.now();
    const next = (Math.floor(now / tickMs) + 1) * tickMs;
    this.#tick = clock.setTimeout(() => {
      this.#runTick(clock.now());
      this.#armTick();
    }, next - now);
  }

  /** Pods that a fault has newly made unready, or no longer does. */
  #applyReadinessFaults(now: number): void {
    const { notReady } = this.faults;
    if (notReady.size === 0 && this.#heldUnready.size === 0) return;
    const changed = [...notReady, ...this.#heldUnready].filter((key) => notReady.has(key) !== this.#heldUnready.has(key));
    this.#heldUnready = new Set(notReady);
    for (const key of changed) {
      const pod = this.#pods.get(key);
      if (pod !== undefined) this.#pods.recheck(pod, now);
    }
  }

  #runTick(now: number): void {
    const { tickMs = 1000, housekeepingMs = 10_000 } = this.#options;
    const slots = Math.max(1, Math.round(housekeepingMs / tickMs));
    this.#ticks += 1;
    this.#applyReadinessFaults(now);
    for (const { node, agent, slot } of this.#members.values()) {
      const { pressureChanged } = tickNode(node, this.#pods, this.#life, { now, until: now + tickMs });
      if (pressureChanged) agent.refreshStatus();
      if (slot % slots === this.#ticks % slots) publish(node, now);
    }
  }
}

function nodeNameOf(pod: KubeObject): string {
  return (pod.spec as { readonly nodeName?: string } | undefined)?.nodeName ?? '';
}

function withoutManagedFields(raw: KubeObject): KubeObject {
  const { managedFields, ...metadata } = raw.metadata;
  return managedFields === undefined ? raw : { ...raw, metadata };
}

async function ignoreNotFound(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
