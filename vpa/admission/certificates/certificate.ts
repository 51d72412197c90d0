import { createHash, createPrivateKey, createPublicKey, generateKeyPair, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  namedBits,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  setOf,
  time,
  unsignedInteger,
  utf8String,
} from './der.ts';

/** `size` bytes that nobody can guess; `randomBytes` of node:crypto. */
export type RandomBytes = (size: number) => Uint8Array;

/** A certificate with its key, PEM. */
export interface KeyedCertificate {
  readonly cert: string;
  /** PKCS #8. Never logged, never part of a message. */
  readonly key: string;
}

export interface CertificateRequest {
  /** At most 64 characters: a longer common name is refused by many readers. */
  readonly commonName: string;
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly randomBytes: RandomBytes;
}

export interface LeafRequest extends CertificateRequest {
  /** DNS names and IP addresses (subjectAltName); the first is what people see. */
  readonly names: readonly string[];
  readonly issuer: KeyedCertificate;
}

const oids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** Bits of KeyUsage (RFC 5280 4.2.1.3). */
const usage = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;

const makeKeyPair = promisify(generateKeyPair);

/** A self-signed CA, EC P-256, that may sign leaves only. */
export async function createAuthority(request: CertificateRequest): Promise<KeyedCertificate> {
  const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const name = nameOf(request.commonName);
  const keyId = keyIdentifier(publicKey);
  const cert = certificate({
    request,
    publicKey,
    subject: name,
    issuer: { name, key: privateKey },
    extensions: [
      extension(oids.basicConstraints, sequence(booleanTrue(), unsignedInteger(Buffer.from([0]))), true),
      extension(oids.keyUsage, namedBits([usage.keyCertSign, usage.cRLSign]), true),
      extension(oids.subjectKeyIdentifier, octetString(keyId)),
      extension(oids.authorityKeyIdentifier, sequence(implicit(0, keyId))),
    ],
  });
  return { cert, key: pkcs8(privateKey) };
}

/** A server's certificate under that CA, EC P-256. Throws when the issuer cannot be read. */
export async function createLeaf(request: LeafRequest): Promise<KeyedCertificate> {
  const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const issuerKey = createPrivateKey(request.issuer.key);
  const cert = certificate({
    request,
    publicKey,
    subject: nameOf(request.commonName),
    // The issuer's name has to be the very bytes of its subject: both are written by this file, from the common name that stands there.
    issuer: { name: nameOf(commonNameOf(new X509Certificate(request.issuer.cert))), key: issuerKey },
    extensions: [
      extension(oids.basicConstraints, sequence(), true),
      extension(oids.keyUsage, namedBits([usage.digitalSignature]), true),
      extension(oids.extendedKeyUsage, sequence(objectIdentifier(oids.serverAuth))),
      extension(oids.subjectAltName, sequence(...request.names.map(generalName))),
      extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
      extension(oids.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(createPublicKey(issuerKey))))),
    ],
  });
  return { cert, key: pkcs8(privateKey) };
}

interface CertificateParts {
  readonly request: CertificateRequest;
  readonly publicKey: KeyObject;
  readonly subject: Buffer;
  readonly issuer: { readonly name: Buffer; readonly key: KeyObject };
  readonly extensions: readonly Buffer[];
}

function certificate({ request, publicKey, subject, issuer, extensions }: CertificateParts): string {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  const body = sequence(
    explicit(0, unsignedInteger(Buffer.from([2]))),
    unsignedInteger(serialNumber(request.randomBytes)),
    algorithm,
    issuer.name,
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.key);
  return pem('CERTIFICATE', sequence(body, algorithm, bitString(signature)));
}

/** 16 bytes, positive and never 0: RFC 5280 4.1.2.2 asks for at most 20. */
function serialNumber(randomBytes: RandomBytes): Buffer {
  const bytes = Buffer.from(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

const organization = 'concertina.dev';

function nameOf(commonName: string): Buffer {
  return sequence(
    setOf(sequence(objectIdentifier(oids.organization), utf8String(organization))),
    setOf(sequence(objectIdentifier(oids.commonName), utf8String(commonName))),
  );
}

/** Of a certificate that this file made: `O=…\nCN=…`. */
function commonNameOf(certificate: X509Certificate): string {
  const [first, second, ...rest] = certificate.subject.split('\n');
  if (first !== `O=${organization}` || second?.startsWith('CN=') !== true || rest.length > 0) {
    throw new Error('the CA was not made by this program: its subject is not of the form O=concertina.dev, CN=…');
  }
  return second.slice(3);
}

/** RFC 5280 4.2.1.2, method 1: SHA-1 of the bits of the public key; a name, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  // The point of a P-256 key stands at the end of its SubjectPublicKeyInfo: 0x04 and two coordinates.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha1').update(point).digest();
}

function extension(oid: string, value: Buffer, critical = false): Buffer {
  return critical
    ? sequence(objectIdentifier(oid), booleanTrue(), octetString(value))
    : sequence(objectIdentifier(oid), octetString(value));
}

function generalName(name: string): Buffer {
  return isIP(name) === 0 ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, addressBytes(name));
}

/** An IP address as 4 or 16 bytes. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = withoutDottedEnd(address).split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Buffer.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}

/** `::ffff:10.0.0.1` with its end as two groups. */
function withoutDottedEnd(address: string): string {
  const colon = address.lastIndexOf(':');
  const end = address.slice(colon + 1);
  if (isIP(end) !== 4) return address;
  const bytes = addressBytes(end);
  return `${address.slice(0, colon + 1)}${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
