import { findCondition, type Condition } from '../../core/model/condition.ts';
import type { Decision } from '../../core/model/decision.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { VirtualController, VirtualJourneyCluster } from './virtual-cluster.ts';

/** What a policy shows of itself. */
export interface ShownStatus {
  readonly conditions?: readonly Condition[];
  readonly currentReplicas?: number;
  readonly lastDecision?: { readonly reason: string; readonly message: string; readonly holds?: readonly { readonly by: string }[] };
}

export interface MonitorOptions {
  readonly cluster: VirtualJourneyCluster;
  readonly namespace: string;
  readonly min: number;
  readonly max: number;
  /** Milli-cores of load that one pod takes at its target; default 50. */
  readonly perPod?: number;
}

interface Change {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Milliseconds between two looks at the cluster. */
const stepMs = 5_000;
/** Every hold is in status after a sync period, a poll and its timeout, and the time a request takes. */
const explainedWithinMs = 45_000;
/** A sample of a load is out of the metrics API by then: two rounds of 15 s, the kubelet's 10 s, a poll and a sync. */
const sampleLagMs = 75_000;
/** A reading of status keeps seconds. */
const roundingMs = 1_000;
/** One copy needs some 50 requests a minute for one policy (30 of them for the lease); more than this is a loop that runs hot. */
const requestsPerMinute = 200;

/**
 * Watches one policy and its Deployment from outside: the store of the API server, its audit, and the decisions of the controllers. It notes every breach of
 * the invariants of the fault catalogue; `expectNone` throws with all of them.
 */
export class InvariantMonitor {
  readonly violations: string[] = [];
  readonly changes: Change[] = [];
  /** Most requests that one copy sent in a minute. */
  busiest = 0;
  readonly #options: MonitorOptions;
  readonly #controllers: { readonly controller: VirtualController; readonly requests: { at: number; count: number }[] }[] = [];
  readonly #loads: { readonly at: number; readonly total: number }[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  #bounds: { min: number; max: number };
  #expected: number | undefined;
  #manualUntil = 0;
  #lastUp = -Infinity;
  #lastAny = -Infinity;
  /** Since when nothing between controller and API server is disturbed. */
  #quietSince = 0;
  #frozenSince = Infinity;
  #staleUntil = -Infinity;
  /** Since when samples are complete and of now. */
  #measuredSince = 0;
  #decision: { readonly since: number; readonly last: Decision; readonly outcome: string } | undefined;
  #leaderSince: number | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#bounds = { min: options.min, max: options.max };
    const { cluster, namespace } = options;
    const { api } = cluster.embedded;
    this.#unsubscribe.push(
      api.registry.watch(resourceTypes.deployments, ({ type, object, previous }) => {
        if (object.metadata.namespace !== namespace || type !== 'MODIFIED' || previous === undefined) return;
        const change = { at: cluster.now(), from: replicasOf(previous), to: replicasOf(object) };
        if (change.from !== change.to) this.#changed(change);
      }),
      api.onAudit((record) => {
        if (record.namespace === namespace && record.subresource === 'scale' && record.code < 300) this.#checkWriter(record.userAgent);
      }),
    );
    const onRejection = (reason: unknown): void => this.#violate(`unhandled rejection: ${String(reason)}`);
    process.on('unhandledRejection', onRejection);
    this.#unsubscribe.push(() => process.off('unhandledRejection', onRejection));
  }

  /** Follows a copy of the program from now on. */
  readonly onDecision = (decision: Decision): void => {
    if (decision.subject.namespace !== this.#options.namespace || decision.reason === 'NotLeader') return;
    const outcome = outcomeOf(decision.reason, decision.holds);
    const same = this.#decision?.outcome === outcome;
    this.#decision = { since: same ? (this.#decision?.since ?? decision.at) : decision.at, last: decision, outcome };
  };

  follow(controller: VirtualController): void {
    this.#controllers.push({ controller, requests: [] });
  }

  /** Sets the true load, milli-cores. */
  setLoad(total: number): void {
    this.#loads.push({ at: this.#options.cluster.now(), total });
    this.#options.cluster.setLoad(this.#options.namespace, 'web', total);
  }

  get load(): number {
    return this.#loads.at(-1)?.total ?? 0;
  }

  /** Requests of the controllers are disturbed from now on. */
  disturbed(): void {
    this.#quietSince = Infinity;
  }

  /** Nothing disturbs them any more; they have `recoveryMs` to find back. */
  quiet(recoveryMs: number): void {
    this.#quietSince = this.#options.cluster.now() + recoveryMs;
  }

  /** From `afterMs` on nothing may shrink, whatever the load: too little is known. */
  freeze(afterMs: number): void {
    this.#frozenSince = this.#options.cluster.now() + afterMs;
  }

  thaw(): void {
    this.#frozenSince = Infinity;
  }

  /** Samples may be as old as their greatest age from now on, until told otherwise. */
  samplesAreOld(old: boolean): void {
    this.#staleUntil = old ? Infinity : this.#options.cluster.now() + sampleLagMs;
  }

  /** Metrics are late, wrong or missing from now on, or no longer. */
  metricsDisturbed(on: boolean): void {
    this.#measuredSince = on ? Infinity : this.#options.cluster.now() + sampleLagMs;
  }

  /** Somebody else sets the size; out of bounds it may be for as long as a correction takes. */
  async scaleByHand(replicas: number): Promise<void> {
    const { cluster, namespace } = this.#options;
    this.#expected = replicas;
    this.#manualUntil = cluster.now() + 360_000;
    await cluster.client.setScale(resourceTypes.deployments, { namespace, name: 'web' }, replicas);
    this.#expected = undefined;
  }

  /** Lets time pass and looks every few seconds. */
  async elapse(ms: number): Promise<void> {
    const { cluster } = this.#options;
    for (let left = ms; left > 0; left -= stepMs) {
      await cluster.elapse(Math.min(stepMs, left));
      this.#look();
    }
  }

  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const { cluster } = this.#options;
    for (const end = cluster.now() + limitMs; cluster.now() < end; this.#look()) {
      if (condition()) return true;
      await cluster.elapse(Math.min(1_000, end - cluster.now()));
    }
    return condition();
  }

  replicas(): number {
    const { cluster, namespace } = this.#options;
    const found = cluster.embedded.api.registry.get(resourceTypes.deployments, namespace, 'web');
    return found === undefined ? -1 : replicasOf(found);
  }

  status(): ShownStatus {
    const { cluster, namespace } = this.#options;
    return (cluster.embedded.api.registry.get(resourceTypes.horizontalPolicies, namespace, 'web')?.status ?? {}) as ShownStatus;
  }

  /** `True/Reason` of a condition. */
  condition(type: string): string {
    const found = findCondition(this.status().conditions ?? [], type);
    return found === undefined ? '' : `${found.status}/${found.reason}`;
  }

  stop(): void {
    for (const each of this.#unsubscribe) each();
  }

  expectNone(): void {
    if (this.violations.length === 0) return;
    throw new Error(`${this.violations.length} breaches of invariants:\n${this.describe()}`);
  }

  /** Breaches, sizes, loads and what the policy says, for the message of a failure. */
  describe(): string {
    const lines = [
      ...this.violations.slice(0, 12),
      `at most ${this.busiest} requests a minute; sizes: ${this.changes.map(({ at, from, to }) => `${this.#clock(at)} ${from}→${to}`).join(', ')}`,
      `loads: ${this.#loads.map(({ at, total }) => `${this.#clock(at)} ${total}m`).join(', ')}`,
      `now ${this.#clock(this.#options.cluster.now())}: ${this.replicas()} replicas; last decision: ${this.#decision?.last.message ?? 'none'}`,
      `status: ${this.status().lastDecision?.message ?? 'none'}`,
    ];
    return lines.join('\n');
  }

  #clock(at: number): string {
    return Number.isFinite(at) ? new Date(at).toISOString().slice(11, 19) : String(at);
  }

  #violate(text: string): void {
    this.violations.push(`${this.#clock(this.#options.cluster.now())} ${text}`);
  }

  #changed(change: Change): void {
    this.changes.push(change);
    if (change.to === this.#expected) return;
    const { at, from, to } = change;
    const { min, max } = this.#bounds;
    const what = `${from} → ${to}`;
    if (to < min || to > max) this.#violate(`${what} is outside ${min}…${max}`);
    const { scaleUpCooldown, scaleDownCooldown } = this.#options.cluster.timing;
    if (to > from) {
      if (from >= min && at - this.#lastUp < scaleUpCooldown - roundingMs)
        this.#violate(`${what}: last scale-up at ${this.#clock(this.#lastUp)}`);
      this.#lastUp = at;
    } else {
      if (at - this.#lastAny < scaleDownCooldown - roundingMs) this.#violate(`${what}: last scaling at ${this.#clock(this.#lastAny)}`);
      if (at >= this.#frozenSince) this.#violate(`${what} while too little is known`);
      this.#checkLoadAllows(change);
    }
    this.#lastAny = at;
  }

  /** A scale-down is right only when the true load, at some moment that its samples can be of, asked for no more. */
  #checkLoadAllows({ at, from, to }: Change): void {
    if (from > this.#bounds.max && to >= this.#bounds.max) return;
    const lag = at <= this.#staleUntil ? 180_000 + sampleLagMs : sampleLagMs;
    const during = this.#loads.filter((each, index) => (this.#loads[index + 1]?.at ?? Infinity) >= at - lag && each.at <= at);
    const least = Math.min(...during.map((each) => each.total));
    // Utilization is cut to whole percent: one milli-core a pod, at requests of 100m.
    const needed = Math.ceil((least - from) / (this.#options.perPod ?? 50) - 1e-9);
    if (to < Math.max(needed, 0)) this.#violate(`${from} → ${to}, but the load of ${least}m needed ${needed}`);
  }

  #checkWriter(userAgent: string): void {
    if (!userAgent.startsWith('concertina/')) return;
    const { cluster } = this.#options;
    const lease = cluster.embedded.api.registry.get(resourceTypes.leases, 'default', 'concertina');
    const holder = (lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? '';
    if (!userAgent.includes(`(${holder})`)) this.#violate(`${userAgent} set a scale while "${holder}" held the lease`);
  }

  #look(): void {
    this.#lookAtBounds();
    this.#lookAtLeader();
    this.#lookAtRequests();
    this.#lookAtStatus();
    this.#lookForSilence();
  }

  #lookAtBounds(): void {
    const { min, max } = this.#bounds;
    const replicas = this.replicas();
    if (replicas < 0 || this.#options.cluster.now() < this.#manualUntil) return;
    if (replicas < min || replicas > max) this.#violate(`${replicas} replicas are outside ${min}…${max}`);
  }

  #lookAtLeader(): void {
    const leaders = this.#controllers.filter(({ controller }) => controller.isLeader()).length;
    if (leaders > 1) this.#violate(`${leaders} copies believe that they lead`);
    this.#leaderSince = leaders === 0 ? undefined : (this.#leaderSince ?? this.#options.cluster.now());
  }

  #lookAtRequests(): void {
    const now = this.#options.cluster.now();
    for (const { controller, requests } of this.#controllers) {
      requests.push({ at: now, count: controller.requests() });
      while ((requests[1]?.at ?? now) <= now - 60_000) requests.shift();
      const sent = controller.requests() - (requests[0]?.count ?? 0);
      // A start and a recovery take a burst; it is counted into the same minute.
      this.busiest = Math.max(this.busiest, sent);
      if (sent > requestsPerMinute) this.#violate(`${controller.identity} sent ${sent} requests in a minute`);
    }
  }

  /** The last decision of the leader stands in status, and is a recent one. */
  #lookAtStatus(): void {
    const now = this.#options.cluster.now();
    if (this.#leaderSince === undefined || this.#decision === undefined) return;
    const calmSince = Math.max(this.#quietSince, this.#leaderSince);
    if (now - calmSince <= explainedWithinMs) return;
    const { since, last, outcome } = this.#decision;
    if (now - last.at > explainedWithinMs) this.#violate(`the last decision is of ${this.#clock(last.at)}`);
    if (now - since <= explainedWithinMs) return;
    const shown = this.status().lastDecision;
    const shownOutcome = shown === undefined ? 'nothing' : outcomeOf(shown.reason, shown.holds ?? []);
    if (shownOutcome !== outcome) this.#violate(`status says ${shownOutcome}, decided since ${this.#clock(since)}: ${outcome}`);
    const held = last.holds.find(({ by }) => ['cooldown', 'missing-data', 'conflict'].includes(by));
    if (held !== undefined && last.wanted !== null && last.to === last.from && !this.condition('Held').startsWith('True')) {
      this.#violate(`held by ${held.by}, but the condition Held is ${this.condition('Held')}`);
    }
  }

  /** With all known and nothing moving, a size that does not fit the load is either changed or held with a stated reason. */
  #lookForSilence(): void {
    const { cluster, perPod = 50 } = this.#options;
    const settledSince = Math.max(this.#quietSince, this.#measuredSince, this.#leaderSince ?? Infinity, this.#loads.at(-1)?.at ?? 0);
    const changedAt = this.changes.at(-1)?.at ?? 0;
    if (cluster.now() - Math.max(settledSince, changedAt) <= explainedWithinMs + sampleLagMs || this.#decision === undefined) return;
    const replicas = this.replicas();
    const ratio = this.load / (replicas * perPod);
    // A tolerance of 10 %, and whole pods: what rounding up to the next pod explains is no breach.
    const fits = Math.abs(replicas - this.load / perPod) < 1.5 || Math.abs(ratio - 1) < 0.13;
    const { last } = this.#decision;
    if (!fits && last.holds.length === 0) this.#violate(`${replicas} replicas for ${this.load}m and no word why: ${last.message}`);
  }

  /** After a policy was deleted or its target is gone nothing is decided any more. */
  forgetDecision(): void {
    this.#decision = undefined;
  }
}

function outcomeOf(reason: string, holds: readonly { readonly by: string }[]): string {
  return `${reason}[${holds.map(({ by }) => by).join(',')}]`;
}

function replicasOf(deployment: KubeObject): number {
  return (deployment.spec as { replicas?: number }).replicas ?? 1;
}
