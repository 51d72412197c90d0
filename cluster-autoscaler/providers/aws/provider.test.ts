import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import { dryRunFence } from '../../../core/kube/index.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { groupNamed, nodeOf } from '../contract.ts';
import type { Provider } from '../provider.ts';
import type { AsgFacts } from './asg.ts';
import { asg, fakeApi, instance, type FakeApi } from './fake-api.fixture.ts';
import { createAwsProvider, providerOver, type AwsProviderOptions } from './provider.ts';

interface Scene {
  readonly api: FakeApi;
  readonly clock: VirtualClock;
  readonly provider: Provider;
  readonly logger: ReturnType<typeof recordingLogger>;
  /** More than the minute that a reading is good for. */
  readonly later: () => Promise<void>;
}

async function scene(groups: readonly AsgFacts[], options: Partial<AwsProviderOptions> = {}): Promise<Scene> {
  const api = fakeApi(groups);
  const clock = new VirtualClock();
  const logger = recordingLogger();
  const provider = providerOver(api, { clock, random: seededRandom('aws'), logger, groups: ['1:10:g'], discovery: [], ...options });
  await provider.refresh();
  const later = async (): Promise<void> => {
    await clock.advance(120_000);
    await provider.refresh();
  };
  return { api, clock, provider, logger, later };
}

describe('AWS provider', () => {
  it('refuses flags that cannot be used before it asks AWS anything', () => {
    const clock = new VirtualClock();
    const make = (more: Partial<AwsProviderOptions>) => () =>
      createAwsProvider({ clock, random: seededRandom('x'), groups: [], discovery: [], ...more });
    expect(make({ groups: ['5:1:g'] })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(make({ discovery: ['asg:name=x'] })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
  });

  it('says which package is missing, at the first reading', async () => {
    const missing = (): Promise<never> => Promise.reject(new ConcertinaError('PROVIDER_SDK_MISSING', 'not installed'));
    const clock = new VirtualClock();
    const provider = createAwsProvider({
      clock,
      random: seededRandom('x'),
      groups: ['1:2:g'],
      discovery: [],
      sdk: { autoScaling: missing, ec2: missing },
    });
    await expect(provider.refresh()).rejects.toMatchObject({ code: 'PROVIDER_SDK_MISSING' });
  });

  it('reads once for all who ask at the same time', async () => {
    const { api, clock, provider } = await scene([asg('g')]);
    await clock.advance(120_000);
    api.calls.length = 0;
    await Promise.all([provider.refresh(), provider.refresh(), provider.refresh()]);
    expect(api.calls).toEqual(['groups g', 'tags 0']);
  });

  it('keeps a change that was made while it read', async () => {
    const { api, clock, provider } = await scene([asg('g')]);
    await clock.advance(120_000);
    // AWS answers what was before the change, and the answer comes after it.
    let change: Promise<unknown> = Promise.resolve();
    const stale = asg('g');
    api.before = async (call) => {
      if (!call.startsWith('groups')) return;
      api.before = () => undefined;
      change = provider.increaseSize('g', 3);
      await change;
      api.cloud.set('g', stale);
    };
    await provider.refresh();
    await change;
    expect(groupNamed(provider, 'g').targetSize).toBe(5);
    // And it reads again in the next loop instead of in a minute.
    api.cloud.set('g', asg('g', { desired: 5 }));
    api.calls.length = 0;
    await provider.refresh();
    expect(api.calls).toContain('groups g');
    expect(groupNamed(provider, 'g').targetSize).toBe(5);
  });

  it('counts an end only once when a reading falls into it', async () => {
    const { api, provider } = await scene([asg('g', { live: 4 })]);
    // AWS has done it, the answer is on its way, and a refresh reads the lower number.
    api.before = async (call) => {
      if (!call.startsWith('terminate')) return;
      api.before = () => undefined;
      api.cloud.set('g', asg('g', { live: 4, desired: 3 }));
      await provider.refresh();
    };
    expect(await provider.deleteInstances('g', ['aws:///us-east-1a/i-g-0'])).toEqual({ ok: true });
    expect(groupNamed(provider, 'g').targetSize).toBe(3);
  });

  it('makes changes of one group one after the other', async () => {
    const { api, provider } = await scene([asg('g')]);
    const results = await Promise.all([
      provider.increaseSize('g', 1),
      provider.deleteInstances('g', ['aws:///us-east-1a/i-g-0']),
      provider.increaseSize('g', 2),
    ]);
    expect(results).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    expect(api.calls.filter((call) => /^(?:set|terminate)/.test(call))).toEqual(['set g 3', 'terminate i-g-0', 'set g 4']);
    expect(groupNamed(provider, 'g').targetSize).toBe(4);
  });

  it('does not take back what somebody else has raised; upstream does', async () => {
    for (const [compat, size] of [
      ['none', 6],
      ['cluster-autoscaler', 3],
    ] as const) {
      const { api, provider } = await scene([asg('g')], { compat });
      api.cloud.set('g', asg('g', { desired: 6 }));
      expect(await provider.increaseSize('g', 1)).toEqual({ ok: true });
      expect(api.cloud.get('g')?.desired).toBe(size);
      expect(groupNamed(provider, 'g').targetSize).toBe(size);
    }
  });

  it('builds on what is there when it does not know what became of its last change', async () => {
    const { api, provider } = await scene([asg('g')], { compat: 'cluster-autoscaler' });
    const unclear = { kind: 'unclear', code: 'TimeoutError', message: 'x', call: 'x', group: 'g', attempts: 6, cause: undefined } as const;
    const { setDesiredCapacity } = api;
    api.setDesiredCapacity = async (group, size) => {
      await setDesiredCapacity(group, size);
      api.setDesiredCapacity = setDesiredCapacity;
      return { ok: false, fault: unclear };
    };
    expect(await provider.increaseSize('g', 3)).toMatchObject({ ok: false, failure: { code: 'TimeoutError' } });
    expect(groupNamed(provider, 'g').targetSize).toBe(2);
    expect(await provider.increaseSize('g', 1)).toEqual({ ok: true });
    expect(api.cloud.get('g')?.desired).toBe(6);
  });

  it('reads anew before each attempt to lower a capacity, and gives up after some', async () => {
    const { api, provider } = await scene([asg('g', { desired: 5 })]);
    const throttled = {
      kind: 'throttled',
      code: 'Throttling',
      message: 'x',
      call: 'x',
      group: 'g',
      attempts: 1,
      cause: undefined,
    } as const;
    let left = 2;
    const { setDesiredCapacity } = api;
    api.setDesiredCapacity = async (group, size) => {
      if (left-- <= 0) return setDesiredCapacity(group, size);
      // Meanwhile one of the missing ones has come.
      const now = api.cloud.get('g');
      if (now !== undefined) api.cloud.set('g', { ...now, instances: [...now.instances, instance(`i-new-${left}`)] });
      return { ok: false, fault: throttled };
    };
    const placeholders = [2, 3, 4].map((index) => `aws:///us-east-1a/i-placeholder-g-${index}`);
    expect(await provider.deleteInstances('g', placeholders)).toEqual({ ok: true });
    expect(api.cloud.get('g')?.desired).toBe(4);
    api.setDesiredCapacity = async () => ({ ok: false, fault: throttled });
    api.cloud.set('g', asg('g', { desired: 5 }));
    api.calls.length = 0;
    expect(await provider.decreaseTargetSize('g', -1)).toMatchObject({ failure: { code: 'Throttling' } });
    expect(api.calls.filter((call) => call === 'groups g')).toHaveLength(6);
  });

  it('says how far a deletion came that AWS stopped', async () => {
    const { api, provider } = await scene([asg('g', { live: 4 })]);
    api.before = (call) => {
      if (call === 'terminate i-g-1') throw new Error('no');
    };
    const ids = [0, 1, 2].map((index) => `aws:///us-east-1a/i-g-${index}`);
    expect(await provider.deleteInstances('g', ids)).toMatchObject({
      ok: false,
      failure: { code: 'ValidationError', message: expect.stringMatching(/^1 of 3 instances were ended; /) as string },
    });
    expect(groupNamed(provider, 'g').targetSize).toBe(3);
  });

  it('changes nothing behind a closed fence', async () => {
    const { api, provider } = await scene([asg('g')], { fence: dryRunFence('a test') });
    await expect(provider.increaseSize('g', 1)).rejects.toMatchObject({ code: 'FENCED' });
    await expect(provider.deleteInstances('g', ['aws:///us-east-1a/i-g-0'])).rejects.toMatchObject({ code: 'FENCED' });
    expect(api.calls.filter((call) => /^(?:set|terminate)/.test(call))).toEqual([]);
    expect(groupNamed(provider, 'g').targetSize).toBe(2);
  });

  it('takes away the placeholders that were named; upstream all that is missing', async () => {
    const missing = asg('g', { desired: 6 });
    const ids = ['aws:///us-east-1a/i-placeholder-g-2'];
    const ours = await scene([missing]);
    expect(await ours.provider.deleteInstances('g', ids)).toEqual({ ok: true });
    expect(ours.api.cloud.get('g')?.desired).toBe(5);
    const upstream = await scene([missing], { compat: 'cluster-autoscaler' });
    expect(await upstream.provider.deleteInstances('g', ids)).toEqual({ ok: true });
    expect(upstream.api.cloud.get('g')?.desired).toBe(2);
    expect(groupNamed(upstream.provider, 'g').targetSize).toBe(2);
  });

  it('sees what is missing behind instances that are going; upstream does not', async () => {
    const going = asg('g', { desired: 2, instances: [instance('i-1'), instance('i-2', 'us-east-1a', 'Terminating:Wait')] });
    const ours = await scene([going]);
    expect((await ours.provider.instances('g')).map(({ state }) => state)).toEqual(['running', 'deleting', 'creating']);
    const upstream = await scene([going], { compat: 'cluster-autoscaler' });
    expect((await upstream.provider.instances('g')).map(({ state }) => state)).toEqual(['running', 'deleting']);
  });

  it('asks for activities only where something is missing, and never at the first sight of a group', async () => {
    const { api, later, provider } = await scene([asg('g', { desired: 4 })]);
    expect(api.calls).toEqual(['groups g', 'tags 0']);
    api.activitiesOf.set('g', [{ status: 'Failed', startedAt: Date.UTC(2026, 0, 1), message: 'x' }]);
    await later();
    expect(api.calls.slice(2)).toEqual(['groups g', 'tags 0', 'activities g']);
    expect((await provider.instances('g')).filter(({ failure }) => failure !== undefined)).toHaveLength(2);
    api.cloud.set('g', asg('g', { live: 4 }));
    api.calls.length = 0;
    await later();
    expect(api.calls).toEqual(['groups g', 'tags 0']);
  });

  it('reads again soon while instances are missing; upstream every minute', async () => {
    const readings = async (group: AsgFacts, options: Partial<AwsProviderOptions> = {}): Promise<number> => {
      const { api, clock, provider } = await scene([group], options);
      api.calls.length = 0;
      for (let second = 0; second < 45; second++) {
        await clock.advance(1_000);
        await provider.refresh();
      }
      return api.calls.filter((call) => call === 'groups g').length;
    };
    const growing = asg('g', { desired: 2, instances: [instance('i-1')] });
    expect(await readings(growing)).toBeGreaterThanOrEqual(3);
    expect(await readings(asg('g', { desired: 1, instances: [instance('i-1')] }))).toBe(0);
    expect(await readings(growing, { compat: 'cluster-autoscaler' })).toBe(0);
  });

  it('waits for what is missing when the activities cannot be read', async () => {
    const { api, later, provider, logger } = await scene([asg('g', { desired: 3 })]);
    api.before = (call) => {
      if (call.startsWith('activities')) throw new Error('forbidden');
    };
    await later();
    expect((await provider.instances('g')).at(-1)).toEqual({ id: 'aws:///us-east-1a/i-placeholder-g-2', state: 'creating' });
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('looks at a weighted group and never changes it', async () => {
    const { api, provider } = await scene([asg('g', { weighted: true, desired: 8 })]);
    expect(groupNamed(provider, 'g')).toMatchObject({ minSize: 8, maxSize: 8, targetSize: 8 });
    expect(groupNamed(provider, 'g').notes.join()).toContain('weighted instance types');
    expect(await provider.instances('g')).toHaveLength(2);
    expect(await provider.increaseSize('g', 1)).toMatchObject({ failure: { code: 'WeightedCapacityUnsupported' } });
    expect(await provider.deleteInstances('g', ['aws:///us-east-1a/i-g-0'])).toMatchObject({ ok: false });
    expect(api.calls.filter((call) => /^(?:set|terminate)/.test(call))).toEqual([]);
  });

  it('knows that an instance is gone from a group that is still there; upstream leaves it to the taint', async () => {
    const gone = nodeOf('aws:///us-east-1a/i-g-1');
    for (const [compat, answer] of [
      ['none', false],
      ['cluster-autoscaler', undefined],
    ] as const) {
      const { api, later, provider } = await scene([asg('g')], { compat });
      expect(provider.hasInstance(gone)).toBe(true);
      api.cloud.set('g', asg('g', { live: 1 }));
      await later();
      expect(provider.hasInstance(gone)).toBe(answer);
      expect(provider.hasInstance(nodeOf('aws:///us-east-1a/i-never-seen'))).toBeUndefined();
      // It comes back, as an instance does that returns from standby.
      api.cloud.set('g', asg('g'));
      await later();
      expect(provider.hasInstance(gone)).toBe(true);
    }
  });

  it('forgets a placeholder without calling it gone', async () => {
    const { api, later, provider } = await scene([asg('g', { desired: 3 })]);
    const placeholder = nodeOf('aws:///us-east-1a/i-placeholder-g-2');
    expect(provider.hasInstance(placeholder)).toBe(true);
    api.cloud.set('g', asg('g', { live: 3 }));
    await later();
    expect(provider.hasInstance(placeholder)).toBeUndefined();
  });

  it('tells what a person should know of a group', async () => {
    const prefix = 'k8s.io/cluster-autoscaler/node-template';
    const tags = Object.fromEntries(Array.from({ length: 45 }, (_, index) => [`tag-${index}`, 'x']));
    const { provider } = await scene([
      asg('g', {
        zones: ['us-east-1a', 'us-east-1b'],
        suspended: ['Launch'],
        tags: { ...tags, [`${prefix}/autoscaling-options/scaledownunneededtime`]: 'soon', [`${prefix}/taint/a`]: 'odd' },
      }),
    ]);
    await provider.template('g');
    expect(groupNamed(provider, 'g').notes).toEqual([
      'zones us-east-1a, us-east-1b',
      expect.stringContaining('AZRebalance is not suspended'),
      'the process Launch is suspended: AWS starts no instances',
      expect.stringContaining('has 47 of at most 50 tags'),
      'scaledownunneededtime=soon is not a duration with a unit such as 90s or 10m; the default holds',
      expect.stringContaining(`${prefix}/taint/a=odd is not <value>:<effect>`),
      expect.stringContaining('2 zones'),
    ]);
    const quiet = await scene([asg('g', { zones: ['us-east-1a', 'us-east-1b'], suspended: ['AZRebalance'] })]);
    expect(groupNamed(quiet.provider, 'g').notes).toEqual(['zones us-east-1a, us-east-1b']);
  });

  it('reads more options from tags than upstream', async () => {
    const tags = { 'k8s.io/cluster-autoscaler/node-template/autoscaling-options/maxnodeprovisiontime': '20m' };
    const ours = await scene([asg('g', { tags })]);
    expect(groupNamed(ours.provider, 'g').options).toEqual({ maxProvisionMs: 1_200_000 });
    const upstream = await scene([asg('g', { tags })], { compat: 'cluster-autoscaler' });
    expect(groupNamed(upstream.provider, 'g').options).toEqual({});
  });

  it('closes its clients', async () => {
    const { api, provider } = await scene([]);
    await provider.close();
    expect(api.calls.at(-1)).toBe('close');
  });
});
