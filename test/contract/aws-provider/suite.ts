/**
 * What the AWS provider is relied on to do with an AWS, over the real SDK; written once, run against the endpoint in process (`embedded.test.ts`)
 * and against an emulator behind a fault proxy (`test/e2e/aws`).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { groupNamed, nodeOf, providerContract } from '../../../cluster-autoscaler/providers/contract.ts';
import { createAwsProvider, type AwsProviderOptions } from '../../../cluster-autoscaler/providers/aws/index.ts';
import type { Provider, ProviderCall } from '../../../cluster-autoscaler/providers/provider.ts';

/** A group to make; launched by a launch template of its first type, or by a mixed instances policy when it has several. */
export interface BenchGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly types?: readonly [string, ...string[]];
  /** Letters of zones of us-east-1; default `['a']`. */
  readonly zones?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly suspended?: readonly string[];
}

/** What a call of AWS gets instead of its answer, as the endpoint's `AwsFaultAnswer` names it. */
export type BenchFault =
  | { readonly kind: 'throttle' }
  | { readonly kind: 'error'; readonly code: string; readonly message?: string; readonly status?: number }
  | { readonly kind: 'html' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'drop' };

/** An AWS with nothing in it. */
export interface AwsBench {
  /** What leads a provider to it: clock, randomness, region, endpoint or handler, credentials. */
  readonly connection: Pick<AwsProviderOptions, 'clock' | 'random' | 'region' | 'endpoint' | 'credentials' | 'requestHandler'>;
  /** Resolves when the instances run. */
  readonly createGroup: (group: BenchGroup) => Promise<void>;
  /** Waits for a promise that may need the clock to move. */
  readonly wait: <T>(promise: Promise<T>) => Promise<T>;
  /** Lets AWS finish what it was asked for, and more than a minute of the clock pass. */
  readonly settle: () => Promise<void>;
  readonly sizeInCloud: (group: string) => Promise<number>;
  /** Absent where AWS cannot be made to run out of capacity. */
  readonly stockout?: (group: string) => Promise<void>;
  /** The next `times` calls of an action get this answer. Absent where calls cannot be made to fail. */
  readonly fault?: (action: string, answer: BenchFault, times: number) => void;
  readonly deleteGroup: (name: string) => Promise<void>;
  /** Whether TerminateInstanceInAutoScalingGroup leaves the instance listed for a while, as AWS does. */
  readonly lingers: boolean;
  readonly close: () => Promise<void>;
}

const workers: BenchGroup = { name: 'workers', min: 1, max: 5, desired: 2 };
const other: BenchGroup = { name: 'other', min: 0, max: 5, desired: 1 };

/** Runs all of it; `start` makes a fresh AWS for every test. */
export function awsProviderContract(name: string, start: () => Promise<AwsBench>): void {
  for (const compat of ['none', 'cluster-autoscaler'] as const) {
    providerContract(`${name}, compat ${compat}`, async () => {
      const bench = await start();
      await bench.createGroup(workers);
      await bench.createGroup(other);
      const provider = createAwsProvider({ ...bench.connection, groups: ['1:5:workers', '0:5:other'], discovery: [], compat });
      return {
        provider,
        group: 'workers',
        otherGroup: 'other',
        settle: bench.settle,
        sizeInCloud: bench.sizeInCloud,
        ...(bench.stockout === undefined ? {} : { stockout: bench.stockout }),
        close: bench.close,
      };
    });
  }

  describe(`AWS provider: ${name}`, () => {
    let bench: AwsBench;
    let provider: Provider | undefined;
    const calls: ProviderCall[] = [];
    const connect = (options: Partial<AwsProviderOptions>): Provider => {
      const onCall = (call: ProviderCall): void => void calls.push(call);
      provider = createAwsProvider({ ...bench.connection, groups: [], discovery: [], onCall, ...options });
      return provider;
    };
    const begin = async (groups: readonly BenchGroup[], options: Partial<AwsProviderOptions>): Promise<Provider> => {
      calls.length = 0;
      bench = await start();
      for (const group of groups) await bench.createGroup(group);
      const made = connect(options);
      await bench.wait(made.refresh());
      return made;
    };
    const faults = (skip: (note: string) => void): NonNullable<AwsBench['fault']> => {
      if (bench.fault === undefined) skip('calls cannot be made to fail here');
      return bench.fault ?? (() => undefined);
    };
    /** The group `workers`, asked for so many more when AWS has none. */
    const inVain = async (by: number, skip: (note: string) => void): Promise<Provider> => {
      const group = await begin([workers], { groups: ['1:5:workers'] });
      if (bench.stockout === undefined) skip('this AWS cannot run out of capacity');
      await bench.stockout?.('workers');
      await bench.wait(group.increaseSize('workers', by));
      await bench.settle();
      await bench.wait(group.refresh());
      return group;
    };
    const made = (call: string): number => calls.filter((each) => each.call === call).length;
    afterEach(async () => {
      await provider?.close();
      provider = undefined;
      await bench.close();
    });

    const tagged = (name: string, tags: Readonly<Record<string, string>>): BenchGroup => ({ ...other, name, tags });

    it('finds the groups that have all the tags of all flags, and loses those that are gone', async () => {
      const found = await begin(
        [
          tagged('b', { 'k8s.io/cluster-autoscaler/enabled': 'true', cluster: 'prod' }),
          tagged('a', { 'k8s.io/cluster-autoscaler/enabled': '', cluster: 'prod' }),
          tagged('c', { 'k8s.io/cluster-autoscaler/enabled': 'true', cluster: 'test' }),
          tagged('d', { cluster: 'prod' }),
        ],
        { discovery: ['asg:tag=k8s.io/cluster-autoscaler/enabled', 'asg:tag=cluster=prod'] },
      );
      expect(found.groups().map(({ id, minSize, maxSize }) => [id, minSize, maxSize])).toEqual([
        ['a', 0, 5],
        ['b', 0, 5],
      ]);
      expect(groupNamed(found, 'b').tags).toMatchObject({ cluster: 'prod' });
      const [instance] = await found.instances('a');
      await bench.deleteGroup('a');
      await bench.settle();
      await bench.wait(found.refresh());
      expect(found.groups().map(({ id }) => id)).toEqual(['b']);
      expect(await found.instances('a')).toEqual([]);
      // The group is gone, so nobody can tell of its instance; the deletion taint decides.
      expect(found.hasInstance(nodeOf(instance?.id ?? ''))).toBeUndefined();
    });

    it('lets the bounds of a flag win over those of AWS, and keeps a named group that AWS does not have', async () => {
      const named = await begin([tagged('tagged', { find: 'me' })], {
        groups: ['2:3:tagged', '1:4:missing', '5:9:tagged'],
        discovery: ['asg:tag=find'],
      });
      expect(named.groups().map(({ id, minSize, maxSize, targetSize }) => [id, minSize, maxSize, targetSize])).toEqual([
        ['tagged', 2, 3, 1],
        ['missing', 1, 4, 0],
      ]);
      expect(groupNamed(named, 'missing').notes).toEqual(['does not exist in us-east-1: check --nodes and the region']);
      expect(await named.template('missing')).toEqual({ problem: 'group missing does not exist' });
      expect(await bench.wait(named.increaseSize('missing', 1))).toMatchObject({ ok: false, failure: { code: 'GroupNotFound' } });
    });

    it('asks for a hundred groups with a call', async () => {
      const names = Array.from({ length: 101 }, (_, index) => `g${String(index).padStart(3, '0')}`);
      const some = names.filter((_, index) => index % 25 === 0);
      const many = await begin(
        some.map((name) => ({ ...other, name })),
        { groups: names.map((name) => `0:5:${name}`) },
      );
      expect(many.groups().filter(({ targetSize }) => targetSize === 1)).toHaveLength(5);
      expect(many.groups().map(({ id }) => id)).toEqual(names);
      expect(made('DescribeAutoScalingGroups')).toBe(2);
    });

    it('reads at most once a minute', async () => {
      const read = await begin([workers], { groups: ['1:5:workers'] });
      expect(made('DescribeAutoScalingGroups')).toBe(1);
      await read.refresh();
      expect(made('DescribeAutoScalingGroups')).toBe(1);
      await bench.settle();
      await bench.wait(read.refresh());
      expect(made('DescribeAutoScalingGroups')).toBe(2);
      // Nothing was missing, so nobody asked for activities; no template, so nobody asked EC2.
      expect(new Set(calls.map(({ call }) => call))).toEqual(new Set(['DescribeAutoScalingGroups']));
    });

    it('makes a template of the type that the launch template names, with what EC2 tells of it', async () => {
      const group = await begin([{ ...workers, zones: ['b'], tags: { 'k8s.io/cluster-autoscaler/node-template/label/pool': 'x' } }], {
        groups: ['1:5:workers'],
      });
      const answer = await bench.wait(group.template('workers'));
      if ('problem' in answer) throw new Error(answer.problem);
      expect(answer.template.node).toMatchObject({
        zone: 'us-east-1b',
        region: 'us-east-1',
        instanceType: 'm5.large',
        capacity: { cpu: 2_000, memory: 8 * 1024 ** 3 * 1000, pods: 110_000, 'nvidia.com/gpu': 0 },
        labels: { 'kubernetes.io/arch': 'amd64', pool: 'x' },
      });
      const before = calls.length;
      expect(await group.template('workers')).toEqual(answer);
      expect(calls).toHaveLength(before);
    });

    it('lets the smallest type of a mixed policy stand for all, or the first', async () => {
      const mixed: BenchGroup = { ...workers, types: ['m5.xlarge', 'm5.large'], zones: ['a', 'b'] };
      const group = await begin([mixed], { groups: ['1:5:workers'] });
      const cpu = async (of: Provider): Promise<unknown> => {
        const answer = await bench.wait(of.template('workers'));
        return 'problem' in answer ? answer : answer.template.node.capacity['cpu'];
      };
      expect(await cpu(group)).toBe(2_000);
      const notes = groupNamed(group, 'workers').notes.join('\n');
      expect(notes).toContain('the smallest have 2 CPU, 8Gi memory; the smallest stands for all');
      expect(notes).toContain('AZRebalance is not suspended');
      const upstream = connect({ groups: ['1:5:workers'], compat: 'cluster-autoscaler' });
      await bench.wait(upstream.refresh());
      expect(await cpu(upstream)).toBe(4_000);
    });

    it('takes types that EC2 does not know from its own table', async ({ skip }) => {
      const group = await begin([workers], { groups: ['1:5:workers'] });
      faults(skip)('DescribeInstanceTypes', { kind: 'error', code: 'UnauthorizedOperation', message: 'no', status: 403 }, 1);
      const answer = await bench.wait(group.template('workers'));
      expect('problem' in answer ? answer : answer.template.node.capacity['cpu']).toBe(2_000);
    });

    it.for([
      [{ kind: 'throttle' }, /^Throttling$/],
      [{ kind: 'html' }, /^(?!ok$)/],
      [{ kind: 'drop' }, /^(?!ok$)/],
    ] as const)('tries again when it meets %j, and tells of every request', async ([answer, outcome], { skip }) => {
      const group = await begin([workers], { groups: ['1:5:workers'] });
      const fault = faults(skip);
      await bench.settle();
      calls.length = 0;
      fault('DescribeAutoScalingGroups', answer, 2);
      await bench.wait(group.refresh());
      const failed = expect.stringMatching(outcome) as string;
      expect(calls.map((call) => call.outcome)).toEqual([failed, failed, 'ok']);
    });

    it.for([
      ['PROVIDER_THROTTLED', { kind: 'throttle' }, /DescribeAutoScalingGroups in us-east-1 failed after 6 attempts: Throttling/],
      ['PROVIDER_FORBIDDEN', { kind: 'error', code: 'AccessDenied', status: 403 }, /allow the action in the IAM policy/],
      ['PROVIDER_CREDENTIALS', { kind: 'error', code: 'ExpiredToken', status: 403 }, /AWS_REGION.*IRSA/],
      ['PROVIDER_UNREADABLE', { kind: 'error', code: 'ValidationError' }, /ValidationError/],
      ['PROVIDER_UNREADABLE', { kind: 'html' }, /after 6 attempts/],
    ] as const)('throws %s for %j and reads again in the next loop', async ([code, answer, message], { skip }) => {
      const group = await begin([workers], { groups: ['1:5:workers'] });
      const fault = faults(skip);
      await bench.settle();
      fault('DescribeAutoScalingGroups', answer, 6);
      await expect(bench.wait(group.refresh())).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
      expect(groupNamed(group, 'workers').targetSize).toBe(2);
      const left = answer.kind === 'error' ? 5 : 0;
      for (let each = 0; each < left; each++) await bench.wait(group.refresh()).catch(() => undefined);
      calls.length = 0;
      await bench.wait(group.refresh());
      expect(calls.map(({ outcome }) => outcome)).toEqual(['ok']);
    });

    it('sets a size again when its answer is lost, for that changes nothing', async ({ skip }) => {
      const group = await begin([workers], { groups: ['1:5:workers'] });
      faults(skip)('SetDesiredCapacity', { kind: 'lost' }, 1);
      expect(await bench.wait(group.increaseSize('workers', 1))).toEqual({ ok: true });
      expect(made('SetDesiredCapacity')).toBe(2);
      expect(await bench.sizeInCloud('workers')).toBe(3);
    });

    it('does not end an instance again when the answer is lost, and sees at the next reading what became of it', async ({ skip }) => {
      const group = await begin([{ ...workers, desired: 4 }], { groups: ['1:5:workers'] });
      const [first] = await group.instances('workers');
      faults(skip)('TerminateInstanceInAutoScalingGroup', { kind: 'lost' }, 1);
      const result = await bench.wait(group.deleteInstances('workers', [first?.id ?? '']));
      expect(result).toMatchObject({ ok: false, failure: { class: 'other' } });
      expect(made('TerminateInstanceInAutoScalingGroup')).toBe(1);
      await bench.wait(group.refresh());
      expect(groupNamed(group, 'workers').targetSize).toBe(3);
      expect(await bench.sizeInCloud('workers')).toBe(3);
    });

    it('refuses with the words of AWS', async ({ skip }) => {
      const group = await begin([workers], { groups: ['1:9:workers'] });
      faults(skip)('SetDesiredCapacity', { kind: 'error', code: 'ScalingActivityInProgress', message: 'Scaling activity in progress' }, 1);
      expect(await bench.wait(group.increaseSize('workers', 1))).toEqual({
        ok: false,
        failure: {
          class: 'other',
          code: 'ScalingActivityInProgress',
          message: expect.stringContaining('SetDesiredCapacity of group workers in us-east-1 was refused') as string,
        },
      });
      expect(groupNamed(group, 'workers').targetSize).toBe(2);
    });

    it('names the code of AWS for what does not come', async ({ skip }) => {
      const group = await inVain(1, skip);
      const failed = (await group.instances('workers')).filter(({ failure }) => failure !== undefined);
      expect(failed).toEqual([
        {
          id: 'aws:///us-east-1a/i-placeholder-workers-2',
          state: 'creating',
          failure: {
            class: 'out-of-resources',
            code: 'InsufficientInstanceCapacity',
            message: expect.stringContaining('sufficient m5.large capacity') as string,
          },
        },
      ]);
    });

    it('does not hold the failures of before against a new increase', async ({ skip }) => {
      const group = await inVain(1, skip);
      await bench.wait(group.increaseSize('workers', 1));
      expect((await group.instances('workers')).map(({ failure }) => failure)).toEqual([undefined, undefined, undefined, undefined]);
    });

    it('gives up what has not come, house way, and never what has', async ({ skip }) => {
      const group = await inVain(2, skip);
      expect(await bench.wait(group.decreaseTargetSize('workers', -3))).toMatchObject({ failure: { code: 'WouldRemoveInstances' } });
      expect(await bench.wait(group.decreaseTargetSize('workers', -1))).toEqual({ ok: true });
      expect(await bench.sizeInCloud('workers')).toBe(3);
      const upstream = connect({ groups: ['1:5:workers'], compat: 'cluster-autoscaler' });
      await bench.wait(upstream.refresh());
      expect(await bench.wait(upstream.decreaseTargetSize('workers', -1))).toMatchObject({ failure: { code: 'WouldRemoveInstances' } });
    });

    it.for(['none', 'cluster-autoscaler'] as const)(
      'takes no instance for a placeholder that has come since the last reading (%s)',
      async (compat) => {
        const group = await begin([workers], { groups: ['1:5:workers'], compat });
        await bench.wait(group.increaseSize('workers', 2));
        const placeholders = (await group.instances('workers')).filter(({ state }) => state === 'creating').map(({ id }) => id);
        expect(placeholders).toHaveLength(2);
        await bench.settle();
        expect(await bench.wait(group.deleteInstances('workers', placeholders))).toEqual({ ok: true });
        expect(await bench.sizeInCloud('workers')).toBe(4);
        await bench.settle();
        await bench.wait(group.refresh());
        expect((await group.instances('workers')).map(({ state }) => state)).toEqual(['running', 'running', 'running', 'running']);
      },
    );

    it('leaves an instance alone that is terminating already', async ({ skip }) => {
      const group = await begin([{ ...workers, desired: 3 }], { groups: ['1:5:workers'] });
      if (!bench.lingers) skip('instances are gone at once here');
      const [first] = await group.instances('workers');
      const ids = [first?.id ?? ''];
      expect(await bench.wait(group.deleteInstances('workers', ids))).toEqual({ ok: true });
      await bench.wait(group.refresh());
      expect(group.hasInstance(nodeOf(ids[0] ?? ''))).toBe(true);
      expect(await bench.wait(group.deleteInstances('workers', ids))).toEqual({ ok: true });
      expect(made('TerminateInstanceInAutoScalingGroup')).toBe(1);
      expect(await bench.sizeInCloud('workers')).toBe(2);
    });
  });
}
