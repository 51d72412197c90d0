import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { recommendationFooter, recommendationTable } from '../output/recommendations.ts';
import { nodesExplanationText } from '../output/nodes-explanation.ts';
import { readWanted } from './explain/find-subject.ts';
import { explainNodesSubject } from './explain/nodes-subject.ts';
import { poolSnapshot, scenePod, type PoolScene } from './explain/nodes-scene.fixture.ts';
import { poolItems } from './explain/pool-items.ts';
import { policy, scale, settings, takenAt, usage, type Snapshot } from './explain/scene.fixture.ts';
import { intentsFrom } from './intents-from.ts';
import { lookAtNodes, type NodesLook } from './nodes-look.ts';
import { nodesFrom } from './nodes-from.ts';
import { outlookFrom, readingOf, type Adopted } from './recommend-from.ts';
import { recommendSettings, type DecisionSettings } from './settings.ts';

interface Words {
  readonly with?: DecisionSettings;
  readonly adopt?: Adopted;
}

function look(snapshot: Snapshot, { with: chosen = settings, adopt = [] }: Words = {}): NodesLook {
  const reading = readingOf(snapshot, chosen, { adopt });
  const { horizontal } = outlookFrom(snapshot, chosen, reading);
  const found = lookAtNodes(snapshot, chosen, { reading, intents: intentsFrom(horizontal, snapshot, reading) });
  if (found === undefined) throw new Error('the scene has no node groups');
  return found;
}

function rows({ outlook, ahead }: NodesLook): unknown[] {
  return poolItems(outlook, ahead).map(({ target, from, to }) => [target.name, from, to]);
}

const upstream = recommendSettings.parse({ compat: 'cluster-autoscaler' });

/** A node that is full: whatever else comes needs another one. */
const full = scenePod('old', { node: 'n0', cpu: '3800m' });

function aged(name: string, ageMs: number, parts: Parameters<typeof scenePod>[1] = {}): KubeObject {
  const pod = scenePod(name, parts);
  return { ...pod, metadata: { ...pod.metadata, creationTimestamp: new Date(takenAt - ageMs).toISOString() } };
}

describe('pods that are young', () => {
  it('count, and it is said for how long the running controller leaves them alone', () => {
    const seen = look(poolSnapshot({ pods: [full, aged('a', 1000), aged('b', 0)] }), { with: upstream });
    expect(rows(seen)).toEqual([
      ['general', 1, 2],
      ['gpu', 0, 0],
    ]);
    expect(seen.young.map(({ name, seconds, why }) => [name, seconds, why])).toEqual([
      ['a', 1, 'new'],
      ['b', 1, 'new'],
    ]);
  });

  it.each([
    ['as upstream', 0],
    ['as upstream', 1000],
    ['as upstream', 2000],
    ['the house’s way', 0],
    ['the house’s way', 1000],
    ['the house’s way', 5000],
  ])('%s and %i ms old: until the very second at which the loop itself buys', (way, age) => {
    const chosen = way === 'as upstream' ? upstream : settings;
    const snapshot = poolSnapshot({ pods: [full, aged('a', age)] });
    const left = look(snapshot, { with: chosen }).young[0]?.seconds ?? 0;
    const after = [0, 1, 2, 3];
    const bought = after.map((seconds) => {
      const at = { ...snapshot, takenAt: takenAt + seconds * 1000 };
      return nodesFrom(at, chosen, readingOf(at, chosen))?.report.scaleUps.length;
    });
    expect(bought).toEqual(after.map((seconds) => (seconds < left ? 0 : 1)));
  });

  it('that ask for GPUs are waited for half a minute', () => {
    const gpu = { containers: [{ name: 'c', resources: { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } } }] };
    const young = look(poolSnapshot({ pods: [full, aged('old-enough', 10_000), aged('g', 10_000, { spec: gpu })] })).young;
    expect(young.map(({ name, seconds }) => [name, seconds])).toEqual([
      ['g', 20],
      ['old-enough', 20],
    ]);
  });

  it('are named by a flag or an annotation as long as it says', () => {
    const annotations = { 'cluster-autoscaler.kubernetes.io/pod-scale-up-delay': '10m' };
    const scene = { pods: [full, aged('late', 60_000, { annotations }), aged('plain', 60_000)] };
    const left = (chosen: DecisionSettings): unknown[] =>
      look(poolSnapshot(scene), { with: chosen }).young.map(({ name, seconds, why }) => [name, seconds, why]);
    expect(left(settings)).toEqual([['late', 541, 'delayed']]);
    expect(left(recommendSettings.parse({ newPodScaleUpDelay: '90s' }))).toEqual([
      ['late', 541, 'delayed'],
      ['plain', 31, 'delayed'],
    ]);
    expect(rows(look(poolSnapshot(scene)))[0]).toEqual(['general', 1, 2]);
  });

  it('are not named where nothing would be bought for them', () => {
    expect(look(poolSnapshot({ pods: [aged('fits', 0)] })).young).toEqual([]);
  });

  it('stand below the table and in explain', () => {
    const snapshot = poolSnapshot({ pods: [full, aged('a', 0)] });
    const { young, unknown } = look(snapshot, { with: upstream });
    expect(footer({ young, unknown })).toBe(
      'One pending pod counts that the running controller still leaves alone, because more may come: shop/a for 2s',
    );
    const wanted = readWanted('pod/a');
    if (wanted === undefined) throw new Error('unreadable');
    const found = explainNodesSubject(snapshot, upstream, { wanted, namespace: undefined });
    if (!found.ok) throw new Error(found.problem);
    expect(found.explanation.pod).toMatchObject({ state: 'helped', group: 'general', leftAloneSeconds: 2 });
    expect(nodesExplanationText(found.explanation, { colour: false, at: takenAt, from: 'scene.json' })).toContain(
      'the running controller still leaves it alone for 2s: it waits whether more pods come',
    );
  });
});

function footer(nodes: { readonly young: NodesLook['young']; readonly unknown: NodesLook['unknown'] }): string | undefined {
  return recommendationFooter({
    kind: 'ConcertinaRecommendations',
    version: 1,
    at: takenAt,
    server: null,
    origin: 'snapshot',
    problem: null,
    failOn: null,
    items: [],
    requests: null,
    nodes,
  });
}

/** `shop/web` has two pods of 1500m on one node, each using that much more than 80 %: four are wanted. */
function growing(parts: Partial<Snapshot> = {}, scene: PoolScene = {}): Snapshot {
  const pods = [0, 1].map((index) => {
    const pod = scenePod(`web-${index}`, { node: 'n0', cpu: '1500m' });
    return {
      ...pod,
      metadata: { ...pod.metadata, labels: { app: 'web', 'pod-template-hash': '5f' }, ownerReferences: owners },
      status: { ...(pod.status as object), startTime: '2026-11-22T05:00:00Z' },
    };
  });
  return {
    ...poolSnapshot({ pods: [...pods, ...(scene.pods ?? [])], ...(scene.general === undefined ? {} : { general: scene.general }) }),
    horizontalPolicies: [policy()],
    scales: [scale(2)],
    replicaSets: [{ uid: 'rs-web', controller: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'web' } }],
    metrics: {
      source: { healthy: true, lastSuccess: takenAt - 1_000 },
      usageSource: 'metrics.k8s.io',
      pods: usage(2, 2400),
      nodes: [],
      queries: [],
    },
    ...parts,
  };
}

const owners = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5f', uid: 'rs-web', controller: true }];

describe('pods to come', () => {
  it('make groups grow, and it is said which of the nodes are for them', () => {
    const seen = look(growing());
    expect(rows(seen)).toEqual([
      ['general', 1, 2],
      ['gpu', 0, 0],
    ]);
    expect([...seen.ahead]).toEqual([['general', { pods: 2, targets: ['Deployment shop/web'], nodesWithout: 0 }]]);
    const [row] = poolItems(seen.outlook, seen.ahead);
    expect(row?.ahead).toEqual({ pods: 2, targets: ['Deployment shop/web'], nodes: 1 });
    expect(recommendationTable(row === undefined ? [] : [row])).toContain('; the new node is for 2 pods to come (Deployment shop/web)');
  });

  it('are told from the pods that wait', () => {
    const waiting = ['x', 'y', 'z'].map((name) => scenePod(name, { cpu: '3' }));
    const seen = look(growing({}, { pods: waiting }));
    const [row] = poolItems(seen.outlook, seen.ahead);
    expect([row?.from, row?.to, row?.ahead]).toEqual([1, 5, { pods: 2, targets: ['Deployment shop/web'], nodes: 1 }]);
    expect(recommendationTable(row === undefined ? [] : [row])).toContain(
      '; 1 of its 4 new nodes is for 2 pods to come (Deployment shop/web)',
    );
  });

  it('keep the running controller from waiting for pods to grow old', () => {
    expect(look(growing({}, { pods: [aged('x', 0, { cpu: '3' })] })).young).toEqual([]);
  });

  it('are in explain of their group', () => {
    const snapshot = growing();
    const wanted = readWanted('npol/general');
    if (wanted === undefined || snapshot.nodePools === undefined) throw new Error('unreadable');
    const nodePoolPolicies = [{ metadata: { name: 'general' }, spec: { groups: [{ name: 'general' }] } }];
    const found = explainNodesSubject({ ...snapshot, nodePools: { ...snapshot.nodePools, nodePoolPolicies } }, settings, {
      wanted,
      namespace: undefined,
    });
    if (!found.ok) throw new Error(found.problem);
    expect(found.explanation.summary).toEqual([
      'general grows from 1 to 2 nodes (max 5); the new node is for 2 pods to come (Deployment shop/web)',
    ]);
    expect(found.explanation.groups).toMatchObject([{ name: 'general', podsToCome: 2 }]);
  });

  it('are said to be unknown where usage is', () => {
    const blind = growing({
      metrics: {
        source: {
          healthy: false,
          reason: 'source-unavailable',
          since: takenAt,
          detail: 'metrics.k8s.io answers 503',
          lastSuccess: undefined,
        },
        pods: [],
        nodes: [],
      },
    });
    const wanted = readWanted('node/n0');
    if (wanted === undefined) throw new Error('unreadable');
    const notesOf = (snapshot: Snapshot): readonly string[] => {
      const found = explainNodesSubject(snapshot, settings, { wanted, namespace: undefined });
      return found.ok ? found.explanation.notes : [];
    };
    const note = 'usage is unknown (metrics.k8s.io answers 503): horizontal policies may be about to want more pods than are counted here';
    expect(notesOf(blind)).toContain(note);
    expect(notesOf({ ...blind, horizontalPolicies: [] })).not.toContain(note);
    expect(notesOf(growing())).not.toContain(note);
  });

  it('are not looked ahead for where a policy only looks, nor for native objects that are not adopted', () => {
    expect(rows(look(growing({ horizontalPolicies: [policy({ mode: 'DryRun' })] })))[0]).toEqual(['general', 1, 1]);
    const native = policy({}, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' });
    const snapshot = growing({ horizontalPolicies: [], horizontalPodAutoscalers: [native] });
    expect(rows(look(snapshot))[0]).toEqual(['general', 1, 1]);
    expect(rows(look(snapshot, { adopt: ['hpa'] }))[0]).toEqual(['general', 1, 2]);
  });

  it('of a target without pods look as its template says; without one they are unknown, which is said', () => {
    const asleep = growing({
      horizontalPolicies: [policy({ minReplicas: 3 })],
      scales: [scale(1)],
      pods: [full],
    });
    expect(rows(look(asleep))[0]).toEqual(['general', 1, 1]);
    expect(look(asleep).unknown).toEqual([
      'Deployment shop/web wants 2 replicas more, and what a pod of it asks for is not known: no nodes are counted for them',
    ]);
    if (asleep.nodePools === undefined) throw new Error('the scene has no node groups');
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { template: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '3' } } }] } } },
    };
    const known = { ...asleep, nodePools: { ...asleep.nodePools, controllers: [...asleep.nodePools.controllers, deployment] } };
    expect(rows(look(known))[0]).toEqual(['general', 1, 4]);
    expect(look(known).unknown).toEqual([]);
  });

  it('are the same whatever the order of the lists', () => {
    const snapshot = growing({}, { pods: [aged('x', 0, { cpu: '3' }), aged('y', 500, { cpu: '3' })] });
    const turned = { ...snapshot, pods: snapshot.pods.toReversed(), nodes: snapshot.nodes.toReversed() };
    const shown = ({ outlook, ahead, young }: NodesLook): unknown => [rows({ outlook, ahead, young, unknown: [] }), [...ahead], young];
    expect(shown(look(turned))).toEqual(shown(look(snapshot)));
  });
});
