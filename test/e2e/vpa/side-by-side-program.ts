import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { startProcess, type ProcessController } from '../../journeys/process-controller.ts';
import { createHttpApi } from '../http-api.ts';
import { deploy, install } from '../installed-cluster.ts';
import type { RealCluster } from '../real-cluster.ts';
import type { Teardown } from '../teardown.ts';
import { eventually } from '../until.ts';

/** Our program as a process beside the upstream recommender. */
export interface ProgramSide {
  /** User name in the audit log. */
  readonly user: string;
  /** What it has logged since it was started. */
  log(): string;
  /** Waits for so many passes more to begin and end after the call. */
  untilPasses(count: number, limitMs?: number): Promise<void>;
  /** Ends the process as a rollout does; what it has written stays. */
  halt(): Promise<void>;
  resume(flags: readonly string[]): Promise<void>;
}

export interface ProgramOptions {
  /** The bundle. */
  readonly program: string;
  readonly flags: readonly string[];
}

/** Starts it with the rights that the component adopt-vpa gives its ServiceAccount. */
export async function startProgram(real: RealCluster, { program, flags }: ProgramOptions, teardown: Teardown): Promise<ProgramSide> {
  const folder = join(real.dir, 'adopting');
  await mkdir(folder);
  const from = (path: string): string => relative(folder, join(deploy, 'kustomize', path));
  const kustomization = { resources: [from('base')], components: [from('components/adopt-vpa')] };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
  const kubeconfig = await install(real, teardown, relative(deploy, folder));
  const start = (own: readonly string[]): Promise<ProcessController> =>
    startProcess({ program, identity: 'side-by-side', kubeconfig, flags: own });
  let current = await start(flags);
  teardown.add(() => current.stop());
  return {
    user: 'system:serviceaccount:concertina-system:concertina',
    log: () => current.log(),
    untilPasses: async (count, limitMs = 60_000) => {
      // The one that may be running now has begun before.
      const wanted = (await passesOf(current)) + count + 1;
      await eventually(`${count} passes of concertina`, async () => (await passesOf(current)) >= wanted, limitMs);
    },
    halt: () => current.stop(),
    resume: async (own) => {
      current = await start(own);
    },
  };
}

const counter = 'vpa_recommender_execution_latency_seconds_count{step="total"}';

async function passesOf(controller: ProcessController): Promise<number> {
  const port = /"port":(\d+),"msg":"serving health and metrics"/u.exec(controller.log())?.[1];
  if (port === undefined) throw new Error(`concertina does not say where it serves metrics:\n${controller.log().slice(-2000)}`);
  const api = createHttpApi({ server: `http://127.0.0.1:${port}` });
  try {
    const { text } = await api.get('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(counter));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  } finally {
    api.close();
  }
}
