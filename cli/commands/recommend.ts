import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import { createKubeClient } from '../../core/kube/index.ts';
import type { Decision } from '../../core/model/decision.ts';
import { parseSnapshot, type ClusterSnapshot } from '../../core/model/snapshot.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { captureCluster } from '../compose/capture.ts';
import { connect, declareConnection } from '../compose/connect.ts';
import { reachServer } from '../compose/reach.ts';
import { recommendFrom } from '../compose/recommend-from.ts';
import { declareSettings, loadSettings, recommendSettings, type DecisionSettings } from '../compose/settings.ts';
import { decisionTable, decisionTraces } from '../output/decisions.ts';
import { version } from '../version.ts';
import { createLogger } from '../../core/runtime/logging.ts';

/** What is wrong stands in the result; only what a person must see now goes to standard error. */
const quietLogger = createLogger({ level: 'error', name: 'concertina', clock: realClock });

export const recommendCommand: CommandModule = {
  command: 'recommend',
  describe: 'Show what would be done now and why, from a live cluster or a snapshot; writes nothing',
  builder: (args) =>
    declareSettings(declareConnection(args), recommendSettings)
      .option('snapshot', { type: 'string', description: 'File of `concertina snapshot` instead of a cluster' })
      .option('namespace', { alias: 'n', type: 'string', description: 'Only this namespace (all)' })
      .option('output', { alias: 'o', choices: ['table', 'trace', 'json'] as const, default: 'table', description: 'How to print' }),
  handler: async (args) => {
    const settings = loadSettings(recommendSettings, args);
    const namespace = typeof args['namespace'] === 'string' ? args['namespace'] : undefined;
    const file = args['snapshot'];
    const snapshot = typeof file === 'string' ? await readSnapshot(file) : await readCluster(args, settings, namespace);
    const all = recommendFrom(snapshot, settings);
    const decisions = namespace === undefined ? all : all.filter(({ subject }) => subject.namespace === namespace);
    process.stdout.write(print(decisions, args['output']));
    const { source } = snapshot.metrics;
    if (!source.healthy) process.stderr.write(`usage is unknown: ${source.detail}\n`);
  },
};

function print(decisions: readonly Decision[], output: unknown): string {
  if (output === 'json') return `${JSON.stringify(decisions, null, 2)}\n`;
  if (decisions.length === 0) return 'There is no HorizontalPolicy and no HorizontalPodAutoscaler: nothing to recommend.\n';
  return `${output === 'trace' ? decisionTraces(decisions) : decisionTable(decisions)}\n`;
}

async function readSnapshot(file: string): Promise<ClusterSnapshot> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConcertinaError('SNAPSHOT_INVALID', `snapshot ${file} cannot be read: ${messageOf(error)}; check the path in --snapshot`, {
      cause: error,
    });
  }
  return parseSnapshot(text, file);
}

async function readCluster(
  args: Readonly<Record<string, unknown>>,
  settings: DecisionSettings,
  namespace: string | undefined,
): Promise<Omit<ClusterSnapshot, 'complete'>> {
  const connection = await connect(args, realClock);
  await reachServer({ connection, clock: realClock, random: realRandom });
  const client = createKubeClient({ connection, clock: realClock, random: realRandom, userAgent: `concertina/${version} (recommend)` });
  try {
    return await captureCluster({ client, clock: realClock, random: realRandom, settings, logger: quietLogger, namespace });
  } finally {
    await client.close();
  }
}
