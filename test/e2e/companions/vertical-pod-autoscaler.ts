import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { verticalPodAutoscalerModule, type VerticalPodAutoscalerProgram } from '../binaries/index.ts';
import { createHttpApi } from '../http-api.ts';
import { startProcess, type ManagedProcess } from '../process.ts';
import type { RealCluster } from '../real-cluster.ts';
import { onFreePorts, untilAnswered } from '../start.ts';
import { eventually } from '../until.ts';
import { ensure } from './access.ts';

const run = promisify(execFile);

/** One of the three programs of the upstream Vertical Pod Autoscaler, as a process on loopback. */
export interface VpaProcess {
  readonly name: VerticalPodAutoscalerProgram;
  /** The process of now; another one after `resume`. */
  readonly process: ManagedProcess;
  /** User name in the audit log. */
  readonly user: string;
  /** How many of its loops (recommender, updater) or requests (admission controller) have ended since it was started. */
  passes(): Promise<number>;
  /** Waits for so many more to begin and end after the call. A pass that runs at the time of the call doesn't count. */
  untilPasses(count: number, limitMs?: number): Promise<void>;
  /** Ends the process; what it has written stays. */
  halt(): Promise<void>;
  /** Starts it again: it knows what it finds in the cluster. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The CRDs VerticalPodAutoscaler and VerticalPodAutoscalerCheckpoint and the RBAC of the three programs, as they stand in the folder `deploy` of the module that the
 * programs are built from. May be called again.
 */
export async function installVerticalPodAutoscaler({ admin }: Pick<RealCluster, 'admin'>): Promise<void> {
  const deploy = join(await moduleDir(), 'deploy');
  const crds = await documents(join(deploy, 'vpa-v1-crd-gen.yaml'));
  for (const object of [...crds, ...(await documents(join(deploy, 'vpa-rbac.yaml')))]) await ensure(admin, collectionOf(object), object);
  for (const { metadata } of crds) {
    await eventually(`the CRD ${metadata.name} is established`, async () => {
      const { body } = await admin.get(`${paths.CustomResourceDefinition}/${metadata.name}`);
      const { conditions = [] } = (body as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {};
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
    });
    // For a moment after that it answers 429, "storage is (re)initializing".
    const [plural = '', ...group] = metadata.name.split('.');
    await eventually(`${metadata.name} is served`, async () => (await admin.get(`/apis/${group.join('.')}/v1/${plural}`)).status === 200);
  }
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const paths: Readonly<Record<string, string>> & { readonly CustomResourceDefinition: string } = {
  CustomResourceDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings',
  ServiceAccount: '/api/v1/namespaces/{namespace}/serviceaccounts',
};

function collectionOf({ kind, metadata }: Manifest): string {
  const path = paths[kind];
  if (path === undefined)
    throw new Error(`the module of the Vertical Pod Autoscaler deploys a ${kind} (${metadata.name}), for which there is no path here`);
  return path.replace('{namespace}', metadata.namespace ?? 'default');
}

async function documents(file: string): Promise<Manifest[]> {
  const text = await readFile(file, 'utf8');
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

/** In Go's module cache; downloaded when only the programs are there. */
async function moduleDir(): Promise<string> {
  const { dir, path } = verticalPodAutoscalerModule;
  const { stdout } = await run('go', ['mod', 'download', '-json', path], { cwd: dir });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

export interface VpaProcessOptions {
  readonly file: string;
  /** Name of its folder and log, where there are several of one program; default the program's. */
  readonly instance?: string;
  /** Of its loop, seconds; default 5. */
  readonly intervalSeconds?: number;
  /** After those of the harness, so that they win. */
  readonly flags?: readonly string[];
}

/** Starts the recommender: checkpoints as storage, usage from `metrics.k8s.io`, only pods that a VPA selects. */
export function startVpaRecommender(real: RealCluster, options: VpaProcessOptions): Promise<VpaProcess> {
  return launch(real, {
    name: 'vpa-recommender',
    file: options.file,
    instance: options.instance,
    flags: () => [
      '--storage=checkpoint',
      '--memory-saver=true',
      `--recommender-interval=${options.intervalSeconds ?? 5}s`,
      ...fast,
      ...(options.flags ?? []),
    ],
    counter: 'vpa_recommender_execution_latency_seconds_count{step="total"}',
  });
}

/** With its defaults the updater leaves a pod that is in the recommended range alone for twelve hours, and a workload of one replica for ever. */
export function startVpaUpdater(real: RealCluster, options: VpaProcessOptions): Promise<VpaProcess> {
  return launch(real, {
    name: 'vpa-updater',
    file: options.file,
    instance: options.instance,
    flags: () => [
      `--updater-interval=${options.intervalSeconds ?? 5}s`,
      '--min-replicas=1',
      '--in-recommendation-bounds-eviction-lifetime-threshold=1s',
      ...fast,
      ...(options.flags ?? []),
    ],
    counter: 'vpa_updater_execution_latency_seconds_count{step="total"}',
  });
}

const webhookPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config';

/**
 * Registers itself by URL, ten seconds after its start: answers when the registration is there. `stop` takes it away again, which the program itself does not. Needs a
 * cluster of the harness' own. (The program listens on all interfaces; it has no flag for that.)
 */
export async function startVpaAdmissionController(
  real: RealCluster,
  options: Omit<VpaProcessOptions, 'intervalSeconds'>,
): Promise<VpaProcess> {
  const { own, admin } = real;
  if (own === undefined)
    throw new Error('the admission controller needs a certificate of the cluster: it runs on a cluster of the harness only');
  const { authority } = own;
  const { certFile, keyFile } = await authority.issue({
    file: 'vpa-webhook',
    commonName: 'vpa-webhook',
    subjectAltNames: ['IP:127.0.0.1'],
  });
  const started = await launch(real, {
    name: 'vpa-admission-controller',
    file: options.file,
    instance: options.instance,
    ports: 1,
    flags: ([port]) => [
      `--client-ca-file=${authority.certFile}`,
      `--tls-cert-file=${certFile}`,
      `--tls-private-key=${keyFile}`,
      `--port=${port}`,
      '--register-by-url',
      '--webhook-address=https://127.0.0.1',
      `--webhook-port=${port}`,
      '--webhook-timeout-seconds=5',
      ...fast,
      ...(options.flags ?? []),
    ],
    counter: 'vpa_admission_controller_execution_latency_seconds_count{step="total"}',
  });
  const stop = async (): Promise<void> => {
    await started.stop();
    await admin.delete(webhookPath);
  };
  try {
    await eventually('vpa-webhook-config is registered', async () => (await admin.get(webhookPath)).status === 200);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...started,
    get process() {
      return started.process;
    },
    stop,
  };
}

/** client-go's default of 5 requests a second would spread one pass over several. */
const fast = ['--kube-api-qps=200', '--kube-api-burst=400', '-v=3'] as const;

interface Launch {
  readonly name: VerticalPodAutoscalerProgram;
  readonly file: string;
  readonly instance: string | undefined;
  /** Beside the one for health and metrics. */
  readonly ports?: number;
  readonly flags: (ports: readonly number[]) => readonly string[];
  /** The series in its own metrics that counts its passes. */
  readonly counter: string;
}

async function launch(real: RealCluster, options: Launch): Promise<VpaProcess> {
  const { name } = options;
  const instance = options.instance ?? name;
  await installVerticalPodAutoscaler(real);
  const kubeconfig = await real.serviceAccountKubeconfig('kube-system', name);
  const dir = join(real.dir, instance);
  await mkdir(dir, { recursive: true });
  const start = async ([address, ...ports]: readonly number[]): Promise<ManagedProcess> => {
    const child = startProcess({
      name: instance,
      file: options.file,
      args: [`--kubeconfig=${kubeconfig}`, `--address=127.0.0.1:${address}`, ...options.flags(ports)],
      logFile: join(dir, `${instance}.log`),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    const own = createHttpApi({ server: `http://127.0.0.1:${address}` });
    try {
      await untilAnswered(own, '/health-check', [child]);
    } catch (error) {
      await child.stop();
      throw error;
    } finally {
      own.close();
    }
    return child;
  };
  const { ports, first } = await onFreePorts(1 + (options.ports ?? 0), async (free) => ({ ports: free, first: await start(free) }));
  let current = first;
  const api = createHttpApi({ server: `http://127.0.0.1:${ports[0]}` });
  const passes = async (): Promise<number> => {
    const { text } = await api.get('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(options.counter));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  };
  return {
    name,
    user: `system:serviceaccount:kube-system:${name}`,
    get process() {
      return current;
    },
    passes,
    untilPasses: async (count, limitMs = 60_000) => {
      // The one that may be running now has begun before.
      const wanted = (await passes()) + count + 1;
      await eventually(`${count} passes of ${name}`, async () => ended(current) || (await passes()) >= wanted, limitMs);
      if (ended(current)) throw new Error(`${name} has ended (${current.ended ?? ''}); the end of its log:\n${current.tail()}`);
    },
    halt: async () => void (await current.stop()),
    resume: async () => {
      current = await start(ports);
    },
    stop: async () => {
      api.close();
      await current.stop();
    },
  };
}

function ended(child: ManagedProcess): boolean {
  return child.ended !== undefined;
}
