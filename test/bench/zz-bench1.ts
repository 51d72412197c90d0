import { fork } from 'node:child_process';
const c = fork('/work/main/test/bench/reflector-server.ts', { stdio: ['ignore', 2, 2, 'ipc'] });
const { port } = await new Promise<any>((r) => c.once('message', r));
const { meanPodBytes } = await import('/work/main/test/bench/reflector-pods.ts');
console.log('mean', meanPodBytes);
for (const way of process.argv.slice(2)) {
  const k = fork('/work/main/test/bench/reflector-client.ts', [way, `http://127.0.0.1:${port}`], {
    stdio: ['ignore', 1, 2, 'ipc'],
    execArgv: [...process.execArgv, ...(process.env.PROF ? ['--cpu-prof', '--cpu-prof-dir=/tmp/prof'] : [])],
  });
  console.log(way, JSON.stringify(await new Promise<any>((r) => k.once('message', r))));
}
c.kill();
