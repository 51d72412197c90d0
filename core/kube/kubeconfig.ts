import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { ConcertinaError, messageOf } from '../errors.ts';
import { normalServer } from './connection.ts';

/** Where to look for a kubeconfig. */
export interface KubeConfigSource {
  /** `--kubeconfig`: this file and nothing else. */
  readonly file?: string | undefined;
  /** `--context`; default: the file's `current-context`. */
  readonly context?: string | undefined;
  /**
   * Environment variables: `KUBECONFIG` (a list), `HOME`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
   * Given by the caller: only the command line reads the process environment.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of the mounted service account; default `/var/run/secrets/kubernetes.io/serviceaccount`. */
  readonly serviceAccountRoot?: string | undefined;
}

/** A cluster entry, with absolute paths. */
export interface ClusterEntry {
  readonly name: string;
  readonly server: string;
  readonly caFile: string | undefined;
  readonly proxyUrl: string | undefined;
}

/** What a context of a kubeconfig says, checked and made absolute. */
export interface LoadedKubeConfig {
  /** The file or files, or `in-cluster`; for messages. */
  readonly origin: string;
  readonly context: string;
  /** Namespace of the context; undefined when it names none. */
  readonly namespace: string | undefined;
  readonly cluster: ClusterEntry;
  readonly userName: string;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly tokenFile: string | undefined;
  /** Command of an exec plugin, for messages. */
  readonly execCommand: string | undefined;
  /** `as-groups`, `as-uid` and `as-user-extra`, which client-node does not send. */
  readonly impersonationHeaders: Readonly<Record<string, string | string[]>>;
  /** A new client-node KubeConfig of this context, with no cached credentials. */
  create(): Promise<KubeConfig>;
}

type Dict = Record<string, unknown>;

interface Entry {
  readonly name: string;
  readonly body: Dict;
}

interface Merged {
  readonly origin: string;
  readonly clusters: Map<string, Entry>;
  readonly users: Map<string, Entry>;
  readonly contexts: Map<string, Entry>;
  currentContext: string | undefined;
}

const defaultServiceAccountRoot = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds and reads the kubeconfig in kubectl's order: the explicit file; the files of `$KUBECONFIG`, merged, the first to define
 * something wins; `~/.kube/config`; the service account of the pod. Throws `KUBECONFIG_INVALID` with path and cause.
 */
export async function loadKubeConfig(source: KubeConfigSource): Promise<LoadedKubeConfig> {
  const merged = await findFiles(source);
  return merged === undefined ? inCluster(source) : resolve(merged, source.context);
}

async function findFiles(source: KubeConfigSource): Promise<Merged | undefined> {
  if (source.file !== undefined && source.file !== '') return mergeFiles([source.file], false);
  const listed = (source.environment['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  if (listed.length > 0) return mergeFiles(listed, listed.length > 1);
  const home = source.environment['HOME'];
  const standard = home === undefined || home === '' ? undefined : path.join(home, '.kube', 'config');
  if (standard === undefined) return undefined;
  try {
    return await mergeFiles([standard], false);
  } catch (thrown) {
    if (thrown instanceof ConcertinaError && thrown.details['reason'] === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function mergeFiles(files: readonly string[], tolerateMissing: boolean): Promise<Merged> {
  const merged: Merged = {
    origin: files.join(path.delimiter),
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    currentContext: undefined,
  };
  let found = 0;
  for (const file of files) {
    const absolute = path.resolve(file);
    const text = await readText(absolute, tolerateMissing);
    if (text === undefined) continue;
    found += 1;
    mergeOne(merged, absolute, parseYaml(absolute, text));
  }
  if (found === 0) throw invalid(`none of the files of $KUBECONFIG exists: ${files.join(', ')}`, { reason: 'ENOENT' });
  return merged;
}

async function readText(file: string, tolerateMissing: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' && tolerateMissing) return undefined;
    throw invalid(`${file} ${fileProblem(code)}`, { file, reason: code }, cause);
  }
}

function parseYaml(file: string, text: string): Dict {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw invalid(`${file} is not valid YAML: ${messageOf(cause).split('\n', 1)[0]?.replace(/:$/, '')}`, { file, reason: 'yaml' }, cause);
  }
  if (value === null || value === undefined) throw invalid(`${file} is empty`, { file, reason: 'empty' });
  if (!isDict(value)) throw invalid(`${file} is not a kubeconfig: its top level is no mapping`, { file, reason: 'shape' });
  return value;
}

function mergeOne(merged: Merged, file: string, config: Dict): void {
  const base = path.dirname(file);
  for (const [section, inner, target] of [
    ['clusters', 'cluster', merged.clusters],
    ['users', 'user', merged.users],
    ['contexts', 'context', merged.contexts],
  ] as const) {
    const list = config[section] ?? [];
    if (!Array.isArray(list)) throw invalid(`${file}: ${section} is not a list`, { file, reason: 'shape' });
    for (const [index, raw] of (list as unknown[]).entries()) {
      if (!isDict(raw) || typeof raw['name'] !== 'string')
        throw invalid(`${file}: ${section}[${index}] has no name`, { file, reason: 'shape' });
      const body = isDict(raw[inner]) ? raw[inner] : {};
      if (!target.has(raw['name'])) target.set(raw['name'], { name: raw['name'], body: withAbsolutePaths(body, base) });
    }
  }
  const current = config['current-context'];
  if (merged.currentContext === undefined && typeof current === 'string' && current !== '') merged.currentContext = current;
}

/** Paths in a kubeconfig are relative to the file that they stand in; so is an exec command that has a slash. */
function withAbsolutePaths(body: Dict, base: string): Dict {
  const absolute: Dict = { ...body };
  for (const field of ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']) {
    const value = absolute[field];
    if (typeof value === 'string' && value !== '') absolute[field] = path.resolve(base, value);
  }
  const exec = absolute['exec'];
  if (isDict(exec) && typeof exec['command'] === 'string' && exec['command'].includes('/')) {
    absolute['exec'] = { ...exec, command: path.resolve(base, exec['command']) };
  }
  return absolute;
}

function resolve(merged: Merged, wanted: string | undefined): LoadedKubeConfig {
  const { origin } = merged;
  const name = wanted ?? merged.currentContext ?? onlyKey(merged.contexts);
  if (name === undefined)
    throw invalid(`${origin} has no current-context: name one of ${known(merged.contexts)} with --context`, { reason: 'context' });
  const context = merged.contexts.get(name);
  if (context === undefined) throw invalid(`${origin} has no context "${name}", it has ${known(merged.contexts)}`, { reason: 'context' });
  const clusterName = text(context.body['cluster']);
  if (clusterName === undefined) throw invalid(`context "${name}" of ${origin} names no cluster`, { reason: 'cluster' });
  const cluster = merged.clusters.get(clusterName);
  if (cluster === undefined) {
    throw invalid(`context "${name}" of ${origin} names cluster "${clusterName}", but there is ${known(merged.clusters)}`, {
      reason: 'cluster',
    });
  }
  const userName = text(context.body['user']);
  const user = userName === undefined ? { name: 'anonymous', body: {} } : merged.users.get(userName);
  if (user === undefined) {
    throw invalid(`context "${name}" of ${origin} names user "${userName}", but there is ${known(merged.users)}`, { reason: 'user' });
  }
  return loaded({ origin, context: name, namespace: text(context.body['namespace']), cluster, user });
}

async function inCluster(source: KubeConfigSource): Promise<LoadedKubeConfig> {
  const root = source.serviceAccountRoot ?? defaultServiceAccountRoot;
  const host = source.environment['KUBERNETES_SERVICE_HOST'];
  const port = source.environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined || host === '') {
    throw invalid(
      'no kubeconfig was found: neither --kubeconfig nor $KUBECONFIG is set, ~/.kube/config does not exist, and this is no pod',
      {
        reason: 'none',
      },
    );
  }
  const namespace = await readFile(path.join(root, 'namespace'), 'utf8').catch(() => undefined);
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return loaded({
    origin: 'in-cluster',
    context: 'in-cluster',
    namespace: namespace?.trim(),
    cluster: { name: 'in-cluster', body: { server: `https://${address}:${port}`, 'certificate-authority': path.join(root, 'ca.crt') } },
    user: { name: 'service-account', body: { tokenFile: path.join(root, 'token') } },
  });
}

interface Resolved {
  readonly origin: string;
  readonly context: string;
  readonly namespace: string | undefined;
  readonly cluster: Entry;
  readonly user: Entry;
}

function loaded({ origin, context, namespace, cluster, user }: Resolved): LoadedKubeConfig {
  const address = text(cluster.body['server']);
  if (address === undefined) throw invalid(`cluster "${cluster.name}" of ${origin} has no server`, { reason: 'cluster' });
  const server = normalServer(address);
  const exec = isDict(user.body['exec']) ? user.body['exec'] : undefined;
  const tokenFile = text(user.body['tokenFile']);
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    // client-node refuses plain http unless verification is off; there is nothing to verify there.
    clusters: [
      { name: 'c', cluster: { ...cluster.body, server, ...(server.startsWith('http:') && { 'insecure-skip-tls-verify': true }) } },
    ],
    users: [{ name: user.name, user: clientNodeUser(user.body, tokenFile) }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: user.name } }],
    'current-context': 'x',
  };
  return {
    origin,
    context,
    namespace,
    cluster: { name: cluster.name, server, caFile: text(cluster.body['certificate-authority']), proxyUrl: text(cluster.body['proxy-url']) },
    userName: user.name,
    certFile: text(user.body['client-certificate']),
    keyFile: text(user.body['client-key']),
    tokenFile,
    execCommand: exec === undefined ? undefined : text(exec['command']),
    impersonationHeaders: impersonationHeaders(user.body),
    create: async () => {
      // Imported late: it costs some 450 ms and 80 MiB, which `--help` and the embedded cluster need not pay.
      const clientNode = await import('./client-node.ts');
      const kubeConfig = new clientNode.KubeConfig();
      kubeConfig.loadFromString(JSON.stringify(document));
      return kubeConfig;
    },
  };
}

/** client-node knows the field as `token-file` and reads it once; its file authenticator is what rotates. A file beats a fixed token. */
function clientNodeUser(body: Dict, tokenFile: string | undefined): Dict {
  if (tokenFile === undefined) return body;
  const { token: _token, tokenFile: _tokenFile, ...rest } = body;
  return { ...rest, 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
}

function impersonationHeaders(user: Dict): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const groups = user['as-groups'];
  if (Array.isArray(groups) && groups.length > 0) headers['Impersonate-Group'] = groups.map(String);
  const uid = text(user['as-uid']);
  if (uid !== undefined) headers['Impersonate-Uid'] = uid;
  const extra = user['as-user-extra'];
  if (isDict(extra)) {
    for (const [key, values] of Object.entries(extra)) {
      if (Array.isArray(values)) headers[`Impersonate-Extra-${encodeURIComponent(key)}`] = values.map(String);
    }
  }
  return headers;
}

/** What is wrong with a file, for the end of a sentence that begins with its path. */
export function fileProblem(code: string): string {
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  if (code === 'EISDIR') return 'is a directory';
  return `cannot be read (${code})`;
}

/** The `code` of a system error. */
export function errorCode(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'unknown';
}

/** `KUBECONFIG_INVALID`. */
export function invalid(message: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown): ConcertinaError {
  return new ConcertinaError('KUBECONFIG_INVALID', message, { details, cause });
}

function known(entries: ReadonlyMap<string, Entry>): string {
  const names = [...entries.keys()];
  if (names.length === 0) return 'none';
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ');
}

function onlyKey(entries: ReadonlyMap<string, Entry>): string | undefined {
  return entries.size === 1 ? entries.keys().next().value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
