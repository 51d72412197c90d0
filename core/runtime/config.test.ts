import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isConcertinaError } from '../errors.ts';
import type { ConfigSources } from './config.ts';
import { durationMs, environmentName, flagName, loadConfig, quantity } from './config.ts';

const schema = z.object({
  syncPeriod: durationMs({ minMs: 1000, maxMs: 3_600_000 }).prefault('15s'),
  workers: z.number().int().positive().default(5),
  dryRun: z.boolean().default(false),
  namespaces: z.array(z.string()).default([]),
  memoryFloor: quantity().prefault('64Mi'),
  logLevel: z.enum(['debug', 'info']).default('info'),
  labels: z.record(z.string(), z.string()).default({}),
  sources: z.array(z.object({ name: z.string(), url: z.string() })).default([]),
  leaderElection: z
    .object({ enabled: z.boolean().default(true), leaseDuration: durationMs().prefault('15s'), name: z.string().optional() })
    .prefault({}),
});

const load = (sources: ConfigSources) => loadConfig(schema, sources);
const file = (text: string) => ({ path: 'config.yaml', text });

function problemsOf(sources: ConfigSources): string {
  try {
    load(sources);
  } catch (error) {
    if (isConcertinaError(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('loadConfig', () => {
  it('gives defaults when nobody says anything', () => {
    const { value, origins } = load({});
    expect(value).toMatchObject({
      syncPeriod: 15_000,
      workers: 5,
      dryRun: false,
      leaderElection: { enabled: true, leaseDuration: 15_000 },
    });
    expect(value.memoryFloor.toString()).toBe('64Mi');
    expect(origins.size).toBe(0);
  });

  it('lets flags win over the environment, that over the file, that over defaults', () => {
    const { value, origins } = load({
      flags: { workers: 9, 'dry-run': undefined },
      env: { CONCERTINA_WORKERS: '8', CONCERTINA_SYNC_PERIOD: '1m', CONCERTINA_LEADER_ELECTION_ENABLED: 'false', PATH: '/bin' },
      file: file('workers: 7\nsyncPeriod: 30s\ndryRun: true\nleaderElection:\n  enabled: true\n  leaseDuration: 20\n'),
    });
    expect(value).toMatchObject({
      workers: 9,
      syncPeriod: 60_000,
      dryRun: true,
      leaderElection: { enabled: false, leaseDuration: 20_000 },
    });
    expect(Object.fromEntries(origins)).toEqual({
      workers: '--workers',
      syncPeriod: '$CONCERTINA_SYNC_PERIOD',
      dryRun: 'config.yaml',
      'leaderElection.enabled': '$CONCERTINA_LEADER_ELECTION_ENABLED',
      'leaderElection.leaseDuration': 'config.yaml',
    });
  });

  it('reads lists, maps, switches and quantities from text', () => {
    const { value } = load({
      env: { CONCERTINA_NAMESPACES: 'a, b', CONCERTINA_LABELS: '{team: x}', CONCERTINA_SOURCES: '[{name: p, url: "http://p"}]' },
      flags: { 'memory-floor': '1.5Gi', 'dry-run': 'true', workers: '3' },
    });
    expect(value).toMatchObject({
      namespaces: ['a', 'b'],
      labels: { team: 'x' },
      sources: [{ name: 'p', url: 'http://p' }],
      dryRun: true,
      workers: 3,
    });
    expect(value.memoryFloor.toString()).toBe('1536Mi');
    expect(load({ env: { CONCERTINA_NAMESPACES: '' } }).value.namespaces).toEqual([]);
  });

  it('reads JSON files and empty ones', () => {
    expect(load({ file: file('{"workers": 2}') }).value.workers).toBe(2);
    expect(load({ file: file('# nothing\n') }).value.workers).toBe(5);
  });

  it('refuses unknown names with the nearest known one', () => {
    expect(problemsOf({ file: file('syncPeriodd: 5s\nleaderElection:\n  leaseDuraton: 5s\n') })).toBe(
      '2 settings are wrong: syncPeriodd (config.yaml): is not a setting, did you mean syncPeriod?; ' +
        'leaderElection.leaseDuraton (config.yaml): is not a setting, did you mean leaseDuration?',
    );
    expect(problemsOf({ env: { CONCERTINA_WORKER: '3' } })).toBe(
      'One setting is wrong: $CONCERTINA_WORKER is not a setting, did you mean CONCERTINA_WORKERS?',
    );
    expect(problemsOf({ flags: { 'dry-runs': true } })).toBe('One setting is wrong: --dry-runs is not a setting, did you mean dry-run?');
    expect(problemsOf({ flags: { entirelyDifferent: 1 } })).toBe('One setting is wrong: --entirelyDifferent is not a setting');
    expect(problemsOf({ file: file('sources: [{name: a, url: b, ulr: c}]') })).toContain(
      'sources.0.ulr (config.yaml): is not a setting, did you mean url?',
    );
  });

  it('names every problem with its path and who gave it', () => {
    const message = problemsOf({
      flags: { workers: -1 },
      env: { CONCERTINA_SYNC_PERIOD: '500ms', CONCERTINA_MEMORY_FLOOR: 'lots', CONCERTINA_DRY_RUN: 'maybe' },
      file: file('logLevel: loud\nleaderElection: {leaseDuration: soon}\n'),
    });
    expect(message).toMatch(/^6 settings are wrong: /);
    expect(message).toContain('workers (--workers): ');
    expect(message).toContain('syncPeriod ($CONCERTINA_SYNC_PERIOD): "500ms" is out of range: give 1s to 3600s');
    expect(message).toContain('memoryFloor ($CONCERTINA_MEMORY_FLOOR): "lots" is not a quantity');
    expect(message).toContain('dryRun ($CONCERTINA_DRY_RUN): ');
    expect(message).toContain('logLevel (config.yaml): ');
    expect(message).toContain('leaderElection.leaseDuration (config.yaml): "soon" is not a duration');
  });

  it('refuses files that are no map', () => {
    expect(problemsOf({ file: file('- a\n- b\n') })).toBe('One setting is wrong: config.yaml must be a map of settings');
    expect(problemsOf({ file: file('a: [') })).toContain('config.yaml is not YAML or JSON');
  });

  it('does not take the variables of a Service called concertina for settings', () => {
    const env = {
      CONCERTINA_SERVICE_HOST: '10.0.0.1',
      CONCERTINA_SERVICE_PORT: '443',
      CONCERTINA_SERVICE_PORT_HTTPS: '443',
      CONCERTINA_PORT: 'tcp://10.0.0.1:443',
      CONCERTINA_PORT_443_TCP: 'tcp://10.0.0.1:443',
      CONCERTINA_PORT_443_TCP_PROTO: 'tcp',
      CONCERTINA_PORT_443_TCP_PORT: '443',
      CONCERTINA_PORT_443_TCP_ADDR: '10.0.0.1',
      CONCERTINA_WEBHOOK_SERVICE_HOST: '10.0.0.2',
    };
    expect(problemsOf({ env })).toBe('no problem');
  });

  it('asks for what is required and not given', () => {
    const strict = z.object({ server: z.string() });
    expect(() => loadConfig(strict, {})).toThrowError(/^One setting is wrong: server \(not given\): /);
  });

  it('does not let a file reach into prototypes', () => {
    expect(problemsOf({ file: file('{"__proto__": {"workers": 99}}') })).toMatch(/is not a setting/);
    expect(({} as Record<string, unknown>)['workers']).toBeUndefined();
  });
});

describe('names', () => {
  it('follow from the path', () => {
    expect(flagName(['leaderElection', 'leaseDuration'])).toBe('leader-election-lease-duration');
    expect(environmentName(['leaderElection', 'leaseDuration'])).toBe('CONCERTINA_LEADER_ELECTION_LEASE_DURATION');
  });
});
