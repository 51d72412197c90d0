import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { resourceTypes } from '../../../core/model/object.ts';
import { realClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint, createInstanceNodes } from '../../../simulator/cluster/aws/index.ts';
import { discoveryTag, groupDefinitions, keptAnnotation, type NodesCluster, type NodesRow } from '../../journeys/nodes-rows-support.ts';
import { startProcess, type ProcessController } from '../../journeys/process-controller.ts';
import { install, startPlayedCluster } from '../installed-cluster.ts';
import { createNamespace } from '../namespace.ts';
import type { RealCluster } from '../real-cluster.ts';
import type { Teardown } from '../teardown.ts';
import { until } from '../until.ts';

export interface RealNodesCluster {
  readonly real: RealCluster;
  readonly rows: NodesCluster;
  /** A copy of the program, as its ServiceAccount. */
  startProgram(): Promise<ProcessController>;
}

const programNamespace = 'concertina-system';
const second = 1_000;

/** Short delays, by flag. */
const flags = [
  '--cloud-provider=aws',
  `--node-group-auto-discovery=asg:tag=${discoveryTag}`,
  '--scan-interval=1s',
  '--scale-down-unneeded-time=10s',
  '--unremovable-node-recheck-timeout=5s',
  '--cooldown-scale-up=5s',
  '--cooldown-scale-down=8s',
  // Rows do not wait for each other.
  '--max-drain-parallelism=10',
  '--log-level=info',
];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A real control plane with the program installed as `deploy/examples/node-pools` does it, and an AWS whose instances the simulator's kubelets play. The
 * groups of all rows are there; their nodes are kept until their rows let go of them. The program does not run yet.
 */
export async function startRealNodesCluster(
  rows: readonly Pick<NodesRow, 'id' | 'groups'>[],
  teardown: Teardown,
): Promise<RealNodesCluster> {
  const { real, fleet, program } = await startPlayedCluster(teardown);
  const client = real.adminClient;
  const kubeconfig = await install(real, teardown, 'examples/node-pools');
  // It runs as processes beside the cluster: its own pods would only be in the way of the rows.
  await client.setScale(resourceTypes.deployments, { namespace: programNamespace, name: 'concertina' }, 0);

  const aws = createAwsEndpoint({
    clock: realClock,
    random: seededRandom('aws'),
    timing: { reaction: second, boot: 2 * second, shutdown: 4 * second },
    groups: rows.flatMap((row) => groupDefinitions(row)),
  });
  teardown.add(() => aws.stop());
  const machines = createInstanceNodes({
    aws,
    fleet,
    client,
    clock: realClock,
    random: seededRandom('machines'),
    standard: { joinDelay: second },
  });
  teardown.add(async () => machines.stop());
  await machines.start();
  for (const { metadata } of (await client.list(resourceTypes.nodes)).items) {
    const body = { metadata: { annotations: { [keptAnnotation]: 'true' } } };
    await client.patch(resourceTypes.nodes, { name: metadata.name }, { type: 'merge', body });
  }
  const { url } = await aws.listen();
  const env = { AWS_ENDPOINT_URL: url, AWS_REGION: aws.region, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

  let copies = 0;
  let namespaces = 0;
  return {
    real,
    startProgram: async () => {
      const running = await startProcess({ program, identity: `copy-${++copies}`, kubeconfig, flags, env });
      teardown.add(() => running.stop());
      return running;
    },
    rows: {
      name: 'real control plane',
      client,
      aws,
      fleet,
      programNamespace,
      timing: {
        unneeded: 10 * second,
        scaleUpCooldown: 5 * second,
        scaleDownCooldown: 8 * second,
        reaction: 30 * second,
        quiet: 15 * second,
        refresh: 75 * second,
        boot: 90 * second,
        recheck: 15 * second,
        removal: 90 * second,
      },
      now: () => Date.now(),
      elapse: pause,
      until: (condition, limitMs) => until(condition, limitMs, 250),
      namespace: async () => {
        const name = `row-${++namespaces}`;
        await createNamespace(client, name);
        return name;
      },
      setMachines: (group, nodes) => machines.setGroup(group, nodes),
      explain: async (subject, namespace) => {
        const cloud = flags.filter((flag) => /^--(?:cloud-provider|node-group-auto-discovery)=/u.test(flag));
        const words = [
          'explain',
          subject,
          ...(namespace === undefined ? [] : ['--namespace', namespace]),
          ...cloud,
          '--kubeconfig',
          real.adminKubeconfig,
        ];
        const options = { env: { PATH: process.env['PATH'], HOME: tmpdir(), ...env } };
        return (await promisify(execFile)(process.execPath, [program, ...words], options)).stdout;
      },
    },
  };
}
