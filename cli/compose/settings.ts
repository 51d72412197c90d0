import { z } from 'zod';
import type { Argv, Options } from 'yargs';
import { ConcertinaError, isConcertinaError } from '../../core/errors.ts';
import { prometheusSourceName } from '../../core/model/metric-query.ts';
import { childOf, leafPaths } from '../../core/runtime/config-schema.ts';
import { environmentName, flagName, loadConfig } from '../../core/runtime/config.ts';
import { processSources } from '../../core/runtime/environment.ts';
import { logLevels } from '../../core/runtime/logging.ts';
import { nodesSettings, nodeSwitches, scalesNodes, withNodesRules } from './nodes-settings.ts';
import { address, duration, isAddress, isLoopback, notA, number } from './setting-parts.ts';
import { admissionSettings, adoptable, historySettings, vpaSettings } from './vpa-settings.ts';

/** Parts of the program that may run in a process of their own. */
export const componentNames = ['metrics-aggregator', 'hpa', 'vpa', 'cluster-autoscaler'] as const;

/** What the engines of policies may be told; shared by `run`, `recommend` and `demo`. */
const decisionSettings = {
  cooldown: z
    .strictObject({
      scaleUp: duration('3m', 'Least time between two scale-ups of a policy that sets none of its own; 0 turns it off'),
      scaleDown: duration('5m', 'Least time from any scaling to a scale-down; 0 turns it off'),
    })
    .prefault({}),
  hpa: z
    .strictObject({
      syncPeriod: duration('15s', 'Time between two evaluations of a policy', 100),
      workers: number('a whole number from 1 to 100', (value) => Number.isInteger(value) && value >= 1 && value <= 100)
        .default(5)
        .describe('Evaluations at the same time (5)'),
      tolerance: number('a number from 0 to 1', (value) => value >= 0 && value <= 1)
        .default(0.1)
        .describe('Ratios this close to 1 change nothing (0.1)'),
      cpuInitializationPeriod: duration('5m', 'CPU samples of a pod so young count only once it is ready'),
      initialReadinessDelay: duration('30s', 'A pod that was never ready for longer than this is not ready yet'),
      downscaleStabilization: duration('5m', 'A scale-down follows the highest wish of this window'),
      adoptedCooldown: z
        .boolean(notA('true or false'))
        .default(false)
        .describe('Native HorizontalPodAutoscalers get the cooldowns too; false keeps upstream’s timing'),
    })
    .prefault({}),
  vpa: vpaSettings.prefault({}),
  history: historySettings.prefault({}),
  metrics: z
    .strictObject({
      pollInterval: duration('15s', 'Time between two polls of metrics.k8s.io', 100),
      maxAge: duration('3m', 'A sample older than this counts as missing', 1000),
      timeout: duration('10s', 'A poll that takes longer counts as unavailable', 100),
      usageSource: z
        .string()
        .min(1)
        .default('metrics.k8s.io')
        .transform((name) => (name === 'metrics.k8s.io' ? name : prometheusSourceName(name)))
        .describe('What gives the usage of pods and nodes: metrics.k8s.io, or the name of a MetricSource (metrics.k8s.io)'),
      qps: number('a number above 0', (value) => value > 0)
        .default(200)
        .describe('Most requests to the metrics APIs a second, on average (200)'),
      secretNamespace: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Namespace of the Secrets that MetricSources refer to (the one that the program runs in; concertina-system for commands)',
        ),
    })
    .prefault({}),
  ...nodesSettings,
};

const runSchema = z
  .strictObject({
    ...decisionSettings,
    adopt: z
      .array(adoptable)
      .default([])
      .describe(
        'Native objects that are carried out too, for clusters whose own controller of them is off: hpa (HorizontalPodAutoscaler), vpa (VerticalPodAutoscaler) (none)',
      ),
    admission: admissionSettings.prefault({}),
    dryRun: z.boolean(notA('true or false')).default(false).describe('Decide, explain and report, but change nothing in the cluster'),
    leaderElection: z
      .strictObject({
        enabled: z
          .boolean(notA('true or false'))
          .default(true)
          .describe('Work only while holding the Lease; --no-leader-election-enabled for a single copy'),
        leaseName: z.string().min(1).default('concertina').describe('Name of the Lease (concertina)'),
        leaseNamespace: z.string().min(1).optional().describe('Its namespace (POD_NAMESPACE, else the context’s, else default)'),
        leaseDuration: duration('15s', 'Others wait this long for a silent holder', 1000),
        renewDeadline: duration('10s', 'The holder stops writing when it could not renew for so long', 500),
        retryPeriod: duration('2s', 'Time between two tries to take or renew', 100),
      })
      .refine((lease) => lease.renewDeadline < lease.leaseDuration, 'renewDeadline must be shorter than leaseDuration')
      .refine((lease) => lease.retryPeriod < lease.renewDeadline, 'retryPeriod must be shorter than renewDeadline')
      .prefault({}),
    health: z
      .strictObject({
        address: z
          .string()
          .refine(isAddress, { error: ({ input }) => `"${String(input)}" is not HOST:PORT, such as 127.0.0.1:8080` })
          .default('127.0.0.1:8080')
          .describe('Where /healthz, /readyz and /metrics are served (127.0.0.1:8080)'),
      })
      .prefault({}),
    components: z
      .array(z.enum(componentNames, notA(`one of ${componentNames.join(', ')}`)))
      .min(1)
      .default([...componentNames])
      .describe(`What runs in this process: ${componentNames.join(', ')} (all)`),
    aggregator: z
      .strictObject({
        url: z.string().min(1).optional().describe('Base URL of a metrics aggregator that runs by itself, in place of one in this process'),
        caFile: z.string().min(1).optional().describe('PEM file with the CA of its certificate'),
        tokenFile: z
          .string()
          .min(1)
          .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
          .describe('File with the token that it is shown, read anew when it changes (the ServiceAccount’s)'),
        plainHttp: z
          .boolean(notA('true or false'))
          .default(false)
          .describe('Permit http:// to another host; token and values can be read on the way'),
      })
      .prefault({}),
    serve: z
      .strictObject({
        address: address('Where the API of the metrics aggregator is served, HOST:PORT (not served)'),
        certFile: z.string().min(1).optional().describe('PEM file with its certificate; needed beyond loopback'),
        keyFile: z.string().min(1).optional().describe('PEM file with the key'),
        auth: z
          .boolean(notA('true or false'))
          .default(true)
          .describe('Ask the API server who may read (TokenReview, SubjectAccessReview); false on loopback only'),
      })
      .refine((serve) => (serve.certFile === undefined) === (serve.keyFile === undefined), 'certFile and keyFile go together')
      .refine(
        ({ address: at, certFile, auth }) => at === undefined || isLoopback(at) || (certFile !== undefined && auth),
        'beyond loopback certFile, keyFile and auth are needed: what is served is the load of every workload',
      )
      .prefault({}),
    externalMetrics: z
      .strictObject({
        address: address('Where external.metrics.k8s.io is served for MetricSources that offer externalMetrics, HOST:PORT (not served)'),
        certFile: z.string().min(1).optional().describe('PEM file with its certificate, whose CA stands in the APIService'),
        keyFile: z.string().min(1).optional().describe('PEM file with the key'),
        doubtful: z
          .enum(['refuse', 'serve'], notA('refuse or serve'))
          .default('refuse')
          .describe('Values that are good for growth only, which that API cannot say: refuse them, or serve them all the same (refuse)'),
      })
      .refine(
        ({ address: at, certFile, keyFile }) => at === undefined || (certFile !== undefined && keyFile !== undefined),
        'certFile and keyFile are needed: the API server speaks TLS only',
      )
      .prefault({}),
    api: z
      .strictObject({
        qps: number('a number above 0', (value) => value > 0)
          .default(200)
          .describe('Most requests to the API server a second, on average (200)'),
        burst: number('a whole number of 1 or more', (value) => Number.isInteger(value) && value >= 1)
          .default(400)
          .describe('Most requests at once (400)'),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(logLevels, notA(`one of ${logLevels.join(', ')}`))
          .default('info')
          .describe(`Least severe lines: ${logLevels.join(', ')} (info)`),
      })
      .prefault({}),
  })
  .refine(({ aggregator, components }) => aggregator.url !== undefined || components.includes('metrics-aggregator'), {
    path: ['aggregator', 'url'],
    error: 'without metrics-aggregator among the components, the one that runs by itself must be named',
  })
  .refine(({ aggregator, components }) => aggregator.url === undefined || decides(components), {
    path: ['aggregator', 'url'],
    error: 'a process that only measures asks no other aggregator: leave it out, or add hpa or vpa to the components',
  })
  .refine((settings) => settings.aggregator.url === undefined || !serves(settings), {
    path: ['aggregator', 'url'],
    error: 'what another process measures is served there: serve.address and externalMetrics.address belong to its settings',
  })
  .refine((settings) => settings.aggregator.url !== undefined || !serves(settings) || !electsLeader(settings), {
    path: ['serve', 'address'],
    error:
      'every copy would serve, and only the leader has something to say: let the aggregator run by itself (--components=metrics-aggregator), or, where there is one copy, set leaderElection.enabled to false',
  })
  .refine(({ admission, components }) => admission.address === undefined || components.includes('vpa'), {
    path: ['admission', 'address'],
    error: 'the webhook belongs to the requests controller: add vpa to the components, or leave the address out',
  })
  .refine(({ history, aggregator }) => history.source === undefined || aggregator.url === undefined, {
    path: ['history', 'source'],
    error: 'the past is asked for where MetricSources are read: that is another process here (aggregator.url); leave one of the two out',
  })
  .refine((settings) => !scalesNodes(settings) || settings.components.includes('cluster-autoscaler'), {
    path: ['cloudProvider'],
    error: 'node groups belong to the node controller: add cluster-autoscaler to the components, or leave cloudProvider out',
  });

export const runSettings = withNodesRules(runSchema);

interface Doors {
  readonly serve: { readonly address?: string | undefined };
  readonly externalMetrics: { readonly address?: string | undefined };
}

function serves({ serve, externalMetrics }: Doors): boolean {
  return serve.address !== undefined || externalMetrics.address !== undefined;
}

/** Whether this process competes for the Lease. A dry run writes nothing at all, the Lease included; what only measures and serves needs none. */
export function electsLeader({
  leaderElection,
  dryRun,
  components,
}: {
  readonly leaderElection: { readonly enabled: boolean };
  readonly dryRun: boolean;
  readonly components: readonly string[];
}): boolean {
  return leaderElection.enabled && !dryRun && decides(components);
}

/** Whether anything is decided in this process, not only measured. */
export function decides(components: readonly string[]): boolean {
  return components.includes('hpa') || components.includes('vpa') || components.includes('cluster-autoscaler');
}

export type RunSettings = z.output<typeof runSettings>;

export const recommendSettings = withNodesRules(z.strictObject(decisionSettings));

export type DecisionSettings = z.output<typeof recommendSettings>;

function isSwitchPath(path: readonly string[]): boolean {
  const name = path.at(-1) ?? '';
  return name === 'enabled' || name === 'dryRun' || nodeSwitches.has(name);
}

/** Flags that stand alone: `--dry-run`. */
export function switchFlags(schema: z.ZodObject): string[] {
  return leafPaths(schema).filter(isSwitchPath).map(flagName);
}

/** Declares one flag for every setting of the schema, described by the schema itself. */
export function declareSettings(args: Argv, schema: z.ZodObject): Argv {
  const options: Record<string, Options> = {};
  for (const path of leafPaths(schema)) {
    const leaf = path.reduce<z.ZodType | undefined>((at, part) => (at === undefined ? undefined : childOf(at, part)), schema);
    const description = leaf?.description ?? '';
    const isSwitch = isSwitchPath(path);
    const group = Object.hasOwn(nodesSettings, path[0] ?? '') ? 'Settings of the node controller:' : 'Settings:';
    options[flagName(path)] = { type: isSwitch ? 'boolean' : 'string', group, description };
  }
  return args
    .options(options)
    .option('config', { type: 'string', description: 'YAML or JSON file with settings', group: 'Settings:' })
    .epilogue(
      `Settings may also come from variables (${environmentName(['cooldown', 'scaleUp'])}=5m) or --config; flags win, then variables, then the file.`,
    );
}

/** The settings of this run: flags, then variables, then the file, then defaults. Throws `CONFIG_INVALID` naming every wrong one. */
export function loadSettings<S extends z.ZodObject>(schema: S, args: Readonly<Record<string, unknown>>): z.output<S> {
  const names = new Set(leafPaths(schema).map(flagName));
  const flags = Object.fromEntries(Object.entries(args).filter(([name]) => names.has(name)));
  const config = args['config'];
  try {
    return loadConfig(schema, processSources(flags, typeof config === 'string' ? config : undefined)).value;
  } catch (error) {
    if (!isConcertinaError(error, 'CONFIG_INVALID')) throw error;
    const remedy = error.details['path'] === undefined ? '`--help` lists the settings' : 'check the path in --config';
    const message = error.message.endsWith('?') ? error.message : `${error.message}; ${remedy}`;
    throw new ConcertinaError('CONFIG_INVALID', message, { cause: error, details: error.details });
  }
}
