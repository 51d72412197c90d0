import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../../../core/errors.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { splitPem } from '../../../core/runtime/http-server-tls.ts';
import type { KeyedCertificate } from './certificate.ts';

/** Everything that the Secret holds. */
export interface CertificateState {
  /** Signed `leaf`. */
  readonly ca: KeyedCertificate;
  readonly leaf: KeyedCertificate;
  /** A CA that is being made known before it signs. */
  readonly next: KeyedCertificate | undefined;
  /** A CA whose leaf some copy may still serve; believed until then (epoch milliseconds). */
  readonly previous: { readonly cert: string; readonly until: number } | undefined;
}

/** What a Secret turned out to be. */
export type StateReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'own'; readonly state: CertificateState }
  /** Somebody else renews it: `ca` is what callers should believe, when it is there. */
  | { readonly kind: 'supplied'; readonly leaf: KeyedCertificate; readonly ca: string | undefined }
  /** One sentence, without anything of the content. `ca`: the CA certificate, when at least that can be read. */
  | { readonly kind: 'broken'; readonly problem: string; readonly supplied: boolean; readonly ca: string | undefined };

const keys = {
  leaf: 'tls.crt',
  leafKey: 'tls.key',
  ca: 'ca.crt',
  caKey: 'ca.key',
  next: 'next-ca.crt',
  nextKey: 'next-ca.key',
  previous: 'previous-ca.crt',
} as const;

const managedMark = 'concertina.dev/managed';
const previousUntil = 'concertina.dev/previous-ca-until';

/** Facts of a certificate that decisions need. */
export interface CertificateFacts {
  readonly notBefore: number;
  readonly notAfter: number;
}

export function factsOf(cert: string): CertificateFacts {
  const read = new X509Certificate(cert);
  return { notBefore: Date.parse(read.validFrom), notAfter: Date.parse(read.validTo) };
}

/** Reads a Secret; never throws, and never tells what stands in it. */
export function readSecret(secret: KubeObject | undefined): StateReading {
  if (secret === undefined) return { kind: 'absent' };
  const text = textsOf(secret);
  const { labels, annotations } = secret.metadata;
  const supplied = labels?.[managedMark] === 'false' || annotations?.[managedMark] === 'false';
  const ca = readableCertificate(text(keys.ca));
  try {
    const leaf = keyed(text(keys.leaf), text(keys.leafKey), 'the serving certificate (tls.crt, tls.key)');
    if (supplied) return { kind: 'supplied', leaf, ca: text(keys.ca) };
    const authority = keyed(text(keys.ca), text(keys.caKey), 'the CA (ca.crt, ca.key)');
    if (!isIssuedBy(leaf.cert, authority.cert)) throw new Error('the serving certificate (tls.crt) is not signed by the CA (ca.crt)');
    const next = text(keys.next) === undefined ? undefined : keyed(text(keys.next), text(keys.nextKey), 'the next CA (next-ca.crt)');
    return { kind: 'own', state: { ca: authority, leaf, next, previous: previousOf(text(keys.previous), annotations?.[previousUntil]) } };
  } catch (error) {
    return { kind: 'broken', problem: messageOf(error), supplied, ca };
  }
}

/** The serving certificate from PEM texts, as files hold them. */
export function readSupplied(cert: string, key: string, ca: string | undefined): StateReading {
  try {
    return { kind: 'supplied', leaf: keyed(cert, key, 'the serving certificate'), ca };
  } catch (error) {
    return { kind: 'broken', problem: messageOf(error), supplied: true, ca: undefined };
  }
}

/** A merge patch's `data` (`null` takes a key away) and annotations for that state. */
export function secretContent(state: CertificateState): {
  readonly data: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
} {
  const encode = (text: string | undefined): string | null => (text === undefined ? null : Buffer.from(text, 'utf8').toString('base64'));
  return {
    data: {
      [keys.leaf]: encode(state.leaf.cert),
      [keys.leafKey]: encode(state.leaf.key),
      [keys.ca]: encode(state.ca.cert),
      [keys.caKey]: encode(state.ca.key),
      [keys.next]: encode(state.next?.cert),
      [keys.nextKey]: encode(state.next?.key),
      [keys.previous]: encode(state.previous?.cert),
    },
    annotations: { [previousUntil]: state.previous === undefined ? null : new Date(state.previous.until).toISOString() },
  };
}

/** All that callers should believe, PEM. */
export function bundleOf(state: CertificateState): string {
  return [state.ca.cert, state.next?.cert, state.previous?.cert].filter((cert) => cert !== undefined).join('');
}

/** Whether a bundle holds that very certificate. */
export function bundleHolds(bundle: string, cert: string): boolean {
  const wanted = readableCertificate(cert);
  return wanted !== undefined && splitPem(bundle).some((each) => readableCertificate(each) === wanted);
}

/** Whether one of a bundle's certificates signed the leaf itself. */
export function bundleVerifies(bundle: string, leaf: string): boolean {
  return splitPem(bundle).some((each) => readableCertificate(each) !== undefined && isIssuedBy(leaf, each));
}

function isIssuedBy(leaf: string, ca: string): boolean {
  const certificate = new X509Certificate(leaf);
  const authority = new X509Certificate(ca);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** The names that a certificate is valid for: DNS names and addresses, as {@link X509Certificate} would match them. */
export function coversNames(cert: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert);
  return names.every((name) => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined);
}

/** Normalized PEM of a certificate that can be read. */
function readableCertificate(cert: string | undefined): string | undefined {
  if (cert === undefined) return undefined;
  try {
    return new X509Certificate(cert).toString();
  } catch {
    return undefined;
  }
}

function keyed(cert: string | undefined, key: string | undefined, what: string): KeyedCertificate {
  if (cert === undefined || key === undefined) throw new Error(`${what} is not complete`);
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    // What OpenSSL says may quote what it read.
    throw new Error(`${what} cannot be read as PEM`);
  }
  if (!fits) throw new Error(`the key of ${what} is not that of its certificate`);
  return { cert, key };
}

function previousOf(cert: string | undefined, until: string | undefined): CertificateState['previous'] {
  const at = Date.parse(until ?? '');
  return readableCertificate(cert) === undefined || cert === undefined || Number.isNaN(at) ? undefined : { cert, until: at };
}

function textsOf(secret: KubeObject): (key: string) => string | undefined {
  const data = secret['data'];
  return (key) => {
    const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[key] : undefined;
    return typeof value === 'string' && value !== '' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
  };
}
