import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findControlPlane, type ControlPlaneBinaries, type Program } from './binaries.ts';
import { createHttpApi, type HttpApi } from './http-api.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import type { ControlPlanePki } from './pki.ts';
import { freePorts } from './ports.ts';
import { startProcess, type ManagedProcess } from './process.ts';

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

/** Thrown when a port was taken between being found free and being bound: the start is tried again with other ports. */
class PortTaken extends Error {}

const startTries = 3;
/** The limit of each wait; a start takes about 3 s on an idle machine. */
const readyLimitMs = 120_000;

/** The programs with a fresh or an old data directory in `dir`, everything on loopback; answers when Pods can be created. */
export async function startControlPlane(dir: string, pki: ControlPlanePki, flags: ControlPlaneFlags): Promise<ControlPlane> {
  const binaries = await findControlPlane();
  for (let attempt = 1; ; attempt++) {
    const [etcd, etcdPeer, apiserver, controllerManager, scheduler] = await freePorts(5);
    const ports = { etcd: etcd!, etcdPeer: etcdPeer!, apiserver: apiserver!, controllerManager: controllerManager!, scheduler: scheduler! };
    try {
      return await startOn(ports, { binaries, dir, pki, flags });
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === startTries) throw error;
    }
  }
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
    await ready(admin, '/readyz', [etcd, apiserver]);
    const controllerManager = start('kube-controller-manager', await controllerManagerFlags(ports, server, context));
    const scheduler = start('kube-scheduler', await schedulerFlags(ports, server, context));
    const health = (port: number): HttpApi => createHttpApi({ server: `https://127.0.0.1:${port}`, insecure: true });
    await Promise.all([
      ready(health(ports.controllerManager), '/healthz', [controllerManager], true),
      ready(health(ports.scheduler), '/readyz', [scheduler], true),
      // Before these exist every Pod in the namespace is refused.
      ready(admin, '/api/v1/namespaces/default/serviceaccounts/default', started),
      ready(admin, '/api/v1/namespaces/default/configmaps/kube-root-ca.crt', started),
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

/** Polls until 200; fails at once, with the end of its log, when a program that it depends on has ended. */
async function ready(api: HttpApi, path: string, needs: readonly ManagedProcess[], closeAfter = false): Promise<void> {
  const deadline = performance.now() + readyLimitMs;
  try {
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
        throw new Error(
          `The test cluster did not answer ${path} with 200 within ${readyLimitMs / 1000} s (last status ${status}). Logs:\n${logs}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    if (closeAfter) api.close();
  }
}

function startFailure(child: ManagedProcess): Error {
  const log = child.tail();
  const message = `${child.name} ended while the test cluster started (${child.ended}). The end of ${child.logFile}:\n${log}`;
  return /address already in use/u.test(child.tail(50)) ? new PortTaken(message) : new Error(message);
}
