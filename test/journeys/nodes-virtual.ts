import { AutoScaling } from '@aws-sdk/client-auto-scaling';
import { EC2 } from '@aws-sdk/client-ec2';
import { captureCluster } from '../../cli/compose/capture.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { readWanted } from '../../cli/compose/explain/find-subject.ts';
import { explainNodesSubject } from '../../cli/compose/explain/nodes-subject.ts';
import type { ProviderFactory } from '../../cli/compose/nodes.ts';
import { recommendSettings, runSettings, type RunSettings } from '../../cli/compose/settings.ts';
import { createSuite } from '../../cli/compose/suite.ts';
import { nodesExplanationText } from '../../cli/output/nodes-explanation.ts';
import { createAwsProvider, createProviderMetrics } from '../../cluster-autoscaler/index.ts';
import type { Decision } from '../../core/model/decision.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger, silentLogger, type LogLine } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import type { AuditRecord } from '../../simulator/cluster/api-server/index.ts';
import type { AwsEndpoint } from '../../simulator/cluster/aws/index.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { discoveryTag, groupDefinitions, type NodesCluster, type NodesRow } from './nodes-rows-support.ts';

/** Settings by name, as `--config` has them. */
export type SettingsInput = { readonly [Section in keyof RunSettings]?: unknown };

/** A copy of the whole program in this process, with the real SDK. */
export interface VirtualNodesController {
  /** In the Lease and in the User-Agent. */
  readonly identity: string;
  readonly log: readonly LogLine[];
  readonly decisions: readonly Decision[];
  isLeader(): boolean;
  /** Text of `/metrics`. */
  metrics(): Promise<string>;
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/** The embedded cluster on virtual time: its nodes are instances of an AWS in process, whose groups the program scales. */
export interface VirtualNodesCluster extends NodesCluster {
  readonly clock: VirtualClock;
  readonly embedded: EmbeddedCluster;
  /** The copy that was started last. */
  controller(): VirtualNodesController;
  /** Another copy with the same settings. */
  startAnother(): Promise<VirtualNodesController>;
  /** Ends the last copy and starts another one `afterMs` later. */
  restart(afterMs?: number): Promise<VirtualNodesController>;
  /** Mutating requests of all copies, their Leases excepted. */
  writes(): readonly AuditRecord[];
  stop(): Promise<void>;
}

export interface VirtualNodesOptions {
  readonly groups: NodesRow['groups'];
  readonly id: string;
  readonly settings?: SettingsInput | undefined;
  readonly seed?: number;
}

const second = 1_000;
const minute = 60 * second;
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const programNamespace = 'concertina-system';

/** Loads the SDK and what its first request reads of files, so that neither happens while virtual time moves. */
export async function loadSdk(): Promise<void> {
  const answer = { statusCode: 400, headers: { 'content-type': 'text/xml' }, body: new Uint8Array() };
  const requestHandler = { handle: async () => ({ response: answer }) };
  const client = { region: 'us-east-1', credentials, requestHandler: requestHandler as never, maxAttempts: 1 };
  await Promise.allSettled([new AutoScaling(client).describeAutoScalingGroups({}), new EC2(client).describeInstanceTypes({})]);
}

/** What differs from the defaults: nodes are unneeded for two minutes only and looked at again soon, so that rows are short. Rows about time say otherwise. */
function settingsOf(given: SettingsInput): SettingsInput {
  return {
    health: { address: '127.0.0.1:0' },
    log: { level: 'silent' },
    cloudProvider: 'aws',
    nodeGroupAutoDiscovery: [`asg:tag=${discoveryTag}`],
    unremovableNodeRecheckTimeout: '30s',
    ...given,
    scaleDown: { unneededTime: '2m', ...(given.scaleDown as object | undefined) },
  };
}

export async function startVirtualNodesCluster({
  id,
  groups,
  settings: given = {},
  seed = 1,
}: VirtualNodesOptions): Promise<VirtualNodesCluster> {
  const clock = new VirtualClock(Date.UTC(2026, 10, 22, 6));
  const random = seededRandom(seed);
  const embedded = await startEmbeddedCluster({
    clock,
    random,
    nodes: [],
    fleet: { tickMs: 5_000, housekeepingMs: 15_000 },
    aws: {
      timing: { reaction: 2 * second, boot: 20 * second, shutdown: 30 * second },
      groups: groupDefinitions({ id, groups }),
      nodes: { standard: { joinDelay: 5 * second } },
    },
  });
  const { aws } = embedded;
  if (aws === undefined) throw new Error('the cluster has no AWS');
  clock.useSettle(async () => {
    for (let round = 0; round < 3; round += 1) {
      await embedded.settle();
      // The SDK takes some turns of its own between two requests.
      for (let turn = 0; turn < 8; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  });
  const client = embedded.client('rows');
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await client.create(resourceTypes.namespaces, { metadata: { name: programNamespace } });
  await clock.advance(5 * second);

  const writes: AuditRecord[] = [];
  embedded.api.onAudit((record) => {
    const { verb, userAgent, type } = record;
    if (userAgent.startsWith('concertina/') && type.plural !== 'leases' && !['get', 'list', 'watch'].includes(verb)) writes.push(record);
  });
  const provider = awsProvider(aws.endpoint);
  const settings = settingsOf(given);
  const parsed = runSettings.parse(settings);
  let copies = 0;
  let namespaces = 0;
  const running: VirtualNodesController[] = [];
  const start = async (): Promise<VirtualNodesController> => {
    const copy = await startCopy({ clock, embedded, provider, settings: parsed, identity: `copy-${++copies}` });
    running.push(copy);
    return copy;
  };
  let last = await start();
  const { unneededTime = 10 * minute } = parsed.scaleDown;
  return {
    name: 'embedded, virtual time',
    client,
    clock,
    embedded,
    aws: aws.endpoint,
    fleet: embedded.fleet,
    programNamespace,
    timing: {
      unneeded: unneededTime,
      scaleUpCooldown: 3 * minute,
      scaleDownCooldown: 5 * minute,
      reaction: 30 * second,
      quiet: minute,
      refresh: 70 * second,
      boot: 2 * minute,
      recheck: minute,
      removal: 2 * minute,
    },
    now: () => clock.now(),
    elapse: (ms) => clock.advance(ms),
    until: (condition, limitMs) => clock.advanceUntil(condition, limitMs, second),
    namespace: async () => {
      const name = `row-${++namespaces}`;
      await client.create(resourceTypes.namespaces, { metadata: { name } });
      return name;
    },
    setMachines: (group, machines) => aws.nodes.setGroup(group, machines),
    explain: async (subject, namespace) => {
      const { health: _health, log: _log, dryRun: _dryRun, ...decisive } = settings;
      const chosen = recommendSettings.parse(decisive);
      const snapshot = await captureCluster({ client, clock, random, settings: chosen, logger: silentLogger, provider });
      const wanted = readWanted(subject);
      if (wanted === undefined) throw new Error(`${subject} names nothing`);
      const found = explainNodesSubject(snapshot, chosen, { wanted, namespace });
      return found.ok
        ? nodesExplanationText(found.explanation, { colour: false, at: snapshot.takenAt, from: 'the cluster' })
        : found.problem;
    },
    controller: () => last,
    startAnother: async () => {
      last = await start();
      return last;
    },
    restart: async (afterMs = 0) => {
      await last.stop();
      await clock.advance(afterMs);
      last = await start();
      return last;
    },
    writes: () => writes,
    stop: async () => {
      for (const copy of running) await copy.stop();
      await embedded.stop();
    },
  };
}

function awsProvider(endpoint: AwsEndpoint): ProviderFactory {
  return (parts) =>
    createAwsProvider({
      ...parts,
      groups: [],
      discovery: [`asg:tag=${discoveryTag}`],
      region: endpoint.region,
      requestHandler: endpoint.requestHandler(),
      credentials,
      onCall: createProviderMetrics(parts.registry, 'aws'),
    });
}

interface CopyOptions {
  readonly clock: VirtualClock;
  readonly embedded: EmbeddedCluster;
  readonly provider: ProviderFactory;
  readonly settings: RunSettings;
  readonly identity: string;
}

async function startCopy({ clock, embedded, provider, settings, identity }: CopyOptions): Promise<VirtualNodesController> {
  const logger = recordingLogger();
  const decisions: Decision[] = [];
  const suite = createSuite({
    connection: embedded.connection(),
    clock,
    random: seededRandom(identity),
    settings,
    identity,
    leaseNamespace: programNamespace,
    logger,
    processMetrics: false,
    provider,
    onDecision: (decision) => decisions.push(decision),
  });
  const { host, port } = await suite.start();
  let stopped: Promise<unknown> | undefined;
  return {
    identity,
    log: logger.lines,
    decisions,
    isLeader: () => suite.isLeader(),
    metrics: async () => (await fetch(`http://${host}:${port}/metrics`)).text(),
    stop: async () => {
      stopped ??= suite.shutdown.run('the row ends');
      // Going down waits for answers that come only as time passes.
      const done = stopped.then(() => true);
      for (let turn = 0; turn < 120 && !(await Promise.race([done, Promise.resolve(false)])); turn += 1) await clock.advance(500);
      await done;
    },
  };
}
