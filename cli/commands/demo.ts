import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { ConcertinaError } from '../../core/errors.ts';
import { runDemo } from '../compose/demo.ts';
import { parseDurationMs } from '../../core/units/duration.ts';

export const demoCommand: CommandModule = {
  command: 'demo',
  describe:
    'Run everything on the embedded cluster: two Deployments under load and an Auto Scaling group, scaled and resized before your eyes',
  builder: (args) =>
    args
      .option('speed', { type: 'number', default: 60, description: 'How many times as fast as real time the cluster’s time runs' })
      .option('port', { type: 'number', default: 0, description: 'Port of the embedded API server; 0 takes a free one' })
      .option('for', {
        type: 'string',
        description: 'End by itself after so much of the cluster’s time, for example 30m (runs until Ctrl-C)',
      })
      .option('seed', { type: 'number', default: 1, description: 'Seed of everything random in the cluster' }),
  handler: async (args) => {
    const speed = args['speed'] as number;
    if (!(speed >= 1 && speed <= 600))
      throw new ConcertinaError('CONFIG_INVALID', `--speed must be a number from 1 to 600, got ${speed}; 60 shows a minute in a second`);
    const length = typeof args['for'] === 'string' ? parseDurationMs(args['for']) : undefined;
    const folder = await mkdtemp(path.join(tmpdir(), 'concertina-demo-'));
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    await runDemo({
      speed,
      seed: args['seed'] as number,
      port: args['port'] as number,
      lengthMs: length,
      signal: stop.signal,
      print: (line) => process.stdout.write(`${line}\n`),
      saveKubeconfig: async (text) => {
        const file = path.join(folder, 'kubeconfig');
        await writeFile(file, text, { mode: 0o600 });
        return file;
      },
    });
    process.exit(0);
  },
};
