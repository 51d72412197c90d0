import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../core/model/index.ts';
import type { Effect, LoopInput } from '../model.ts';
import { allocated, asking, claim, facts, slice, template as claimTemplate, type World } from '../scheduling/devices/devices.fixture.ts';
import { defaultLoopOptions, driveLoop, emptyLoopState, upstreamLoopOptions } from './index.ts';
import type { LoopState } from './model.ts';
import { group, input, node, pod, type PodParts } from './records.fixture.ts';

function run(inputs: readonly LoopInput[], options = upstreamLoopOptions) {
  let state: LoopState = emptyLoopState();
  return inputs.map((each) => {
    const effects: Effect[] = [];
    const result = driveLoop(each, { state, options, answer: (effect) => (effects.push(effect), { ok: true }) });
    state = result.state;
    return { effects: effects.filter(({ type }) => type !== 'soft-taint'), report: result.report };
  });
}

/** A pod that asks for a GPU; where it runs, it has the device. */
function gpuPod(name: string, parts: PodParts = {}): PodRecord {
  const spec = { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }] };
  const made = pod(name, { namespace: 'shop', cpu: '100m', memory: '64Mi', ...parts, spec });
  return { ...made, ownResourceClaims: new Map([['gpu', `${name}-gpu`]]) };
}

function claimOf(name: string, device?: string) {
  const metadata = { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: `pod-${name}`, controller: true }] };
  const onNode = device?.split('/')[0];
  return claim(`${name}-gpu`, asking(), {
    metadata,
    ...(device === undefined ? {} : { status: allocated([device], onNode, [`pod-${name}`]) }),
  });
}

const knowing = (world: World) => facts({ templates: [claimTemplate('one-gpu', asking())], ...world });
const n1 = node('n1', { group: 'g' });
const n2 = node('n2', { group: 'g' });

describe('pods with claims on devices', () => {
  const full = {
    nodes: [n1],
    groups: [group('g', { running: ['n1'] })],
    pods: [gpuPod('a', { node: 'n1' }), gpuPod('b', { node: 'n1' }), ...['c', 'd', 'e'].map((name) => gpuPod(name))],
    devices: knowing({
      slices: [slice('n1', 2)],
      claims: [claimOf('a', 'n1/gpu-0'), claimOf('b', 'n1/gpu-1'), ...['c', 'd', 'e'].map((name) => claimOf(name))],
    }),
  };

  it.each([upstreamLoopOptions, defaultLoopOptions])(
    'get as many nodes as have devices for them, by what a node of the group has',
    (options) => {
      const [first] = run([input(0, full)], options);
      expect(first?.effects).toEqual([{ type: 'increase-size', group: 'g', delta: 2 }]);
      expect(first?.report.pods.map(({ name, state }) => [name, state])).toEqual(['c', 'd', 'e'].map((name) => [name, 'helped']));
    },
  );

  it('are not bought a node that has none of what they ask for, and are told so', () => {
    const [round] = run([
      input(0, { ...full, devices: knowing({ claims: full.devices.claims.size === 0 ? [] : [claimOf('c'), claimOf('d'), claimOf('e')] }) }),
    ]);
    expect(round?.effects).toEqual([]);
    expect(round?.report.pods[0]?.refusals).toMatchObject([
      { group: 'g', failure: { filter: 'DynamicResources', reason: 'cannot allocate all claims' } },
    ]);
  });

  it('are not bought a node blindly, and keep theirs, where claims are not known', () => {
    const unused = group('g', { running: ['n1', 'n2'], options: { unneededMs: 0 } });
    const pods = [gpuPod('a', { node: 'n1' }), gpuPod('c')];
    const parts = { nodes: [n1, n2], groups: [unused], pods };
    const rounds = run([input(0, parts), input(10_000, parts)]);
    expect(rounds[0]?.report.pods[0]?.message).toContain('not simulated: claims on devices (resource.k8s.io/v1) cannot be read');
    // The other node is empty and may go; that of the pod stays, although cpu and memory say that it is little used.
    expect(rounds[1]?.effects).toMatchObject([{ type: 'start-deletion', nodes: [{ node: 'n2', kind: 'empty' }] }]);
    expect(rounds[1]?.report.nodes.find(({ node: name }) => name === 'n1')?.message).toContain(
      'pod shop/a fits on no other node: not simulated: claims on devices (resource.k8s.io/v1) cannot be read',
    );
  });
});

describe('nodes with devices', () => {
  const group2 = group('g', { running: ['n1', 'n2'], options: { unneededMs: 0 } });
  const reportOf = (world: World, pods: readonly PodRecord[]) => {
    const parts = { nodes: [n1, n2], groups: [group2], pods, devices: knowing(world) };
    return run([input(0, parts), input(10_000, parts)])[1];
  };
  const slices = [slice('n1', 4), slice('n2', 4)];

  it('are as much used as their fullest pool, and go when other nodes have devices for their pods', () => {
    const pods = [gpuPod('a', { node: 'n1' }), gpuPod('b', { node: 'n2' }), gpuPod('c', { node: 'n2' }), gpuPod('d', { node: 'n2' })];
    const claims = [claimOf('a', 'n1/gpu-0'), claimOf('b', 'n2/gpu-0'), claimOf('c', 'n2/gpu-1'), claimOf('d', 'n2/gpu-3')];
    const round = reportOf({ slices, claims }, pods);
    expect(round?.report.nodes).toMatchObject([
      { node: 'n1', utilization: 0.25, utilizationResource: 'gpu.example.com/n1' },
      { node: 'n2', utilization: 0.75, unremovable: 'NotUnderutilized' },
    ]);
    expect(round?.effects).toMatchObject([{ type: 'start-deletion', nodes: [{ node: 'n1', kind: 'drain' }] }]);
  });

  it('stay when no other node has a device left for their pods', () => {
    const pods = [gpuPod('a', { node: 'n1' }), gpuPod('b', { node: 'n2' })];
    const round = reportOf(
      { slices: [slice('n1', 4), slice('n2', 1)], claims: [claimOf('a', 'n1/gpu-0'), claimOf('b', 'n2/gpu-0')] },
      pods,
    );
    expect(round?.effects).toEqual([]);
    expect(round?.report.nodes[0]?.message).toMatch(/pod shop\/a fits on no other node; tried again/);
  });

  it('stay when nobody can say how much of them is used', () => {
    const round = reportOf({ slices }, [gpuPod('a', { node: 'n1' })]);
    expect(round?.report.nodes[0]).toMatchObject({
      unremovable: 'UnexpectedError',
      message: 'Node n1 stays: claim shop/a-gpu not allocated.',
    });
  });

  it('count as starting while they are young and a driver has not published all that nodes of the group have', () => {
    const young = node('n3', { group: 'g', created: -120_000, readySince: -90_000 });
    const parts = (now: number, published: number) =>
      input(now, {
        nodes: [n1, young],
        groups: [group('g', { running: ['n1', 'n3'] })],
        devices: knowing({ slices: [slice('n1', 4), slice('n3', published)] }),
      });
    const counts = (now: number, published: number) => {
      const rounds = run([
        input(-10_000, { nodes: [n1], groups: [group('g', { running: ['n1'] })], devices: knowing({ slices }) }),
        parts(now, published),
      ]);
      return rounds[1]?.report.counts;
    };
    expect(counts(0, 3)).toMatchObject({ ready: 1, notStarted: 1 });
    expect(counts(0, 4)).toMatchObject({ ready: 2, notStarted: 0 });
    // A driver that is gone for good makes nothing unready.
    expect(counts(900_000, 0)).toMatchObject({ ready: 2, notStarted: 0, unready: 0 });
  });
});

describe('GPU nodes', () => {
  const options = { ...upstreamLoopOptions, gpuLabel: 'gpu-type' };
  const labels = { 'gpu-type': 'a100' };
  const utilization = (allocatable: Record<string, string>, world: World, asked: Record<string, string>) => {
    const spec = { containers: [{ name: 'c', resources: { requests: asked } }] };
    const parts = {
      nodes: [node('n1', { group: 'g', labels, allocatable })],
      groups: [group('g', { running: ['n1', 'n2'] })],
      pods: [pod('a', { node: 'n1', spec })],
      devices: knowing(world),
    };
    const { utilization: share, utilizationResource: resource } = run([input(0, parts)], options)[0]?.report.nodes[0] ?? {};
    return [share, resource];
  };

  it('are measured by the GPUs that they show, of whatever make', () => {
    expect(utilization({ 'amd.com/gpu': '4' }, {}, { 'amd.com/gpu': '1' })).toEqual([0.25, 'amd.com/gpu']);
    expect(utilization({ 'nvidia.com/gpu': '4' }, {}, { 'nvidia.com/gpu': '3' })).toEqual([0.75, 'nvidia.com/gpu']);
  });

  it('are measured by their devices when these are their GPUs, and are not taken to wait for a plugin', () => {
    expect(utilization({}, { slices: [slice('n1', 2)] }, { cpu: '1' })).toEqual([0, 'gpu.example.com/n1']);
  });
});
