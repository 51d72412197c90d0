import process from 'node:process';
import type { CommandModule } from 'yargs';
import { realClock } from '../../core/runtime/clock.ts';
import { createLogger } from '../../core/runtime/logging.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { onSignals } from '../../core/runtime/shutdown.ts';
import { connect, declareConnection, defaultLeaseNamespace, processIdentity } from '../compose/connect.ts';
import { reachOrWait, waitForServer } from '../compose/reach.ts';
import { declareSettings, loadSettings, runSettings } from '../compose/settings.ts';
import { createSuite } from '../compose/suite.ts';

export const runCommand: CommandModule = {
  command: 'run',
  describe: 'Run all components: watch policies, decide, and act while holding the Lease (--dry-run: only report)',
  builder: (args) => declareSettings(declareConnection(args), runSettings),
  handler: async (args) => {
    const settings = loadSettings(runSettings, args);
    const connection = await connect(args, realClock);
    const reach = { connection, clock: realClock, random: realRandom };
    const unreached = await reachOrWait(reach);
    const logger = createLogger({ level: settings.log.level, name: 'concertina', clock: realClock });
    const identity = processIdentity(realRandom);
    logger.info('starting', { server: connection.server, kubeconfig: connection.origin, context: connection.context, identity });
    const suite = createSuite({
      connection,
      clock: realClock,
      random: realRandom,
      settings,
      identity,
      leaseNamespace: settings.leaderElection.leaseNamespace ?? defaultLeaseNamespace(connection),
      logger,
      waitFor: unreached === undefined ? undefined : (signal) => waitForServer({ ...reach, logger, first: unreached }, signal),
    });
    const ended = new Promise<void>((resolve) => {
      suite.shutdown.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    onSignals(suite.shutdown, process);
    await suite.start();
    await ended;
    const report = await suite.shutdown.run('shutdown');
    const clean = report.reason.startsWith('SIG') && report.failed.length === 0 && report.unfinished.length === 0;
    process.exit(clean ? 0 : 1);
  },
};
