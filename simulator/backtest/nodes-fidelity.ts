import type { LoopInput } from './nodes-loop.ts';
import { playNodes, type PlayedLoop, type PlayOptions } from './nodes-play.ts';
import { inOrder, type NodesRecording, type RecordedEvent } from './nodes-recording.ts';
import { sceneOf } from './nodes-scene-of.ts';
import { msOf } from './nodes-scene.ts';

/**
 * Plays the scene of a recording with the settings of the recorded autoscaler and says where the path first leaves the recorded one: a pod (its node, its
 * deletion), a node (its readiness and since when, its taints), a budget or a target size that is another. `undefined`: in no loop. So it is told how far
 * the scene, the cloud, the cluster and the scheduler that are played here are those of the recording.
 */
export function firstDifference(recording: NodesRecording, options: Pick<PlayOptions, 'loop' | 'group' | 'deletion'>): string | undefined {
  const recorded = createTracker();
  recorded.apply(recording.input.initial);
  let found: string | undefined;
  let index = 0;
  const observe = ({ t, input, world }: PlayedLoop): void => {
    const loop = recording.loops[index++];
    if (loop === undefined || found !== undefined) return;
    recorded.apply(loop.events);
    const targets = Object.entries(loop.expected.targetSizes).map(([group, size]) => `target ${group} ${size}`);
    const wanted = new Set([...recorded.facts(), ...targets]);
    const given = new Set([...factsOf(input), ...[...world.cloud.targets].map(([group, size]) => `target ${group} ${size}`)]);
    const missing = [...wanted].filter((fact) => !given.has(fact));
    const surplus = [...given].filter((fact) => !wanted.has(fact));
    if (missing.length + surplus.length > 0)
      found = `at ${t} s: recorded ${missing.join(', ') || 'nothing'}; played ${surplus.join(', ') || 'nothing'}`;
  };
  playNodes(sceneOf(recording), { ...options, placement: 'first-fit', tail: 0, observe });
  return found;
}

/** What there is, one text for each thing. */
function factsOf({ pods, nodes, pdbs }: LoopInput): readonly string[] {
  return [
    ...pods.map(({ name, nodeName, deleted }) => podFact(name, nodeName, deleted)),
    ...nodes.map(({ name, ready, readySince, taints }) => nodeFact(name, { ready: ready === 'True', since: readySince, taints })),
    ...pdbs.map(({ name, disruptionsAllowed }) => `budget ${name} allows ${disruptionsAllowed}`),
  ];
}

/** Pods of DaemonSets that were made again are numbered in another way. */
function podFact(name: string, node: string | undefined, deletedMs: number | undefined): string {
  return `pod ${name.replace(/(-n\d+)-\d+$/, '$1')} on ${node ?? 'no node'}${deletedMs === undefined ? '' : ` deleted at ${deletedMs}`}`;
}

interface NodeFacts {
  readonly ready: boolean;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
  readonly taints: readonly { readonly key: string; readonly value?: string }[];
}

function nodeFact(name: string, { ready, since, taints }: NodeFacts): string {
  const texts = taints.map(({ key, value = '' }) => `${key}=${value}`).toSorted();
  return `node ${name} ${ready ? 'ready' : 'not ready'} since ${since} [${texts.join(' ')}]`;
}

interface Tracker {
  apply(events: readonly RecordedEvent[] | undefined): void;
  facts(): readonly string[];
}

/** The recorded world. */
function createTracker(): Tracker {
  const pods = new Map<string, { node: string | undefined; deleted: number | undefined }>();
  const nodes = new Map<string, NodeFacts>();
  const budgets = new Map<string, number>();
  const changeNode = (name: string, change: Partial<NodeFacts>): void => {
    const node = nodes.get(name);
    if (node !== undefined) nodes.set(name, { ...node, ...change });
  };
  const changePod = (name: string, change: { node?: string; deleted?: number }): void => void Object.assign(pods.get(name) ?? {}, change);
  const apply = (event: RecordedEvent): void => {
    if (event.e === 'pod') pods.set(event.name, { node: event.node, deleted: undefined });
    else if (event.e === 'bound') changePod(event.pod, { node: event.node });
    else if (event.e === 'terminating') changePod(event.pod, { deleted: msOf(event.t) });
    else if (event.e === 'podGone') pods.delete(event.pod);
    else if (event.e === 'node') nodes.set(event.name, { ready: event.ready, since: msOf(event.since), taints: event.taints ?? [] });
    else if (event.e === 'nodeGone') nodes.delete(event.node);
    else if (event.e === 'ready' || event.e === 'notReady') changeNode(event.node, { ready: event.e === 'ready', since: msOf(event.t) });
    else if (event.e === 'taints') changeNode(event.node, { taints: event.taints });
    else if (event.e === 'pdb') budgets.set(event.name, event.allowed);
  };
  return {
    apply: (events) => {
      for (const event of inOrder(events)) apply(event);
    },
    facts: () => [
      ...[...pods].map(([name, { node, deleted }]) => podFact(name, node, deleted)),
      ...[...nodes].map(([name, node]) => nodeFact(name, node)),
      ...[...budgets].map(([name, allowed]) => `budget ${name} allows ${allowed}`),
    ],
  };
}
