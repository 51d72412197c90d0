import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findControlPlane, type ControlPlaneBinaries, type Program } from './binaries/index.ts';
import { createHttpApi } from './http-api.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import type { ControlPlanePki } from './pki.ts';
import { startProcess, type ManagedProcess } from './process.ts';
import { onFreePorts, untilAnswered } from './start.ts';

/** Flags beyond the fixed ones, given as `--name=value`; a later flag wins over an earlier one of the same name. */
export interface ControlPlaneFlags {
  /** The built-in HorizontalPodAutoscaler controller; default off, for it would fight ours. */
  readonly hpaController?: boolean;
  readonly kcmFlags?: readonly string[];
  readonly apiserverFlags?: readonly string[];
  readonly schedulerFlags?: readonly string[];
  /** Paths of the audit policy and log; no audit when absent. */
  readonly audit?: { readonly policyFile: string; readonly logFile: string } | undefined;
}

export interface ControlPlane {
  readonly server: string;
  readonly ports: Ports;
  readonly processes: Readonly<Record<Program, ManagedProcess>>;
  /** Ends scheduler, kcm, apiserver, etcd one after another: an API server whose etcd is gone first ignores SIGTERM. */
  stop(): Promise<void>;
  /** Compacts etcd at its newest revision: older ones can't be listed any more (410). */
  compact(): Promise<void>;
}

export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiserver: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

/** The programs with a fresh or an old data directory in `dir`, everything on loopback; answers when Pods can be created. */
export async function startControlPlane(dir: string, pki: ControlPlanePki, flags: ControlPlaneFlags): Promise<ControlPlane> {
  const binaries = await findControlPlane();
  return onFreePorts(5, ([etcd, etcdPeer, apiserver, controllerManager, scheduler]) => {
    const ports = { etcd: etcd!, etcdPeer: etcdPeer!, apiserver: apiserver!, controllerManager: controllerManager!, scheduler: scheduler! };
    return startOn(ports, { binaries, dir, pki, flags });
  });
}

interface StartContext {
  readonly binaries: ControlPlaneBinaries;
  readonly dir: string;
  readonly pki: ControlPlanePki;
  readonly flags: ControlPlaneFlags;
}

async function startOn(ports: Ports, context: StartContext): Promise<ControlPlane> {
  const { dir, pki } = context;
  const logs = join(dir, 'logs');
  await mkdir(logs, { recursive: true });
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const started: ManagedProcess[] = [];
  const start = (program: Program, args: readonly string[]): ManagedProcess => {
    const { file, args: leading } = context.binaries.command(program);
    // Two threads each: the tests share a small machine with the programs.
    const child = startProcess({
      name: program,
      file,
      args: [...leading, ...args],
      logFile: join(logs, `${program}.log`),
      cwd: dir,
      env: { GOMAXPROCS: '2' },
    });
    started.push(child);
    return child;
  };
  const admin = createHttpApi({ server, ca: pki.authority.cert, cert: pki.admin.cert, key: pki.admin.key });
  const stop = async (): Promise<void> => {
    admin.close();
    for (const child of started.toReversed()) await child.stop();
  };
  try {
    const etcd = start('etcd', etcdFlags(ports, dir));
    const apiserver = start('kube-apiserver', apiserverFlags(ports, context));
    await untilAnswered(admin, '/readyz', [etcd, apiserver]);
    const controllerManager = start('kube-controller-manager', await controllerManagerFlags(ports, server, context));
    const scheduler = start('kube-scheduler', await schedulerFlags(ports, server, context));
    const healthy = async (port: number, path: string, child: ManagedProcess): Promise<void> => {
      const api = createHttpApi({ server: `https://127.0.0.1:${port}`, insecure: true });
      await untilAnswered(api, path, [child]).finally(() => api.close());
    };
    await Promise.all([
      healthy(ports.controllerManager, '/healthz', controllerManager),
      healthy(ports.scheduler, '/readyz', scheduler),
      // Before these exist every Pod in the namespace is refused.
      untilAnswered(admin, '/api/v1/namespaces/default/serviceaccounts/default', started),
      untilAnswered(admin, '/api/v1/namespaces/default/configmaps/kube-root-ca.crt', started),
    ]);
    const processes = { etcd, 'kube-apiserver': apiserver, 'kube-controller-manager': controllerManager, 'kube-scheduler': scheduler };
    return { server, ports, processes, stop, compact: () => compactEtcd(ports) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function compactEtcd(ports: Ports): Promise<void> {
  // The JSON gateway of etcd; 64-bit numbers are strings in it.
  const etcd = createHttpApi({ server: `http://127.0.0.1:${ports.etcd}` });
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await etcd.post(path, body);
    if (answer.status !== 200) throw new Error(`etcd ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  try {
    const range = (await post('/v3/kv/range', { key: Buffer.from('/').toString('base64') })) as { header: { revision: string } };
    await post('/v3/kv/compaction', { revision: range.header.revision, physical: true });
  } finally {
    etcd.close();
  }
}

function etcdFlags(ports: Ports, dir: string): string[] {
  const [client, peer] = [`http://127.0.0.1:${ports.etcd}`, `http://127.0.0.1:${ports.etcdPeer}`];
  return [
    `--data-dir=${join(dir, 'etcd')}`,
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // Data survive the process (also a SIGKILL), not the machine: enough for tests, and as fast as memory.
    '--unsafe-no-fsync',
  ];
}

function apiserverFlags(ports: Ports, { pki, flags }: StartContext): string[] {
  const audit = flags.audit;
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${ports.apiserver}`,
    `--tls-cert-file=${pki.apiserver.certFile}`,
    `--tls-private-key-file=${pki.apiserver.keyFile}`,
    `--client-ca-file=${pki.authority.certFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki.serviceAccounts.publicFile}`,
    `--service-account-signing-key-file=${pki.serviceAccounts.keyFile}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    // The front proxy is what aggregated APIs (metrics.k8s.io) need.
    `--requestheader-client-ca-file=${pki.frontProxy.certFile}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki.frontProxyClient.certFile}`,
    `--proxy-client-key-file=${pki.frontProxyClient.keyFile}`,
    // The loopback address may not be an endpoint of the service "kubernetes".
    '--endpoint-reconciler-type=none',
    '--profiling=false',
    ...(audit === undefined
      ? []
      : [`--audit-policy-file=${audit.policyFile}`, `--audit-log-path=${audit.logFile}`, '--audit-log-mode=blocking']),
    ...(flags.apiserverFlags ?? []),
  ];
}

// With kcm's default of 20 requests a second its own start-up is throttled: 8.2 s instead of 2.9 s until the first Pod.
const fullSpeed = ['--kube-api-qps=1000', '--kube-api-burst=2000'] as const;

async function componentFlags(name: string, server: string, { dir, pki }: StartContext): Promise<string[]> {
  const certificate = name === 'kcm' ? pki.controllerManager : pki.scheduler;
  const file = await writeKubeconfig(join(dir, `${name}.kubeconfig`), {
    server,
    caFile: pki.authority.certFile,
    certFile: certificate.certFile,
    keyFile: certificate.keyFile,
  });
  return [
    `--kubeconfig=${file}`,
    `--authentication-kubeconfig=${file}`,
    `--authorization-kubeconfig=${file}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    ...fullSpeed,
  ];
}

async function controllerManagerFlags(ports: Ports, server: string, context: StartContext): Promise<string[]> {
  const { pki, flags } = context;
  return [
    ...(await componentFlags('kcm', server, context)),
    `--secure-port=${ports.controllerManager}`,
    `--service-account-private-key-file=${pki.serviceAccounts.keyFile}`,
    `--root-ca-file=${pki.authority.certFile}`,
    // Each controller then has its own user name in the audit log.
    '--use-service-account-credentials=true',
    `--controllers=${flags.hpaController === true ? '*' : '*,-horizontal-pod-autoscaler-controller'}`,
    ...(flags.kcmFlags ?? []),
  ];
}

async function schedulerFlags(ports: Ports, server: string, context: StartContext): Promise<string[]> {
  return [
    ...(await componentFlags('scheduler', server, context)),
    `--secure-port=${ports.scheduler}`,
    ...(context.flags.schedulerFlags ?? []),
  ];
}
