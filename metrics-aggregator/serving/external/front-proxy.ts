import type { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { RouteRequest } from '../../../core/runtime/http-server.ts';
import type { UserInfo } from '../../../core/runtime/request-auth.ts';

/** How the API server's aggregator says who asks: what ConfigMap kube-system/extension-apiserver-authentication tells of it. */
export interface FrontProxyConfig {
  /** PEM of the CA of the aggregator's client certificate. */
  readonly ca: string;
  /** Common names that the certificate may have; empty: any. */
  readonly allowedNames: readonly string[];
  /** Names of headers in lower case, the first that is there counts. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  /** Begin of the names of extra headers, in lower case. */
  readonly extraPrefixes: readonly string[];
}

/** A list in JSON, as the API server writes it. */
const list = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'not a JSON list' });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string().min(1)).nullable())
  .transform((names) => names ?? []);
const headers = list.transform((names) => names.map((name) => name.toLowerCase()));

const configData = z.object({
  'requestheader-client-ca-file': z.string().regex(/-----BEGIN CERTIFICATE-----/, 'not a certificate'),
  'requestheader-allowed-names': list.optional(),
  'requestheader-username-headers': headers.pipe(z.array(z.string()).min(1)),
  'requestheader-uid-headers': headers.optional(),
  'requestheader-group-headers': headers.optional(),
  'requestheader-extra-headers-prefix': headers.optional(),
});

export type FrontProxyResult = { readonly ok: true; readonly config: FrontProxyConfig } | { readonly ok: false; readonly problem: string };

/** Reads the `data` of the ConfigMap. */
export function readFrontProxyConfig(data: unknown): FrontProxyResult {
  const parsed = configData.safeParse(data ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, problem: `${issue?.path.join('.') ?? 'data'}: ${issue?.message ?? 'not valid'}` };
  }
  const { data: found } = parsed;
  return {
    ok: true,
    config: {
      ca: found['requestheader-client-ca-file'],
      allowedNames: found['requestheader-allowed-names'] ?? [],
      usernameHeaders: found['requestheader-username-headers'],
      uidHeaders: found['requestheader-uid-headers'] ?? [],
      groupHeaders: found['requestheader-group-headers'] ?? [],
      extraPrefixes: found['requestheader-extra-headers-prefix'] ?? [],
    },
  };
}

/**
 * Whom the front proxy asks for; `undefined` when the request is not the front proxy's, whatever its headers say. The request's client certificate must have
 * been verified against `config.ca`.
 */
export function identityOf(
  request: Pick<RouteRequest, 'headers' | 'headerValues' | 'clientCertificate'>,
  config: FrontProxyConfig,
): UserInfo | undefined {
  const { clientCertificate } = request;
  if (clientCertificate === undefined || !hasAllowedName(clientCertificate, config.allowedNames)) return undefined;
  const first = (names: readonly string[]): string | undefined =>
    names.map((name) => request.headerValues(name)[0]).find((value) => value !== undefined && value !== '');
  const username = first(config.usernameHeaders);
  if (username === undefined) return undefined;
  const uid = first(config.uidHeaders);
  return {
    username: utf8(username),
    uid: uid === undefined ? undefined : utf8(uid),
    groups: config.groupHeaders.flatMap((name) => request.headerValues(name).map(utf8)),
    extra: extraOf(request, config.extraPrefixes),
  };
}

function hasAllowedName(certificate: X509Certificate, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  // Several common names come as a list: which one counts is anybody's guess, so none does.
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  return typeof name === 'string' && allowed.includes(name);
}

function extraOf(
  { headers, headerValues }: Pick<RouteRequest, 'headers' | 'headerValues'>,
  prefixes: readonly string[],
): Readonly<Record<string, readonly string[]>> | undefined {
  const extra: Record<string, readonly string[]> = {};
  for (const name of Object.keys(headers)) {
    const found = prefixes.find((each) => name.startsWith(each));
    if (found === undefined || name.length === found.length) continue;
    extra[unescaped(name.slice(found.length))] = headerValues(name).map(utf8);
  }
  return Object.keys(extra).length === 0 ? undefined : extra;
}

/** Node reads header bytes as Latin-1; the API server writes UTF-8. */
function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** Keys of extra values are percent-encoded, as not every key may be a header name; what is not stays as it is. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
