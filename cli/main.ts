import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { recommendCommand } from './commands/recommend.ts';
import { runCommand } from './commands/run.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { sourcesCommand } from './commands/sources.ts';
import { joinRepeated } from './compose/nodes-settings.ts';
import { runSettings, switchFlags } from './compose/settings.ts';
import { exitCodeOf, failureLine, UsageError } from './output/failure.ts';
import { refuseOddSwitches, usageSentence } from './output/usage.ts';
import { version } from './version.ts';

const commands = [runCommand, recommendCommand, explainCommand, snapshotCommand, doctorCommand, sourcesCommand, demoCommand];
const words = joinRepeated(hideBin(process.argv));

// The SDK of AWS says on Node 20 what its releases of 2027 will need (decision 0019); in the output of a command that is noise.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// Timers of the suite do not keep the process alive: without this a command that waits between two tries would end in silence.
const alive = setInterval(() => undefined, 2 ** 30);

try {
  refuseOddSwitches(words, [...switchFlags(runSettings), 'probe', 'all-namespaces']);
  const parser = yargs(words);
  await parser
    .scriptName('concertina')
    .usage('$0 <command>\n\nOne autoscaler for Kubernetes: decides, explains, and dry-runs before it acts.')
    // As in kubectl the last of a repeated flag counts; a list would be taken for "not given".
    .parserConfiguration({ 'duplicate-arguments-array': false })
    .command(commands)
    .demandCommand(1, 'name a command; `concertina --help` lists them')
    .strict()
    .check(refuseEmpty, true)
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(140, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs hands over either its own sentence about the words, or what a command threw.
      if (error !== undefined && error !== null) throw error;
      const names = commands.map(({ command }) => String(command).split(' ', 1)[0] ?? '');
      throw new UsageError(usageSentence(message, { words, commands: names, flags: flagsOf(parser) }));
    })
    .parseAsync();
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = exitCodeOf(error);
} finally {
  clearInterval(alive);
}

/** `--kubeconfig "$UNSET"` must not silently mean another cluster. */
function refuseEmpty(args: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(args)) {
    if (value === '') throw new UsageError(`${name.length === 1 ? '-' : '--'}${name} has no value; give one or leave the flag out`);
  }
  return true;
}

/** Names of the flags that the parser knows where it failed. */
function flagsOf(parser: unknown): string[] {
  // Only for the "did you mean": without it the sentence is poorer, not wrong.
  const { key = {} } = (parser as { getOptions?: () => { key?: object } }).getOptions?.() ?? {};
  return Object.keys(key).filter((name) => name.length > 1);
}
