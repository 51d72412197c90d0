import { ApiStatusError, isConflict, isInvalid, isNotFound } from '../../../core/kube/index.ts';
import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { adoptPod, observeConditions, wasRunning } from './pod-adoption.ts';
import type { RawPodStatus } from './pod-adoption.ts';
import { drawDelay, simDuration } from './delay.ts';
import type { Delay } from './delay.ts';
import { evictionEvent } from './eviction-notice.ts';
import type { EvictionNotice } from './eviction-notice.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { advancePod, afterExit, planExit, stopContainers, updateServing } from './pod-life.ts';
import type { PodLifeContext } from './pod-life.ts';
import { podKey, PodRuntime } from './pod-runtime.ts';
import type { PodFailure } from './pod-runtime.ts';
import { podRequests, readPodSpec } from './pod-spec.ts';
import { statusPatch } from './pod-status.ts';
import { actuateResize, considerResize } from './resize.ts';
import type { Wakeups } from './wakeups.ts';
import type { WriteQueue } from './write-queue.ts';

export interface PodManagerContext extends PodLifeContext {
  readonly clock: Clock;
  readonly wakeups: Wakeups;
  readonly writes: WriteQueue;
  /** The client that acts as this node. */
  readonly clientOf: (node: NodeRuntime) => KubeClient;
  readonly newAddress: (pod: PodRuntime) => string;
  readonly freeAddress: (address: string) => void;
  readonly onProblem: (subject: string, error: unknown) => void;
}

const defaultStop: Delay = { min: 500, max: 2000 };

/** The pods of the whole fleet: takes in what the API server says, lets pods live, and writes what has become of them. */
export class PodManager {
  readonly #context: PodManagerContext;
  readonly #pods = new Map<string, PodRuntime>();

  constructor(context: PodManagerContext) {
    this.#context = context;
  }

  get(key: string): PodRuntime | undefined {
    return this.#pods.get(key);
  }

  all(): IterableIterator<PodRuntime> {
    return this.#pods.values();
  }

  /** A pod was seen on a node of the fleet: new, changed, or being deleted. */
  observe(node: NodeRuntime, object: KubeObject): void {
    const now = this.#context.clock.now();
    const key = podKey(object);
    const known = this.#pods.get(key);
    if (known !== undefined && known.uid !== object.metadata.uid) this.drop(known);
    const pod = this.#pods.get(key) ?? this.#accept(node, object, now);
    const version = BigInt(object.metadata.resourceVersion ?? '0');
    if (known === pod && version <= pod.resourceVersion) return;
    pod.resourceVersion = version;
    const status = (object.status ?? {}) as RawPodStatus;
    observeConditions(pod, status);
    this.#takeSpec(pod, object, now);
    this.#takeDeletion(pod, object, now);
    const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status;
    // The node controller writes Ready=False for a silent node; the kubelet that is back must say otherwise.
    if (pod.writtenReady !== undefined && ready !== pod.writtenReady && !pod.terminal) pod.dirty = true;
    this.live(pod, now);
  }

  /** The object is gone from the API server. */
  gone(key: string, uid: string | undefined): void {
    const pod = this.#pods.get(key);
    if (pod !== undefined && (uid === undefined || pod.uid === uid)) this.drop(pod);
  }

  /** Forgets a pod: its containers end, its room is free. */
  drop(pod: PodRuntime): void {
    const now = this.#context.clock.now();
    pod.removed = true;
    stopContainers(pod, now, { code: 137, reason: 'Error' });
    this.#context.wakeups.clear(pod);
    this.#context.writes.forget(writeKey(pod));
    this.#pods.delete(pod.key);
    pod.node.pods.delete(pod.key);
    pod.node.runningChanged();
    pod.node.account(pod);
    if (pod.podIP !== undefined) this.#context.freeAddress(pod.podIP);
  }

  /** Takes all containers out of the workload model without ending them: another fleet may take the pods over. */
  release(): void {
    const now = this.#context.clock.now();
    for (const pod of this.#pods.values()) {
      for (const container of pod.containers) container.usage?.release(now);
    }
  }

  /** Looks again whether a pod is ready. */
  recheck(pod: PodRuntime, now: number): void {
    for (const container of pod.containers) if (container.running) container.nextAt = now;
    this.live(pod, now);
  }

  /** Lets everything that is due happen to a pod, plans its next moment and writes its status if it changed. */
  live(pod: PodRuntime, now: number): void {
    if (pod.removed) return;
    if (!pod.node.powered) return;
    if (pod.stopAt <= now) this.#finish(pod, now);
    actuateResize(pod, this.#context, now);
    const next = advancePod(pod, this.#context, now);
    this.#context.wakeups.set(pod, Math.min(next, pod.terminal ? Number.POSITIVE_INFINITY : pod.resize.actuateAt));
    if (pod.dirty || (pod.stopped && !pod.deleteSent)) this.write(pod);
  }

  /** Gives a pod up: phase Failed with a reason. */
  fail(pod: PodRuntime, failure: PodFailure, now: number): void {
    pod.failure = failure;
    stopContainers(pod, now, { code: 137, reason: 'Error' });
    pod.dirty = true;
    this.live(pod, now);
  }

  /** Gives a pod up because the node is short of memory, and says so in an Event. */
  evict(pod: PodRuntime, notice: EvictionNotice, now: number): void {
    const event = evictionEvent(pod, notice, now);
    this.#context.writes.add(`event/${writeKey(pod)}`, async () => {
      try {
        await this.#context.clientOf(pod.node).create(resourceTypes.coreEvents, event);
      } catch (error) {
        // As with upstream's recorder an event is worth one attempt.
        this.#context.onProblem(pod.key, error);
      }
    });
    this.fail(pod, { reason: 'Evicted', message: notice.message, disruption: 'TerminationByKubelet' }, now);
  }

  /** Writes the pod's status (or deletes it) soon. */
  write(pod: PodRuntime): void {
    if (!pod.node.alive) return;
    this.#context.writes.add(writeKey(pod), () => this.#flush(pod));
  }

  #accept(node: NodeRuntime, object: KubeObject, now: number): PodRuntime {
    const pod = new PodRuntime(node, object, now, (item, at) => this.live(item, at));
    this.#pods.set(pod.key, pod);
    const refusal = wasRunning(object) ? undefined : this.#refusal(node, pod);
    node.pods.set(pod.key, pod);
    node.runningChanged();
    if (wasRunning(object)) {
      adoptPod(pod, object, this.#context.workload, now);
      this.#resumeAdopted(pod, now);
    }
    pod.podIP ??= pod.spec.hostNetwork ? node.address : this.#context.newAddress(pod);
    pod.failure ??= refusal;
    pod.dirty = pod.dirty || !wasRunning(object);
    node.account(pod);
    return pod;
  }

  #resumeAdopted(pod: PodRuntime, now: number): void {
    for (const container of pod.containers) {
      if (container.running) planExit(pod, container, this.#context, container.startedAt);
      else if (container.stage === 'ended' && !pod.terminal && container.spec.kind !== 'init') afterExit(pod, container, now);
    }
    pod.ready = pod.containers.every(({ spec, ready }) => spec.kind === 'init' || ready);
    updateServing(pod, now);
  }

  /** Why the node does not take the pod, as the kubelet's admission says it. */
  #refusal(node: NodeRuntime, pod: PodRuntime): PodFailure | undefined {
    if (this.#context.options.admission === false) return undefined;
    if (node.pods.size >= node.maxPods) {
      const message = `Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: ${node.pods.size}, capacity: ${node.maxPods}`;
      return { reason: 'OutOfpods', message };
    }
    const requests = podRequests(
      pod.containers.map(({ spec }) => ({ kind: spec.kind, resources: spec.resources })),
      pod.spec.overhead,
    );
    for (const [name, milli] of requests) {
      const room = node.room(name);
      if (milli === 0 || milli <= room || name === 'ephemeral-storage') continue;
      const whole = node.allocatable.get(name) ?? 0;
      const unit = name === 'cpu' ? 1 : 1000;
      const message = `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${milli / unit}, used: ${(whole - room) / unit}, capacity: ${whole / unit}`;
      return { reason: `OutOf${name}`, message };
    }
    return undefined;
  }

  /** A new generation: other resources, or something that needs only to be acknowledged. */
  #takeSpec(pod: PodRuntime, object: KubeObject, now: number): void {
    const generation = object.metadata.generation ?? 1;
    const before = pod.generation;
    const annotations = pod.spec.identity.annotations;
    const spec = readPodSpec(object);
    const changed = generation !== before || !sameTexts(annotations, spec.identity.annotations);
    if (!changed) return;
    pod.spec = spec;
    for (const container of pod.containers) {
      const next = spec.containers.find(({ name, kind }) => name === container.name && kind === container.spec.kind);
      if (next !== undefined) container.spec = next;
    }
    if (generation !== before) {
      pod.generation = generation;
      pod.dirty = true;
    }
    considerResize(pod, this.#context, now);
  }

  #takeDeletion(pod: PodRuntime, object: KubeObject, now: number): void {
    pod.hasFinalizers = (object.metadata.finalizers ?? []).length > 0;
    if (object.metadata.deletionTimestamp === undefined) return;
    const graceMs = (object.metadata.deletionGracePeriodSeconds ?? pod.spec.graceMs / 1000) * 1000;
    const drawn =
      simDuration(pod.spec.identity.annotations, 'stop') ?? drawDelay(this.#context.options.stop ?? defaultStop, this.#context.random);
    const running = pod.containers.some((container) => container.running);
    // Without a process there is nothing to wait for; a second deletion can only shorten the time.
    pod.stopAt = Math.min(pod.stopAt, now + (running ? Math.min(drawn, graceMs) : 0));
    if (pod.terminating) return;
    pod.terminating = true;
    updateServing(pod, now);
  }

  #finish(pod: PodRuntime, now: number): void {
    if (pod.stopped) return;
    pod.stopped = true;
    pod.stopAt = Number.POSITIVE_INFINITY;
    if (!pod.terminal) {
      stopContainers(pod, now, { code: 143, reason: 'Error' });
      const main = pod.containers.filter(({ spec }) => spec.kind === 'main');
      pod.phase = main.every(({ terminated }) => terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
      pod.dirty = true;
      pod.node.account(pod);
    }
  }

  async #flush(pod: PodRuntime): Promise<void> {
    if (pod.removed || !pod.node.alive) return;
    try {
      // The end of a pod that will be gone a moment later is of interest only to whoever holds it by a finalizer (the Job controller).
      if (pod.dirty && (!pod.stopped || pod.hasFinalizers)) await this.#patchStatus(pod);
      if (pod.stopped && !pod.deleteSent) await this.#delete(pod);
    } catch (error) {
      if (isNotFound(error) || isConflict(error) || isOfAnother(error)) {
        // Deleted, or another pod of the same name by now: its own events tell the rest.
        if (!pod.removed) this.drop(pod);
        return;
      }
      if (!isInvalid(error)) throw error;
      // What the server finds wrong it will find wrong again: say so and go on with the next change.
      this.#context.onProblem(pod.key, error);
    }
  }

  async #patchStatus(pod: PodRuntime): Promise<void> {
    const body = statusPatch(pod, this.#context.clock.now());
    const ready = pod.ready ? 'True' : 'False';
    pod.dirty = false;
    const { namespace, name } = pod.spec.identity;
    let answer: KubeObject;
    try {
      answer = await this.#context
        .clientOf(pod.node)
        .patch<KubeObject>(resourceTypes.pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' });
    } catch (error) {
      if (!isInvalid(error)) pod.dirty = true;
      throw error;
    }
    pod.writtenReady = ready;
    // The answer may show more than was written (a deletion, a resize); its own event is old news then.
    if (!pod.removed) this.observe(pod.node, answer);
  }

  async #delete(pod: PodRuntime): Promise<void> {
    const { namespace, name } = pod.spec.identity;
    await this.#context
      .clientOf(pod.node)
      .delete(resourceTypes.pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } });
    pod.deleteSent = true;
  }
}

/** The pod that has the name now has another uid: 422, since a patch would change an immutable field. */
function isOfAnother(error: unknown): boolean {
  if (!(error instanceof ApiStatusError) || !isInvalid(error)) return false;
  return error.status.details?.causes?.some(({ field }) => field === 'metadata.uid') ?? false;
}

function writeKey(pod: PodRuntime): string {
  return `${pod.key}/${pod.uid}`;
}

function sameTexts(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
