import { describe, expect, it } from 'vitest';
import { createSchedulingSnapshot, filterOutSchedulable, type SchedulingFacts } from './index.ts';
import { hostname, makeNode, makePod, zone } from './scenes.fixture.ts';
import type { PodRecord } from '../../../core/model/index.ts';

const facts: SchedulingFacts = { namespaces: new Map() };

const node = (name: string, parts: Partial<Parameters<typeof makeNode>[1]> = {}) =>
  makeNode(name, { cpu: 4, memory: 8, pods: 10, gpu: 0, unschedulable: false, zone: 'z1', ...parts });

const asking =
  (cpu: string, spec: Record<string, unknown> = {}, labels: Record<string, string> = { app: 'web' }) =>
  (name: string) =>
    makePod(name, { labels, spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }], ...spec } });

const web = asking('1');

function snapshotWith(names: readonly string[], parts: Partial<Parameters<typeof makeNode>[1]> = {}) {
  const snapshot = createSchedulingSnapshot(facts);
  for (const name of names) snapshot.addNode(node(name, parts));
  return snapshot;
}

describe('a pod that is resized in place', () => {
  /** Of 1 core by its spec, of 3 on its node. */
  const shrinking = { ...web('p'), nodeName: 'a', heldShape: asking('3')('held').shape };

  it('takes on its node what the node counts, and by its spec where it goes', () => {
    const snapshot = createSchedulingSnapshot(facts);
    for (const name of ['a', 'b']) snapshot.addNode(node(name, { cpu: 4 }), name === 'a' ? [shrinking] : []);
    const two = snapshot.classOf(asking('2')('two'));
    expect([0, 1].map((id) => snapshot.fits(two, id))).toEqual([false, true]);
    snapshot.fork();
    snapshot.displace(shrinking, 0);
    snapshot.place(shrinking, 1);
    expect([0, 1].map((id) => snapshot.room(snapshot.classOf(web('q')), id))).toEqual([4, 3]);
    snapshot.revert();
    expect([0, 1].map((id) => snapshot.room(snapshot.classOf(web('q')), id))).toEqual([1, 4]);
  });

  it('is one of its kind by labels all the same', () => {
    const snapshot = createSchedulingSnapshot(facts);
    snapshot.addNode(node('a'), [shrinking]);
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: hostname, labelSelector: { matchLabels: { app: 'web' } } }],
    };
    expect(snapshot.fits(snapshot.classOf(asking('1', { affinity: { podAntiAffinity } })('q')), 0)).toBe(false);
  });
});

describe('the any-node search', () => {
  it('begins at the second node and goes on behind the last match', () => {
    const snapshot = snapshotWith(['a', 'b', 'c']);
    const podClass = snapshot.classOf(web('p'));
    const names = Array.from({ length: 4 }, () => snapshot.node(snapshot.search(podClass)!).name);
    expect(names).toEqual(['b', 'c', 'a', 'b']);
  });

  it('does not take back where it is with a revert', () => {
    const snapshot = snapshotWith(['a', 'b', 'c']);
    const podClass = snapshot.classOf(web('p'));
    snapshot.fork();
    snapshot.search(podClass);
    snapshot.revert();
    expect(snapshot.node(snapshot.search(podClass)!).name).toBe('c');
  });

  it('passes over cordoned nodes even for pods that tolerate the cordon', () => {
    const snapshot = snapshotWith(['a'], { unschedulable: true });
    const podClass = snapshot.classOf(asking('1', { tolerations: [{ operator: 'Exists' }] })('p'));
    expect(snapshot.fits(podClass, 0)).toBe(true);
    expect(snapshot.search(podClass)).toBeUndefined();
  });

  it('finds a node that came, or came free, after it found none', () => {
    const snapshot = snapshotWith(['a']);
    const full = asking('4')('full');
    snapshot.place(full, 0);
    const podClass = snapshot.classOf(web('p'));
    expect(snapshot.search(podClass)).toBeUndefined();
    snapshot.fork();
    const copy = snapshot.addCopy({ node: node('t'), pods: [] }, 'b');
    expect(snapshot.search(podClass)).toBe(copy);
    snapshot.revert();
    expect(snapshot.search(podClass)).toBeUndefined();
    snapshot.displace(full, 0);
    expect(snapshot.search(podClass)).toBe(0);
  });

  it('looks at every resource that a pod asks for', () => {
    const snapshot = snapshotWith(['a', 'b'], { gpu: 2, pods: 1 });
    const resources = { requests: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } };
    const podClass = snapshot.classOf(makePod('p', { spec: { containers: [{ name: 'c', resources }] } }));
    snapshot.place(web('there'), 1);
    expect(snapshot.search(podClass)).toBe(0);
    snapshot.place(web('there too'), 0);
    expect(snapshot.search(podClass)).toBeUndefined();
  });

  it('finds the one node of a pinned pod', () => {
    const snapshot = snapshotWith(['a', 'b', 'c']);
    const podClass = snapshot.classOf({ ...web('p'), pinnedNode: 'c' });
    expect(snapshot.search(podClass)).toBe(2);
    expect(snapshot.search(podClass, { accept: (id) => id < 2 })).toBeUndefined();
  });
});

describe('classes', () => {
  it('are equal for pods of equal content whatever objects hold it', () => {
    const snapshot = createSchedulingSnapshot(facts);
    const [a, b] = [web('a'), web('b')];
    const copy: PodRecord = { ...b, labels: { ...b.labels }, shape: structuredClone(b.shape) };
    const podClass = snapshot.classOf(a);
    expect(snapshot.classOf(copy)).toBe(podClass);
    expect(snapshot.exemplar(podClass)).toBe(a);
  });

  it('differ by label, namespace, claims and pinned node, not by priority', () => {
    const snapshot = createSchedulingSnapshot(facts);
    const pod = web('a');
    const others: PodRecord[] = [
      { ...pod, labels: { app: 'db' } },
      { ...pod, namespace: 'two' },
      { ...pod, claims: ['data'] },
      { ...pod, pinnedNode: 'a' },
    ];
    expect(new Set([pod, ...others].map((each) => snapshot.classOf(each))).size).toBe(5);
    expect(snapshot.classOf({ ...pod, shape: { ...pod.shape, priority: 7 } })).toBe(snapshot.classOf(pod));
  });

  it('tell terminating pods, which spreading does not count, from the others', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const labelSelector = { matchLabels: { app: 'web' } };
    const spreading = asking('1', {
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: 'DoNotSchedule', labelSelector }],
    });
    const podClass = snapshot.classOf(spreading('p'));
    snapshot.place({ ...spreading('going'), deleted: 1 }, 0);
    expect(snapshot.fits(podClass, 0)).toBe(true);
    snapshot.place(spreading('staying'), 0);
    expect(snapshot.fits(podClass, 0)).toBe(false);
    snapshot.place({ ...spreading('going too'), deleted: 1 }, 1);
    expect(snapshot.fits(podClass, 1)).toBe(true);
  });

  it('look at the node name only when asked', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const pod = { ...web('p'), nodeName: 'a' };
    expect(snapshot.fits(snapshot.classOf(pod), 1)).toBe(true);
    expect(snapshot.failure(snapshot.classOf(pod, { bound: true }), 1)?.filter).toBe('NodeName');
  });
});

describe('reasons', () => {
  it('name every resource that does not fit, with the numbers', () => {
    const snapshot = snapshotWith(['a'], { pods: 1 });
    snapshot.place(web('there'), 0);
    const failure = snapshot.failure(snapshot.classOf(asking('3500m')('p')), 0);
    expect(failure).toEqual({
      filter: 'NodeResourcesFit',
      reason: 'Too many pods, Insufficient cpu',
      resources: [
        { name: 'pods', requested: 1000, free: 0 },
        { name: 'cpu', requested: 3500, free: 3000 },
      ],
    });
  });

  it('name a resource that no node has', () => {
    const snapshot = snapshotWith(['a']);
    const pod = makePod('p', { spec: { containers: [{ name: 'c', resources: { requests: { 'example.com/fpga': '1' } } }] } });
    expect(snapshot.fits(snapshot.classOf(pod), 0)).toBe(false);
    expect(snapshot.failure(snapshot.classOf(pod), 0)?.reason).toBe('Insufficient example.com/fpga');
  });

  it('say that affinity terms contradict each other before anything else', () => {
    const snapshot = snapshotWith(['a'], { taint: 'x' });
    const field = (name: string) => ({ key: 'metadata.name', operator: 'In', values: [name] });
    const terms = { nodeSelectorTerms: [{ matchFields: [field('a'), field('b')] }] };
    const pod = asking('1', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } })('p');
    expect(snapshot.failure(snapshot.classOf(pod), 0)).toEqual({ filter: 'NodeAffinity', reason: 'pod affinity terms conflict' });
  });
});

describe('rules about other pods', () => {
  const to = (topologyKey: string, app = 'web') => ({ topologyKey, labelSelector: { matchLabels: { app } } });
  const affine = (kind: 'podAffinity' | 'podAntiAffinity', ...terms: object[]) => ({
    affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  });

  it('let the first pod of a self-affine series go anywhere, the second only to it', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const series = asking('1', affine('podAffinity', to(hostname)));
    const podClass = snapshot.classOf(series('p'));
    expect([0, 1].map((id) => snapshot.fits(podClass, id))).toEqual([true, true]);
    snapshot.place(series('first'), 1);
    expect([0, 1].map((id) => snapshot.fits(podClass, id))).toEqual([false, true]);
  });

  it('count spreading of a pinned pod on its node alone', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const spread = { topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...to(hostname) }] };
    const spreading = asking('1', spread);
    snapshot.place(spreading('first'), 0);
    expect(snapshot.fits(snapshot.classOf(spreading('p')), 0)).toBe(false);
    expect(snapshot.fits(snapshot.classOf({ ...spreading('p'), pinnedNode: 'a' }), 0)).toBe(true);
  });

  it('keep grounds apart that differ in a policy or in what the pod may use', () => {
    const snapshot = snapshotWith(['a', 'b']);
    snapshot.addNode(node('tainted', { taint: 'x', zone: 'z2' }));
    const spread = (policy: object) => ({
      topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...to(zone), ...policy }],
    });
    const pods = [
      spread({ nodeTaintsPolicy: 'Ignore' }),
      spread({ nodeTaintsPolicy: 'Honor' }),
      { ...spread({}), nodeSelector: { [zone]: 'z1' } },
      { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { [zone]: 'z1' } },
    ].map((spec) => asking('1', spec)('p'));
    const first = pods.map((pod) => snapshot.fits(snapshot.classOf(pod), 0));
    snapshot.place(web('there'), 1);
    // One in z1, none in z2: too many by one where z2 counts.
    expect(first).toEqual([true, true, true, true]);
    expect(pods.map((pod) => snapshot.fits(snapshot.classOf(pod), 0))).toEqual([false, true, true, false]);
  });

  it('make classes dependent, which are placed one by one', () => {
    const snapshot = snapshotWith(['a', 'b', 'c']);
    const rules = [
      affine('podAntiAffinity', to(hostname)),
      affine('podAffinity', to(hostname)),
      { topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...to(hostname) }] },
      { containers: [{ name: 'c', ports: [{ hostPort: 80 }] }] },
    ].map((spec) => snapshot.classOf(asking('1', spec)('p')));
    expect(rules.map((podClass) => snapshot.isIndependent(podClass))).toEqual([false, false, false, false]);
    expect(snapshot.isIndependent(snapshot.classOf(web('p')))).toBe(true);
    snapshot.fork();
    expect(snapshot.placeAround(rules[0]!, 9)).toBe(3);
    expect(snapshot.nodeIds().map((id) => snapshot.podCount(id))).toEqual([1, 1, 1]);
    expect(() => snapshot.room(rules[0]!, 0)).toThrow(/has rules about its other pods/);
  });

  it('are symmetric for anti-affinity, also against pods that come later', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const shy = asking('1', affine('podAntiAffinity', to(zone, 'web')), { app: 'shy' });
    snapshot.place(shy('s'), 0);
    const failures = [0, 1].map((id) => snapshot.failure(snapshot.classOf(web('p')), id)?.reason);
    expect(failures).toEqual(Array(2).fill("node(s) didn't satisfy existing pods anti-affinity rules"));
    snapshot.fork();
    snapshot.displace(snapshot.podsOn(0)[0]!, 0);
    expect(snapshot.fits(snapshot.classOf(web('p')), 1)).toBe(true);
    snapshot.revert();
    expect(snapshot.fits(snapshot.classOf(web('p')), 1)).toBe(false);
  });
});

describe('misuse', () => {
  it('is refused as an internal fault', () => {
    const snapshot = snapshotWith(['a']);
    const podClass = snapshot.classOf(web('p'));
    const calls: (() => unknown)[] = [
      () => snapshot.addNode(node('a')),
      () => snapshot.node(7),
      () => snapshot.displace(web('p'), 0),
      () => snapshot.placeMany(podClass, 0, 1),
      () => snapshot.revert(),
      () => snapshot.commit(),
      () => snapshot.fits(99, 0),
    ];
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('does not let a list that was handed out change', () => {
    const snapshot = snapshotWith(['a']);
    snapshot.place(web('p'), 0);
    const list = snapshot.podsOn(0);
    snapshot.place(web('q'), 0);
    snapshot.displace(list[0]!, 0);
    expect(list.map((pod) => pod.name)).toEqual(['p']);
    expect(snapshot.podsOn(0).map((pod) => pod.name)).toEqual(['q']);
  });
});

describe('filterOutSchedulable', () => {
  const owned = (pod: PodRecord, uid: string): PodRecord => ({
    ...pod,
    owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid },
  });
  const important = (pod: PodRecord): PodRecord => ({ ...pod, shape: { ...pod.shape, priority: 10 } });

  it('places all hinted pods of a priority before it searches for any', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const pods = [asking('3')('first'), asking('4')('hinted'), important(asking('1')('important'))];
    const hints = new Map([
      ['hinted', 'b'],
      ['first', 'gone'],
    ]);
    const { pending, placed } = filterOutSchedulable(snapshot, pods, hints);
    // The important pod is searched for first and takes b, where the hint then no longer fits.
    expect(placed.map(({ pod, node: id }) => `${pod.name} ${id}`)).toEqual(['important 1', 'first 0']);
    expect(pending.map((pod) => pod.name)).toEqual(['hinted']);
  });

  it('uses a hint although the search would end elsewhere', () => {
    const snapshot = snapshotWith(['a', 'b', 'c']);
    const { placed } = filterOutSchedulable(snapshot, [web('p'), web('hinted')], new Map([['hinted', 'a']]));
    expect(placed.map(({ pod, node: id }) => `${pod.name} ${id}`)).toEqual(['hinted 0', 'p 1']);
  });

  it('does not try a pod again that equals one of its controller that failed', () => {
    const snapshot = snapshotWith(['a', 'b'], { zone: undefined });
    const follower = asking(
      '1',
      {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: hostname, labelSelector: { matchLabels: { app: 'lead' } } }],
          },
        },
      },
      { app: 'follow' },
    );
    const leader = asking('1', {}, { app: 'lead' })('leader');
    const { pending } = filterOutSchedulable(
      snapshot,
      [owned(follower('f1'), 'u'), leader, owned(follower('f2'), 'u'), follower('f3')],
      new Map(),
    );
    // f2 would fit now, as f3 does, which has no controller.
    expect(pending.map((pod) => pod.name)).toEqual(['f1', 'f2']);
  });

  it('remembers ten kinds of failures of a controller and counts it when there are more', () => {
    const snapshot = snapshotWith(['a']);
    const pods = Array.from({ length: 12 }, (_, index) => owned(asking(`${index + 5}`)(`p${index}`), 'u'));
    expect(filterOutSchedulable(snapshot, pods.slice(0, 10), new Map()).overflowingControllers).toBe(0);
    expect(filterOutSchedulable(snapshot, pods, new Map())).toMatchObject({ overflowingControllers: 1, pending: pods });
  });

  it('stops at the first failure when all are needed', () => {
    const snapshot = snapshotWith(['a']);
    const pods = [web('p'), asking('9')('big'), web('q')];
    const { pending, placed } = filterOutSchedulable(snapshot, pods, new Map(), { stopAtFirstFailure: true });
    expect([pending.map((pod) => pod.name), placed.map(({ pod }) => pod.name)]).toEqual([['big'], ['p']]);
  });

  it('asks accept of hinted nodes too', () => {
    const snapshot = snapshotWith(['a', 'b']);
    const { placed } = filterOutSchedulable(snapshot, [web('p')], new Map([['p', 'a']]), { accept: (id) => id === 1 });
    expect(placed.map(({ node: id }) => id)).toEqual([1]);
  });
});
