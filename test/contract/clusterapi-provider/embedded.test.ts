import { afterEach, describe, expect, it } from 'vitest';
import { createClusterApiProvider, type ClusterApiProviderOptions } from '../../../cluster-autoscaler/providers/clusterapi/index.ts';
import { groupNamed, nodeOf, providerContract } from '../../../cluster-autoscaler/providers/contract.ts';
import type { Provider } from '../../../cluster-autoscaler/providers/provider.ts';
import { dryRunFence } from '../../../core/kube/index.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { namespace, startCapiCluster, type CapiCluster } from './capi-cluster.ts';

const capacity = {
  'capacity.cluster-autoscaler.kubernetes.io/cpu': '4',
  'capacity.cluster-autoscaler.kubernetes.io/memory': '16Gi',
};
const workers = { name: 'workers', replicas: 2, min: '1', max: '5', annotations: capacity };
const id = `MachineDeployment/${namespace}/workers`;

function providerOf({ client, clock }: CapiCluster, options: Partial<ClusterApiProviderOptions> = {}): Provider {
  return createClusterApiProvider({ client, clock, random: seededRandom('provider'), discovery: [], ...options });
}

async function replicasOf({ client, types }: CapiCluster, name: string): Promise<number> {
  const { spec } = await client.get<KubeObject>(types.MachineDeployment, { namespace, name });
  return (spec as { replicas: number }).replicas;
}

providerContract('clusterapi', async () => {
  const cluster = await startCapiCluster();
  await cluster.deployment(workers);
  await cluster.deployment({ ...workers, name: 'other', replicas: 1, min: '0' });
  await cluster.settle();
  return {
    provider: providerOf(cluster),
    group: id,
    otherGroup: `MachineDeployment/${namespace}/other`,
    react: async () => {
      await cluster.react();
      await cluster.clock.advance(1000);
    },
    settle: cluster.settle,
    sizeInCloud: (group) => replicasOf(cluster, group.split('/')[2] ?? ''),
    stockout: async (group) => void cluster.failing.add(group.split('/')[2] ?? ''),
    close: cluster.close,
  };
});

describe('Cluster API provider', () => {
  let cluster: CapiCluster;
  let provider: Provider | undefined;
  const begin = async (options: Partial<ClusterApiProviderOptions> = {}): Promise<Provider> => {
    provider = providerOf(cluster, options);
    await provider.refresh();
    return provider;
  };
  const ids = (of: Provider): readonly string[] => of.groups().map((group) => group.id);
  afterEach(async () => {
    await provider?.close();
    provider = undefined;
    await cluster.close();
  });

  it('takes what has both bounds, no set of a deployment, and says of the others why not', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    await cluster.deployment({ name: 'unasked', replicas: 1 });
    await cluster.deployment({ name: 'half', replicas: 1, min: '1' });
    await cluster.deployment({ name: 'turned', replicas: 1, min: '3', max: '2' });
    await cluster.deployment({ name: 'never', replicas: 1, min: '0', max: '0' });
    await cluster.deployment({ name: 'words', replicas: 1, min: 'one', max: '2' });
    await cluster.deployment({ name: 'blind', replicas: 0, min: '0', max: '2' });
    const annotations = {
      'cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size': '0',
      'cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size': '3',
    };
    await cluster.create('MachineSet', { metadata: { name: 'alone', annotations }, spec: { replicas: 1 } });
    await cluster.create('MachinePool', { metadata: { name: 'pool', annotations }, spec: { replicas: 1, providerIDList: ['sim:///p1'] } });
    const logger = recordingLogger();
    const found = await begin({ logger });
    expect(ids(found)).toEqual([id, `MachinePool/${namespace}/pool`, `MachineSet/${namespace}/alone`]);
    expect(found.groupOf(nodeOf('sim:///p1'))).toBe(`MachinePool/${namespace}/pool`);
    expect(await found.deleteInstances(`MachinePool/${namespace}/pool`, ['sim:///p1'])).toMatchObject({
      failure: { code: 'InstanceUnknown' },
    });
    const said = (): string[] => logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(said()).toEqual([
      `MachineDeployment/machines/blind is not a node group: it has no replicas, and nothing says what a machine of it would have`,
      `MachineDeployment/machines/half is not a node group: it has only one of the annotations ${Object.keys(annotations).join(' and ')}`,
      `MachineDeployment/machines/never is not a node group: it has ${Object.keys(annotations)[1]}=0`,
      `MachineDeployment/machines/turned is not a node group: it has a maximum of 2, less than its minimum of 3`,
      `MachineDeployment/machines/words is not a node group: it has ${Object.keys(annotations)[0]}="one", which is not a whole number of 0 or more`,
    ]);
    await found.refresh();
    expect(said()).toHaveLength(5);
  });

  it('takes only what one of the discoveries allows', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment({ ...workers, labels: { team: 'a' } });
    await cluster.deployment({ ...workers, name: 'other', labels: { team: 'b' } });
    const found = await begin({ discovery: ['clusterapi:namespace=machines,clusterName=main,team=a', 'clusterapi:namespace=elsewhere'] });
    expect(ids(found)).toEqual([id]);
    expect(groupNamed(found, id).tags).toEqual({ team: 'a' });
    await found.close();
    expect(ids(await begin({ discovery: ['clusterapi:clusterName=another'] }))).toEqual([]);
  });

  it('works where there are no MachinePools, and under another API group', async () => {
    cluster = await startCapiCluster({ pools: false });
    await cluster.deployment(workers);
    expect(ids(await begin())).toEqual([id]);
    await provider?.close();
    await cluster.close();
    cluster = await startCapiCluster({ group: 'cluster.example.com' });
    const bounds = {
      'cluster.example.com/cluster-api-autoscaler-node-group-min-size': '0',
      'cluster.example.com/cluster-api-autoscaler-node-group-max-size': '3',
    };
    await cluster.deployment({ name: 'workers', replicas: 1, annotations: bounds });
    expect(ids(await begin({ group: 'cluster.example.com' }))).toEqual([id]);
  });

  it('says that Cluster API is not there', async () => {
    cluster = await startCapiCluster();
    provider = providerOf(cluster, { group: 'nobody.example.com' });
    await expect(provider.refresh()).rejects.toMatchObject({
      code: 'PROVIDER_UNREADABLE',
      message: expect.stringMatching(/does not serve nobody.example.com.*CAPI_GROUP/) as string,
    });
    await provider.close();
    provider = providerOf(cluster, { version: 'v9' });
    await expect(provider.refresh()).rejects.toMatchObject({ code: 'PROVIDER_UNREADABLE' });
  });

  it('says that it cannot list what there is, and reads it when it can', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    provider = providerOf(cluster);
    const fault = cluster.api.faults.add({ match: { resource: 'machines.cluster.x-k8s.io' }, fault: { kind: 'status', code: 500 } });
    const failed = provider.refresh().then(
      () => 'read',
      (error: unknown) => error,
    );
    await cluster.clock.advance(30_000);
    expect(await failed).toMatchObject({
      code: 'PROVIDER_UNREADABLE',
      message: expect.stringContaining('could not be listed yet') as string,
    });
    expect(fault.hits).toBeGreaterThan(0);
    fault.remove();
    await cluster.clock.advance(60_000);
    await provider.refresh();
    expect(ids(provider)).toEqual([id]);
  });

  it('does not act on a picture that is old', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    const found = await begin();
    await cluster.clock.advance(600_000);
    await found.refresh();
    cluster.api.faults.add({ match: { resource: 'machines.cluster.x-k8s.io' }, fault: { kind: 'drop' } });
    cluster.api.faults.add({ match: { resource: 'machines.cluster.x-k8s.io', verb: 'watch' }, fault: { kind: 'watch-drop', afterMs: 0 } });
    await cluster.clock.advance(1_200_000);
    await expect(found.refresh()).rejects.toMatchObject({
      code: 'PROVIDER_UNREADABLE',
      message: expect.stringMatching(/nothing was heard/) as string,
    });
  });

  it('marks the machines that are to go before it lowers the replicas', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment({ ...workers, replicas: 4 });
    await cluster.settle();
    const found = await begin();
    const writes: string[] = [];
    cluster.api.onAudit((entry) => void writes.push(JSON.stringify(entry)));
    expect(await found.deleteInstances(id, ['sim:///workers-1', 'sim:///workers-3'])).toEqual({ ok: true });
    const { items } = await cluster.client.list(cluster.types.Machine);
    const marked = items.filter(({ metadata }) => metadata.annotations?.['cluster.x-k8s.io/delete-machine'] !== undefined);
    expect(marked.map(({ metadata }) => metadata.name)).toEqual(['workers-1', 'workers-3']);
    expect(writes.map((text) => /machinedeployments/.test(text))).toEqual([false, false, true]);
    // Asked for again before Cluster API has done anything: nothing is counted out twice.
    await found.refresh();
    expect(await found.deleteInstances(id, ['sim:///workers-1', 'sim:///workers-3'])).toEqual({ ok: true });
    expect(await replicasOf(cluster, 'workers')).toBe(2);
    await cluster.settle();
    await found.refresh();
    expect((await found.instances(id)).map((instance) => instance.id)).toEqual(['sim:///workers-0', 'sim:///workers-2']);
  });

  it('takes marks back when the replicas cannot be lowered', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment({ ...workers, replicas: 3 });
    await cluster.settle();
    const found = await begin();
    // Somebody else has lowered them meanwhile.
    await cluster.client.setScale(cluster.types.MachineDeployment, { namespace, name: 'workers' }, 1);
    expect(await found.deleteInstances(id, ['sim:///workers-0'])).toMatchObject({ failure: { code: 'MinSizeReached' } });
    const { items } = await cluster.client.list(cluster.types.Machine);
    expect(items.map(({ metadata }) => metadata.annotations?.['cluster.x-k8s.io/delete-machine'])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('adds to the replicas that are there now, not to those it has read', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    const found = await begin();
    await cluster.client.setScale(cluster.types.MachineDeployment, { namespace, name: 'workers' }, 4);
    expect(await found.increaseSize(id, 1)).toEqual({ ok: true });
    expect(await replicasOf(cluster, 'workers')).toBe(5);
    expect(groupNamed(found, id).targetSize).toBe(5);
    expect(await found.increaseSize(id, 1)).toMatchObject({ failure: { code: 'MaxSizeReached' } });
  });

  it('gives up what has not come', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    await cluster.settle();
    const found = await begin();
    await found.increaseSize(id, 2);
    expect(await found.decreaseTargetSize(id, -3)).toMatchObject({ failure: { code: 'WouldRemoveInstances' } });
    expect(await found.decreaseTargetSize(id, -2)).toEqual({ ok: true });
    expect(await replicasOf(cluster, 'workers')).toBe(2);
  });

  it('knows a node by the annotations of its machine, too', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    await cluster.settle();
    const found = await begin();
    const annotations = { 'cluster.x-k8s.io/machine': 'workers-0', 'cluster.x-k8s.io/cluster-namespace': namespace };
    expect(found.groupOf({ ...nodeOf('other-id'), annotations })).toBe(id);
    expect(found.hasInstance({ ...nodeOf('other-id'), annotations })).toBe(true);
    expect(found.hasInstance(nodeOf('sim:///gone'))).toBe(false);
    expect(found.hasInstance(nodeOf(''))).toBeUndefined();
  });

  it('makes a template of annotations over what the infrastructure says', async () => {
    cluster = await startCapiCluster();
    await cluster.create('Template', { metadata: { name: 'big' }, spec: {} });
    const status = {
      capacity: { cpu: '8', memory: '32Gi', 'nvidia.com/gpu': '1' },
      nodeInfo: { architecture: 'arm64', operatingSystem: 'linux' },
    };
    await cluster.client.patch(
      cluster.types.Template,
      { namespace, name: 'big' },
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
    const prefix = 'capacity.cluster-autoscaler.kubernetes.io';
    await cluster.deployment({
      name: 'workers',
      replicas: 0,
      min: '0',
      max: '5',
      template: 'big',
      machineLabels: { 'node-role.kubernetes.io/batch': '', plain: 'x', 'node.cluster.x-k8s.io/pool': 'w' },
      annotations: {
        [`${prefix}/memory`]: '30Gi',
        [`${prefix}/maxPods`]: '58',
        [`${prefix}/ephemeral-disk`]: '100Gi',
        [`${prefix}/gpu-type`]: 'amd.com/gpu',
        [`${prefix}/gpu-count`]: '2',
        [`${prefix}/labels`]: 'pool=w,kubernetes.io/os=windows',
        [`${prefix}/taints`]: 'dedicated=gpu:NoSchedule,slow:PreferNoSchedule,broken',
        'cluster.x-k8s.io/autoscaling-options-maxnodeprovisiontime': '20m',
        'cluster.x-k8s.io/autoscaling-options-scaledownutilizationthreshold': 'much',
      },
    });
    const found = await begin();
    const answer = await found.template(id);
    if ('problem' in answer) throw new Error(answer.problem);
    expect(answer.template.node).toMatchObject({
      capacity: {
        cpu: 8_000,
        memory: 30 * 1024 ** 3 * 1000,
        pods: 58_000,
        'ephemeral-storage': 100 * 1024 ** 3 * 1000,
        'nvidia.com/gpu': 1_000,
        'amd.com/gpu': 2_000,
      },
      taints: [
        { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
        { key: 'slow', value: '', effect: 'PreferNoSchedule' },
      ],
      labels: {
        'kubernetes.io/arch': 'arm64',
        'kubernetes.io/os': 'windows',
        pool: 'w',
        'node-role.kubernetes.io/batch': '',
        'node.cluster.x-k8s.io/pool': 'w',
      },
    });
    expect(answer.template.node.labels).not.toHaveProperty('plain');
    expect(groupNamed(found, id)).toMatchObject({ options: { maxProvisionMs: 1_200_000 } });
    expect(groupNamed(found, id).options.utilizationThreshold).toBeUndefined();
    expect(groupNamed(found, id).notes).toEqual([
      'cluster.x-k8s.io/autoscaling-options-scaledownutilizationthreshold=much is not a number such as 0.5; the default holds',
    ]);
  });

  it('says what is missing for a template', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment({ ...workers, annotations: { 'capacity.cluster-autoscaler.kubernetes.io/cpu': '4' } });
    const found = await begin();
    expect(await found.template(id)).toEqual({
      problem: `group ${id}: nobody knows its memory; set the annotation capacity.cluster-autoscaler.kubernetes.io/memory`,
    });
  });

  it('writes nothing when it must not', async () => {
    cluster = await startCapiCluster();
    await cluster.deployment(workers);
    await cluster.settle();
    const found = await begin({ client: cluster.client.fenced(dryRunFence('a test')) });
    await expect(found.increaseSize(id, 1)).rejects.toMatchObject({ code: 'FENCED' });
    await expect(found.deleteInstances(id, ['sim:///workers-0'])).rejects.toMatchObject({ code: 'FENCED' });
    expect(await replicasOf(cluster, 'workers')).toBe(2);
  });
});
