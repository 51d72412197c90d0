import yargs from 'yargs';
import { describe, expect, it } from 'vitest';
import { defaultLoopOptions, upstreamLoopOptions } from '../../cluster-autoscaler/index.ts';
import { joinRepeated, nodesConfig, scalesNodes, type NodesSettings } from './nodes-settings.ts';
import { declareSettings, loadSettings, runSettings, switchFlags } from './settings.ts';

/** As `run` reads a command line. */
async function fromWords(...words: string[]): Promise<NodesSettings & { readonly cooldown: { scaleUp: number; scaleDown: number } }> {
  const parser = declareSettings(yargs(joinRepeated(words)), runSettings).parserConfiguration({ 'duplicate-arguments-array': false });
  const args = await parser.exitProcess(false).parseAsync();
  return loadSettings(runSettings, args);
}

async function config(...words: string[]) {
  const settings = await fromWords(...words);
  return nodesConfig(settings, { namespace: 'ns', cooldown: settings.cooldown });
}

describe('settings of the node controller', () => {
  it('are off until a cloud and its groups are named', async () => {
    expect(scalesNodes(await fromWords())).toBe(false);
    expect(scalesNodes(await fromWords('--cloud-provider=aws'))).toBe(false);
    expect(scalesNodes(await fromWords('--cloud-provider=aws', '--nodes=1:3:a'))).toBe(true);
    expect(scalesNodes(await fromWords('--cloud-provider=aws', '--node-group-auto-discovery=asg:tag=x'))).toBe(true);
    expect(scalesNodes(await fromWords('--cloud-provider=clusterapi'))).toBe(true);
  });

  it('have the house defaults, and upstream’s with --compat=cluster-autoscaler', async () => {
    expect((await config()).loop).toEqual(defaultLoopOptions);
    expect((await config()).group.cooldown).toEqual({ scaleUpMs: 180_000, scaleDownMs: 300_000 });
    const upstream = await config('--compat=cluster-autoscaler');
    expect(upstream.loop).toEqual(upstreamLoopOptions);
    expect(upstream.group.cooldown).toEqual({ scaleUpMs: 0, scaleDownMs: 0 });
    expect(upstream.statusConfigMap).toBe('cluster-autoscaler-status');
  });

  it('are read under the names of upstream’s flags', async () => {
    const made = await config(
      '--expander=priority,least-waste',
      '--scan-interval=30s',
      '--max-nodes-total=100',
      '--cores-total=8:320',
      '--memory-total=16:1280',
      '--balance-similar-node-groups',
      '--scale-down-enabled=false',
      '--scale-down-unneeded-time=5m',
      '--scale-down-utilization-threshold=0.65',
      '--scale-down-delay-after-add=2m',
      '--max-node-provision-time=20m',
      '--max-graceful-termination-sec=120',
      '--skip-nodes-with-local-storage=false',
      '--no-cordon-node-before-terminating',
      '--expendable-pods-priority-cutoff=-5',
      '--ignore-taint=old',
      '--startup-taint=new',
      '--write-status-configmap=false',
    );
    expect(made).toMatchObject({
      loop: {
        expanders: ['priority', 'least-waste'],
        scanIntervalMs: 30_000,
        maxNodesTotal: 100,
        cores: { min: 8, max: 320 },
        memoryGiB: { min: 16, max: 1280 },
        balanceSimilarNodeGroups: true,
        scaleDownEnabled: false,
        scaleDownDelayAfterAddMs: 120_000,
        skipNodesWithLocalStorage: false,
        expendablePodsPriorityCutoff: -5,
        startupTaints: ['new', 'old'],
      },
      group: { unneededMs: 300_000, utilizationThreshold: 0.65, maxProvisionMs: 1_200_000 },
      actuation: { maxGracefulTerminationMs: 120_000, cordonNode: false },
      statusConfigMap: undefined,
    });
  });

  it('take what upstream lets people give several times', async () => {
    const settings = await fromWords(
      '--cloud-provider=aws',
      '--nodes=1:3:a',
      '--nodes',
      '0:5:b',
      '--nodes=2:2:c:d',
      '--startup-taint=x',
      '--startup-taint=y',
    );
    expect(settings.nodes).toEqual(['1:3:a', '0:5:b', '2:2:c:d']);
    expect(settings.startupTaint).toEqual(['x', 'y']);
    const { loop } = await config('--gpu-total=nvidia-tesla-t4:0:16', '--gpu-total=nvidia-tesla-v100:1:4');
    expect(loop.gpus).toEqual([
      { type: 'nvidia-tesla-t4', min: 0, max: 16 },
      { type: 'nvidia-tesla-v100', min: 1, max: 4 },
    ]);
    const discovery = ['--node-group-auto-discovery=asg:tag=a,b=c', '--node-group-auto-discovery=asg:tag=d'];
    expect((await fromWords('--cloud-provider=aws', ...discovery)).nodeGroupAutoDiscovery).toEqual(['asg:tag=a,b=c', 'asg:tag=d']);
  });

  it('say how nodes go, one by one or together, and their pods by priority', async () => {
    const { loop, actuation } = await config(
      '--drain-priority-config=10000:20,0:60',
      '--node-deletion-batcher-interval=10s',
      '--node-deletion-candidate-ttl=0s',
    );
    expect(actuation).toMatchObject({
      drainPriorities: [
        { priority: 0, graceMs: 60_000 },
        { priority: 10_000, graceMs: 20_000 },
      ],
      deletionBatcherIntervalMs: 10_000,
    });
    expect(loop.candidateTtlMs).toBe(0);
    expect((await config()).loop.candidateTtlMs).toBe(1_800_000);
    expect((await config('--compat=cluster-autoscaler')).loop.candidateTtlMs).toBe(0);
    expect((await config('--drain-priority-config=0:60', '--max-graceful-termination-sec=600')).actuation.drainPriorities).toHaveLength(1);
  });

  it.each([
    [['--drain-priority-config=0:60', '--max-graceful-termination-sec=30'], /leave one of the two out/],
    [['--drain-priority-config=0:60,high:20'], /"high:20", which is not PRIORITY:SECONDS/],
    [['--gpu-total=nvidia:4'], /"nvidia:4" is not TYPE:MIN:MAX/],
    [['--gpu-total=nvidia:4:2'], /minimum 4 above its maximum 2/],
    [['--gpu-total=nvidia:0:2', '--gpu-total=nvidia:0:4'], /names a type of GPU twice/],
    [['--nodes=1:3:a'], /set cloudProvider to aws/],
    [['--cloud-provider=clusterapi', '--nodes=1:3:a'], /bounds in their annotations/],
    [['--cloud-provider=gce'], /not aws, clusterapi or none/],
    [['--cloud-provider=aws', '--nodes=3:a'], /MIN:MAX:NAME/],
    [['--cloud-provider=aws', '--nodes=3:1:a'], /minimum above its maximum/],
    [['--cloud-provider=aws', '--node-group-auto-discovery=clusterapi:namespace=x'], /does not fit to cloudProvider/],
    [['--cloud-provider=aws', '--nodes=1:3:a', '--components=metrics-aggregator,hpa'], /add cluster-autoscaler to the components/],
    [['--expander=cheapest'], /is not one of least-waste/],
    [['--cores-total=8'], /MIN:MAX/],
    [['--cores-total=8:4'], /must not be more than the second/],
    [['--balancing-label=a', '--balancing-ignore-label=b'], /leave one of the two out/],
    [['--max-drain-parallelism=20'], /must not be more than maxScaleDownParallelism/],
    [['--initial-node-group-backoff-duration=1h'], /must not be longer than maxNodeGroupBackoffDuration/],
    [['--write-status-configmap=false', '--status-config-map-name=x'], /leave one of the two out/],
    [['--scale-down-utilization-threshold=50'], /number from 0 to 1/],
  ])('refuse %j', async (words, sentence) => {
    await expect(fromWords(...words)).rejects.toThrow(sentence);
  });

  it('have upstream’s switches as switches', () => {
    for (const name of ['balance-similar-node-groups', 'scale-down-enabled', 'skip-nodes-with-system-pods'])
      expect(switchFlags(runSettings)).toContain(name);
  });
});

describe('joinRepeated', () => {
  it('leaves everything else as it is', () => {
    const words = ['run', '--dry-run', '--nodes', '--log-level=debug', '--hpa-workers', '3', '--hpa-workers', '4'];
    expect(joinRepeated(words)).toEqual(words);
  });
});
