import type { VpaProcess } from '../companions/vertical-pod-autoscaler.ts';
import type { RealCluster } from '../real-cluster.ts';
import { eventually } from '../until.ts';
import type { ProgramSide } from './side-by-side-program.ts';
import { acts, concertinaName, contenders, type Contender } from './side-by-side-scenario.ts';
import { createVpa, type PlayedLoad } from './upstream-side.ts';
import { vpaPath } from './upstream-state.ts';

export const namespace = 'side-by-side';

/** Two objects of each contender: one is upstream's in the first half and ours in the second, the other the other way round. */
export type Side = 'first-theirs' | 'first-ours';
export const objectOf = (name: string, side: Side): string => `${name}.${side}`;

/** All that plays. */
export interface Stage {
  readonly real: RealCluster;
  readonly load: PlayedLoad;
  readonly theirs: VpaProcess;
  readonly ours: ProgramSide;
}

export async function createFor(
  { admin }: RealCluster,
  { name, resourcePolicy }: Contender,
  side: Side,
  recommender?: string,
): Promise<void> {
  await createVpa(admin, {
    name: objectOf(name, side),
    namespace,
    target: name,
    ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    ...(recommender === undefined ? {} : { recommender }),
  });
}

/** As the kernel does it, between two samples. */
export async function killForMemory({ load, real }: Stage): Promise<void> {
  const [name = ''] = load.podsOf(acts.killed);
  if (!load.fleet.killContainer({ namespace, name }, acts.killed, { code: 137, reason: 'OOMKilled' }))
    throw new Error(`${name} has no container that runs`);
  await eventually(`${name} runs again`, async () => {
    const { body } = await real.admin.get(`/api/v1/namespaces/${namespace}/pods/${name}`);
    const { status } = body as { status?: { containerStatuses?: readonly { restartCount: number; state?: { running?: object } }[] } };
    return status?.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].state?.running !== undefined;
  });
}

export async function setReplicas({ admin }: RealCluster, name: string, replicas: number): Promise<void> {
  const answer = await admin.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, 'merge', { spec: { replicas } });
  if (answer.status !== 200) throw new Error(`${name} can't be scaled: ${answer.status} ${answer.text}`);
}

/** Upstream has seen in a pass that its object is gone before there is another of that name; between two passes it would not notice. */
export async function createAgain(stage: Stage): Promise<void> {
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
export async function dropSidecar({ load, real }: Stage): Promise<void> {
  const before = load.podsOf(acts.shrunk);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${acts.shrunk}`;
  const answer = await real.admin.patch(path, 'json', [{ op: 'remove', path: '/spec/template/spec/containers/1' }]);
  if (answer.status !== 200) throw new Error(`${acts.shrunk} can't lose its container: ${answer.status} ${answer.text}`);
  await eventually(`${acts.shrunk} has a new pod only`, async () => {
    const now = load.podsOf(acts.shrunk);
    return now.length === 1 && !before.includes(now[0] ?? '');
  });
}
