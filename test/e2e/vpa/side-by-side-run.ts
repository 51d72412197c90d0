import type { Teardown } from '../teardown.ts';
import type { FoundCompanion } from '../binaries/index.ts';
import { installVerticalPodAutoscaler, type VpaProcess } from '../companions/vertical-pod-autoscaler.ts';
import { startRealCluster, type OwnCluster, type RealCluster } from '../real-cluster.ts';
import { eventually } from '../until.ts';
import type { AuditRecord } from '../audit.ts';
import { startProgram, type ProgramSide } from './side-by-side-program.ts';
import {
  acts,
  concertinaFlags,
  concertinaName,
  contenders,
  upstreamFlags,
  upstreamIntervalSeconds,
  windowMs,
  type Contender,
} from './side-by-side-scenario.ts';
import { createVpa, handOver, playLoad, startUpstreamRecommender, type PlayedLoad, type Said } from './upstream-side.ts';
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

export interface Played {
  /** Pods run, nothing was ever measured. */
  readonly unmeasured: Moment;
  /** Half a minute of load, then nothing new: all windows but one are closed. */
  readonly learnt: Moment;
  /** Both were started again without a status, each with the other's objects; nothing was measured since. */
  readonly continued: Moment;
  /** Half a minute of more load; one workload has lost a container, one has grown, one's objects were deleted and created again. */
  readonly grown: Moment;
  readonly firstWrites: { readonly theirs: FirstWrite; readonly ours: FirstWrite };
  /** Kinds of objects that each has written. */
  readonly written: { readonly theirs: readonly string[]; readonly ours: readonly string[] };
  /** What one of them has written of the other's objects, and what it was refused. */
  readonly trespasses: readonly string[];
}

export interface PlayOptions {
  readonly companions: Readonly<Record<'metrics-server' | 'vpa-recommender', FoundCompanion>>;
  /** Bundle of our program. */
  readonly program: string;
}

const namespace = 'side-by-side';
/** The loop of ours in the second half: so long that a first pass that waits for it shows. */
const slowSeconds = 6;

/** Two objects of each contender: one is upstream's in the first half and ours in the second, the other the other way round. */
type Side = 'first-theirs' | 'first-ours';
const objectOf = (name: string, side: Side): string => `${name}.${side}`;

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

async function createFor({ admin }: RealCluster, { name, resourcePolicy }: Contender, side: Side, recommender?: string): Promise<void> {
  await createVpa(admin, {
    name: objectOf(name, side),
    namespace,
    target: name,
    ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    ...(recommender === undefined ? {} : { recommender }),
  });
}

interface Stage {
  readonly real: RealCluster;
  readonly load: PlayedLoad;
  readonly theirs: VpaProcess;
  readonly ours: ProgramSide;
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
const measuredMs = 34_000;

async function firstHalf(stage: Stage): Promise<void> {
  const { load, real } = stage;
  await load.measure();
  const begun = Date.now();
  await pause(6_000);
  await killForMemory(stage);
  await setReplicas(real, acts.late, 1);
  await until(begun + measuredMs);
  await load.freeze();
  // Whatever was measured first just before the beginning, or just after it: its window has ended.
  await until(begun + windowMs + 2_000);
  await passes(stage);
}

/** As the kernel does it, between two samples. */
async function killForMemory({ load, real }: Stage): Promise<void> {
  const [name = ''] = load.podsOf(acts.killed);
  if (!load.fleet.killContainer({ namespace, name }, acts.killed, { code: 137, reason: 'OOMKilled' }))
    throw new Error(`${name} has no container that runs`);
  await eventually(`${name} runs again`, async () => {
    const { body } = await real.admin.get(`/api/v1/namespaces/${namespace}/pods/${name}`);
    const { status } = body as { status?: { containerStatuses?: readonly { restartCount: number; state?: { running?: object } }[] } };
    return status?.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].state?.running !== undefined;
  });
}

async function setReplicas({ admin }: RealCluster, name: string, replicas: number): Promise<void> {
  const answer = await admin.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, 'merge', { spec: { replicas } });
  if (answer.status !== 200) throw new Error(`${name} can't be scaled: ${answer.status} ${answer.text}`);
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

/** Each has seen that its object is gone before there is another of that name. */
async function createAgain(stage: Stage): Promise<void> {
  const { real, theirs } = stage;
  const contender = contenders.find(({ name }) => name === acts.again);
  if (contender === undefined) throw new Error(`${acts.again} is no contender`);
  for (const side of ['first-theirs', 'first-ours'] as const) {
    const { status, text } = await real.admin.delete(vpaPath(namespace, objectOf(acts.again, side)));
    if (status !== 200) throw new Error(`VPA ${objectOf(acts.again, side)} can't be deleted: ${status} ${text}`);
  }
  // Ours watches.
  await theirs.untilPasses(1);
  await createFor(real, contender, 'first-ours');
  await createFor(real, contender, 'first-theirs', concertinaName);
}

/** A new template without the second container; the old pod has gone when this resolves. */
async function dropSidecar({ load, real }: Stage): Promise<void> {
  const before = load.podsOf(acts.shrunk);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${acts.shrunk}`;
  const answer = await real.admin.patch(path, 'json', [{ op: 'remove', path: '/spec/template/spec/containers/1' }]);
  if (answer.status !== 200) throw new Error(`${acts.shrunk} can't lose its container: ${answer.status} ${answer.text}`);
  await eventually(`${acts.shrunk} has a new pod only`, async () => {
    const now = load.podsOf(acts.shrunk);
    return now.length === 1 && !before.includes(now[0] ?? '');
  });
}

async function audited(
  { theirs, ours }: Stage,
  { audit }: OwnCluster,
  handedOver: number,
): Promise<Pick<Played, 'written' | 'trespasses'>> {
  const records = (await audit?.records()) ?? [];
  const by = (user: string): readonly AuditRecord[] => records.filter((record) => record.user.username === user);
  const written = (user: string): readonly string[] => [...new Set(by(user).filter(writesVpas).map(whatOf))].toSorted();
  const trespassesOf = (user: string, [before, after]: readonly [Side, Side]): readonly string[] =>
    by(user).flatMap((record) => {
      const text = `${user} ${whatOf(record)} ${record.objectRef?.name ?? ''}`;
      if (record.responseStatus?.code === 403) return [`${text}: refused`];
      // The name of a checkpoint that is created is in its body.
      const name = writesVpas(record) ? record.objectRef?.name : undefined;
      const own = Date.parse(record.requestReceivedTimestamp) < handedOver ? before : after;
      return name === undefined || name.includes(`.${own}`) ? [] : [text];
    });
  return {
    written: { theirs: written(theirs.user), ours: written(ours.user) },
    trespasses: [...trespassesOf(theirs.user, ['first-theirs', 'first-ours']), ...trespassesOf(ours.user, ['first-ours', 'first-theirs'])],
  };
}

function writesVpas({ objectRef, verb }: AuditRecord): boolean {
  return objectRef?.apiGroup === 'autoscaling.k8s.io' && ['create', 'update', 'patch', 'delete'].includes(verb);
}

/** `patch verticalpodautoscalers/status`. */
function whatOf({ verb, objectRef }: AuditRecord): string {
  const { resource = '', subresource } = objectRef ?? {};
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function until(time: number): Promise<void> {
  return pause(Math.max(0, time - Date.now()));
}
