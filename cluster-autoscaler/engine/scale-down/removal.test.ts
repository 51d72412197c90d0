import { describe, expect, it } from 'vitest';
import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import { drainContext, node, pod, snapshotOf } from './builders.fixture.ts';
import { noHints } from './moved-pods.ts';
import { createRemovalSimulator } from './removal.ts';

/** A simulator over nodes and pods, asked by name. */
function simulatorOf(nodes: readonly NodeRecord[], pods: readonly PodRecord[], asUpstream = false) {
  const snapshot = snapshotOf(nodes, pods);
  snapshot.fork();
  const destinations = new Set(snapshot.nodeIds());
  const simulator = createRemovalSimulator({ snapshot, drain: drainContext, hints: noHints, asUpstream, destinations, kept: new Set() });
  const simulate = (name: string) => simulator.simulate(snapshot.find(name) ?? -1);
  /** Where the pods of the nodes that went are now. */
  const places = (): Readonly<Record<string, string>> => {
    const { pods: moved, destinations: at, names } = simulator.hints();
    return Object.fromEntries(moved.map(({ name }, index) => [name, names[at[index] ?? -1] ?? '']));
  };
  return { snapshot, simulate, places, removes: (name: string) => simulate(name).removable };
}

const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name });

describe.each([false, true])('simulated removals, as upstream: %s', (asUpstream) => {
  it('a node that has to stay takes pods of later ones', () => {
    const nodes = [node('a', { cpu: '2' }), node('b', { cpu: '1' })];
    const pods = [pod('big', { node: 'a', cpu: '1500m' }), pod('small', { node: 'b', cpu: '500m' })];
    const { removes, places } = simulatorOf(nodes, pods, asUpstream);
    expect(removes('a')).toBe(false);
    expect(removes('b')).toBe(true);
    expect(places()).toEqual({ small: 'a' });
  });

  it('what kept pods of a kind away may go itself', () => {
    const selector = { disk: 'x' };
    const nodes = [
      node('a', { labels: { ...selector, ...zone('1') } }),
      node('b', { labels: { ...selector, ...zone('1') } }),
      node('d', { labels: zone('2') }),
      node('e', { labels: { ...zone('3'), only: 'r' } }),
      node('f', { labels: { ...selector, ...zone('2') } }),
    ];
    const web = { cpu: '3500m', labels: { app: 'web' }, spec: { nodeSelector: selector } };
    const terms = [{ labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'topology.kubernetes.io/zone' }];
    const away = {
      nodeSelector: { only: 'r' },
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
    };
    const pods = [
      pod('w1', { ...web, node: 'a' }),
      pod('w2', { ...web, node: 'b' }),
      pod('repels-web', { node: 'd', cpu: '100m', spec: away }),
    ];
    const { removes, places } = simulatorOf(nodes, pods, asUpstream);
    expect(removes('a')).toBe(false);
    expect(removes('d')).toBe(true);
    expect(removes('b')).toBe(true);
    expect(places()).toEqual({ 'repels-web': 'e', w2: 'f' });
  });

  it('a class that failed beside another may fit alone', () => {
    const nodes = [node('x', { cpu: '3' }), node('y', { cpu: '1' }), node('z')];
    const pods = [
      pod('a-big', { node: 'x', cpu: '2' }),
      pod('small', { node: 'x', cpu: '1', labels: { app: 's' } }),
      pod('small-too', { node: 'y', cpu: '1', labels: { app: 's' } }),
      pod('used', { node: 'z', cpu: '1500m' }),
    ];
    const { removes, places } = simulatorOf(nodes, pods, asUpstream);
    expect(removes('x')).toBe(false);
    expect(removes('y')).toBe(true);
    expect(places()).toEqual({ 'small-too': 'z' });
  });

  it('a node that went is no domain to spread over any more', () => {
    const spread = {
      labels: { app: 's' },
      cpu: '100m',
      spec: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'topology.kubernetes.io/zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 's' } },
          },
        ],
      },
    };
    const nodes = [
      node('g-1', { labels: zone('1') }),
      node('g-2', { labels: zone('2') }),
      node('g-3', { labels: zone('3') }),
      node('g-5', { labels: zone('2'), cpu: '100m' }),
    ];
    const pods = [pod('a', { ...spread, node: 'g-1' }), pod('b', { ...spread, node: 'g-2' }), pod('c', { ...spread, node: 'g-5' })];
    const { removes, places, snapshot } = simulatorOf(nodes, pods, asUpstream);
    expect(removes('g-1')).toBe(true);
    expect(removes('g-2')).toBe(true);
    expect(places()).toEqual({ a: 'g-3', b: 'g-3' });
    expect(snapshot.find('g-1')).toBeUndefined();
    // The last one of its zone would still be a domain while it is emptied: two in zone 3 and none there.
    expect(removes('g-5')).toBe(false);
    expect(snapshot.find('g-5')).toBeDefined();
  });

  it('says which pod found no place', () => {
    const nodes = [node('a'), node('b', { cpu: '1' })];
    const pods = [pod('p1', { node: 'a', cpu: '600m' }), pod('p2', { node: 'a', cpu: '600m' })];
    expect(simulatorOf(nodes, pods, asUpstream).simulate('a')).toMatchObject({ reason: 'NoPlaceToMovePods', stuck: { name: 'p2' } });
  });
});

it('pods of a node stay together where there is room, as upstream they go round', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name));
  const pods = ['p1', 'p2', 'p3'].map((name) => pod(name, { node: 'a', cpu: '100m' }));
  const ours = simulatorOf(nodes, pods);
  ours.simulate('a');
  expect(new Set(Object.values(ours.places())).size).toBe(1);
  const upstream = simulatorOf(nodes, pods, true);
  upstream.simulate('a');
  expect(new Set(Object.values(upstream.places())).size).toBe(3);
});
