import { describe, expect, it } from 'vitest';
import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import { group, node, pod, start, template } from '../loop/records.fixture.ts';
import type { DaemonPod, NodeGroup, NodeTemplate } from '../model.ts';
import { allocated, asking, claim, facts, slice } from '../scheduling/devices/devices.fixture.ts';
import { buildTemplates, taintTypeOf, type TemplateFacts, type TemplateOptions, type Templates } from './index.ts';

const options: TemplateOptions = { forceDaemonSets: false, startupTaints: ['my-startup'], statusTaints: ['my-status'] };

interface Scene {
  readonly nodes?: readonly NodeRecord[];
  readonly pods?: readonly PodRecord[];
  readonly groups?: readonly NodeGroup[];
  readonly daemons?: readonly DaemonPod[];
  readonly cache?: ReadonlyMap<string, NodeTemplate>;
  readonly options?: Partial<TemplateOptions>;
  readonly devices?: TemplateFacts['devices'];
}

function build({
  nodes = [],
  pods = [],
  groups = [group('g')],
  daemons = [],
  cache = new Map(),
  options: some = {},
  devices,
}: Scene): Templates {
  const facts: TemplateFacts = {
    now: start,
    groups,
    nodes,
    groupOf: ({ labels }) => labels['group'],
    podsOn: (name) => pods.filter(({ nodeName }) => nodeName === name),
    daemons,
    cache,
    devices,
  };
  return buildTemplates(facts, { ...options, ...some });
}

function daemon(name: string, spec: Readonly<Record<string, unknown>> = {}): DaemonPod {
  return { owner: `uid-${name}`, pod: pod(`${name}-new`, { owner: name, kind: 'DaemonSet', spec }) };
}

function podNames(templates: Templates): readonly string[] {
  return (templates.byGroup.get('g')?.pods ?? []).map(({ name }) => name);
}

describe('which template is taken', () => {
  const good = node('good', { group: 'g' });
  const bad = node('bad', { group: 'g', ready: false });

  it('a good node, the first in the list', () => {
    const found = build({ nodes: [bad, good, node('later', { group: 'g', cpu: '8' })] });
    expect(found.origins.get('g')).toBe('node');
    expect(found.byGroup.get('g')?.node.capacity['cpu']).toBe(4_000);
    expect([...found.cache.keys()]).toEqual(['g']);
  });

  it.each([
    ['ready for less than a minute', { readySince: -60_000 }],
    ['cordoned', { unschedulable: true }],
    ['on its way out', { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] }],
    ['not ready', { ready: false }],
  ])('not of a node that is %s', (_, parts) => {
    expect(build({ nodes: [node('n', { group: 'g', ...parts })] }).origins.get('g')).toBe('provider');
  });

  it('then what was cached, then the cloud, then a node that is not well', () => {
    const cached = build({ nodes: [good] }).cache;
    expect(build({ nodes: [bad], cache: cached }).origins.get('g')).toBe('cache');
    expect(build({ nodes: [bad] }).origins.get('g')).toBe('provider');
    const blind = [group('g', { template: undefined })];
    expect(build({ nodes: [bad], groups: blind }).origins.get('g')).toBe('unwell-node');
    expect(build({ nodes: [bad], groups: blind }).cache.size).toBe(0);
  });

  it('none, with the reason of the cloud', () => {
    const found = build({ groups: [group('g', { template: undefined, templateProblem: 'unknown instance type x9' })] });
    expect(found.byGroup.size).toBe(0);
    expect(found.problems.get('g')).toBe('unknown instance type x9');
  });

  it('the cache forgets groups that are gone', () => {
    const cached = build({ nodes: [good] }).cache;
    expect(build({ groups: [group('other')], cache: cached }).cache.size).toBe(0);
  });
});

describe('what is in a template', () => {
  it('of a node: its daemons and mirrors, not what runs on it or goes', () => {
    const pods = [
      pod('web', { node: 'n' }),
      pod('agent', { node: 'n', owner: 'agent', kind: 'DaemonSet' }),
      pod('going', { node: 'n', owner: 'other', kind: 'DaemonSet', deleted: -1_000 }),
      pod('static', { node: 'n', owner: '', mirror: true }),
      pod('like-daemon', { node: 'n', annotations: { 'cluster-autoscaler.kubernetes.io/daemonset-pod': 'true' } }),
    ];
    expect(podNames(build({ nodes: [node('n', { group: 'g' })], pods }))).toEqual(['agent-g', 'static-g', 'like-daemon-g']);
  });

  it('of a node: daemons that it lacks only when forced, or when they would push others off', () => {
    const nodes = [node('n', { group: 'g' })];
    const daemons = [daemon('agent'), daemon('critical', { priorityClassName: 'system-node-critical' })];
    const polite = daemon('polite', { priorityClassName: 'system-node-critical', preemptionPolicy: 'Never' });
    expect(podNames(build({ nodes, daemons: [...daemons, polite] }))).toEqual(['critical-new-g']);
    expect(podNames(build({ nodes, daemons, options: { forceDaemonSets: true } }))).toEqual(['agent-new-g', 'critical-new-g']);
  });

  it('of the cloud: its pods and every daemon that the node would get', () => {
    const own = {
      ...template('g', { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] }),
      pods: [pod('proxy', { owner: '', mirror: true })],
    };
    const tolerant = { tolerations: [{ operator: 'Exists' }] };
    const daemons = [
      daemon('kept-away'),
      daemon('agent', tolerant),
      daemon('elsewhere', { ...tolerant, nodeSelector: { group: 'other' } }),
    ];
    expect(podNames(build({ groups: [group('g', { template: own })], daemons }))).toEqual(['proxy-g', 'agent-new-g']);
  });

  it('names, taints and labels are those of a new node', () => {
    const taints = ['dedicated', 'my-startup', 'my-status', 'DeletionCandidateOfClusterAutoscaler', 'node.kubernetes.io/memory-pressure'];
    const prefixed = ['startup-taint.cluster-autoscaler.kubernetes.io/a', 'status-taint.cluster-autoscaler.kubernetes.io/b'];
    const example = node('n', {
      group: 'g',
      taints: [...taints, ...prefixed].map((key) => ({ key, effect: 'NoSchedule' })),
      labels: { 'topology.kubernetes.io/zone': 'a' },
    });
    const made = build({ nodes: [example] }).byGroup.get('g')?.node;
    expect(made?.name).toBe('template-node-for-g');
    expect(made?.taints.map(({ key }) => key)).toEqual(['dedicated']);
    expect(made?.labels).toEqual({
      group: 'g',
      'topology.kubernetes.io/zone': 'a',
      'kubernetes.io/hostname': 'template-node-for-g',
      'cluster-autoscaler.kubernetes.io/template-node': 'true',
    });
  });

  it('old names of labels only on a template of the cloud', () => {
    const labels = { 'node.kubernetes.io/instance-type': 'm1', 'topology.kubernetes.io/zone': 'a', 'topology.kubernetes.io/region': 'r' };
    const cloud = build({ groups: [group('g', { template: template('g', { labels }) })] }).byGroup.get('g')?.node.labels;
    expect(cloud).toMatchObject({
      'beta.kubernetes.io/instance-type': 'm1',
      'failure-domain.beta.kubernetes.io/zone': 'a',
      'failure-domain.beta.kubernetes.io/region': 'r',
    });
    const real = build({ nodes: [node('n', { group: 'g', labels })] }).byGroup.get('g')?.node.labels;
    expect(Object.keys(real ?? {}).filter((key) => key.includes('beta'))).toEqual([]);
  });

  it('resources that the cloud knows of and the node does not show yet', () => {
    const known = template('g', { allocatable: { 'nvidia.com/gpu': '1', cpu: '2' } });
    const made = build({ nodes: [node('n', { group: 'g' })], groups: [group('g', { template: known })] }).byGroup.get('g')?.node;
    expect(made?.allocatable).toMatchObject({ 'nvidia.com/gpu': 1_000, cpu: 4_000 });
  });
});

describe('taints are counted', () => {
  it.each([
    ['ToBeDeletedByClusterAutoscaler', 'ToBeDeletedByClusterAutoscaler'],
    ['DeletionCandidateOfClusterAutoscaler', 'DeletionCandidateOfClusterAutoscaler'],
    ['node.kubernetes.io/not-ready', 'node.kubernetes.io/not-ready'],
    ['ignore-taint.cluster-autoscaler.kubernetes.io/x', 'ignore-taint.cluster-autoscaler.kubernetes.io/'],
    ['startup-taint.cluster-autoscaler.kubernetes.io/x', 'startup-taint'],
    ['my-startup', 'startup-taint'],
    ['status-taint.cluster-autoscaler.kubernetes.io/x', 'status-taint'],
    ['my-status', 'status-taint'],
    ['dedicated', 'other'],
  ])('%s as %s', (key, type) => {
    expect(taintTypeOf(key, options)).toBe(type);
  });
});

describe('devices', () => {
  const good = node('good', { group: 'g' });
  const daemonPod = {
    ...pod('agent', { node: 'good', namespace: 'shop', owner: 'agent', kind: 'DaemonSet' }),
    ownResourceClaims: new Map([['gpu', 'agent-gpu']]),
  };
  const claims = [claim('agent-gpu', asking(), { status: allocated(['good/gpu-1'], 'good') })];

  it('of the node that it is made of are its own, under new names, and its daemons hold theirs', () => {
    const slices = [slice('good', 2), slice('other', 2), slice(undefined, 1, { allNodes: true })];
    const made = build({ nodes: [good], pods: [daemonPod], devices: facts({ slices, claims }) }).byGroup.get('g');
    expect(made?.slices).toMatchObject([{ name: 'slice-good-g', pool: 'good-g', scope: { node: 'template-node-for-g' } }]);
    expect(made?.slices?.[0]?.devices.map(({ name }) => name)).toEqual(['gpu-0', 'gpu-1']);
    expect(made?.heldDevices).toEqual(['gpu.example.com/good-g/gpu-1']);
  });

  it('are none where the node has none of its own, or nothing is known', () => {
    const shared = facts({ slices: [slice(undefined, 1, { allNodes: true })], claims });
    expect(build({ nodes: [good], pods: [daemonPod], devices: shared }).byGroup.get('g')).not.toHaveProperty('slices');
    expect(build({ nodes: [good] }).byGroup.get('g')).not.toHaveProperty('slices');
  });
});
