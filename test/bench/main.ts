import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BenchRun, Figure } from './figure.ts';

/**
 * `npm run bench -- [NAME…] [--json]`: each bench runs alone in a process of its own, one after the other. A figure worse than its limit makes
 * the exit code 1. With `--json` every figure is one line and nothing else is printed to standard output; `--markdown` prints the table of
 * docs/benchmarks.md.
 */
const tableHead = '| bench | figure | measured | asked for | against, in the same run | times better |\n|---|---|---:|---:|---:|---:|';
const folder = fileURLToPath(new URL('.', import.meta.url));
const available = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .toSorted();

const [, , first, second] = process.argv;
if (first === '--child' && second !== undefined) await child(second);
else await parent(process.argv.slice(2));

async function child(name: string): Promise<void> {
  const module = (await import(new URL(`./${name}.bench.ts`, import.meta.url).href)) as { run: BenchRun };
  const figures = await module.run();
  await new Promise<void>((resolve, reject) => {
    process.send?.(figures, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
  process.exit(0);
}

async function parent(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  const markdown = args.includes('--markdown');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => !available.includes(name));
  if (unknown.length > 0) {
    console.error(`no bench named ${unknown.join(', ')}; there are: ${available.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  if (markdown) console.log(tableHead);
  else if (!json) console.log(`Node ${process.version}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`);
  let missed = 0;
  for (const name of names.length > 0 ? names : available) {
    const figures = await runChild(name);
    for (const figure of figures) {
      if (missesLimit(figure)) missed++;
      console.log(json ? JSON.stringify(figure) : markdown ? tableRow(figure) : line(figure));
    }
  }
  if (missed > 0) {
    if (!json && !markdown) console.log(`${missed} figure(s) miss their limit`);
    process.exitCode = 1;
  }
}

function runChild(name: string): Promise<readonly Figure[]> {
  return new Promise((resolve, reject) => {
    const execArgv = [...process.execArgv, '--expose-gc'];
    // What a bench prints goes to standard error, so that --json stays clean.
    const process_ = fork(fileURLToPath(import.meta.url), ['--child', name], { execArgv, stdio: ['ignore', 2, 2, 'ipc'] });
    let figures: readonly Figure[] | undefined;
    process_.on('message', (message) => {
      figures = message as readonly Figure[];
    });
    process_.on('error', reject);
    process_.on('exit', (code) => {
      if (figures !== undefined) resolve(figures);
      else reject(new Error(`bench ${name} ended with code ${String(code)} and no figures`));
    });
  });
}

function missesLimit(figure: Figure): boolean {
  if (figure.limit === null) return false;
  return figure.better === 'lower' ? figure.value > figure.limit : figure.value < figure.limit;
}

function line(figure: Figure): string {
  const limit =
    figure.limit === null
      ? ''
      : `  (asked: ${figure.better === 'lower' ? '≤' : '≥'} ${number(figure.limit)}${missesLimit(figure) ? ', MISSED' : ''})`;
  const against =
    figure.against === null
      ? ''
      : `  against ${figure.against.name} ${number(figure.against.value)}: ×${number(figure.ratio ?? Number.NaN)}`;
  return `${figure.bench}  ${figure.figure}: ${number(figure.value)} ${figure.unit}${limit}${against}`;
}

function tableRow(figure: Figure): string {
  const asked =
    figure.limit === null
      ? ''
      : `${figure.better === 'lower' ? '≤' : '≥'} ${number(figure.limit)}${missesLimit(figure) ? ' **missed**' : ''}`;
  const against = figure.against === null ? '' : `${figure.against.name}: ${number(figure.against.value)}`;
  const ratio = figure.ratio === null ? '' : number(figure.ratio);
  return `| ${figure.bench} | ${figure.figure} | ${number(figure.value)} ${figure.unit} | ${asked} | ${against} | ${ratio} |`;
}

function number(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
