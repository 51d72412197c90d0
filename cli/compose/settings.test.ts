import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import yargs from 'yargs';
import { z } from 'zod';
import type { ConcertinaError } from '../../core/errors.ts';
import { leafPaths } from '../../core/runtime/config-schema.ts';
import { environmentName, flagName } from '../../core/runtime/config.ts';
import { nodesSettings } from './nodes-settings.ts';
import { declareSettings, loadSettings, recommendSettings, runSettings, switchFlags } from './settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concertina-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('CONCERTINA_')) delete process.env[name];
});

async function file(text: string): Promise<string> {
  const target = path.join(folder, 'config.yaml');
  await writeFile(target, text);
  return target;
}

/** As `run` reads a command line. */
async function fromWords(...words: string[]) {
  const args = await declareSettings(yargs(words), runSettings).exitProcess(false).parseAsync();
  return loadSettings(runSettings, args);
}

function refusal(args: Readonly<Record<string, unknown>>): ConcertinaError {
  try {
    loadSettings(runSettings, args);
  } catch (error) {
    return error as ConcertinaError;
  }
  throw new Error('expected a refusal');
}

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(loadSettings(runSettings, {})).toEqual({
      cooldown: { scaleUp: 180_000, scaleDown: 300_000 },
      hpa: {
        syncPeriod: 15_000,
        workers: 5,
        tolerance: 0.1,
        cpuInitializationPeriod: 300_000,
        initialReadinessDelay: 30_000,
        downscaleStabilization: 300_000,
        adoptedCooldown: false,
      },
      vpa: {
        interval: 60_000,
        updateInterval: 60_000,
        recommenderName: 'default',
        targetCpuPercentile: 0.9,
        targetMemoryPercentile: 0.9,
        lowerCpuPercentile: 0.5,
        lowerMemoryPercentile: 0.5,
        upperCpuPercentile: 0.95,
        upperMemoryPercentile: 0.95,
        margin: 0.15,
        podMinCpu: 25,
        podMinMemory: 262_144_000,
        cpuHalfLife: 86_400_000,
        memoryHalfLife: 86_400_000,
        memoryInterval: 86_400_000,
        memoryIntervalCount: 8,
        oomBumpUpRatio: 1.2,
        oomMinBumpUp: 104_857_600,
        roundCpu: 1,
        roundMemory: 1,
        minReplicas: 2,
        evictionTolerance: 0.5,
        evictionRateLimit: -1,
        evictionRateBurst: 1,
        shrinkAfter: 86_400_000,
        updateThreshold: 0.1,
        boundsLifetime: 43_200_000,
        evictAfterOom: 600_000,
        inPlaceSkipDisruptionBudget: false,
        checkpointsPerMinute: 1_200,
        adoptedCooldown: false,
        ignoredNamespaces: [],
      },
      history: { length: 691_200_000, resolution: 3_600_000 },
      admission: {
        servicePort: 443,
        webhookName: 'concertina-vpa',
        secret: 'concertina-vpa-admission',
        timeoutSeconds: 5,
        external: false,
      },
      metrics: { pollInterval: 15_000, maxAge: 180_000, timeout: 10_000, usageSource: 'metrics.k8s.io', qps: 200 },
      adopt: [],
      dryRun: false,
      leaderElection: { enabled: true, leaseName: 'concertina', leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 },
      components: ['metrics-aggregator', 'hpa', 'vpa', 'cluster-autoscaler'],
      cloudProvider: 'none',
      nodes: [],
      nodeGroupAutoDiscovery: [],
      compat: 'none',
      scaleDown: {},
      aggregator: { tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token', plainHttp: false },
      serve: { auth: true },
      externalMetrics: { doubtful: 'refuse' },
      health: { address: '127.0.0.1:8080' },
      api: { qps: 200, burst: 400 },
      log: { level: 'info' },
    });
  });

  it.each([
    ['run', runSettings],
    ['recommend', recommendSettings],
  ])('all appear as flags of %s with a description', async (_, schema) => {
    // Wide enough for the longest name.
    const parser = declareSettings(yargs([]), schema).wrap(200);
    const help = (await parser.getHelp()).replaceAll(/\s+/g, ' ');
    for (const leaf of leafPaths(schema)) {
      const flag = flagName(leaf);
      expect(help).toMatch(new RegExp(`--${flag}\\s+[A-Z][^\\[]{10,}`));
    }
    expect(help).toContain('--config ');
  });

  it('are read from flags: durations, numbers, switches', async () => {
    const settings = await fromWords(
      '--cooldown-scale-up=90s',
      '--cooldown-scale-down',
      '0',
      '--hpa-sync-period=1m30s',
      '--hpa-tolerance=0.05',
      '--hpa-workers',
      '9',
      '--dry-run',
      '--no-leader-election-enabled',
      '--health-address=[::1]:9090',
    );
    expect(settings.cooldown).toEqual({ scaleUp: 90_000, scaleDown: 0 });
    expect(settings.hpa).toMatchObject({ syncPeriod: 90_000, tolerance: 0.05, workers: 9 });
    expect(settings.dryRun).toBe(true);
    expect(settings.leaderElection.enabled).toBe(false);
    expect(settings.health.address).toBe('[::1]:9090');
    expect((await fromWords('--dry-run=false')).dryRun).toBe(false);
  });

  it('of requests are read from flags: amounts, shares, native objects, a webhook', async () => {
    const settings = await fromWords(
      '--adopt=hpa,vpa',
      '--vpa-pod-min-cpu=10m',
      '--vpa-pod-min-memory=64Mi',
      '--vpa-max-allowed-memory=8Gi',
      '--vpa-target-cpu-percentile=0.8',
      '--vpa-ignored-namespaces=a,b',
      '--admission-address=0.0.0.0:8443',
      '--admission-service=webhook',
      '--history-source=main',
    );
    expect(settings.adopt).toEqual(['hpa', 'vpa']);
    expect(settings.vpa).toMatchObject({ podMinCpu: 10, podMinMemory: 2 ** 26, maxAllowedMemory: 2 ** 33, ignoredNamespaces: ['a', 'b'] });
    expect(settings.admission).toMatchObject({ address: '0.0.0.0:8443', service: 'webhook' });
    expect(settings.history.source).toBe('main');
    // As two components of kustomize add it.
    expect((await fromWords('--adopt=vpa', '--adopt=hpa')).adopt).toEqual(['vpa', 'hpa']);
  });

  it.each([
    [['--vpa-pod-min-cpu=-1'], 'must be 0 or more'],
    [['--vpa-pod-min-memory=lots'], 'is not a quantity'],
    [['--vpa-target-cpu-percentile=90'], '90 is not a number from 0 to 1'],
    [['--vpa-target-cpu-percentile=0.4'], 'percentiles must rise'],
    [['--vpa-oom-bump-up-ratio=0.5'], '0.5 is not a number of 1 or more'],
    [['--admission-address=0.0.0.0:8443'], 'exactly one of service and url'],
    [['--admission-address=0.0.0.0:8443', '--admission-url=http://a'], 'must begin with https://'],
    [['--admission-address=0.0.0.0:8443', '--admission-service=a', '--admission-external=true'], 'contradict each other'],
    [['--admission-timeout-seconds=30'], 'is not a whole number from 1 to 5'],
    [['--adopt=keda'], '"keda" is not hpa or vpa'],
    [
      ['--components=metrics-aggregator,hpa', '--admission-address=0.0.0.0:8443', '--admission-service=a'],
      'the webhook belongs to the requests controller',
    ],
    [['--components=vpa', '--aggregator-url=https://a', '--history-source=main'], 'the past is asked for where MetricSources are read'],
  ])('%s is refused', async (words, sentence) => {
    await expect(fromWords(...words)).rejects.toThrow(sentence);
  });

  it.each([
    [['--components=hpa'], 'aggregator.url (not given): without metrics-aggregator among the components'],
    [['--components=metrics-aggregator', '--aggregator-url=https://a'], '--aggregator-url): a process that only measures asks no other'],
    [
      ['--components=hpa', '--aggregator-url=https://a', '--serve-address=127.0.0.1:1'],
      'One setting is wrong: aggregator.url (--aggregator-url): what another process measures',
    ],
    [['--serve-address=127.0.0.1:1'], '--serve-address): every copy would serve'],
  ])('that contradict one another are refused: %j', async (words, problem) => {
    await expect(fromWords(...words)).rejects.toThrow(problem);
  });

  it.each([
    [['--components=hpa', '--aggregator-url=https://a']],
    [['--components=metrics-aggregator', '--serve-address=127.0.0.1:1']],
    [['--serve-address=127.0.0.1:1', '--no-leader-election-enabled']],
    [['--serve-address=127.0.0.1:1', '--dry-run']],
  ])('that fit one another are taken: %j', async (words) => {
    await expect(fromWords(...words)).resolves.toMatchObject({ log: { level: 'info' } });
  });

  it('go by flag, then variable, then file, then default', async () => {
    const config = await file('cooldown: {scaleUp: 1m, scaleDown: 1m}\nhpa: {workers: 2, tolerance: 0.2}\n');
    process.env[environmentName(['cooldown', 'scaleUp'])] = '2m';
    process.env[environmentName(['hpa', 'workers'])] = '3';
    const settings = await fromWords('--cooldown-scale-up=3m', `--config=${config}`);
    expect(settings.cooldown).toEqual({ scaleUp: 180_000, scaleDown: 60_000 });
    expect(settings.hpa).toMatchObject({ workers: 3, tolerance: 0.2, syncPeriod: 15_000 });
  });

  it('that are wrong are all named, with where they come from and what would be right', async () => {
    const config = await file('hpa: {worker: 2}\nmetrics: {timeout: 1ms}\n');
    process.env['CONCERTINA_LOG_LEVEL'] = 'loud';
    const error = refusal({ config, 'hpa-tolerance': '1.5', 'leader-election-retry-period': '11s' });
    expect(error.code).toBe('CONFIG_INVALID');
    for (const part of [
      `hpa.worker (${config}): is not a setting, did you mean workers?`,
      `metrics.timeout (${config}): "1ms" is out of range: give at least 0.1s`,
      'log.level ($CONCERTINA_LOG_LEVEL): "loud" is not one of debug, info, warn, error, silent',
      'leaderElection (--leader-election-retry-period): retryPeriod must be shorter than renewDeadline',
      'hpa.tolerance (--hpa-tolerance): 1.5 is not a number from 0 to 1',
    ]) {
      expect(error.message).toContain(part);
    }
    expect(error.message).toMatch(/^5 settings are wrong: .*; `--help` lists the settings$/);
  });

  it.each([
    [{ 'hpa-workers': '2.5' }, 'hpa.workers (--hpa-workers): 2.5 is not a whole number from 1 to 100'],
    [{ 'hpa-workers': 'many' }, 'hpa.workers (--hpa-workers): "many" is not a whole number from 1 to 100'],
    [{ 'api-qps': '0' }, 'api.qps (--api-qps): 0 is not a number above 0'],
    [{ 'api-burst': '-1' }, 'api.burst (--api-burst): -1 is not a whole number of 1 or more'],
    [{ 'health-address': 'localhost' }, 'health.address (--health-address): "localhost" is not HOST:PORT, such as 127.0.0.1:8080'],
    [{ 'health-address': ':65536' }, '":65536" is not HOST:PORT'],
    [{ 'leader-election-lease-duration': '5s' }, 'renewDeadline must be shorter than leaseDuration'],
    [{ 'leader-election-retry-period': '11s' }, 'retryPeriod must be shorter than renewDeadline'],
  ])('%j is refused', (flags, sentence) => {
    expect(refusal(flags).message).toContain(sentence);
  });

  it('a file that cannot be read is named with its flag', () => {
    expect(refusal({ config: '/no/such/file' }).message).toMatch(
      /^configuration file \/no\/such\/file cannot be read: .*; check the path in --config$/,
    );
  });

  it('switches are known by name', () => {
    const own = (schema: typeof runSettings | typeof recommendSettings): string[] =>
      switchFlags(schema).filter((name) => !switchFlags(z.strictObject(nodesSettings)).includes(name));
    expect(own(runSettings)).toEqual(['dry-run', 'leader-election-enabled']);
    expect(own(recommendSettings)).toEqual([]);
  });
});
