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
      '--node-removal-latency-tracking-enabled',
      '--node-deletion-candidate-ttl=5m',
      '--node-deletion-batcher-interval=30s',
      '--gpu-total=nvidia-tesla-t4:1:16',
      '--gpu-total=nvidia-tesla-v100:0:4',
    ]);
    expect(loop).toMatchObject({
      expanders: ['priority', 'least-waste'],
      balanceSimilarNodeGroups: true,
      balancingIgnoreLabels: ['a', 'b'],
      maxNodesTotal: 12,
      cores: { min: 4, max: 45 },
      memoryGiB: { min: 0, max: 72 },
      gpus: [
        { type: 'nvidia-tesla-t4', min: 1, max: 16 },
        { type: 'nvidia-tesla-v100', min: 0, max: 4 },
      ],
      candidateTtlMs: 300_000,
      bypassedSchedulerNames: ['one', 'two'],
    });
    expect(group).toMatchObject({ unneededMs: 90_000, utilizationThreshold: 0.65, maxProvisionMs: 300_000 });
    expect(actuation).toMatchObject({ deleteDelayAfterTaintMs: 4_000, maxGracefulTerminationMs: 30_000, cordonNode: false });
    expect(actuation.deletionBatcherIntervalMs).toBe(30_000);
    expect(ignored).toEqual(['v', 'leader-elect', 'scale-down-candidates-pool-ratio', 'node-removal-latency-tracking-enabled']);
    expect(upstreamLoopOptions.balancingIgnoreLabels).toEqual([]);
  });

  it('says by priority how long pods get to end, or for all of them, not both', () => {
    const config = '--drain-priority-config=10000:20,-5:100,0:60';
    const drainPriorities = [
      { priority: -5, graceMs: 100_000 },
      { priority: 0, graceMs: 60_000 },
      { priority: 10_000, graceMs: 20_000 },
    ];
    expect(upstreamOptions([config]).actuation.drainPriorities).toEqual(drainPriorities);
    // As upstream: its default may be written beside it, and an empty text is none.
    expect(upstreamOptions([config, '--max-graceful-termination-sec=600']).actuation.drainPriorities).toEqual(drainPriorities);
    expect(upstreamOptions(['--drain-priority-config=', '--max-graceful-termination-sec=30']).actuation.drainPriorities).toEqual([]);
    expect(() => upstreamOptions(['--max-graceful-termination-sec=30', config])).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('leave one of the two out') as string }),
    );
    expect(() => upstreamOptions(['--gpu-total=a:0:1', '--gpu-total=a:0:2'])).toThrowError(
      /--gpu-total: "a:0:2" is the second one for its type/,
    );
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
    ['--drain-priority-config=100', '--drain-priority-config: "100" has "100", which is not PRIORITY:SECONDS'],
    ['--drain-priority-config=1:2,3:23.2', 'has "3:23.2", which is not PRIORITY:SECONDS'],
    ['--drain-priority-config=1:2, 3:4', 'has " 3:4", which is not PRIORITY:SECONDS'],
    ['--drain-priority-config=1:-2', 'has "1:-2", which is not PRIORITY:SECONDS'],
    ['--drain-priority-config=1:2,', 'has "", which is not PRIORITY:SECONDS'],
    ['--drain-priority-config=1:2,1:4', 'names priority 1 twice'],
    ['--drain-priority-config=2147483648:4', 'has the priority 2147483648, which is no 32 bit number'],
    ['--gpu-total=nvidia:1', '--gpu-total: "nvidia:1" is not TYPE:MIN:MAX'],
    ['--gpu-total=nvidia:1:2:3', '"nvidia:1:2:3" is not TYPE:MIN:MAX'],
    ['--gpu-total=nvidia:-1:2', '"nvidia:-1:2" is not TYPE:MIN:MAX'],
    ['--gpu-total=:1:2', '":1:2" is not TYPE:MIN:MAX'],
    ['--gpu-total=cpu:1:2', '"cpu:1:2" names cpu, which is no type of GPU'],
    ['--gpu-total=constructor:1:2', 'which is no type of GPU'],
    ['--gpu-total=nvidia:3:2', '"nvidia:3:2" has the minimum 3 above its maximum 2'],
    ['--max-graceful-termination-sec=1m', '--max-graceful-termination-sec: "1m" is not a number of seconds'],
  ])('%s is refused with its reason', (flag, reason) => {
    expect(() => upstreamOptions([flag])).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(reason) as string }),
    );
  });
});
