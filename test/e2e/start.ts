import type { HttpApi } from './http-api.ts';
import { freePorts } from './ports.ts';
import type { ManagedProcess } from './process.ts';

/** Thrown when a port was taken between being found free and being bound: the start is tried again with other ports. */
class PortTaken extends Error {}

const startTries = 3;
/** The limit of each wait; the start of a cluster takes about 3 s on an idle machine. */
const readyLimitMs = 120_000;

/** Starts on so many free ports, again with others when one of them was taken meanwhile. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(count);
    try {
      return await start(ports);
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === startTries) throw error;
    }
  }
}

/** Polls until 200; fails at once, with the end of its log, when a program that it depends on has ended. */
export async function untilAnswered(api: HttpApi, path: string, needs: readonly ManagedProcess[], everyMs = 50): Promise<void> {
  const deadline = performance.now() + readyLimitMs;
  for (;;) {
    const status = await api.get(path, { timeoutMs: 5000 }).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    const dead = needs.find((child) => child.ended !== undefined);
    if (dead !== undefined) throw startFailure(dead);
    if (performance.now() > deadline) {
      const logs = needs.map((child) => `${child.name}:\n${child.tail(6)}`).join('\n');
      const names = needs.map((child) => child.name).join(', ');
      throw new Error(`${names} did not answer ${path} with 200 within ${readyLimitMs / 1000} s (last status ${status}). Logs:\n${logs}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function startFailure(child: ManagedProcess): Error {
  const log = child.tail();
  const message = `${child.name} ended while it started (${child.ended}). The end of ${child.logFile}:\n${log}`;
  return /address already in use/u.test(child.tail(50)) ? new PortTaken(message) : new Error(message);
}
