import { fork } from 'node:child_process';

/** Runs a file again in a process that does nothing else, with these arguments; answers the number that it sends. */
export function measureInOwnProcess(
  file: string,
  args: readonly number[],
  execArgv: readonly string[] = process.execArgv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(file, args.map(String), { execArgv: [...execArgv], stdio: ['ignore', 2, 2, 'ipc'] });
    let measured: number | undefined;
    child.on('message', (message) => (measured = message as number));
    child.on('error', reject);
    child.on('exit', (code) =>
      measured === undefined ? reject(new Error(`the memory process ended with code ${String(code)}`)) : resolve(measured),
    );
  });
}
