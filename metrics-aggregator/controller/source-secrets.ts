import { messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/api.ts';
import { isNotFound } from '../../core/kube/status-error.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { MetricSourceSpec } from '../metric-source-schema.ts';
import type { HttpCredentials, HttpTls } from '../sources/http/index.ts';

/** What a MetricSource needs of Secrets, read. */
export interface SourceSecrets {
  readonly credentials: HttpCredentials;
  readonly tls: HttpTls;
}

export type SecretsResult = { readonly ok: true; readonly secrets: SourceSecrets } | { readonly ok: false; readonly problem: string };

export interface SecretReader {
  /** Decoded text of one key. Throws `SecretProblem`. */
  read(name: string, key: string): Promise<string>;
}

/** One sentence that names Secret and key, and never a value. */
class SecretProblem extends Error {}

/** Reads Secrets of one namespace, Concertina's own: a MetricSource cannot name another one. */
export function createSecretReader(client: KubeClient, namespace: string): SecretReader {
  return {
    read: async (name, key) => {
      let secret: KubeObject;
      try {
        secret = await client.get(resourceTypes.secrets, { namespace, name });
      } catch (error) {
        if (isNotFound(error)) throw new SecretProblem(`there is no Secret ${namespace}/${name}; create it with the key ${key}`);
        throw new SecretProblem(`Secret ${namespace}/${name} cannot be read: ${messageOf(error)}`);
      }
      const encoded = (secret as { data?: Readonly<Record<string, unknown>> }).data?.[key];
      if (typeof encoded !== 'string') throw new SecretProblem(`Secret ${namespace}/${name} has no key ${key}; add it`);
      return Buffer.from(encoded, 'base64')
        .toString('utf8')
        .replace(/\r?\n$/, '');
    },
  };
}

/** Reads all that the spec refers to; the first thing that is missing is the problem. */
export async function resolveSecrets(spec: MetricSourceSpec, reader: SecretReader): Promise<SecretsResult> {
  try {
    return { ok: true, secrets: { credentials: await credentialsOf(spec, reader), tls: await tlsOf(spec, reader) } };
  } catch (error) {
    if (error instanceof SecretProblem) return { ok: false, problem: error.message };
    throw error;
  }
}

async function credentialsOf({ auth }: MetricSourceSpec, reader: SecretReader): Promise<HttpCredentials> {
  const headers: Record<string, string> = {};
  for (const { name, value, secretRef } of auth?.headers ?? []) headers[name] = value ?? (await keyOf(reader, secretRef)) ?? '';
  const username = await keyOf(reader, auth?.basic?.username);
  const password = await keyOf(reader, auth?.basic?.password);
  return {
    bearer: await keyOf(reader, auth?.bearer?.secretRef),
    basic: username === undefined || password === undefined ? undefined : { username, password },
    headers,
  };
}

async function tlsOf({ auth, tls }: MetricSourceSpec, reader: SecretReader): Promise<HttpTls> {
  const certificate = auth?.clientCertificate?.secretName;
  return {
    ca: await keyOf(reader, tls?.ca),
    cert: certificate === undefined ? undefined : await reader.read(certificate, 'tls.crt'),
    key: certificate === undefined ? undefined : await reader.read(certificate, 'tls.key'),
    serverName: tls?.serverName,
    insecureSkipVerify: tls?.insecureSkipVerify,
  };
}

async function keyOf(
  reader: SecretReader,
  reference: { readonly name: string; readonly key: string } | undefined,
): Promise<string | undefined> {
  return reference === undefined ? undefined : reader.read(reference.name, reference.key);
}
