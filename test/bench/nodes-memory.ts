import { fileURLToPath } from 'node:url';
import { runController } from './nodes-controller.ts';
import { busyCluster } from './nodes-loop-workload.ts';
import { measureInOwnProcess } from './own-process.ts';

const file = fileURLToPath(import.meta.url);

/** Peak of the resident memory, in bytes, of a process that holds a cluster's records and runs the node controller on them, and nothing else. */
export function measureResident(nodes: number, podsPerNode: number): Promise<number> {
  const execArgv = process.execArgv.filter((option) => option !== '--expose-gc');
  return measureInOwnProcess(file, [nodes, podsPerNode], execArgv);
}

const [, script, nodes, podsPerNode] = process.argv;
if (script === file && nodes !== undefined) {
  await runController(busyCluster({ nodes: Number(nodes), podsPerNode: Number(podsPerNode), pendingShare: 0.01 }), 5);
  process.send?.(process.resourceUsage().maxRSS * 1024, () => process.exit(0));
}
