import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../../core/model/index.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../index.ts';
import { allocated, asking, claim, driver, facts, gpuClass, node, pod, slice, template, type World } from './devices.fixture.ts';

const oneGpu = template('one-gpu', asking());
const full = 'cannot allocate all claims';
const elsewhere = 'resourceclaim not available on the node';

function snapshotOf(world: World, names: readonly string[] = ['a'], labels: Record<string, string> = {}): SchedulingSnapshot {
  const snapshot = createSchedulingSnapshot({ namespaces: new Map(), devices: facts({ templates: [oneGpu], ...world }) });
  for (const name of names) snapshot.addNode(node(name, labels));
  return snapshot;
}

function reasonOn(snapshot: SchedulingSnapshot, asked: PodRecord, name = 'a'): string | undefined {
  const failure = snapshot.failure(snapshot.classOf(asked), snapshot.find(name)!);
  return failure?.filter === 'DynamicResources' || failure === undefined ? failure?.reason : failure.filter;
}

/** Why a pod with a claim of this spec cannot have it of a node with these devices. */
function reasonFor(spec: object, devices: number | readonly object[], world: World = {}, sliceSpec: object = {}): string | undefined {
  const made = { slices: [slice('a', devices, sliceSpec)], templates: [template('t', spec)], ...world };
  return reasonOn(snapshotOf(made), pod('p', { template: 't' }));
}

const attributes = (...values: readonly string[]) =>
  values.map((model, index) => ({ name: `gpu-${index}`, attributes: { model: { string: model } } }));
const modelIs = (model: string) => ({ selectors: [{ cel: { expression: `device.attributes["${driver}"].model == "${model}"` } }] });

describe('requests', () => {
  it('take devices until there are none left', () => {
    const snapshot = snapshotOf({ slices: [slice('a', 2)] });
    for (const name of ['p', 'q']) {
      expect(reasonOn(snapshot, pod(name))).toBeUndefined();
      snapshot.place(pod(name), 0);
    }
    expect(reasonOn(snapshot, pod('r'))).toBe(full);
    snapshot.displace(pod('q'), 0);
    expect(reasonOn(snapshot, pod('r'))).toBeUndefined();
  });

  it('ask for a number, or for all that match and at least one', () => {
    expect(reasonFor(asking({ count: 2 }), 2)).toBeUndefined();
    expect(reasonFor(asking({ count: 3 }), 2)).toBe(full);
    expect(reasonFor(asking({ allocationMode: 'All' }), 3)).toBeUndefined();
    expect(reasonFor(asking({ allocationMode: 'All' }), 0)).toBe(full);
    expect(reasonFor(asking({ count: 33 }), 40)).toBe(full);
    const claims = [claim('taken', asking(), { status: allocated(['a/gpu-1'], 'a') })];
    expect(reasonFor(asking({ allocationMode: 'All' }), 3, { claims })).toBe(full);
    expect(reasonFor(asking({ count: 2 }), 3, { claims })).toBeUndefined();
  });

  it('take the first of several ways that can be had', () => {
    const ways = (...counts: readonly number[]) => ({
      devices: {
        requests: [{ name: 'gpu', firstAvailable: counts.map((count, index) => ({ name: `w${index}`, deviceClassName: 'gpu', count })) }],
      },
    });
    expect(reasonFor(ways(4, 2), 2)).toBeUndefined();
    expect(reasonFor(ways(4, 3), 2)).toBe(full);
  });

  it('give a device to one request only, also where the first choice leaves nothing for the second', () => {
    const both = (first: object, second: object) => ({
      devices: {
        requests: [first, second].map((exactly, index) => ({ name: `r${index}`, exactly: { deviceClassName: 'gpu', ...exactly } })),
      },
    });
    expect(reasonFor(both({}, modelIs('x')), attributes('x', 'y'))).toBeUndefined();
    expect(reasonFor(both({}, modelIs('x')), attributes('x'))).toBe(full);
    expect(reasonFor(both({ count: 2 }, modelIs('x')), attributes('x', 'y'))).toBe(full);
  });

  it('are met by devices that class and request select', () => {
    expect(reasonFor(asking(modelIs('y')), attributes('x', 'y'))).toBeUndefined();
    expect(reasonFor(asking(modelIs('z')), attributes('x', 'y'))).toBe(full);
    expect(reasonFor(asking(), 1, {}, { driver: 'other.example.com' })).toBe(full);
  });

  it('with admin access use devices that others have', () => {
    const claims = [claim('taken', asking(), { status: allocated(['a/gpu-0'], 'a') })];
    expect(reasonFor(asking(), 1, { claims })).toBe(full);
    expect(reasonFor(asking({ adminAccess: true }), 1, { claims })).toBeUndefined();
    const snapshot = snapshotOf({ slices: [slice('a', 1)], templates: [template('t', asking({ adminAccess: true })), oneGpu] });
    snapshot.place(pod('admin', { template: 't' }), 0);
    expect(reasonOn(snapshot, pod('p'))).toBeUndefined();
  });

  it('tolerate taints of devices, or pass over them', () => {
    const tainted = [{ name: 'gpu-0', taints: [{ key: 'broken', value: 'yes', effect: 'NoSchedule' }] }];
    expect(reasonFor(asking(), tainted)).toBe(full);
    expect(reasonFor(asking({ tolerations: [{ key: 'broken', operator: 'Exists' }] }), tainted)).toBeUndefined();
    expect(reasonFor(asking({ tolerations: [{ key: 'broken', value: 'no' }] }), tainted)).toBe(full);
    expect(reasonFor(asking(), [{ name: 'gpu-0', taints: [{ key: 'seen', effect: 'None' }] }])).toBeUndefined();
  });
});

describe('constraints', () => {
  const numa = (...values: readonly number[]) => values.map((int, index) => ({ name: `gpu-${index}`, attributes: { numa: { int } } }));
  const pair = (constraint: object) => asking({ count: 2 }, { constraints: [constraint] });

  it('want one value of all devices, whatever has to be tried for it', () => {
    expect(reasonFor(pair({ matchAttribute: `${driver}/numa` }), numa(0, 1, 2, 1))).toBeUndefined();
    expect(reasonFor(pair({ matchAttribute: `${driver}/numa` }), numa(0, 1, 2))).toBe(full);
    expect(reasonFor(pair({ matchAttribute: `other.example.com/numa` }), numa(1, 1))).toBe(full);
    expect(reasonFor(pair({ matchAttribute: `${driver}/numa`, requests: ['another'] }), numa(0, 1))).toBeUndefined();
  });

  it('want different values', () => {
    expect(reasonFor(pair({ distinctAttribute: `${driver}/numa` }), numa(1, 1, 2))).toBeUndefined();
    expect(reasonFor(pair({ distinctAttribute: `${driver}/numa` }), numa(1, 1))).toBe(full);
  });
});

describe('slices', () => {
  it('are used where they say', () => {
    const worlds = {
      all: slice(undefined, 1, { allNodes: true }),
      zoned: slice(undefined, 1, {
        nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1'] }] }] },
      }),
      devices: slice(undefined, [{ name: 'gpu-0', nodeName: 'b' }], { perDeviceNodeSelection: true }),
      nowhere: slice(undefined, 1),
    };
    const on = (world: KubeSlice, name: string, labels = {}) => reasonOn(snapshotOf({ slices: [world] }, [name], labels), pod('p'), name);
    expect([on(worlds.all, 'a'), on(worlds.zoned, 'a', { zone: 'z1' }), on(worlds.devices, 'b')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([on(worlds.zoned, 'a', { zone: 'z2' }), on(worlds.devices, 'a'), on(worlds.nowhere, 'a')]).toEqual([full, full, full]);
    expect(on(slice('b', 1), 'a')).toBe(full);
  });

  it('that are shared are not had twice', () => {
    const snapshot = snapshotOf({ slices: [slice(undefined, 1, { allNodes: true })] }, ['a', 'b']);
    snapshot.place(pod('p'), 0);
    expect(reasonOn(snapshot, pod('q'), 'b')).toBe(full);
  });

  it('count in their newest generation, and only when the pool is complete', () => {
    const old = slice('a', 2);
    const next = { ...slice('a', 0, { pool: { name: 'a', generation: 2, resourceSliceCount: 1 } }), metadata: { name: 'newer' } };
    expect(reasonOn(snapshotOf({ slices: [old, next] }), pod('p'))).toBe(full);
    const half = { name: 'a', generation: 1, resourceSliceCount: 2 };
    expect(reasonFor(asking(), 2, {}, { pool: half })).toBe(full);
    expect(reasonFor(asking({ allocationMode: 'All' }), 2, {}, { pool: half })).toBe(
      `request gpu: asks for all devices, but resource pool ${driver}/a is currently being updated`,
    );
    expect(reasonFor(asking(), [{ name: 'twin' }, { name: 'twin' }])).toBe('invalid resource pools were encountered');
  });
});

type KubeSlice = ReturnType<typeof slice>;

describe('claims that are there', () => {
  it('of the pod itself and allocated tie it to where the devices are', () => {
    const metadata = { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', controller: true }] };
    const claims = [claim('p-gpu', asking(), { metadata, status: allocated(['a/gpu-0'], 'a', ['uid-p']) })];
    const snapshot = snapshotOf({ slices: [slice('a', 1), slice('b', 1)], claims }, ['a', 'b']);
    const pending = pod('p', { own: 'p-gpu' });
    expect([reasonOn(snapshot, pending, 'a'), reasonOn(snapshot, pending, 'b')]).toEqual([undefined, elsewhere]);
    expect(reasonOn(snapshot, pod('q', { own: 'p-gpu' }), 'a')).toBe(
      'ResourceClaim shop/p-gpu was not created for Pod shop/q (Pod is not owner)',
    );
  });

  it('are made anew for a pod that is moved, and leave their devices to others', () => {
    const claims = [claim('p-gpu', asking(), { status: allocated(['a/gpu-0'], 'a', ['uid-p']) })];
    const devices = facts({ slices: [slice('a', 1), slice('b', 1)], claims, templates: [oneGpu] });
    const snapshot = createSchedulingSnapshot({ namespaces: new Map(), devices });
    const running = pod('p', { own: 'p-gpu', onNode: 'a' });
    snapshot.addNode(node('a'), [running]);
    snapshot.addNode(node('b'));
    expect(reasonOn(snapshot, pod('q'), 'a')).toBe(full);
    expect(reasonOn(snapshot, running, 'b')).toBeUndefined();
    snapshot.displace(running, 0);
    snapshot.place(running, 1);
    expect([reasonOn(snapshot, pod('q'), 'a'), reasonOn(snapshot, pod('q'), 'b')]).toEqual([undefined, full]);
  });

  it('that pods share keep them together, until the last has left', () => {
    const snapshot = snapshotOf({ slices: [slice('a', 1), slice('b', 1)], claims: [claim('team', asking())] }, ['a', 'b']);
    const team = (name: string) => pod(name, { claim: 'team' });
    expect([reasonOn(snapshot, team('p'), 'a'), reasonOn(snapshot, team('p'), 'b')]).toEqual([undefined, undefined]);
    snapshot.place(team('p'), 0);
    snapshot.place(team('q'), 0);
    expect([reasonOn(snapshot, team('r'), 'a'), reasonOn(snapshot, team('r'), 'b')]).toEqual([undefined, elsewhere]);
    expect(reasonOn(snapshot, pod('x'), 'a')).toBe(full);
    snapshot.displace(team('p'), 0);
    expect(reasonOn(snapshot, team('r'), 'b')).toBe(elsewhere);
    snapshot.displace(team('q'), 0);
    expect([reasonOn(snapshot, team('r'), 'b'), reasonOn(snapshot, pod('x'), 'a')]).toEqual([undefined, undefined]);
  });

  it('go with the node of all who use them, and stay while somebody else does', () => {
    const world = (reservedFor: readonly string[]) => {
      const claims = [claim('team', asking(), { status: allocated(['shared/gpu-0'], undefined, reservedFor) })];
      const devices = facts({ slices: [slice(undefined, 1, { allNodes: true })], claims, templates: [oneGpu] });
      const snapshot = createSchedulingSnapshot({ namespaces: new Map(), devices });
      snapshot.addNode(node('a'), [pod('p', { claim: 'team', onNode: 'a' })]);
      snapshot.addNode(node('b'));
      snapshot.fork();
      snapshot.removeNode(0);
      return snapshot;
    };
    expect(reasonOn(world(['uid-p']), pod('x'), 'b')).toBeUndefined();
    const used = world(['uid-p', 'uid-somebody']);
    expect(reasonOn(used, pod('x'), 'b')).toBe(full);
    used.revert();
    expect(used.find('a')).toBe(0);
    const given = world(['uid-p']);
    given.revert();
    expect(reasonOn(given, pod('x'), 'b')).toBe(full);
  });

  it.each([
    ['no such claim', pod('p', { claim: 'none' }), 'could not find v1.ResourceClaim "shop/none"'],
    ['one that is going', pod('p', { claim: 'going' }), 'resourceclaim "going" is being deleted'],
    ['no such class', pod('p', { claim: 'odd' }), 'request gpu: device class tpu does not exist'],
    ['no such template', pod('p', { template: 'none' }), 'not simulated: ResourceClaimTemplate shop/none does not exist'],
  ])('%s keeps the pod from every node', (_, asked, reason) => {
    const claims = [
      claim('going', asking(), { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
      claim('odd', asking({ deviceClassName: 'tpu' })),
    ];
    const snapshot = snapshotOf({ slices: [slice('a', 8)], claims });
    expect(reasonOn(snapshot, asked)).toBe(reason);
    expect(snapshot.search(snapshot.classOf(asked))).toBeUndefined();
  });
});

describe('what cannot be simulated', () => {
  it('are claims of which nothing is known', () => {
    const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
    snapshot.addNode(node('a'));
    expect(reasonOn(snapshot, pod('p'))).toBe('not simulated: claims on devices (resource.k8s.io/v1) cannot be read');
  });

  it('are devices that are shared by parts, unless others do', () => {
    const shared = { name: 'share', allowMultipleAllocations: true };
    expect(reasonFor(asking(), [shared])).toBe('not simulated: device share is shared by parts (allowMultipleAllocations)');
    expect(reasonFor(asking(), [shared, { name: 'whole' }])).toBeUndefined();
    expect(reasonFor(asking({ allocationMode: 'All' }), [{ name: 'whole' }, shared])).toContain('not simulated: device share');
  });

  it('are claims of parts of devices, and unknown kinds of requests', () => {
    expect(reasonFor(asking({ capacity: { requests: { memory: '1Gi' } } }), 1)).toBe(
      'not simulated: request gpu asks for a part of a device (capacity)',
    );
    expect(reasonFor(asking({ allocationMode: 'Most' }), 1)).toBe('not simulated: request gpu has allocationMode Most');
    expect(reasonFor({ devices: { requests: [{ name: 'gpu' }] } }, 1)).toBe('not simulated: request gpu is of a kind that is not known');
    expect(reasonFor(asking({}, { constraints: [{}] }), 1)).toBe('not simulated: a constraint is of a kind that is not known');
  });

  it('are expressions that fail', () => {
    expect(reasonFor(asking(modelIs('x')), 1)).toBe('not simulated: CEL of device gpu-0: No such key: model');
    expect(reasonFor(asking({ selectors: [{ cel: { expression: 'device.what' } }] }), 1)).toContain('not simulated: CEL "device.what"');
  });

  it('is a search without end', () => {
    const many = attributes(...Array.from({ length: 30 }, (_, index) => `m${index}`));
    const constraints = [{ matchAttribute: `${driver}/model`, requests: ['last'] }];
    const requests = [
      { name: 'some', exactly: { deviceClassName: 'gpu', count: 12 } },
      { name: 'last', exactly: { deviceClassName: 'gpu', count: 2 } },
    ];
    expect(reasonFor({ devices: { requests, constraints } }, many)).toBe('not simulated: no devices were found among 10000 combinations');
  });
});

describe('copies of a template', () => {
  const copied = facts({ slices: [slice('t', 2)] }).slices;

  it('have devices of their own each', () => {
    const snapshot = snapshotOf({}, []);
    const nodes = ['x', 'y'].map((name) => snapshot.addCopy({ node: node('t'), pods: [], slices: copied }, name));
    const podClass = snapshot.classOf(pod('p'));
    snapshot.fork();
    for (const id of nodes) snapshot.placeMany(podClass, id, 2);
    expect(nodes.map((id) => snapshot.failure(podClass, id)?.reason)).toEqual([full, full]);
    snapshot.revert();
    expect(nodes.map((id) => snapshot.failure(podClass, id))).toEqual([undefined, undefined]);
  });

  it('have less where their own pods hold some', () => {
    const snapshot = snapshotOf({}, []);
    const held = { node: node('t'), pods: [], slices: copied, heldDevices: [`${driver}/t/gpu-0`] };
    const id = snapshot.addCopy(held, 'x');
    snapshot.place(pod('p'), id);
    expect(reasonOn(snapshot, pod('q'), 'x')).toBe(full);
  });

  it('see slices that are not of one node by their labels', () => {
    const terms = [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['r1'] }] }];
    const snapshot = snapshotOf({ slices: [slice(undefined, 1, { nodeSelector: { nodeSelectorTerms: terms } })] }, []);
    snapshot.addCopy({ node: node('t', { rack: 'r1' }), pods: [] }, 'x');
    snapshot.addCopy({ node: node('t', { rack: 'r2' }), pods: [] }, 'y');
    expect([reasonOn(snapshot, pod('p'), 'x'), reasonOn(snapshot, pod('p'), 'y')]).toEqual([undefined, full]);
  });
});

describe('partitions', () => {
  const takes = (name: string, memory: string, counterSet = 'gpu') => ({
    name,
    consumesCounters: [{ counterSet, counters: { memory: { value: memory } } }],
  });
  const card = (memory: string) => ({
    metadata: { name: 'counters' },
    spec: {
      driver,
      nodeName: 'a',
      pool: { name: 'a', generation: 1, resourceSliceCount: 2 },
      sharedCounters: [{ name: 'gpu', counters: { memory: { value: memory } } }],
    },
  });
  const parts = [takes('whole', '40Gi'), takes('half-0', '20Gi'), takes('half-1', '20Gi'), takes('quarter', '10Gi')];
  const cardOf = (devices: readonly object[]) => [
    card('40Gi'),
    slice('a', devices, { pool: { name: 'a', generation: 1, resourceSliceCount: 2 } }),
  ];
  const named = (...wanted: readonly string[]) =>
    asking(
      {},
      {
        requests: wanted.map((name, index) => ({
          name: `r${index}`,
          exactly: { deviceClassName: 'gpu', selectors: [{ cel: { expression: `device.attributes["${driver}"].part == "${name}"` } }] },
        })),
      },
    );
  const labelled = parts.map((part) => ({ ...part, attributes: { part: { string: part.name } } }));
  const reason = (spec: object, claims: World['claims'] = []) =>
    reasonFor(spec, [], { slices: cardOf(labelled), claims, templates: [template('t', spec)] });

  it('are had together as far as what they are parts of goes', () => {
    expect(reason(named('whole'))).toBeUndefined();
    expect(reason(named('half-0', 'half-1'))).toBeUndefined();
    expect(reason(named('half-0', 'quarter'))).toBeUndefined();
    expect(reason(named('half-0', 'half-1', 'quarter'))).toBe(full);
    expect(reason(named('whole', 'quarter'))).toBe(full);
  });

  it('are not had beside others that claims hold', () => {
    const held = [claim('held', asking(), { status: allocated(['a/half-0'], 'a') })];
    expect(reason(named('half-1'), held)).toBeUndefined();
    expect(reason(named('whole'), held)).toBe(full);
    expect(reason(named('half-1', 'quarter'), held)).toBe(full);
  });

  it('have a pool that is broken when they take of what is not there', () => {
    const odd = cardOf([takes('odd', '1Gi', 'other')]);
    expect(reasonFor(asking(), [], { slices: odd, templates: [template('t', asking())] })).toBe('invalid resource pools were encountered');
  });

  it('of copies of a template are of one card each', () => {
    const copied = facts({ slices: cardOf(labelled) }).slices;
    const snapshot = snapshotOf({ templates: [template('t', named('half-0'))] }, []);
    const nodes = ['x', 'y'].map((name) => snapshot.addCopy({ node: node('a'), pods: [], slices: copied }, name));
    snapshot.place(pod('p', { template: 't' }), nodes[0] ?? -1);
    expect(nodes.map((id) => snapshot.failure(snapshot.classOf(pod('q', { template: 't' })), id)?.reason)).toEqual([full, undefined]);
  });
});

describe('classes', () => {
  it('are one for pods whose own claims are alike, and never independent', () => {
    const claims = ['p', 'q'].map((name) =>
      claim(`${name}-gpu`, asking(), {
        metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: `uid-${name}`, controller: true }] },
      }),
    );
    const snapshot = snapshotOf({ claims, templates: [oneGpu, template('two', asking({ count: 2 }))] });
    const classes = [pod('p', { own: 'p-gpu' }), pod('q', { own: 'q-gpu' }), pod('r'), pod('s', { template: 'two' })].map((each) =>
      snapshot.classOf(each),
    );
    expect(classes[1]).toBe(classes[0]);
    expect(classes[2]).toBe(classes[0]);
    expect(classes[3]).not.toBe(classes[0]);
    expect(snapshot.isIndependent(classes[0]!)).toBe(false);
  });

  it('do not depend on the order of slices, devices of which are tried by name of the pool', () => {
    const slices = ['a', 'b', 'c'].map((name) =>
      slice(undefined, 1, { pool: { name, generation: 1, resourceSliceCount: 1 }, allNodes: true }),
    );
    const named = slices.map((each, index) => ({ ...each, metadata: { name: `s${index}` } }));
    const claims = [claim('one', asking()), claim('two', asking())];
    const left = [named, named.toReversed()].map((list) => {
      const snapshot = snapshotOf({ slices: list, claims, classes: [gpuClass] });
      for (const name of ['one', 'two']) snapshot.place(pod(name, { claim: name }), 0);
      return reasonOn(snapshot, pod('p'));
    });
    expect(left).toEqual([undefined, undefined]);
  });
});
