import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runController } from './nodes-controller.ts';
import { busyCluster } from './nodes-loop-workload.ts';

/** Peak of the resident memory, in bytes, of a process that holds a cluster's records and runs the node controller on them, and nothing else. */
export function measureResident(nodes: number, podsPerNode: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [String(nodes), String(podsPerNode)], {
      execArgv: process.execArgv.filter((option) => option !== '--expose-gc'),
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    let bytes: number | undefined;
    child.on('message', (message) => (bytes = message as number));
    child.on('error', reject);
    child.on('exit', (code) =>
      bytes === undefined ? reject(new Error(`the memory process ended with code ${String(code)}`)) : resolve(bytes),
    );
  });
}

const [, script, nodes, podsPerNode] = process.argv;
if (script !== undefined && fileURLToPath(import.meta.url) === script && nodes !== undefined) {
  await runController(busyCluster({ nodes: Number(nodes), podsPerNode: Number(podsPerNode), pendingShare: 0.01 }), 5);
  process.send?.(process.resourceUsage().maxRSS * 1024, () => process.exit(0));
}
