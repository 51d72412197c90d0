import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchRun, Figure } from './figure.ts';
import type { ReflectorCost, ReflectorWay } from './reflector-client.ts';
import { meanPodBytes, podCount } from './reflector-pods.ts';

const workload = `${podCount} pods of ${(meanPodBytes / 1000).toFixed(1)} kB`;

/**
 * First sync of a mirror of 150 000 pods from a server in another process, by WatchList and by pages of 500, and client-node's typed list by
 * the same pages as the baseline. Every way runs alone in a fresh process.
 */
export const run: BenchRun = async () => {
  const server = await startServer();
  try {
    const url = `http://127.0.0.1:${server.port}`;
    const baseline = await measure('client-node', url);
    const stream = await measure('watch-list', url);
    const pages = await measure('pages', url);
    return [...figures('watch-list', stream, baseline), ...figures('pages', pages, baseline)];
  } finally {
    server.process.kill();
  }
};

interface Measured {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  /** The same of the baseline. */
  readonly of: number;
}

function figures(way: string, cost: ReflectorCost, baseline: ReflectorCost): Figure[] {
  const make = ({ figure, value, unit, limit, of }: Measured): Figure => ({
    bench: 'reflector',
    figure: `${figure}, ${way}, ${workload}`,
    value,
    unit,
    better: 'lower',
    limit,
    against: { name: 'client-node, pages of 500', value: of },
    ratio: of / value,
  });
  return [
    make({ figure: 'first sync', value: cost.seconds, unit: 's', limit: 5, of: baseline.seconds }),
    make({ figure: 'peak RSS', value: cost.peakRssMiB, unit: 'MiB', limit: 300, of: baseline.peakRssMiB }),
    make({ figure: 'longest event-loop block', value: cost.longestBlockMs, unit: 'ms', limit: 50, of: baseline.longestBlockMs }),
    {
      bench: 'reflector',
      figure: `first sync against client-node, ${way}, ${workload}`,
      value: baseline.seconds / cost.seconds,
      unit: 'times as fast',
      better: 'higher',
      limit: 3,
      against: null,
      ratio: null,
    },
  ];
}

async function startServer(): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  const child = fork(fileURLToPath(new URL('./reflector-server.ts', import.meta.url)), { stdio: ['ignore', 2, 2, 'ipc'] });
  const { port } = await firstMessage<{ port: number }>(child, 'server');
  return { port, process: child };
}

async function measure(way: ReflectorWay, url: string): Promise<ReflectorCost> {
  const child = fork(fileURLToPath(new URL('./reflector-client.ts', import.meta.url)), [way, url], { stdio: ['ignore', 2, 2, 'ipc'] });
  const cost = await firstMessage<ReflectorCost>(child, way);
  if (cost.pods !== podCount) throw new Error(`${way} got ${cost.pods} of ${podCount} pods`);
  return cost;
}

function firstMessage<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the ${name} process ended with code ${String(code)} before it answered`)));
  });
}
