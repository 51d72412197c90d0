import { describe, expect, it } from 'vitest';
import { upstreamActuationOptions, upstreamGroupOptions, upstreamLoopOptions } from './options.ts';
import { upstreamOptions } from './upstream-flags.ts';

describe('an upstream command line', () => {
  it('without flags has the defaults', () => {
    expect(upstreamOptions([])).toEqual({
      loop: upstreamLoopOptions,
      group: upstreamGroupOptions,
      actuation: upstreamActuationOptions,
      ignored: [],
    });
  });

  it('puts every kind of value where it belongs', () => {
    const { loop, group, actuation, ignored } = upstreamOptions([
      '--expander=priority,least-waste',
      '--balance-similar-node-groups',
      '--balancing-ignore-label=a',
      '--balancing-ignore-label=b',
      '--max-nodes-total',
      '12',
      '--cores-total=4:45',
      '--memory-total=0:72',
      '--scale-down-unneeded-time=1m30s',
      '--scale-down-utilization-threshold=0.65',
      '--max-node-provision-time=5m',
      '--node-delete-delay-after-taint=4s',
      '--max-graceful-termination-sec=30',
      '--cordon-node-before-terminating=false',
      '--bypassed-scheduler-names=one, two',
      '-v=4',
      '--leader-elect=true',
      '--scale-down-candidates-pool-ratio=0.1',
    ]);
    expect(loop).toMatchObject({
      expanders: ['priority', 'least-waste'],
      balanceSimilarNodeGroups: true,
      balancingIgnoreLabels: ['a', 'b'],
      maxNodesTotal: 12,
      cores: { min: 4, max: 45 },
      memoryGiB: { min: 0, max: 72 },
      bypassedSchedulerNames: ['one', 'two'],
    });
    expect(group).toMatchObject({ unneededMs: 90_000, utilizationThreshold: 0.65, maxProvisionMs: 300_000 });
    expect(actuation).toMatchObject({ deleteDelayAfterTaintMs: 4_000, maxGracefulTerminationMs: 30_000, cordonNode: false });
    expect(ignored).toEqual(['v', 'leader-elect', 'scale-down-candidates-pool-ratio']);
    expect(upstreamLoopOptions.balancingIgnoreLabels).toEqual([]);
  });

  it.each([
    ['--no-such-flag=1', '--no-such-flag: upstream'],
    ['plain', '"plain" is not a flag'],
    ['--max-nodes-total=many', '--max-nodes-total: "many" is not a number'],
    ['--scale-down-unneeded-time=soon', '--scale-down-unneeded-time: "soon" is not a duration'],
    ['--scale-down-unneeded-time=-1m', '--scale-down-unneeded-time: "-1m" is not a duration'],
    ['--force-ds=perhaps', '--force-ds: "perhaps" is neither true nor false'],
    ['--cores-total=9:3', '--cores-total: "9:3" is not min:max'],
    ['--expander=grpc', '--expander: "grpc" names grpc, which is not supported'],
    ['--expander=random,random', '--expander: "random,random" names no expander or one twice'],
    ['--max-graceful-termination-sec=1m', '--max-graceful-termination-sec: "1m" is not a number of seconds'],
  ])('%s is refused with its reason', (flag, reason) => {
    expect(() => upstreamOptions([flag])).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(reason) as string }),
    );
  });
});
