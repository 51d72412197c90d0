import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../embedded-cluster.ts';
import type { ClusterAwsOptions } from './index.ts';
import { fixedTiming, sdkClients } from './testing/virtual-aws.ts';

const open: EmbeddedCluster[] = [];
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.stop();
});

interface Scene {
  readonly clock: VirtualClock;
  readonly cluster: EmbeddedCluster;
  readonly problems: string[];
  readonly aws: NonNullable<EmbeddedCluster['aws']>;
  readonly sdk: ReturnType<typeof sdkClients>;
}

async function setup(aws: ClusterAwsOptions): Promise<Scene> {
  const clock = new VirtualClock();
  const problems: string[] = [];
  const cluster = await startEmbeddedCluster({
    clock,
    random: seededRandom('nodes'),
    nodes: [],
    // Nodes act as themselves: what NodeRestriction refuses would be seen here.
    authorization: 'RBAC',
    aws: { ...aws, timing: fixedTiming, nodes: { ...aws.nodes, standard: { joinDelay: 10_000, ...aws.nodes?.standard } } },
    onProblem: (subject, error) => problems.push(`${subject}: ${String(error)}`),
  });
  open.push(cluster);
  clock.useSettle(() => cluster.settle());
  if (cluster.aws === undefined) throw new Error('the cluster has no AWS');
  return { clock, cluster, problems, aws: cluster.aws, sdk: sdkClients({ requestHandler: cluster.aws.endpoint.requestHandler() }) };
}

const group = { name: 'g', maxSize: 10, desiredCapacity: 1, instanceTypes: ['m5.large'] } as const;
const nodes = ({ cluster }: Scene): readonly KubeObject[] => cluster.api.registry.list(resourceTypes.nodes);
const taintsOf = (node: KubeObject | undefined): readonly { readonly key: string }[] =>
  (node?.spec as { readonly taints?: readonly { readonly key: string }[] } | undefined)?.taints ?? [];
const names = (scene: Scene): readonly string[] => nodes(scene).map(({ metadata }) => metadata.name);
const grow = ({ sdk }: Scene, DesiredCapacity: number): Promise<unknown> =>
  sdk.autoScaling.setDesiredCapacity({ AutoScalingGroupName: 'g', DesiredCapacity });

describe('instances become nodes', () => {
  it('at once where they run from the start, later where they are launched, with what EC2 and the tags say of them', async () => {
    const scene = await setup({
      region: 'eu-central-1',
      groups: [
        {
          ...group,
          instanceTypes: ['g4dn.xlarge'],
          tags: {
            'k8s.io/cluster-autoscaler/node-template/label/pool': 'gpu',
            'k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu': 'true:NoSchedule',
            'k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage': '50Gi',
          },
        },
      ],
      nodes: { groups: { g: { joinDelay: 10_000, reserved: { cpuMilli: 100, memoryMib: 384 } } } },
    });
    const instance = scene.aws.endpoint.instances()[0];
    expect(nodes(scene)).toHaveLength(1);
    expect(nodes(scene)[0]).toMatchObject({
      metadata: {
        name: 'ip-10-0-0-4.eu-central-1.compute.internal',
        labels: {
          'kubernetes.io/hostname': 'ip-10-0-0-4.eu-central-1.compute.internal',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/os': 'linux',
          'node.kubernetes.io/instance-type': 'g4dn.xlarge',
          'topology.kubernetes.io/zone': 'eu-central-1a',
          'topology.kubernetes.io/region': 'eu-central-1',
          pool: 'gpu',
        },
      },
      spec: { providerID: `aws:///eu-central-1a/${instance?.id}` },
      status: {
        capacity: { cpu: '4', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '1', 'ephemeral-storage': '50Gi' },
        allocatable: { cpu: '3900m', memory: '16000Mi', 'nvidia.com/gpu': '1' },
      },
    });
    await scene.clock.advance(5000);
    expect(taintsOf(nodes(scene)[0])).toEqual([{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }]);
    await grow(scene, 2);
    // Reaction, boot, join: 2 + 20 + 10 seconds.
    await scene.clock.advance(31_999);
    expect(nodes(scene)).toHaveLength(1);
    await scene.clock.advance(1);
    expect(nodes(scene)).toHaveLength(2);
    expect(scene.problems).toEqual([]);
  });

  it('for arm64 too, and with labels that only an administrator may set', async () => {
    const scene = await setup({
      groups: [{ ...group, instanceTypes: ['m6g.large'] }],
      nodes: { groups: { g: { labels: { 'node-role.kubernetes.io/worker': '' } } } },
    });
    expect(nodes(scene)[0]?.metadata.labels).toMatchObject({ 'kubernetes.io/arch': 'arm64', 'node-role.kubernetes.io/worker': '' });
    expect(scene.problems).toEqual([]);
  });

  it('never, where that is the fault; afterwards again', async () => {
    const scene = await setup({ groups: [{ ...group, desiredCapacity: 0 }], nodes: { groups: { g: { neverJoins: true } } } });
    await grow(scene, 2);
    await scene.clock.advance(600_000);
    expect(scene.aws.endpoint.group('g')?.instances.map(({ lifecycle }) => lifecycle)).toEqual(['InService', 'InService']);
    expect(nodes(scene)).toEqual([]);
    scene.aws.nodes.setGroup('g', { joinDelay: 0 });
    await grow(scene, 3);
    await scene.clock.advance(30_000);
    expect(nodes(scene)).toHaveLength(1);
  });

  it('with startup taints, which go when their time is over', async () => {
    const scene = await setup({
      groups: [group],
      nodes: {
        groups: {
          g: {
            startupTaints: [
              { key: 'node.cilium.io/agent-not-ready', effect: 'NoExecute', removeAfter: 30_000 },
              { key: 'stays', value: 'v', effect: 'NoSchedule' },
            ],
          },
        },
      },
    });
    const taints = (): readonly string[] => taintsOf(nodes(scene)[0]).map(({ key }) => key);
    await scene.clock.advance(29_000);
    expect(taints()).toEqual(['node.cilium.io/agent-not-ready', 'stays']);
    await scene.clock.advance(1000);
    expect(taints()).toEqual(['stays']);
  });

  it('and their nodes go silent with the shutdown and are deleted, with their pods, when the instances are terminated', async () => {
    const scene = await setup({ groups: [{ ...group, desiredCapacity: 2 }] });
    const { registry } = scene.cluster.api;
    const [first] = scene.aws.endpoint.instances();
    const pod: KubeObject = {
      metadata: { name: 'p', namespace: 'default' },
      spec: { nodeName: first?.privateDnsName, containers: [{ name: 'c', image: 'i' }] },
    };
    await registry.create(resourceTypes.pods, pod);
    await scene.clock.advance(30_000);
    expect(registry.get(resourceTypes.pods, 'default', 'p')).toMatchObject({ status: { phase: 'Running' } });
    await scene.sdk.autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId: first?.id, ShouldDecrementDesiredCapacity: true });
    await scene.clock.advance(29_000);
    expect(names(scene)).toContain(first?.privateDnsName);
    await scene.clock.advance(2000);
    expect(names(scene)).toEqual([scene.aws.endpoint.instances()[1]?.privateDnsName]);
    expect(registry.get(resourceTypes.pods, 'default', 'p')).toBeUndefined();
    expect(scene.problems).toEqual([]);
  });

  it('never for an instance that is terminated before it joins', async () => {
    const scene = await setup({ groups: [{ ...group, desiredCapacity: 0 }] });
    await grow(scene, 1);
    await scene.clock.advance(25_000);
    await grow(scene, 0);
    await scene.clock.advance(120_000);
    expect(nodes(scene)).toEqual([]);
    expect(scene.aws.endpoint.instances().map(({ state }) => state)).toEqual(['terminated']);
  });

  it('after the API server was away too: registration and removal are tried again', async () => {
    const scene = await setup({ groups: [group] });
    const [first] = scene.aws.endpoint.instances();
    const away = scene.cluster.api.faults.add({ match: { resource: 'nodes' }, fault: { kind: 'status', code: 500, message: 'away' } });
    await grow(scene, 2);
    await scene.sdk.autoScaling.terminateInstanceInAutoScalingGroup({ InstanceId: first?.id, ShouldDecrementDesiredCapacity: true });
    await scene.clock.advance(60_000);
    expect(names(scene)).toEqual([first?.privateDnsName]);
    away.remove();
    await scene.clock.advance(10_000);
    expect(names(scene)).toHaveLength(1);
    expect(names(scene)).not.toContain(first?.privateDnsName);
    expect(scene.problems.filter((problem) => problem.startsWith('aws '))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^aws registration of node /), expect.stringMatching(/^aws removal of node /)]),
    );
  });

  it('a Node whose registration broke off half-way goes with its instance', async () => {
    const scene = await setup({ groups: [{ ...group, desiredCapacity: 0 }] });
    scene.cluster.api.faults.add({
      match: { resource: 'leases.coordination.k8s.io' },
      fault: { kind: 'status', code: 500, message: 'away' },
    });
    await grow(scene, 1);
    await scene.clock.advance(40_000);
    expect(names(scene)).toHaveLength(1);
    expect(scene.cluster.fleet.nodeNames()).toEqual([]);
    await grow(scene, 0);
    await scene.clock.advance(60_000);
    expect(names(scene)).toEqual([]);
  });
});
