import { fileURLToPath } from 'node:url';
import { measureInOwnProcess } from './own-process.ts';
import { engineBytes } from './vpa-measures.ts';

const file = fileURLToPath(import.meta.url);

/** A process that holds a whole recommender's memory and nothing else; run with the number of containers. */
export function measureResident(count: number): Promise<number> {
  return measureInOwnProcess(file, [count]);
}

const [, script, count] = process.argv;
if (script === file && count !== undefined) process.send?.(engineBytes(Number(count)), () => process.exit(0));
