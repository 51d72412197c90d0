import { afterEach, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../../core/model/object.ts';
import { startScheduler } from '../../scheduler/index.ts';
import type { DaemonSet } from '../kinds.ts';
import { type Harness, patchSpec, podSpec, readyNode, startHarness } from '../testing/harness.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

const template = (image: string, spec: object = {}) => ({ metadata: { labels: { app: 'ds' } }, spec: { ...podSpec(image), ...spec } });

async function start(nodes: string[], spec: object = {}): Promise<Harness> {
  harness = startHarness({
    nodes: false,
    bind: false,
    options: { nodes: { gracePeriodMs: Number.POSITIVE_INFINITY } },
    beside: (registry, clock) => startScheduler({ registry, clock, random: () => 0 }),
  });
  for (const name of nodes) await harness.registry.create(resourceTypes.nodes, readyNode(name));
  await harness.registry.create(resourceTypes.daemonSets, {
    metadata: { name: 'ds', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'ds' } }, template: template('ds:1'), ...spec },
  });
  await harness.settle();
  return harness;
}

const places = (of: Harness): string[] =>
  of
    .pods()
    .map((pod) => pod.spec.nodeName ?? '')
    .toSorted((a, b) => a.localeCompare(b));
const stored = (of: Harness): DaemonSet => of.registry.get(resourceTypes.daemonSets, 'default', 'ds') as DaemonSet;

describe('DaemonSet', () => {
  it('runs one pod on each node, also on cordoned ones, and follows new nodes', async () => {
    const of = await start(['a', 'b']);
    expect(places(of)).toEqual(['a', 'b']);
    await of.registry.create(resourceTypes.nodes, readyNode('c', {}, { unschedulable: true }));
    await of.settle();
    expect(places(of)).toEqual(['a', 'b', 'c']);
    expect(stored(of).status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
      numberUnavailable: 0,
      numberMisscheduled: 0,
    });
  });

  it('keeps to its node selector and to taints, and leaves a node that no longer matches', async () => {
    const of = await start(['a'], { template: template('ds:1', { nodeSelector: { disk: 'ssd' } }) });
    await of.registry.create(resourceTypes.nodes, readyNode('b', { disk: 'ssd' }));
    await of.registry.create(resourceTypes.nodes, readyNode('c', { disk: 'ssd' }, { taints: [{ key: 'x', effect: 'NoSchedule' }] }));
    await of.settle();
    expect(places(of)).toEqual(['b']);
    await of.registry.mutate(resourceTypes.nodes, undefined, 'b', (node) => ({ ...node, metadata: { ...node.metadata, labels: {} } }));
    await of.settle();
    expect(places(of)).toEqual([]);
  });

  it('stays on a node that gets a NoSchedule taint, goes from one with NoExecute', async () => {
    const of = await start(['a']);
    await patchSpec(of.registry, resourceTypes.nodes, 'a', { taints: [{ key: 'x', effect: 'NoSchedule' }] });
    await of.settle();
    expect(places(of)).toEqual(['a']);
    expect(stored(of).status).toMatchObject({ desiredNumberScheduled: 0, numberMisscheduled: 1 });
    await patchSpec(of.registry, resourceTypes.nodes, 'a', { taints: [{ key: 'x', effect: 'NoExecute' }] });
    await of.settle();
    expect(places(of)).toEqual([]);
  });

  it('rolls out one node after the other', async () => {
    const of = await start(['a', 'b', 'c']);
    let least = 3;
    of.registry.watch(resourceTypes.pods, () => {
      const ready = of.pods().filter((pod) => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined);
      least = Math.min(least, ready.length);
    });
    await patchSpec(of.registry, resourceTypes.daemonSets, 'ds', { template: template('ds:2') });
    await of.settle();
    expect(of.pods().map((pod) => pod.spec.containers[0]?.image)).toEqual(['ds:2', 'ds:2', 'ds:2']);
    expect(least).toBe(2);
  });
});
