import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeClient } from '../../core/kube/api.ts';
import { connectionFromKubeConfig, createKubeClient } from '../../core/kube/index.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom } from '../../core/runtime/random.ts';
import { openAuditLog, writeAuditPolicy, type AuditLog } from './audit.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneFlags } from './control-plane.ts';
import { createHttpApi, type Connection, type HttpApi, type Identity } from './http-api.ts';
import { readConnection, writeKubeconfig } from './kubeconfig-file.ts';
import { createAuthority, createControlPlanePki, type Authority } from './pki.ts';

/**
 * A real Kubernetes control plane (etcd, API server, controller manager, scheduler) of plain processes on loopback, without containers or
 * root: 3 s to start, about 630 MB. There are no kubelets and no pod network: pods are bound but run only where a simulated kubelet says so.
 * With `KUBECONFIG_E2E` the same tests run on the cluster that it names; then what only an own cluster can give (`own`) is absent.
 */
export interface RealCluster {
  readonly name: string;
  readonly server: string;
  /** Certificates and address of the cluster administrator. */
  readonly connection: Connection;
  readonly admin: HttpApi;
  readonly adminClient: KubeClient;
  readonly adminKubeconfig: string;
  /** Working directory: pki, kubeconfigs, logs, data; removed by `stop` unless `E2E_KEEP` is set. */
  readonly dir: string;
  /** Only for a cluster that the harness has started itself. */
  readonly own: OwnCluster | undefined;
  /**
   * A kubeconfig for a user of this name and groups: with a client certificate of its own (so that the audit log tells it apart), on
   * a foreign cluster by impersonation.
   */
  kubeconfig(identity: Identity): Promise<string>;
  /** The connection of the same user; with `token` that of the token's owner. */
  connectionFor(identity: Identity | { readonly token: string }): Promise<Connection>;
  /**
   * The suite's client as that user, over its own kubeconfig; `userAgent` shows in the audit log (default: the user's name). Closed by `stop`.
   */
  clientFor(identity: Identity | { readonly token: string }, userAgent?: string): Promise<KubeClient>;
  /** A kubeconfig with token and CA as a pod of this ServiceAccount would have them (created when it is missing). */
  serviceAccountKubeconfig(namespace: string, name: string): Promise<string>;
  stop(): Promise<void>;
}

export interface OwnCluster {
  readonly audit: AuditLog | undefined;
  readonly controlPlane: ControlPlane;
  /** Serving certificates under this CA are trusted by whatever uses the admin kubeconfig's CA. */
  readonly authority: Authority;
  /** Milliseconds from the call to the first possible Pod, certificates included. */
  readonly startMs: number;
}

export interface RealClusterOptions extends Omit<ControlPlaneFlags, 'audit'> {
  /** Default true. */
  readonly audit?: boolean;
}

/** The cluster of `KUBECONFIG_E2E` if that is set, else one of its own. */
export async function startRealCluster(options: RealClusterOptions = {}): Promise<RealCluster> {
  const foreign = process.env['KUBECONFIG_E2E'];
  return foreign === undefined || foreign === '' ? startOwnCluster(options) : connectCluster(foreign);
}

/** For `describe.skipIf`: true when the tests run on a cluster that isn't ours. */
export function isForeignCluster(): boolean {
  return (process.env['KUBECONFIG_E2E'] ?? '') !== '';
}

async function startOwnCluster(options: RealClusterOptions): Promise<RealCluster> {
  const started = performance.now();
  const dir = await mkdtemp(join(tmpdir(), 'concertina-e2e-'));
  try {
    const pkiDir = join(dir, 'pki');
    await mkdir(pkiDir, { mode: 0o700 });
    const audit = options.audit === false ? undefined : { policyFile: join(dir, 'audit-policy.yaml'), logFile: join(dir, 'audit.log') };
    const [pki] = await Promise.all([createControlPlanePki(pkiDir), audit === undefined ? undefined : writeAuditPolicy(audit.policyFile)]);
    const controlPlane = await startControlPlane(dir, pki, { ...options, audit });
    const { server } = controlPlane;
    const ca = pki.authority.cert;
    const connection: Connection = { server, ca, cert: pki.admin.cert, key: pki.admin.key };
    const caFile = pki.authority.certFile;
    let issued = 0;
    const certificateOf = async (identity: Identity): ReturnType<Authority['issue']> =>
      pki.authority.issue({ file: `user-${++issued}`, commonName: identity.user, organizations: identity.groups ?? [] });
    const { parts, close } = await shared({
      name: 'real',
      dir,
      caFile,
      connection,
      kubeconfigFacts: async (identity) => {
        const { certFile, keyFile } = await certificateOf(identity);
        return { certFile, keyFile };
      },
      adminFacts: { certFile: pki.admin.certFile, keyFile: pki.admin.keyFile },
    });
    return {
      ...parts,
      own: {
        audit: audit === undefined ? undefined : openAuditLog(audit.logFile),
        controlPlane,
        authority: pki.authority,
        startMs: Math.round(performance.now() - started),
      },
      connectionFor: async (identity) => {
        if ('token' in identity) return { server, ca, token: identity.token };
        const { cert, key } = await certificateOf(identity);
        return { server, ca, cert, key };
      },
      stop: async () => {
        await close();
        await controlPlane.stop();
        await removeDir(dir);
      },
    };
  } catch (error) {
    await removeDir(dir);
    throw error;
  }
}

async function connectCluster(file: string): Promise<RealCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'concertina-e2e-'));
  const connection = await readConnection(file);
  const caFile = join(dir, 'ca.crt');
  await writeFile(caFile, connection.ca ?? '');
  const secrets: { certFile?: string; keyFile?: string; token?: string } = {};
  if (connection.cert !== undefined) await writeFile((secrets.certFile = join(dir, 'admin.crt')), connection.cert);
  if (connection.key !== undefined) await writeFile((secrets.keyFile = join(dir, 'admin.key')), connection.key, { mode: 0o600 });
  if (connection.token !== undefined) secrets.token = connection.token;
  const { parts, close } = await shared({
    name: 'foreign',
    dir,
    caFile,
    connection,
    kubeconfigFacts: async (identity) => ({ ...secrets, impersonate: identity }),
    adminFacts: secrets,
  });
  return {
    ...parts,
    own: undefined,
    connectionFor: async (identity) => {
      if ('token' in identity)
        return { server: connection.server, ca: connection.ca, insecure: connection.insecure, token: identity.token };
      throw new Error(`no certificate for user ${identity.user} on a foreign cluster: use kubeconfig() or admin.as(), which impersonate`);
    },
    stop: async () => {
      await close();
      await removeDir(dir);
    },
  };
}

type Secrets = Omit<Parameters<typeof writeKubeconfig>[1], 'server' | 'caFile'>;

interface SharedFacts {
  readonly name: string;
  readonly dir: string;
  readonly caFile: string;
  readonly connection: Connection;
  readonly adminFacts: Secrets;
  kubeconfigFacts(identity: Identity): Promise<Secrets>;
}

interface SharedParts {
  readonly parts: Omit<RealCluster, 'own' | 'connectionFor' | 'stop'>;
  readonly close: () => Promise<void>;
}

async function shared(facts: SharedFacts): Promise<SharedParts> {
  const { dir, caFile, connection } = facts;
  const { server } = connection;
  const admin = createHttpApi(connection);
  const clients: KubeClient[] = [];
  let files = 0;
  const write = (secrets: Secrets): Promise<string> => writeKubeconfig(join(dir, `${++files}.kubeconfig`), { server, caFile, ...secrets });
  const connect = async (file: string, userAgent: string): Promise<KubeClient> => {
    const client = createKubeClient({
      connection: await connectionFromKubeConfig({ file, environment: {}, clock: realClock }),
      clock: realClock,
      random: realRandom,
      userAgent,
    });
    clients.push(client);
    return client;
  };
  const adminKubeconfig = await writeKubeconfig(join(dir, 'admin.kubeconfig'), { server, caFile, ...facts.adminFacts });
  const parts: SharedParts['parts'] = {
    name: facts.name,
    dir,
    server,
    connection,
    admin,
    adminClient: await connect(adminKubeconfig, 'concertina-e2e'),
    adminKubeconfig,
    kubeconfig: async (identity) => write(await facts.kubeconfigFacts(identity)),
    clientFor: async (identity, userAgent) => {
      const byToken = 'token' in identity;
      const file = await write(byToken ? { token: identity.token } : await facts.kubeconfigFacts(identity));
      return connect(file, userAgent ?? (byToken ? 'concertina-e2e' : identity.user));
    },
    serviceAccountKubeconfig: async (namespace, name) => write({ token: await requestToken(admin, namespace, name), namespace }),
  };
  return {
    parts,
    close: async () => {
      admin.close();
      for (const client of clients) await client.close();
    },
  };
}

/** A token of the ServiceAccount by TokenRequest, good for an hour. */
async function requestToken(admin: HttpApi, namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const created = await admin.post(accounts, { metadata: { name } });
  if (created.status !== 201 && created.status !== 409)
    throw new Error(`ServiceAccount ${namespace}/${name} can't be created: ${created.text}`);
  const answer = await admin.post(`${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } });
  const token = (answer.body as { status?: { token?: string } }).status?.token;
  if (token === undefined) throw new Error(`no token for ServiceAccount ${namespace}/${name}: ${answer.status} ${answer.text}`);
  return token;
}

/** Removes a folder of a test; keeps it, and says so, with `E2E_KEEP`. */
export async function removeDir(dir: string): Promise<void> {
  if (process.env['E2E_KEEP'] === undefined) await rm(dir, { recursive: true, force: true });
  else console.error(`kept ${dir}`);
}

/** A CA and a serving certificate for 127.0.0.1 and localhost: what webhooks and aggregated APIs of tests listen with. */
export async function createServingCertificate(): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'concertina-tls-'));
  try {
    const authority = await createAuthority(dir, 'serving-ca');
    const { cert, key } = await authority.issue({
      file: 'serving',
      commonName: 'localhost',
      subjectAltNames: ['IP:127.0.0.1', 'DNS:localhost'],
    });
    return { ca: await readFile(authority.certFile, 'utf8'), cert, key };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
