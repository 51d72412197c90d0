import type { MetricsApi, WorkloadModel } from '../../simulator/index.ts';
import type { KubeClient } from '../../core/kube/api.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { until } from '../e2e/until.ts';
import { setCpuLoad } from './cpu-load.ts';
import type { JourneyCluster, ScaleWrite } from './journey-cluster.ts';
import { startProcess, type ProcessController } from './process-controller.ts';

/** One mutating request of a copy of the program, as the cluster's audit has it; Leases and Events excepted. */
export interface AuditedWrite extends ScaleWrite {
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
}

/** A cluster in real time on which the bundled program runs as processes. */
export interface ProcessJourneyCluster extends JourneyCluster {
  /** With flags beyond those that all copies have. */
  startProcess(more?: readonly string[]): Promise<ProcessController>;
  /** All writes of all copies so far, in order. */
  writes(): Promise<readonly AuditedWrite[]>;
}

export interface ProcessClusterParts {
  readonly name: string;
  readonly client: KubeClient;
  readonly workload: WorkloadModel;
  readonly metrics: MetricsApi;
  readonly program: string;
  /** Path of the kubeconfig that the program runs with. */
  readonly kubeconfig: string;
  readonly writes: () => Promise<readonly AuditedWrite[]>;
  /** Of every copy, beyond those of all journeys. */
  readonly flags?: readonly string[];
}

/** Short cooldowns and periods, by flag; `maxAgeMs`: how old a metric may be. */
export function journeyFlags(maxAgeMs: number): readonly string[] {
  return [
    '--cooldown-scale-up=10s',
    '--cooldown-scale-down=16s',
    '--hpa-sync-period=1s',
    '--hpa-cpu-initialization-period=2s',
    '--hpa-initial-readiness-delay=1s',
    '--metrics-poll-interval=1s',
    `--metrics-max-age=${maxAgeMs / 1000}s`,
    '--log-level=info',
  ];
}

// Short as well, so that an outage becomes "unknown" within the journey and not after the default 3 minutes.
const flags = journeyFlags(6_000);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let copies = 0;
let namespaces = 0;

/** The parts of a cluster as journeys use them. */
export function processJourneyCluster(parts: ProcessClusterParts): ProcessJourneyCluster {
  const { client, workload } = parts;
  const start = (more: readonly string[] = []): Promise<ProcessController> =>
    startProcess({
      program: parts.program,
      identity: `copy-${++copies}`,
      kubeconfig: parts.kubeconfig,
      flags: [...flags, ...(parts.flags ?? []), ...more],
    });
  return {
    name: parts.name,
    client,
    timing: { scaleUpCooldown: 10_000, scaleDownCooldown: 16_000, reaction: 12_000 },
    now: () => Date.now(),
    elapse: pause,
    until,
    namespace: async () => {
      const name = `journey-${++namespaces}`;
      await client.create(resourceTypes.namespaces, { metadata: { name } });
      // Pods are refused until the namespace has its ServiceAccount.
      for (let tries = 0; tries < 100; tries++) {
        const accounts = await client.list(resourceTypes.serviceAccounts, { namespace: name });
        if (accounts.items.length > 0) break;
        await pause(100);
      }
      return name;
    },
    setLoad: (namespace, name, milli) => setCpuLoad(workload, { namespace, name, milli }),
    setMetricsFault: (fault) => {
      parts.metrics.faults.unavailable = fault === 'unavailable';
      parts.metrics.faults.emptyList = fault === 'empty';
    },
    startController: () => start(),
    startProcess: start,
    writes: parts.writes,
    scaleWrites: async (namespace) => {
      const all = await parts.writes();
      return all.filter((write) => write.namespace === namespace && write.subresource === 'scale');
    },
  };
}
