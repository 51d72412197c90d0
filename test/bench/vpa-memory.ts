import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { engineBytes } from './vpa-measures.ts';

/** A process that holds a whole recommender's memory and nothing else; run with the number of containers. */
export function measureResident(count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [String(count)], {
      execArgv: [...process.execArgv],
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

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1] && process.argv[2] !== undefined) {
  process.send?.(engineBytes(Number(process.argv[2])), () => process.exit(0));
}
