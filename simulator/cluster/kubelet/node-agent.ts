import { isAlreadyExists, isNotFound } from '../../../core/kube/index.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import { formatMicroTime } from '../../../core/model/condition.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { leaseObject, metricsPath, metricsPathAnnotation, nodeObject, nodeStatus } from './node-object.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { FleetOptions, KubeletFaults } from './types.ts';
import type { Wakeable, Wakeups } from './wakeups.ts';
import type { WriteQueue } from './write-queue.ts';

export interface NodeAgentContext {
  readonly admin: KubeClient;
  readonly clock: Clock;
  readonly wakeups: Wakeups;
  /** For node status and leases only, so that pods cannot hold them up. */
  readonly writes: WriteQueue;
  readonly faults: KubeletFaults;
  /** Read anew each time: the metrics endpoint may come later. */
  readonly options: () => FleetOptions;
}

const leaseNamespace = 'kube-node-lease';

/** The part of a kubelet that keeps its Node alive: registration, heartbeats, status. */
export class NodeAgent {
  readonly node: NodeRuntime;
  /** Acts as the node itself: the node authorizer and NodeRestriction hold for it. */
  readonly client: KubeClient;
  readonly #context: NodeAgentContext;
  readonly #lease: Wakeable;
  readonly #status: Wakeable;
  #stopped = false;

  constructor(node: NodeRuntime, context: NodeAgentContext) {
    this.node = node;
    this.#context = context;
    this.client = context.admin.impersonate({ user: `system:node:${node.spec.name}`, groups: ['system:nodes'] });
    this.#lease = { wakeAt: Number.POSITIVE_INFINITY, wake: () => this.#renewLease() };
    this.#status = { wakeAt: Number.POSITIVE_INFINITY, wake: () => this.#refresh() };
  }

  /** Creates the Node, or takes one over that exists; answers whether it was there. `phase` (0…1) spreads the heartbeats of a fleet. */
  async register(phase: number): Promise<{ readonly existed: boolean }> {
    const { node } = this;
    const now = this.#context.clock.now();
    const options = this.#context.options();
    const creator = node.spec.registerAs === 'admin' ? this.#context.admin : this.client;
    let existed = false;
    try {
      const created = await creator.create<KubeObject>(resourceTypes.nodes, nodeObject(node, options, now));
      node.uid = created.metadata.uid ?? '';
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      existed = true;
      const found = await this.client.get<KubeObject>(resourceTypes.nodes, { name: node.spec.name });
      node.uid = found.metadata.uid ?? '';
      await this.#writeStatus();
      await this.#annotate();
    }
    node.registered = true;
    await this.#writeLease();
    const { heartbeatMs = 10_000, statusRefreshMs = 300_000 } = options;
    // The first renewal comes earlier for most, so that a fleet that starts together does not beat together.
    this.#context.wakeups.set(this.#lease, now + heartbeatMs * (0.05 + 0.95 * phase));
    this.#context.wakeups.set(this.#status, now + statusRefreshMs * (0.05 + 0.95 * phase));
    return { existed };
  }

  /** Writes the node status soon (something in it has changed). */
  refreshStatus(): void {
    this.#context.writes.add(`node/${this.node.spec.name}`, () => this.#writeStatus());
  }

  /** The endpoint has changed. */
  refreshEndpoint(): void {
    this.#context.writes.add(`endpoint/${this.node.spec.name}`, async () => {
      await this.#annotate();
      await this.#writeStatus();
    });
  }

  /** After an outage: both are due at once, for the control plane may have written Unknown. */
  resume(): void {
    this.#renewLease();
    this.refreshStatus();
    this.#scheduleRefresh();
  }

  stop(): void {
    this.#stopped = true;
    this.#context.wakeups.clear(this.#lease);
    this.#context.wakeups.clear(this.#status);
    for (const kind of ['node', 'lease', 'endpoint']) this.#context.writes.forget(`${kind}/${this.node.spec.name}`);
  }

  get #silent(): boolean {
    return this.#stopped || !this.node.alive;
  }

  #renewLease(): void {
    if (this.#stopped) return;
    const { heartbeatMs = 10_000 } = this.#context.options();
    this.#context.wakeups.set(this.#lease, this.#context.clock.now() + heartbeatMs);
    if (this.#silent || this.#context.faults.pauseHeartbeats.has(this.node.spec.name)) return;
    this.#context.writes.add(`lease/${this.node.spec.name}`, () => this.#writeLease());
  }

  #refresh(): void {
    if (this.#stopped) return;
    this.#scheduleRefresh();
    if (!this.#silent) this.refreshStatus();
  }

  #scheduleRefresh(): void {
    const { statusRefreshMs = 300_000 } = this.#context.options();
    this.#context.wakeups.set(this.#status, this.#context.clock.now() + statusRefreshMs);
  }

  async #writeLease(): Promise<void> {
    if (this.#silent) return;
    const { name } = this.node.spec;
    const { leaseDurationSeconds = 40 } = this.#context.options();
    const renewTime = formatMicroTime(this.#context.clock.now());
    try {
      await this.client.patch(resourceTypes.leases, { namespace: leaseNamespace, name }, { type: 'merge', body: { spec: { renewTime } } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      try {
        await this.client.create(resourceTypes.leases, leaseObject(this.node, leaseDurationSeconds, this.#context.clock.now()));
      } catch (second) {
        if (!isAlreadyExists(second)) throw second;
      }
    }
  }

  async #writeStatus(): Promise<void> {
    if (this.#silent) return;
    const body = { status: nodeStatus(this.node, this.#context.options(), this.#context.clock.now()) };
    await this.#patchNode(body, 'status');
  }

  async #annotate(): Promise<void> {
    if (this.#silent || this.#context.options().endpoint === undefined) return;
    await this.#patchNode({ metadata: { annotations: { [metricsPathAnnotation]: metricsPath(this.node.spec.name) } } });
  }

  async #patchNode(body: object, subresource?: string): Promise<void> {
    try {
      await this.client.patch(
        resourceTypes.nodes,
        { name: this.node.spec.name },
        { type: 'strategic', body },
        subresource === undefined ? {} : { subresource },
      );
    } catch (error) {
      // A Node that somebody deleted is not made again: a kubelet does that only when it starts.
      if (!isNotFound(error)) throw error;
    }
  }
}
