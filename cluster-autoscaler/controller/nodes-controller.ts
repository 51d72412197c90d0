import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isNotFound } from '../../core/kube/index.ts';
import { nextTurn } from '../../core/kube/turn.ts';
import { isFinished, resourceTypes, type Decision, type Hold, type ScalingDirection } from '../../core/model/index.ts';
import { priorityConfigMap, prioritiesOf } from '../config.ts';
import type { LoopReport, LoopState } from '../engine/loop/model.ts';
import { recheckNode } from '../engine/scale-down/index.ts';
import type { NodeGroup, PlannedDeletion } from '../engine/model.ts';
import { createActuator, type Actuator } from './actuator.ts';
import { annotateReport } from './annotate-report.ts';
import { createDeletionObserver } from './deletion-observer.ts';
import { drive } from './drive.ts';
import { createEffects, type Effects } from './effects.ts';
import { createGroupReader, type GroupReader } from './group-reader.ts';
import type { LoopEngine } from './loop-engine.ts';
import { createLoopEvents, type LoopEvents } from './loop-events.ts';
import { createLoopHealth, type LoopHealth } from './loop-health.ts';
import { createLoopTrigger, type LoopTrigger } from './loop-trigger.ts';
import { createScalingMemory, memoryText, savedParts, type ScalingMemory } from './memory.ts';
import { createNodesMetrics, type NodesMetrics } from './metrics.ts';
import { observe, type Observation } from './observe.ts';
import { policyStatus } from './policy-report.ts';
import { createPolicyWriter, type PolicyWriter } from './policy-writer.ts';
import type { NodesControllerOptions } from './ports.ts';
import { createRivalWatch, type RivalWatch } from './rival.ts';
import {
  createStatusConfigMap,
  initializingYaml,
  mostBytes,
  statusYaml,
  transitionsAfter,
  type StatusConfigMap,
  type Transitions,
} from './status-config-map.ts';

/** The running node controller. */
export interface NodesController {
  /** Begins to loop. Only the leader does. */
  start(): void;
  /** Ends the loop and gives up deletions that the cloud was not told yet. */
  stop(): Promise<void>;
  /** Why it should be restarted; `undefined`: all is well, or it has nothing to do. */
  health(): string | undefined;
  /** What the last loop did and why; `undefined` before the first. */
  report(): LoopReport | undefined;
  /** The decisions of the last loop. */
  decisions(): readonly Decision[];
  /** Resolves when no deletion runs any more; for tests. */
  idle(): Promise<void>;
}

/** Mirrors that heard nothing for so long are no picture to remove a node by; bookmarks come every minute. */
const mostMirrorAgeMs = 180_000;
/** Events that are told between two turns of others. */
const eventsAtOnce = 512;
/** Milliseconds of a loop at a stretch: the other controllers and the mirrors of this process wait meanwhile. */
const sliceMs = 10;
/** A house loop that found only pods that have just come looks again as soon as they count, at the latest then. */
const newPodsAgainMs = 2_000;

export function createNodesController(options: NodesControllerOptions, engine: LoopEngine): NodesController {
  return new RunningController(options, engine);
}

/** What one term of leadership works with. */
interface Term {
  readonly abort: AbortController;
  readonly trigger: LoopTrigger;
  readonly actuator: Actuator;
  readonly effects: Effects;
  readonly reader: GroupReader;
  readonly rival: RivalWatch;
  readonly memory: ScalingMemory;
  state: LoopState;
  /** Groups whose instances must be read anew. */
  fresh: ReadonlySet<string>;
  /** As the loop that runs got them. */
  groups: ReadonlyMap<string, NodeGroup>;
  ended: Promise<void>;
}

class RunningController implements NodesController {
  readonly #options: NodesControllerOptions;
  readonly #engine: LoopEngine;
  readonly #health: LoopHealth;
  readonly #metrics: NodesMetrics;
  readonly #events: LoopEvents;
  readonly #status: StatusConfigMap | undefined;
  readonly #writer: PolicyWriter;
  #transitions: Transitions = new Map();
  #report: LoopReport | undefined;
  #term: Term | undefined;
  #stale = false;

  constructor(options: NodesControllerOptions, engine: LoopEngine) {
    this.#options = options;
    this.#engine = engine;
    const { clock, client, config, logger, registry, events } = options;
    this.#health = createLoopHealth(clock, config.health);
    this.#metrics = createNodesMetrics(registry, { perGroup: config.groupMetrics });
    const { statusConfigMap: name, namespace } = config;
    this.#status = name === undefined ? undefined : createStatusConfigMap({ client, namespace, name });
    this.#events = createLoopEvents({
      sink: events,
      clock,
      duplicated: config.duplicatedEvents,
      status: () => this.#status?.reference(),
      nodeUid: (name) => options.reads.nodes.get(name)?.uid,
    });
    this.#writer = createPolicyWriter({ client, logger, dryRun: config.dryRun });
  }

  start(): void {
    if (this.#term !== undefined) return;
    const term = this.#newTerm();
    this.#term = term;
    this.#health.working(true);
    term.ended = this.#loop(term).catch((error: unknown) => {
      // Nothing of a loop is let out of it, so this is a fault of the program; health says so in time.
      this.#options.logger.error('the node controller has stopped', { error: messageOf(error) });
    });
  }

  async stop(): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    this.#health.working(false);
    term.abort.abort();
    term.trigger.stop();
    await term.ended;
    await term.actuator.stop();
  }

  health(): string | undefined {
    return this.#health.check();
  }

  report(): LoopReport | undefined {
    return this.#report;
  }

  decisions(): readonly Decision[] {
    return this.#report?.decisions ?? [];
  }

  async idle(): Promise<void> {
    await this.#term?.actuator.idle();
  }

  #newTerm(): Term {
    const { clock, client, fence, provider, config, logger, reads } = this.#options;
    const { loop } = config;
    const memory = createScalingMemory();
    const trigger = createLoopTrigger({ clock, scanIntervalMs: loop.scanIntervalMs, frequent: config.frequentLoops, pods: reads.pods });
    const onScaled = (group: string, direction: ScalingDirection): void => {
      memory.record(group, direction, clock.now());
      trigger.productive();
    };
    const actuator = createActuator({
      client,
      fence,
      provider,
      clock,
      config: config.actuation,
      nodeAt: (name) => reads.nodes.get(name),
      podAt: (key) => reads.pods.get(key),
      check: (deletion) => this.#recheck(deletion),
      isWhole: (group) => term.groups.get(group)?.options.zeroOrMax === true,
      observer: createDeletionObserver({
        events: this.#events,
        metrics: this.#metrics,
        clock,
        gpuLabel: provider.gpuLabel,
        templateOf: (group) => term.groups.get(group)?.template?.node,
        onScaled,
      }),
      logger,
    });
    const term: Term = {
      abort: new AbortController(),
      trigger,
      actuator,
      effects: createEffects({
        client,
        fence,
        provider,
        actuator,
        clock,
        config: config.actuation,
        metrics: this.#metrics,
        logger,
        groupOf: (id) => term.groups.get(id),
        onScaled,
        onDeletions: () => trigger.productive(),
      }),
      reader: createGroupReader({ provider, clock, cacheInstances: loop.compat === 'cluster-autoscaler' }),
      rival: createRivalWatch({ client, clock, logger, namespaces: ['kube-system', config.namespace] }),
      memory,
      state: this.#engine.empty(),
      fresh: new Set(),
      groups: new Map(),
      ended: Promise.resolve(),
    };
    return term;
  }

  async #loop(term: Term): Promise<void> {
    await this.#remember(term);
    let mostMs: number | undefined;
    do {
      mostMs = await this.#turn(term);
    } while (!term.abort.signal.aborted && (await this.#wait(term, mostMs)));
  }

  async #wait({ trigger }: Term, mostMs: number | undefined): Promise<boolean> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    const due = await trigger.wait({ mostMs });
    this.#metrics.observeDuration('loopWait', (clock.monotonic() - began) / 1000);
    return due;
  }

  /** Takes over what an earlier process left behind. */
  async #remember(term: Term): Promise<void> {
    const { clock, logger, config } = this.#options;
    try {
      const text = await this.#status?.readMemory(term.abort.signal);
      if (text !== undefined) {
        const { loop, at: savedAt } = savedParts(text);
        term.memory.restore(text);
        const { state, problems } = this.#engine.restore(loop, {
          savedAt,
          now: clock.now(),
          candidateTtlMs: config.loop.candidateTtlMs,
        });
        term.state = state;
        if (problems.length > 0) logger.warn('the saved state of the loop is not used: it cannot be read', { problems });
      }
      if (!config.dryRun) await this.#status?.write({ status: initializingYaml(clock.now()), at: clock.now() }, term.abort.signal);
    } catch (error) {
      if (!isConcertinaError(error, 'FENCED')) logger.warn('what an earlier run remembered could not be read', { error: messageOf(error) });
    }
  }

  /** One loop, whatever happens in it. Answers within what time the next one should begin, where that is sooner than usual. */
  async #turn(term: Term): Promise<number | undefined> {
    const { clock, logger } = this.#options;
    const began = clock.monotonic();
    term.trigger.begun();
    this.#health.begun();
    this.#metrics.activity('main', clock.now());
    let report: LoopReport | undefined;
    try {
      report = await this.#runOnce(term);
    } catch (error) {
      if (term.abort.signal.aborted) return undefined;
      logger.warn('a loop of the node controller has failed', { error: messageOf(error) });
      this.#metrics.error(isConcertinaError(error) ? error.code : 'internalError');
    }
    const seconds = (clock.monotonic() - began) / 1000;
    this.#metrics.observeDuration('main', seconds);
    if (report === undefined) return undefined;
    if (report.error === undefined) {
      this.#health.succeeded();
      this.#metrics.observeDuration('mainSuccessful', seconds);
      this.#metrics.activity('autoscaling', clock.now());
    } else {
      logger.warn('a loop of the node controller has ended with an error', { error: report.error });
      this.#metrics.error('loop');
    }
    const { compat, newPodsQuietMs = newPodsAgainMs } = this.#options.config.loop;
    if (!report.scaleUpOutcomes.includes('InCooldown') || compat !== 'none') return undefined;
    const quietAt = (term.trigger.lastPodAt() ?? Number.NEGATIVE_INFINITY) + newPodsQuietMs;
    // Quiet already, and still held: it is of another kind (pods that ask for GPUs).
    if (quietAt <= report.at) return newPodsAgainMs;
    return Math.min(newPodsAgainMs, Math.max(quietAt - clock.now(), seconds * 1000));
  }

  async #runOnce(term: Term): Promise<LoopReport> {
    const { clock, config, provider } = this.#options;
    const { signal } = term.abort;
    const hold = await this.#holdOf(term);
    await this.#timed('cloudProviderRefresh', () => provider.refresh(signal));
    const readings = await term.reader.read(term.fresh);
    await nextTurn();
    const observation = observe({
      now: clock.now(),
      reads: this.#options.reads,
      policies: this.#policies(term),
      provider,
      readings,
      defaults: config.group,
      historyOf: (group) => term.memory.historyOf(group),
      hold,
      deletions: term.actuator.takeProgress(),
      priorities: await this.#priorities(signal),
      intents: this.#options.intents(),
      lastPodAt: term.trigger.lastPodAt(),
    });
    term.groups = new Map(observation.input.groups.map((group) => [group.id, group]));
    await nextTurn();
    const options = this.#isStale() ? { ...config.loop, scaleDownEnabled: false } : config.loop;
    const loop = this.#engine.run(observation.input, term.state, options, {
      volumes: observation.volumes,
      stopwatch: () => clock.monotonic(),
      sliceMs,
    });
    const { state, report: plain } = await drive(loop, (effect) => term.effects.carryOut(effect));
    const report = annotateReport(plain, new Map(observation.groups.map((group) => [group.group.id, group])));
    term.state = state;
    term.fresh = new Set(report.refreshInstances);
    this.#report = report;
    await this.#tell(term, observation, report);
    return report;
  }

  #policies({ memory }: Term) {
    const policies = this.#options.reads.policies.items();
    for (const policy of policies) memory.learn(policy);
    return policies;
  }

  async #holdOf({ rival, abort }: Term): Promise<Hold | undefined> {
    if (this.#options.config.dryRun) return { by: 'dry-run', message: 'the program runs dry (--dry-run): nothing is changed' };
    return rival.look(abort.signal);
  }

  /** Nothing is removed on a picture that may be old: what looks empty may have been filled since. */
  #isStale(): boolean {
    const age = this.#options.reads.ageMs?.();
    const stale = age !== undefined && age > mostMirrorAgeMs;
    if (stale && !this.#stale)
      this.#options.logger.warn('pods or nodes were not heard of for some time: no node is removed meanwhile', { ageMs: Math.round(age) });
    this.#stale = stale;
    return stale;
  }

  /** Read anew for each loop, and only where it is looked at. */
  async #priorities(signal: AbortSignal): Promise<string | undefined> {
    const { client, config, logger } = this.#options;
    if (!config.loop.expanders.includes('priority')) return undefined;
    try {
      const map = await client.get(resourceTypes.configMaps, { namespace: config.namespace, name: priorityConfigMap }, { signal });
      return prioritiesOf(map);
    } catch (error) {
      if (!isNotFound(error))
        logger.warn('the ConfigMap of priorities could not be read: priorities do not count in this loop', { error: messageOf(error) });
      return undefined;
    }
  }

  #recheck({ node: name, kind }: PlannedDeletion) {
    const { clock, reads, config } = this.#options;
    if (this.#isStale())
      return { ok: false as const, message: 'pods and nodes were not heard of for some time: what is on the node now is not known' };
    return recheckNode(
      {
        now: clock.now(),
        node: reads.nodes.get(name),
        // Expendable pods keep no node, and are not waited for either: the loop does not see them.
        // One pass over all pods takes a few milliseconds; an index of them would cost more at its start than all deletions together.
        pods: reads.pods
          .items()
          .filter((pod) => pod.nodeName === name && !isFinished(pod) && pod.shape.priority >= config.loop.expendablePodsPriorityCutoff),
        kind,
        pdbs: reads.budgets.items(),
        controllers: reads.controllers,
        evictDaemonsFromOccupied: config.actuation.evictDaemonsFromOccupied,
        evictDaemonsFromEmpty: config.actuation.evictDaemonsFromEmpty,
      },
      config.loop,
    );
  }

  /** Events, metrics, status ConfigMap, status of policies, decisions. */
  async #tell(term: Term, observation: Observation, report: LoopReport): Promise<void> {
    const { config, clock, onDecision } = this.#options;
    for (const [index, event] of report.events.entries()) {
      this.#events.emit(event);
      // There may be one for each of tens of thousands of pods.
      if (index % eventsAtOnce === eventsAtOnce - 1) await nextTurn();
    }
    for (const decision of report.decisions) onDecision?.(decision);
    this.#metrics.observeLoop({ input: observation.input, report, options: config.loop, running: term.actuator.running() });
    for (const [step, ms] of Object.entries(report.took)) this.#metrics.observeDuration(step, ms / 1000);
    if (report.scaleUps.length > 0) this.#metrics.activity('scaleUp', clock.now());
    await this.#timed('updateClusterState', async () => {
      await this.#writeStatus(term, report);
      const groups = new Map(observation.groups.map((group) => [group.group.id, group]));
      for (const entry of observation.assignment.entries) {
        const previous = this.#writer.storedOf(entry.raw);
        const status = policyStatus({ entry, report, groups, historyOf: (group) => term.memory.historyOf(group), previous });
        await this.#writer.write(entry.raw, status);
      }
    });
  }

  async #writeStatus(term: Term, report: LoopReport): Promise<void> {
    const { config, logger } = this.#options;
    this.#transitions = transitionsAfter(this.#transitions, report);
    if (this.#status === undefined || config.dryRun) return;
    const memory = memoryText({
      at: report.at,
      scalings: term.memory.save(report.groups.map(({ group }) => group)),
      loop: this.#engine.save(term.state),
    });
    try {
      await this.#status.write({
        status: statusYaml(report, this.#transitions, mostBytes - Buffer.byteLength(memory)),
        memory,
        at: report.at,
      });
    } catch (error) {
      if (!isConcertinaError(error, 'FENCED')) logger.warn('the status ConfigMap could not be written', { error: messageOf(error) });
    }
  }

  async #timed<T>(step: string, run: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    try {
      return await run();
    } finally {
      this.#metrics.observeDuration(step, (clock.monotonic() - began) / 1000);
    }
  }
}
