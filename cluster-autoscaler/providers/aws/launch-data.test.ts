import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import type { Provider } from '../provider.ts';
import type { AsgFacts } from './asg.ts';
import { asg, fakeApi, type FakeApi } from './fake-api.fixture.ts';
import { providerOver, type AwsProviderOptions } from './provider.ts';

interface Scene {
  readonly api: FakeApi;
  readonly clock: VirtualClock;
  readonly provider: Provider;
  /** CPU, name and so on of the template; or the problem. */
  readonly node: (group?: string) => Promise<object>;
}

async function scene(groups: readonly AsgFacts[], options: Partial<AwsProviderOptions> = {}): Promise<Scene> {
  const api = fakeApi(groups);
  const clock = new VirtualClock();
  const specs = groups.map(({ name }) => `1:10:${name}`);
  const provider = providerOver(api, {
    clock,
    random: seededRandom('aws'),
    logger: recordingLogger(),
    groups: specs,
    discovery: [],
    ...options,
  });
  await provider.refresh();
  api.calls.length = 0;
  const node = async (group = 'g'): Promise<object> => {
    const answer = await provider.template(group);
    return 'problem' in answer ? answer : answer.template.node;
  };
  return { api, clock, provider, node };
}

const template = { id: 'lt-1', version: '$Default' };
const requirements = { VCpuCount: { Min: 4, Max: 8 }, MemoryMiB: { Min: 2048 } };

describe('what a group launches', () => {
  it('is read once and believed for about twenty minutes', async () => {
    const { api, clock, node } = await scene([asg('g')]);
    api.types.set('m5.large', { name: 'm5.large', vcpu: 2, memoryMiB: 8192, gpu: 0, gpuManufacturer: '', architecture: 'amd64' });
    expect(await node()).toMatchObject({ instanceType: 'm5.large' });
    expect(api.calls).toEqual(['template lt-1', 'types m5.large']);
    await clock.advance(14 * 60_000);
    await node();
    expect(api.calls).toHaveLength(2);
    await clock.advance(12 * 60_000);
    api.templates.set('lt-1', { instanceType: 'm5.xlarge' });
    expect(await node()).toMatchObject({ instanceType: 'm5.xlarge' });
  });

  it('is read once for all who ask at the same time', async () => {
    const { api, node } = await scene([asg('g')]);
    await Promise.all([node(), node(), node()]);
    expect(api.calls.filter((call) => call.startsWith('template'))).toHaveLength(1);
  });

  it('is what EC2 says today before what is known by heart', async () => {
    const facts = { name: 'm5.large', vcpu: 3, memoryMiB: 1, gpu: 0, gpuManufacturer: '', architecture: 'arm64' };
    const { api, node } = await scene([asg('g')]);
    api.types.set('m5.large', facts);
    expect(await node()).toMatchObject({ capacity: { cpu: 3_000 }, labels: { 'kubernetes.io/arch': 'arm64' } });
    const still = await scene([asg('g')], { staticInstanceTypes: true });
    still.api.types.set('m5.large', facts);
    expect(await still.node()).toMatchObject({ capacity: { cpu: 2_000 } });
    expect(still.api.calls).toEqual(['template lt-1']);
  });

  it('does not ask EC2 again and again about what it does not know', async () => {
    const { api, clock, node } = await scene([asg('g')]);
    api.templates.set('lt-1', { instanceType: 'z9.huge' });
    expect(await node()).toEqual({ problem: 'group g has the instance type z9.huge, which nobody knows' });
    await node();
    expect(api.calls.filter((call) => call.startsWith('types'))).toHaveLength(1);
    api.types.set('z9.huge', { name: 'z9.huge', vcpu: 9, memoryMiB: 9, gpu: 0, gpuManufacturer: '', architecture: 'amd64' });
    await clock.advance(10 * 60_000);
    expect(await node()).toMatchObject({ instanceType: 'z9.huge' });
  });

  it('is a problem, and no fault, when it cannot be read; it is read again at the next question', async () => {
    const { api, node } = await scene([asg('g')]);
    api.before = () => {
      api.before = () => undefined;
      throw new Error('DescribeLaunchTemplateVersions failed');
    };
    expect(await node()).toEqual({ problem: 'group g: DescribeLaunchTemplateVersions failed' });
    expect(await node()).toMatchObject({ instanceType: 'm5.large' });
  });

  it('reads the launch configurations of all groups with the first of them', async () => {
    const groups = ['a', 'b', 'c'].map((name) => asg(name, { launch: { launchConfiguration: `lc-${name}` } }));
    const { api, node } = await scene(groups);
    for (const name of ['a', 'b']) api.configurations.set(`lc-${name}`, 'm5.large');
    expect(await node('a')).toMatchObject({ instanceType: 'm5.large' });
    expect(await node('b')).toMatchObject({ instanceType: 'm5.large' });
    expect(await node('c')).toEqual({ problem: 'group c: its launch configuration lc-c does not exist' });
    expect(api.calls.filter((call) => call.startsWith('configurations'))).toEqual(['configurations lc-a,lc-b,lc-c', 'configurations lc-c']);
  });

  it('is what EC2 names for requirements, with their minima for a mixed policy', async () => {
    const { api, node } = await scene([asg('g', { launch: { mixed: { launchTemplate: template, types: [], requirements } } })]);
    api.templates.set('lt-1', { imageId: 'ami-1' });
    expect(await node()).toEqual({ problem: 'group g: EC2 knows no instance type that meets its requirements' });
    api.meeting.push('m5.2xlarge', 'm5.xlarge');
    api.calls.length = 0;
    expect(await node()).toMatchObject({ instanceType: 'm5.2xlarge', capacity: { cpu: 4_000, memory: 2 * 1024 ** 3 * 1000 } });
    await node();
    expect(api.calls).toEqual(['types for ami-1', 'types m5.2xlarge']);
  });

  it('takes requirements of a plain launch template for its type alone', async () => {
    const { api, node } = await scene([asg('g', { launch: { launchTemplate: template } })]);
    api.templates.set('lt-1', { imageId: 'ami-1', requirements });
    api.meeting.push('m5.2xlarge');
    expect(await node()).toMatchObject({ capacity: { cpu: 8_000 } });
  });

  it('says which of its types nobody knows', async () => {
    const { provider, node } = await scene([asg('g', { launch: { mixed: { types: ['m5.large', 'z9.huge'] } } })]);
    expect(await node()).toMatchObject({ instanceType: 'm5.large' });
    expect(provider.groups()[0]?.notes.join()).toContain('nobody knows its instance types z9.huge');
  });
});

describe('a group that EKS manages', () => {
  const tags = { 'eks:cluster-name': 'prod', 'eks:nodegroup-name': 'ng' };

  it('is described by its tags when EKS cannot be asked, and says so', async () => {
    const { provider, node } = await scene([asg('g', { tags })]);
    expect(await node()).toMatchObject({ labels: { 'cluster-name': 'prod', 'nodegroup-name': 'ng' } });
    expect(provider.groups()[0]?.notes).toContain('EKS is not asked about node group ng: its labels and taints are those of the tags');
  });

  it('is described by EKS, asked about every six minutes', async () => {
    const asked: string[] = [];
    const { clock, node } = await scene([asg('g', { tags })], {
      describeManagedNodegroup: async (cluster, nodegroup) => {
        asked.push(`${cluster}/${nodegroup}`);
        return { name: 'ng', labels: { pool: 'x' }, taints: [{ key: 'a', value: 'b', effect: 'NO_SCHEDULE' }] };
      },
    });
    for (let each = 0; each < 3; each++) {
      expect(await node()).toMatchObject({
        labels: { pool: 'x', 'eks.amazonaws.com/nodegroup': 'ng' },
        taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }],
      });
    }
    expect(asked).toEqual(['prod/ng']);
    await clock.advance(8 * 60_000);
    await node();
    expect(asked).toHaveLength(2);
  });

  it('is not asked about again at once after a failure', async () => {
    let asked = 0;
    const { provider, node } = await scene([asg('g', { tags })], {
      describeManagedNodegroup: async () => {
        asked += 1;
        throw new Error('AccessDenied');
      },
    });
    expect(await node()).toMatchObject({ labels: { 'nodegroup-name': 'ng' } });
    await node();
    expect(asked).toBe(1);
    expect(provider.groups()[0]?.notes.join()).toContain('EKS could not be asked about node group ng: AccessDenied');
  });
});
