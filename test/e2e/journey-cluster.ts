import { processJourneyCluster, type AuditedWrite, type ProcessJourneyCluster } from '../journeys/process-cluster.ts';
import type { AuditRecord } from './audit.ts';
import { install, startPlayedCluster } from './installed-cluster.ts';
import { servePlayedUsage } from './played-usage.ts';
import type { RealCluster } from './real-cluster.ts';
import { createTeardown, type Teardown } from './teardown.ts';

/** A real control plane on which journeys run. */
export interface RealJourneyCluster {
  readonly real: RealCluster;
  readonly cluster: ProcessJourneyCluster;
  /** Takes everything down, in the reverse order; tells what failed on the way. */
  stop(): Promise<void>;
}

export interface RealJourneyOptions {
  /** Flags of every copy of the program, beyond those of all journeys. */
  readonly flags?: readonly string[];
}

/** The program as it is installed, as processes; nodes are played by the simulator's kubelets, usage is served by it through the aggregation layer. */
export async function startRealJourneyCluster(options: RealJourneyOptions = {}): Promise<RealJourneyCluster> {
  const teardown = createTeardown();
  try {
    return { ...(await start(teardown, options)), stop: () => teardown.run() };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function start(teardown: Teardown, { flags = [] }: RealJourneyOptions): Promise<Pick<RealJourneyCluster, 'real' | 'cluster'>> {
  const { real, workload, fleet, program } = await startPlayedCluster(teardown);
  const client = real.adminClient;
  for (const name of ['node-a', 'node-b']) await fleet.addNode({ name, cpu: 16, memory: '32Gi' });
  const metrics = await servePlayedUsage({ real, fleet }, teardown);
  const kubeconfig = await install(real, teardown);
  const cluster = processJourneyCluster({
    name: 'real control plane',
    client,
    workload,
    metrics,
    program,
    kubeconfig,
    flags,
    writes: async () => (await real.own?.audit?.auditWrites({ successful: true }))?.filter(isOurs).map(toWrite) ?? [],
  });
  return { real, cluster };
}

/** A request of the program, by its User-Agent. */
export function isOurs(record: AuditRecord): boolean {
  return record.userAgent?.startsWith('concertina/') === true;
}

function toWrite(record: AuditRecord): AuditedWrite {
  const { namespace = '', name = '', resource = '', subresource = '' } = record.objectRef ?? {};
  const replicas = (record.requestObject as { spec?: { replicas?: number } } | undefined)?.spec?.replicas ?? 0;
  const at = Date.parse(record.requestReceivedTimestamp);
  return { at, user: record.user.username, userAgent: record.userAgent ?? '', namespace, name, resource, subresource, replicas };
}
