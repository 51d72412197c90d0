import process from 'node:process';
import type { CommandModule } from 'yargs';
import { isConcertinaError } from '../../core/errors.ts';
import { createKubeClient, type KubeConfigConnection } from '../../core/kube/index.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { environmentVariable } from '../../core/runtime/environment.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { connect, declareConnection } from '../compose/connect.ts';
import { examine, withoutConnection, type Findings } from '../compose/doctor/doctor.ts';
import { doctorReport, exitCodeOfReport } from '../compose/doctor/report.ts';
import type { ServiceAccountName } from '../compose/doctor/whose-rights.ts';
import { declareSettings, loadSettings, recommendSettings, type DecisionSettings } from '../compose/settings.ts';
import { doctorJson, doctorTable, wantsColour } from '../output/doctor.ts';
import { UsageError } from '../output/failure.ts';
import { version } from '../version.ts';

export const doctorCommand: CommandModule = {
  command: 'doctor',
  describe: 'Check the cluster for everything that Concertina needs: APIs, metrics, sources, rights, conflicts; writes nothing',
  builder: (args) =>
    declareSettings(declareConnection(args), recommendSettings)
      .option('namespace', { alias: 'n', type: 'string', description: 'Only pods, policies and autoscalers of this namespace (all)' })
      .option('output', { alias: 'o', choices: ['table', 'json'] as const, default: 'table', description: 'How to print' })
      .option('probe', {
        type: 'boolean',
        default: false,
        description: 'Ask MetricSources and found Prometheus servers themselves, from here or through the API server',
      })
      .option('as-service-account', {
        type: 'string',
        description:
          'NAMESPACE/NAME whose rights are looked at, by impersonation (concertina-system/concertina when it exists, else your own)',
      })
      .epilogue('Exit code: 0 when nothing FAILs, 1 when something does, 2 for wrong words.'),
  handler: async (args) => {
    const settings = loadSettings(recommendSettings, args);
    const serviceAccount = serviceAccountOf(args['as-service-account']);
    const namespace = typeof args['namespace'] === 'string' ? args['namespace'] : undefined;
    const look = { settings, namespace, serviceAccount, probe: args['probe'] === true };
    const { connection, findings } = await findingsOf(args, look);
    const report = doctorReport({ ...findings, program: version, namespace, server: connection?.server, context: connection?.context });
    const colour = wantsColour(process.stdout, environmentVariable);
    process.stdout.write(args['output'] === 'json' ? doctorJson(report) : doctorTable(report, { colour }));
    process.exitCode = exitCodeOfReport(report);
  },
};

interface Look {
  readonly settings: DecisionSettings;
  readonly namespace: string | undefined;
  readonly serviceAccount: ServiceAccountName | undefined;
  readonly probe: boolean;
}

/** A kubeconfig that cannot be used is a finding like any other: a machine gets its output on every exit. */
async function findingsOf(
  args: Readonly<Record<string, unknown>>,
  look: Look,
): Promise<{ readonly connection?: KubeConfigConnection; readonly findings: Findings }> {
  let connection: KubeConfigConnection;
  try {
    connection = await connect(args, realClock);
  } catch (error) {
    if (!isConcertinaError(error)) throw error;
    return { findings: withoutConnection(error, realClock.now()) };
  }
  const client = createKubeClient({ connection, clock: realClock, random: realRandom, userAgent: `concertina/${version} (doctor)` });
  try {
    return { connection, findings: await examine({ client, clock: realClock, ...look }) };
  } finally {
    await client.close();
  }
}

function serviceAccountOf(text: unknown): ServiceAccountName | undefined {
  if (typeof text !== 'string') return undefined;
  const name = '[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?';
  const [, namespace, account] = new RegExp(`^(${name})/(${name})$`).exec(text) ?? [];
  if (namespace !== undefined && account !== undefined) return { namespace, name: account };
  throw new UsageError(`--as-service-account "${text}" is not NAMESPACE/NAME; write for example concertina-system/concertina`);
}
