import { access, constants } from 'node:fs/promises';
import { createHash, X509Certificate } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { ConcertinaError, isConcertinaError, messageOf } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { RequestHeaders } from './connection.ts';
import { errorCode, fileProblem, invalid, type LoadedKubeConfig } from './kubeconfig.ts';

/** TLS material for the connection pool. */
export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Everything that proves who we are, at one moment. */
export interface Credentials {
  readonly headers: RequestHeaders;
  readonly tls: TlsMaterial;
  /** Equal when the TLS material is: a pool is rebuilt only when it changes. */
  readonly tlsFingerprint: string;
}

/**
 * Asks client-node for headers and TLS material: it runs exec plugins, auth providers and reads token, certificate and CA files.
 * Throws `KUBECONFIG_INVALID` for what is missing or broken and `CREDENTIALS_EXPIRED` for a certificate past its date or a plugin that fails.
 */
export async function readCredentials(loaded: LoadedKubeConfig, kubeConfig: KubeConfig, clock: Clock): Promise<Credentials> {
  await checkFiles(loaded);
  const options: RequestOptions = {};
  try {
    await kubeConfig.applyToHTTPSOptions(options);
  } catch (thrown) {
    throw credentialFailure(loaded, thrown);
  }
  const tls = tlsOf(options);
  if (loaded.cluster.server.startsWith('https:')) checkTls(loaded, tls, clock);
  return { headers: headersOf(options, loaded), tls, tlsFingerprint: fingerprint(tls) };
}

async function checkFiles(loaded: LoadedKubeConfig): Promise<void> {
  const named: readonly (readonly [string, string | undefined])[] = [
    [`certificate-authority of cluster "${loaded.cluster.name}"`, loaded.cluster.caFile],
    [`client-certificate of user "${loaded.userName}"`, loaded.certFile],
    [`client-key of user "${loaded.userName}"`, loaded.keyFile],
    [`tokenFile of user "${loaded.userName}"`, loaded.tokenFile],
  ];
  for (const [what, file] of named) {
    if (file === undefined) continue;
    try {
      await access(file, constants.R_OK);
    } catch (cause) {
      throw invalid(`${file}, the ${what} in ${loaded.origin}, ${fileProblem(errorCode(cause))}`, { file, origin: loaded.origin }, cause);
    }
  }
}

function credentialFailure(loaded: LoadedKubeConfig, thrown: unknown): ConcertinaError {
  const command = loaded.execCommand;
  const who = `user "${loaded.userName}" of ${loaded.origin}`;
  if (command !== undefined && ['ENOENT', 'EACCES'].includes(errorCode(thrown))) {
    return invalid(
      `the exec plugin "${command}" of ${who} ${errorCode(thrown) === 'ENOENT' ? 'is not installed' : 'may not be run'}`,
      {},
      thrown,
    );
  }
  const what = command === undefined ? 'credentials' : `the exec plugin "${command}"`;
  const line = messageOf(thrown)
    .split('\n')
    .find((candidate) => candidate.trim() !== '');
  return new ConcertinaError('CREDENTIALS_EXPIRED', `${what} of ${who} failed: ${(line ?? 'no message').trim().slice(0, 200)}`, {
    cause: thrown,
  });
}

function tlsOf(options: RequestOptions): TlsMaterial {
  const tls: { -readonly [K in keyof TlsMaterial]: TlsMaterial[K] } = {};
  for (const field of ['ca', 'cert', 'key'] as const) {
    const value: unknown = options[field];
    if (typeof value === 'string' || Buffer.isBuffer(value)) tls[field] = value;
  }
  if (typeof options.servername === 'string' && options.servername !== '') tls.servername = options.servername;
  if (options.rejectUnauthorized === false) tls.rejectUnauthorized = false;
  return tls;
}

function checkTls(loaded: LoadedKubeConfig, tls: TlsMaterial, clock: Clock): void {
  const where = `cluster "${loaded.cluster.name}" and user "${loaded.userName}" in ${loaded.origin}`;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw invalid(
      `user "${loaded.userName}" in ${loaded.origin} has ${tls.cert === undefined ? 'a client key without' : 'a client certificate without its'} ${tls.cert === undefined ? 'a certificate' : 'key'}`,
    );
  }
  try {
    const { ca, cert, key } = tls;
    // A secure context takes a CA that it cannot read, and then trusts nobody.
    if (ca !== undefined) void new X509Certificate(ca).subject;
    createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  } catch (cause) {
    throw invalid(`the certificates of ${where} cannot be used: ${messageOf(cause)}`, {}, cause);
  }
  if (tls.cert === undefined) return;
  const certificate = new X509Certificate(tls.cert);
  if (Date.parse(certificate.validTo) > clock.now()) return;
  const source = loaded.certFile ?? `client-certificate-data in ${loaded.origin}`;
  throw new ConcertinaError(
    'CREDENTIALS_EXPIRED',
    `the client certificate of user "${loaded.userName}" (${source}) expired on ${new Date(certificate.validTo).toISOString()}`,
    { details: { user: loaded.userName, file: loaded.certFile, validTo: certificate.validTo } },
  );
}

function headersOf(options: RequestOptions, loaded: LoadedKubeConfig): RequestHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file ends in a newline as often as not; a header may not.
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.map(String) : String(value).trim();
  }
  if (typeof options.auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return { ...headers, ...loaded.impersonationHeaders };
}

function fingerprint(tls: TlsMaterial): string {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update(part ?? '').update('\0');
  }
  return hash.digest('hex');
}

/** How long headers are used before the files and plugins are asked again; client-go's interval for token files. */
const cacheMs = 60_000;

/** How long a plugin or token endpoint may take. */
const readTimeoutMs = 60_000;

/** Credentials that are read at most once a minute, and anew when the server refused them. */
export interface CredentialCache {
  current(): Promise<Credentials>;
  /** Reads anew with nothing cached, so that a plugin runs again. Calls at the same time share one reading. */
  refresh(): Promise<void>;
}

/**
 * When a routine reading fails (a file in the middle of being replaced), the last good credentials stay in use: the server decides
 * with a 401 whether they are still good, and then `refresh` says why new ones cannot be had.
 */
export function createCredentialCache(loaded: LoadedKubeConfig, clock: Clock): CredentialCache {
  let kubeConfig: KubeConfig | undefined;
  let last: { readonly credentials: Credentials; readonly readAt: number } | undefined;
  let reading: Promise<Credentials> | undefined;

  const read = async (): Promise<Credentials> => {
    kubeConfig ??= await loaded.create();
    const credentials = await withLimit(readCredentials(loaded, kubeConfig, clock), loaded, clock);
    last = { credentials, readAt: clock.monotonic() };
    return credentials;
  };
  const shared = (): Promise<Credentials> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    current: async () => {
      if (last !== undefined && clock.monotonic() - last.readAt < cacheMs) return last.credentials;
      try {
        return await shared();
      } catch (thrown) {
        if (last === undefined || isConcertinaError(thrown, 'CREDENTIALS_EXPIRED')) throw thrown;
        last = { credentials: last.credentials, readAt: clock.monotonic() };
        return last.credentials;
      }
    },
    refresh: async () => {
      if (reading === undefined) kubeConfig = undefined;
      await shared();
    },
  };
}

function withLimit(work: Promise<Credentials>, loaded: LoadedKubeConfig, clock: Clock): Promise<Credentials> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      const what = loaded.execCommand === undefined ? 'the credentials' : `the exec plugin "${loaded.execCommand}"`;
      reject(
        new ConcertinaError('CREDENTIALS_EXPIRED', `${what} of user "${loaded.userName}" did not answer within ${readTimeoutMs / 1000} s`),
      );
    }, readTimeoutMs);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
