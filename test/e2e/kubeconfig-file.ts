import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Connection, Identity } from './http-api.ts';

/** Credentials of a kubeconfig that the harness writes; certificates by path, so that programs which reload them are tested too. */
export interface KubeconfigFacts {
  readonly server: string;
  /** Absent for plain HTTP. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly token?: string;
  readonly impersonate?: Identity;
  readonly namespace?: string;
}

export async function writeKubeconfig(file: string, facts: KubeconfigFacts): Promise<string> {
  const user = {
    ...(facts.certFile === undefined ? {} : { 'client-certificate': facts.certFile }),
    ...(facts.keyFile === undefined ? {} : { 'client-key': facts.keyFile }),
    ...(facts.token === undefined ? {} : { token: facts.token }),
    ...(facts.impersonate === undefined ? {} : { as: facts.impersonate.user, 'as-groups': facts.impersonate.groups ?? [] }),
  };
  const context = { cluster: 'e2e', user: 'e2e', ...(facts.namespace === undefined ? {} : { namespace: facts.namespace }) };
  await writeFile(
    file,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'e2e',
          cluster: { server: facts.server, ...(facts.caFile === undefined ? {} : { 'certificate-authority': facts.caFile }) },
        },
      ],
      users: [{ name: 'e2e', user }],
      contexts: [{ name: 'e2e', context }],
      'current-context': 'e2e',
    }),
    { mode: 0o600 },
  );
  return file;
}

/** The same in a directory of its own, for a cluster without one. */
export async function temporaryKubeconfig(facts: KubeconfigFacts): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'concertina-kubeconfig-'));
  const file = await writeKubeconfig(join(dir, 'kubeconfig'), facts);
  return { file, remove: () => rm(dir, { recursive: true, force: true }) };
}

interface KubeconfigFile {
  readonly 'current-context': string;
  readonly contexts: readonly { readonly name: string; readonly context: { readonly cluster: string; readonly user: string } }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string | boolean>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[];
}

/** The connection of a kubeconfig's current context. Client certificates and tokens only: a harness can't log in for people. */
export async function readConnection(file: string): Promise<Connection> {
  const config = parse(await readFile(file, 'utf8')) as KubeconfigFile;
  const context = config.contexts.find((entry) => entry.name === config['current-context'])?.context;
  const cluster = config.clusters.find((entry) => entry.name === context?.cluster)?.cluster;
  const user = config.users.find((entry) => entry.name === context?.user)?.user;
  if (cluster === undefined || user === undefined)
    throw new Error(`${file}: the current context "${config['current-context']}" names no cluster or user in it`);
  if (user['exec'] !== undefined)
    throw new Error(`${file}: the harness can't run exec credentials; give a kubeconfig with a token or a client certificate`);
  const pem = async (record: Readonly<Record<string, unknown>>, field: string): Promise<string | undefined> => {
    const data = record[`${field}-data`];
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
    const path = record[field];
    return typeof path === 'string' ? readFile(resolve(dirname(file), path), 'utf8') : undefined;
  };
  return {
    server: String(cluster['server']).replace(/\/$/u, ''),
    ca: await pem(cluster, 'certificate-authority'),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    cert: await pem(user, 'client-certificate'),
    key: await pem(user, 'client-key'),
    token: typeof user['token'] === 'string' ? user['token'] : undefined,
  };
}
