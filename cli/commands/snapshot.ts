import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { ConcertinaError, messageOf } from '../../core/errors.ts';
import { createKubeClient } from '../../core/kube/index.ts';
import { formatSnapshot } from '../../core/model/snapshot.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { captureCluster } from '../compose/capture.ts';
import { connect, declareConnection } from '../compose/connect.ts';
import { policiesOf, unreadNotes } from '../compose/explain/obtain-snapshot.ts';
import { reachServer } from '../compose/reach.ts';
import { declareSettings, loadSettings, recommendSettings } from '../compose/settings.ts';
import { version } from '../version.ts';
import { createLogger } from '../../core/runtime/logging.ts';

/** What is wrong stands in the result; only what a person must see now goes to standard error. */
const quietLogger = createLogger({ level: 'error', name: 'concertina', clock: realClock });

export const snapshotCommand: CommandModule = {
  command: 'snapshot',
  describe: 'Write everything that a recommendation is made of into one file (no environment variables, commands or annotations of pods)',
  builder: (args) =>
    declareSettings(declareConnection(args), recommendSettings)
      .option('output', { alias: 'o', type: 'string', description: 'File to write; default standard output' })
      .option('namespace', { alias: 'n', type: 'string', description: 'Only this namespace (all)' }),
  handler: async (args) => {
    const settings = loadSettings(recommendSettings, args);
    const connection = await connect(args, realClock);
    await reachServer({ connection, clock: realClock, random: realRandom });
    const client = createKubeClient({ connection, clock: realClock, random: realRandom, userAgent: `concertina/${version} (snapshot)` });
    try {
      const namespace = typeof args['namespace'] === 'string' ? args['namespace'] : undefined;
      const snapshot = await captureCluster({ client, clock: realClock, random: realRandom, settings, logger: quietLogger, namespace });
      const text = formatSnapshot(snapshot);
      const file = args['output'];
      if (typeof file !== 'string' || file === '-') process.stdout.write(text);
      else {
        await write(file, text);
        const { pods, nodes } = snapshot;
        for (const note of unreadNotes(snapshot)) process.stderr.write(`${note}\n`);
        process.stderr.write(
          `${file}: ${policiesOf(snapshot).length} policies, ${pods.length} pods, ${nodes.length} nodes, ${text.length} bytes\n`,
        );
      }
    } finally {
      await client.close();
    }
  },
};

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600 });
  } catch (error) {
    throw new ConcertinaError('SNAPSHOT_INVALID', `snapshot ${file} cannot be written: ${messageOf(error)}; choose another --output`, {
      cause: error,
    });
  }
}
