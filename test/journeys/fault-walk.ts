import { resourceTypes } from '../../core/model/object.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { apiFault, conflictStorm, metricsFault, metricsGroupGone, metricsPath, onStage, type Cure, type Stage } from './faults.ts';
import type { VirtualController, VirtualJourneyCluster } from './virtual-cluster.ts';

/** What a fault disturbs: requests of the program, the age of samples, or neither. */
interface WalkFault {
  readonly name: string;
  readonly disturbs?: 'requests' | 'samples';
  readonly inject: (stage: Stage) => Cure;
}

const notLeases = { path: /^(?!.*leases)/ };

/** All that may go wrong at any time; `zeroForAll` is not among them, since nothing tells it from an idle cluster yet. */
function faultsOf(cluster: VirtualJourneyCluster): readonly WalkFault[] {
  const requests = (name: string, inject: (stage: Stage) => Cure): WalkFault => ({ name, disturbs: 'requests', inject });
  const samples = (name: string, inject: (stage: Stage) => Cure): WalkFault => ({ name, disturbs: 'samples', inject });
  const { faults } = cluster.embedded.api;
  return [
    requests('latency', () => apiFault(cluster, { fault: { kind: 'latency', ms: 4_000 } })),
    requests('429', () =>
      apiFault(cluster, { fault: { kind: 'status', code: 429, retryAfterSeconds: 3 }, match: notLeases, probability: 0.5 }),
    ),
    requests('500', () => apiFault(cluster, { fault: { kind: 'status', code: 500 }, probability: 0.3 })),
    requests('503', () => apiFault(cluster, { fault: { kind: 'status', code: 503 }, match: notLeases })),
    requests('drop', () => apiFault(cluster, { fault: { kind: 'drop' }, probability: 0.4 })),
    requests('drop after the fact', () =>
      apiFault(cluster, { fault: { kind: 'drop', applied: true }, match: notLeases, probability: 0.4 }),
    ),
    requests('watches drop', () => {
      const cure = apiFault(cluster, { fault: { kind: 'watch-drop', afterMs: 3_000 } });
      faults.dropWatches();
      return cure;
    }),
    requests('watches stall', () => apiFault(cluster, { fault: { kind: 'watch-stall' } })),
    requests('pods stall', () => apiFault(cluster, { fault: { kind: 'watch-stall' }, match: { resource: 'pods' } })),
    requests('410', () => {
      const cure = apiFault(cluster, { fault: { kind: 'gone' }, probability: 0.5 });
      faults.expireWatches();
      return cure;
    }),
    requests('status is not written', () => apiFault(cluster, { fault: { kind: 'status', code: 500 }, match: { subresource: 'status' } })),
    requests('conflicts', ({ namespace }) => {
      conflictStorm(cluster, namespace, 20_000);
      return apiFault(cluster, { fault: { kind: 'latency', ms: 200 }, match: { subresource: 'scale' } });
    }),
    requests('lease', () => apiFault(cluster, { fault: { kind: 'status', code: 500 }, match: { resource: 'leases' } })),
    { name: 'metrics 503', inject: () => metricsFault(cluster, (set) => (set.unavailable = true)) },
    { name: 'metrics empty', inject: () => metricsFault(cluster, (set) => (set.emptyList = true)) },
    { name: 'metrics 404', inject: () => metricsGroupGone(cluster) },
    { name: 'metrics slow', inject: () => apiFault(cluster, { fault: { kind: 'latency', ms: 9_000 }, match: { path: metricsPath } }) },
    { name: 'metrics hang', inject: () => apiFault(cluster, { fault: { kind: 'latency', ms: 600_000 }, match: { path: metricsPath } }) },
    { name: 'metrics partial', inject: () => metricsFault(cluster, (set) => (set.partial = 0.6)) },
    samples('nodes missing', () => metricsFault(cluster, (set) => set.missingNodes.add('node-c'))),
    samples('stale', () => metricsFault(cluster, (set) => (set.staleTimestamps = true))),
    samples('ahead', () => metricsFault(cluster, (set) => (set.clockSkewMs = 300_000))),
    samples('behind', () => metricsFault(cluster, (set) => (set.clockSkewMs = -60_000))),
    samples('node without power', () => {
      cluster.embedded.fleet.failNode('node-a', { containers: 'stop' });
      return () => cluster.embedded.fleet.recoverNode('node-a');
    }),
  ];
}

export interface WalkOptions {
  readonly seed: number;
  readonly minutes: number;
}

/** After a fault of requests: watchdog (90 s), the longest back-off (30 s), a sync. */
const recoveryMs = 150_000;

/** Random loads, faults on and off one at a time, manual scaling, restarts and deaths; invariants throughout, and at the end the size that the load asks for. */
export async function faultWalk(cluster: VirtualJourneyCluster, { seed, minutes }: WalkOptions): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const faults = faultsOf(cluster);
  const script: string[] = [];
  // Half of the walks without a stabilization window, where a single wrong sample is enough.
  const behavior = random() < 0.5 ? { scaleDown: { stabilizationWindowSeconds: 0 } } : undefined;
  const stageOptions = { replicas: 5, load: 250, min: 2, max: 14, policy: { behavior } };
  await onStage(cluster, stageOptions, async (stage) => {
    const { monitor } = stage;
    let copy: VirtualController = stage.controller;
    let active: { readonly fault: WalkFault; readonly cure: Cure } | undefined;
    const note = (text: string): void => {
      script.push(`${new Date(cluster.now()).toISOString().slice(11, 19)} ${text}`);
    };
    const cure = (): void => {
      if (active === undefined) return;
      note(`cured: ${active.fault.name}`);
      active.cure();
      if (active.fault.disturbs === 'requests') monitor.quiet(recoveryMs);
      if (active.fault.disturbs === 'samples') monitor.samplesAreOld(false);
      if (active.fault.disturbs !== 'requests') monitor.metricsDisturbed(false);
      active = undefined;
    };
    const inject = (): void => {
      const fault = pick(faults);
      if (fault === undefined) return;
      note(`fault: ${fault.name}`);
      if (fault.disturbs === 'requests') monitor.disturbed();
      if (fault.disturbs === 'samples') monitor.samplesAreOld(true);
      if (fault.disturbs !== 'requests') monitor.metricsDisturbed(true);
      active = { fault, cure: fault.inject(stage) };
    };
    const restart = async (): Promise<void> => {
      note('restart');
      await copy.stop();
      copy = await stage.start();
    };
    /** Nothing that it sends comes through any more, whatever it was doing; then the next copy starts. */
    const kill = async (): Promise<void> => {
      note('kill');
      const silence = apiFault(cluster, { fault: { kind: 'drop' }, match: { userAgent: new RegExp(`\\(${copy.identity}\\)`) } });
      await copy.stop();
      silence();
      copy = await stage.start();
    };
    const perhaps = async (): Promise<void> => {
      const chance = random();
      if (chance < 0.45) monitor.setLoad(Math.round(60 + 640 * random()));
      if (chance > 0.9) {
        const replicas = 2 + Math.floor(12 * random());
        note(`by hand: ${replicas}`);
        await monitor.scaleByHand(replicas);
      }
      if (chance > 0.8 && chance < 0.85) await (chance < 0.825 ? restart() : kill());
    };
    try {
      for (const end = cluster.now() + minutes * 60_000; cluster.now() < end;) {
        if (active !== undefined && random() < 0.5) cure();
        else if (active === undefined && random() < 0.7) inject();
        await perhaps();
        await monitor.elapse(15_000 * (1 + Math.floor(8 * random())));
        // Whoever lost the lease has gone: a Deployment would start the next copy.
        if (copy.hasEnded()) await restart();
      }
      cure();
      await settles(stage, () => copy, restart);
    } catch (error) {
      if (error instanceof Error) error.message += `\nseed ${seed}: ${script.join('; ')}`;
      throw error;
    }
    if (monitor.violations.length > 0) monitor.violations.push(`seed ${seed}: ${script.join('; ')}`);
  });
  return script;
}

/** With nothing wrong any more the size is the one that the load asks for, within tolerance, after the longest wait that there is. */
async function settles({ cluster, namespace, monitor }: Stage, copy: () => VirtualController, restart: () => Promise<void>): Promise<void> {
  monitor.setLoad(410);
  const fits = (): boolean => {
    const replicas = monitor.replicas();
    return replicas >= 8 && replicas <= 10;
  };
  const { scaleDownCooldown, scaleUpCooldown } = cluster.timing;
  // A wish of before may still be carried out after one cooldown, and what follows shrinks in two steps, the first of them to a wish that is remembered.
  for (let left = scaleUpCooldown + 2 * scaleDownCooldown + 2 * recoveryMs; left > 0 && !fits(); left -= 15_000) {
    await monitor.elapse(15_000);
    if (copy().hasEnded()) await restart();
  }
  const pods = cluster.embedded.api.registry.list(resourceTypes.pods, namespace).length;
  if (!fits()) throw new Error(`${monitor.replicas()} replicas (${pods} pods) for 410m, which needs 9`);
}
