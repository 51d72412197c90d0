import type { FoundCompanion } from '../binaries/index.ts';
import { installVerticalPodAutoscaler } from '../companions/vertical-pod-autoscaler.ts';
import { startRealCluster, type OwnCluster, type RealCluster } from '../real-cluster.ts';
import type { Teardown } from '../teardown.ts';
import { eventually } from '../until.ts';
import { audited, type Written } from './side-by-side-audit.ts';
import { startProgram } from './side-by-side-program.ts';
import {
  acts,
  concertinaFlags,
  concertinaName,
  contenders,
  upstreamFlags,
  upstreamIntervalSeconds,
  windowMs,
} from './side-by-side-scenario.ts';
import {
  createAgain,
  createFor,
  dropSidecar,
  killForMemory,
  namespace,
  objectOf,
  setReplicas,
  type Side,
  type Stage,
} from './side-by-side-stage.ts';
import { handOver, playLoad, startUpstreamRecommender, type Said } from './upstream-side.ts';
import { readCheckpoints, readVpa, vpaPath } from './upstream-state.ts';

/** What both say of one contender. */
export interface Pair {
  readonly theirs: Said;
  readonly ours: Said;
}

/** By contender. */
export type Moment = ReadonlyMap<string, Pair>;

/** How long after its start a recommender wrote a status for the first time, milliseconds. */
export interface FirstWrite {
  readonly afterMs: number;
  readonly intervalMs: number;
}

export interface Played extends Written {
  /** Pods run, nothing was ever measured. */
  readonly unmeasured: Moment;
  /** Four values of each, then nothing new: all windows but one are closed. */
  readonly learnt: Moment;
  /** Both were started again without a status, each with the other's objects; nothing was measured since. */
  readonly continued: Moment;
  /** Four values more; one workload has lost a container, one has grown, one's objects were deleted and created again. */
  readonly grown: Moment;
  readonly firstWrites: { readonly theirs: FirstWrite; readonly ours: FirstWrite };
}

export interface PlayOptions {
  readonly companions: Readonly<Record<'metrics-server' | 'vpa-recommender', FoundCompanion>>;
  /** Bundle of our program. */
  readonly program: string;
}

/** The loop of ours in the second half: so long that a first pass that waits for it shows. */
const slowSeconds = 6;

/** Plays the whole story on a cluster of its own; everything is taken down by the teardown. */
export async function play({ companions, program }: PlayOptions, teardown: Teardown): Promise<Played> {
  const [metricsServer, file] = [await companions['metrics-server'].file(), await companions['vpa-recommender'].file()];
  const real = await startRealCluster();
  teardown.add(() => real.stop());
  const { own } = real;
  if (own?.audit === undefined) throw new Error('side by side needs a cluster of its own, with its audit log');
  await installVerticalPodAutoscaler(real);
  const load = await playLoad(real, { metricsServer, namespace, workloads: contenders }, teardown);
  for (const contender of contenders) {
    await createFor(real, contender, 'first-theirs');
    await createFor(real, contender, 'first-ours', concertinaName);
  }
  const [theirs, ours] = await Promise.all([
    startUpstreamRecommender(real, { file, intervalSeconds: upstreamIntervalSeconds, extraFlags: upstreamFlags }),
    startProgram(real, { program, flags: concertinaFlags({ intervalSeconds: upstreamIntervalSeconds }) }, teardown),
  ]);
  teardown.add(() => theirs.stop());
  const stage: Stage = { real, load, theirs, ours };

  await passes(stage);
  const unmeasured = await look(stage, 'first-theirs');

  await firstHalf(stage);
  const learnt = await look(stage, 'first-theirs');

  const { begun, firstWrites } = await startedAgain(stage, own);
  await passes(stage);
  const continued = await look(stage, 'first-ours');

  await secondHalf(stage);
  const grown = await look(stage, 'first-ours');
  return { unmeasured, learnt, continued, grown, firstWrites, ...(await audited(stage, own, begun)) };
}

/** Both have worked off what there was before the call. */
async function passes({ theirs, ours }: Stage): Promise<void> {
  await Promise.all([theirs.untilPasses(1), ours.untilPasses(1)]);
}

async function look({ real }: Stage, theirSide: Side): Promise<Moment> {
  const ourSide: Side = theirSide === 'first-theirs' ? 'first-ours' : 'first-theirs';
  const moment = new Map<string, Pair>();
  for (const { name } of contenders) {
    const [theirs, ours] = [await said(real, objectOf(name, theirSide)), await said(real, objectOf(name, ourSide))];
    moment.set(name, { theirs, ours });
  }
  return moment;
}

async function said({ admin }: RealCluster, name: string): Promise<Said> {
  const state = await readVpa(admin, namespace, name);
  if (state === undefined) throw new Error(`VPA ${namespace}/${name} is gone`);
  return { state, checkpoints: await readCheckpoints(admin, namespace, name) };
}

/** So long all containers are measured; in less than a window, so that none begins a second one. */
const measuredMs = 40_000;

async function firstHalf(stage: Stage): Promise<void> {
  const { load, real } = stage;
  await load.measure();
  const begun = Date.now();
  await pause(6_000);
  await killForMemory(stage);
  await until(begun + 14_000);
  await setReplicas(real, acts.late, 1);
  await until(begun + measuredMs);
  await load.freeze();
  // Whatever was measured first just before the beginning, or just after it: its window has ended.
  await until(begun + windowMs + 2_000);
  await passes(stage);
}

/** Ends both, hands each the other's objects without what the status said, and starts both. */
async function startedAgain(
  { real, theirs, ours }: Stage,
  own: OwnCluster,
): Promise<{ readonly begun: number; readonly firstWrites: Played['firstWrites'] }> {
  await Promise.all([theirs.halt(), ours.halt()]);
  for (const { name } of contenders) {
    await handOver(real.admin, { namespace, name: objectOf(name, 'first-theirs') }, concertinaName);
    await handOver(real.admin, { namespace, name: objectOf(name, 'first-ours') });
    for (const side of ['first-theirs', 'first-ours'] as const) {
      const path = `${vpaPath(namespace, objectOf(name, side))}/status`;
      const answer = await real.admin.patch(path, 'json', [{ op: 'add', path: '/status', value: {} }]);
      if (answer.status !== 200) throw new Error(`the status of ${name} can't be emptied: ${answer.status} ${answer.text}`);
    }
  }
  const begun = Date.now();
  let oursReady = begun;
  await Promise.all([
    theirs.resume(),
    ours.resume(concertinaFlags({ intervalSeconds: slowSeconds })).then(() => {
      oursReady = Date.now();
    }),
  ]);
  const firstWrite = async (user: string): Promise<number> => {
    let first = Number.NaN;
    await eventually(`${user} writes a status`, async () => {
      const writes =
        (await own.audit?.auditWrites({ user, resource: 'verticalpodautoscalers', subresource: 'status', successful: true })) ?? [];
      const times = writes.map(({ requestReceivedTimestamp: at }) => Date.parse(at)).filter((at) => at >= begun);
      first = Math.min(...times);
      return times.length > 0;
    });
    return first;
  };
  return {
    begun,
    firstWrites: {
      theirs: { afterMs: (await firstWrite(theirs.user)) - begun, intervalMs: upstreamIntervalSeconds * 1000 },
      ours: { afterMs: (await firstWrite(ours.user)) - oursReady, intervalMs: slowSeconds * 1000 },
    },
  };
}

async function secondHalf(stage: Stage): Promise<void> {
  const { load, real } = stage;
  await createAgain(stage);
  await dropSidecar(stage);
  await setReplicas(real, acts.scaled, 5);
  await eventually(`${acts.scaled} has grown`, async () => load.podsOf(acts.scaled).length === 5);
  await load.measure();
  const begun = Date.now();
  await until(begun + measuredMs);
  await load.freeze();
  await until(begun + windowMs + 2_000);
  await passes(stage);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function until(time: number): Promise<void> {
  return pause(Math.max(0, time - Date.now()));
}
