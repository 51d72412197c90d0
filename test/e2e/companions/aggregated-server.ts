import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttpApi } from '../http-api.ts';
import { registerAggregatedApi, type AggregatedApi } from '../metrics-api-server.ts';
import { startProcess, type ManagedProcess } from '../process.ts';
import type { RealCluster } from '../real-cluster.ts';
import { onFreePorts, untilAnswered } from '../start.ts';
import { grantAggregatedServer, type PolicyRule } from './access.ts';

/** A real aggregated API server as a process on loopback, registered on a real cluster. */
export interface AggregatedServer {
  readonly port: number;
  /** The process of now; another one after `resume`. */
  readonly process: ManagedProcess;
  /** Its own `/readyz` says yes (the API itself is available before). */
  untilReady(): Promise<void>;
  /** Starts it again on its port, after it has ended; the registration has stayed. */
  resume(): Promise<void>;
  /** Takes the registration away and ends the process. */
  stop(): Promise<void>;
}

export interface AggregatedServerOptions {
  /** Also the name of its user, of its folder and of its log. */
  readonly name: string;
  readonly file: string;
  /** Beside those of every aggregated server. */
  readonly flags: readonly string[];
  readonly rules: readonly PolicyRule[];
  readonly apis: readonly Omit<AggregatedApi, 'port'>[];
  /** The kubeconfig for what is not authentication: `--kubeconfig` unless said otherwise. */
  readonly kubeconfigFlag?: string;
  /** Answers 200 as soon as the server listens. */
  readonly listensPath: string;
}

export async function startAggregatedServer(real: RealCluster, options: AggregatedServerOptions): Promise<AggregatedServer> {
  const { name } = options;
  await grantAggregatedServer(real.admin, name, options.rules);
  const kubeconfig = await real.kubeconfig({ user: name });
  const dir = join(real.dir, name);
  await mkdir(join(dir, 'certs'), { recursive: true });
  const launch = async (port: number): Promise<ManagedProcess> => {
    const child = startProcess({
      name,
      file: options.file,
      args: [
        `${options.kubeconfigFlag ?? '--kubeconfig'}=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${join(dir, 'certs')}`,
        ...options.flags,
      ],
      logFile: join(dir, `${name}.log`),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    try {
      await answered(port, options.listensPath, child);
    } catch (error) {
      await child.stop();
      throw error;
    }
    return child;
  };
  const { port, first } = await onFreePorts(1, async ([free]) => ({ port: free!, first: await launch(free!) }));
  let current = first;
  const registrations: { unregister(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const registration of registrations.splice(0).toReversed()) await registration.unregister();
    await current.stop();
  };
  try {
    for (const api of options.apis) registrations.push(await registerAggregatedApi(real.admin, { ...api, port }));
  } catch (error) {
    const log = current.tail();
    await stop();
    throw new Error(`${name} could not be registered; the end of its log:\n${log}`, { cause: error });
  }
  return {
    port,
    get process() {
      return current;
    },
    // It logs each look in vain.
    untilReady: () => answered(port, '/readyz', current, 250),
    resume: async () => {
      current = await launch(port);
    },
    stop,
  };
}

async function answered(port: number, path: string, child: ManagedProcess, everyMs = 50): Promise<void> {
  const api = createHttpApi({ server: `https://127.0.0.1:${port}`, insecure: true });
  try {
    await untilAnswered(api, path, [child], everyMs);
  } finally {
    api.close();
  }
}
