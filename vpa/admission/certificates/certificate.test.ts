import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addressBytes, createAuthority, createLeaf } from './certificate.ts';
import { bitString, element, namedBits, objectIdentifier, sequence, time, unsignedInteger } from './der.ts';

const day = 86_400_000;
const notBefore = Date.parse('2026-11-28T12:00:00.700Z');
const authority = await createAuthority({ commonName: 'concertina-vpa CA 1', notBefore, notAfter: notBefore + 365 * day, randomBytes });
const leaf = await createLeaf({
  commonName: 'concertina-vpa.concertina.svc',
  notBefore,
  notAfter: notBefore + 30 * day,
  randomBytes,
  names: ['concertina-vpa.concertina.svc', 'localhost', '127.0.0.1', '::1'],
  issuer: authority,
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('DER', () => {
  it('writes lengths in the shortest form', () => {
    expect(hex(element(4, Buffer.alloc(3)))).toBe('0403000000');
    expect(hex(element(4, Buffer.alloc(127)).subarray(0, 2))).toBe('047f');
    expect(hex(element(4, Buffer.alloc(128)).subarray(0, 3))).toBe('048180');
    expect(hex(element(4, Buffer.alloc(65_536)).subarray(0, 5))).toBe('0483010000');
  });

  it('writes integers without needless zeros and never negative', () => {
    expect(hex(unsignedInteger(Buffer.from([])))).toBe('020100');
    expect(hex(unsignedInteger(Buffer.from([0, 0, 5])))).toBe('020105');
    expect(hex(unsignedInteger(Buffer.from([0x80])))).toBe('02020080');
  });

  it('writes object identifiers', () => {
    expect(hex(objectIdentifier('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
    expect(hex(objectIdentifier('2.5.29.15'))).toBe('0603551d0f');
    for (const bad of ['', '1', '1.x', '1.-2', '1.2.3.']) expect(() => objectIdentifier(bad)).toThrowError(RangeError);
  });

  it('cuts zero bits off named bits', () => {
    expect(hex(namedBits([0]))).toBe('03020780');
    expect(hex(namedBits([5, 6]))).toBe('03020106');
    expect(hex(namedBits([8]))).toBe('0303070080');
    expect(hex(bitString(Buffer.from([1])))).toBe('03020001');
  });

  it('writes times as RFC 5280 asks', () => {
    expect(time(Date.parse('2049-12-31T23:59:59.999Z')).toString('latin1')).toContain('491231235959Z');
    expect(time(Date.parse('2050-01-01T00:00:00Z'))).toEqual(Buffer.concat([Buffer.from([0x18, 15]), Buffer.from('20500101000000Z')]));
  });

  it('nests', () => expect(hex(sequence(sequence(), unsignedInteger(Buffer.from([1]))))).toBe('30053000020101'));
});

describe('addresses', () => {
  it('become bytes', () => {
    expect(hex(addressBytes('10.0.0.255'))).toBe('0a0000ff');
    expect(hex(addressBytes('::'))).toBe('00'.repeat(16));
    expect(hex(addressBytes('::1'))).toBe(`${'00'.repeat(15)}01`);
    expect(hex(addressBytes('2001:db8::1:0:2'))).toBe('20010db8000000000000000100000002');
    expect(hex(addressBytes('fe80:0:0:0:1:2:3:4'))).toBe('fe800000000000000001000200030004');
    expect(hex(addressBytes('::ffff:10.0.0.1'))).toBe('00000000000000000000ffff0a000001');
  });
});

describe('certificates', () => {
  it('are read by OpenSSL as they were asked for', () => {
    const ca = new X509Certificate(authority.cert);
    const server = new X509Certificate(leaf.cert);
    expect([ca.ca, server.ca]).toEqual([true, false]);
    expect(ca.subject).toBe('O=concertina.dev\nCN=concertina-vpa CA 1');
    expect(server.issuer).toBe(ca.subject);
    expect(server.subjectAltName).toBe(
      'DNS:concertina-vpa.concertina.svc, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Date.parse(server.validFrom)).toBe(Date.parse('2026-11-28T12:00:00Z'));
    expect(Date.parse(server.validTo)).toBe(Date.parse('2026-12-28T12:00:00Z'));
    expect(server.checkHost('concertina-vpa.concertina.svc')).toBeDefined();
    expect(server.checkHost('other.concertina.svc')).toBeUndefined();
    expect(server.checkIP('127.0.0.1')).toBeDefined();
    expect(server.checkIP('127.0.0.2')).toBeUndefined();
  });

  it('form a chain, and their keys are theirs', async () => {
    const ca = new X509Certificate(authority.cert);
    const server = new X509Certificate(leaf.cert);
    expect(ca.checkIssued(ca) && ca.verify(ca.publicKey)).toBe(true);
    expect(server.checkIssued(ca) && server.verify(ca.publicKey)).toBe(true);
    expect(server.checkPrivateKey(createPrivateKey(leaf.key))).toBe(true);
    expect(ca.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    const other = new X509Certificate(
      (await createAuthority({ commonName: 'concertina-vpa CA 1', notBefore, notAfter: notBefore + day, randomBytes })).cert,
    );
    // The same name, another key.
    expect(server.verify(other.publicKey)).toBe(false);
    expect(server.checkIssued(other)).toBe(false);
  });

  it('have serial numbers that are positive, whatever the bytes', async () => {
    for (const byte of [0x00, 0x7f, 0xff]) {
      const made = await createAuthority({
        commonName: 'x',
        notBefore,
        notAfter: notBefore + day,
        randomBytes: (n) => Buffer.alloc(n, byte),
      });
      const { serialNumber } = new X509Certificate(made.cert);
      expect(serialNumber).toHaveLength(32);
      expect(Number.parseInt(serialNumber.slice(0, 2), 16)).toBeLessThan(0x80);
    }
    expect(new X509Certificate(authority.cert).serialNumber).not.toBe(new X509Certificate(leaf.cert).serialNumber);
  });

  it('are not made under a CA of somebody else', async () => {
    const foreign = { cert: leaf.cert.replace(/MII/, 'AAA'), key: authority.key };
    await expect(
      createLeaf({ commonName: 'x', notBefore, notAfter: notBefore + day, randomBytes, names: ['x'], issuer: foreign }),
    ).rejects.toThrowError(/asn1|PEM|wrong tag|header/i);
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('openssl on PATH', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concertina-x509-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  writeFileSync(join(folder, 'leaf.pem'), leaf.cert);

  it('verifies the chain for a server, strictly', () => {
    const at = String(Math.floor(notBefore / 1000) + 60);
    expect(
      openssl(
        'verify',
        '-x509_strict',
        '-attime',
        at,
        '-purpose',
        'sslserver',
        '-verify_hostname',
        'localhost',
        '-CAfile',
        'ca.pem',
        'leaf.pem',
      ),
    ).toBe('leaf.pem: OK\n');
    expect(() => openssl('verify', '-attime', at, '-purpose', 'sslclient', '-CAfile', 'ca.pem', 'leaf.pem')).toThrowError(/purpose/);
  });

  it('shows the extensions', () => {
    const text = openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
    for (const part of [
      /X509v3 Basic Constraints: critical\s+CA:FALSE/,
      /X509v3 Key Usage: critical\s+Digital Signature\n/,
      /TLS Web Server Authentication/,
      /X509v3 Subject Key Identifier/,
      /X509v3 Authority Key Identifier/,
    ]) {
      expect(text).toMatch(part);
    }
    const ca = openssl('x509', '-in', 'ca.pem', '-noout', '-text');
    expect(ca).toMatch(/CA:TRUE, pathlen:0/);
    expect(ca).toMatch(/Certificate Sign, CRL Sign/);
  });
});
