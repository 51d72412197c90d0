import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { isConcertinaError, messageOf } from '../core/errors.ts';
import { demoCommand } from './commands/demo.ts';
import { recommendCommand } from './commands/recommend.ts';
import { runCommand } from './commands/run.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { version } from './version.ts';

/** Wrong words on the command line end with 2, everything else that fails with 1. */
class UsageError extends Error {}

try {
  await yargs(hideBin(process.argv))
    .scriptName('concertina')
    .usage('$0 <command>\n\nOne autoscaler for Kubernetes: decides, explains, and dry-runs before it acts.')
    .command(runCommand)
    .command(recommendCommand)
    .command(snapshotCommand)
    .command(demoCommand)
    .demandCommand(1, 'name a command; `concertina --help` lists them')
    .strict()
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(140, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs hands over either its own sentence about the words, or what a command threw.
      throw error ?? new UsageError(message);
    })
    .parseAsync();
} catch (error) {
  const code = isConcertinaError(error) ? ` [${error.code}]` : '';
  process.stderr.write(`concertina: ${messageOf(error)}${code}\n`);
  process.exitCode = error instanceof UsageError || isConcertinaError(error, 'CONFIG_INVALID') ? 2 : 1;
}
