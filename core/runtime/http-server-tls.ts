import { constants, X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { RequestListener } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../model/clock.ts';

/** What a server proves itself with, and whom it believes. */
export interface ServerTls {
  /** PEM: the certificate, the intermediate ones behind it. */
  readonly cert: string | Buffer;
  /** PEM. */
  readonly key: string | Buffer;
  /** PEM, one or more: the CA of client certificates. Without it no client certificate is believed. */
  readonly ca?: string | undefined;
  /**
   * Ask clients for a certificate. A connection without one, or with one that `ca` did not sign, is still served: whether it may
   * pass is the handlers' matter, which see `clientCertificate`.
   */
  readonly requestClientCert?: boolean | undefined;
}

/** An HTTPS server that can be given new certificates while it runs. */
export interface TlsServer {
  readonly server: Server;
  /** New connections use it at once; what an open connection's client certificate is worth is judged anew. */
  renew(tls: ServerTls): void;
  /** The client certificate of a request's connection, verified against the present CA. */
  clientCertificate(socket: unknown): X509Certificate | undefined;
}

interface PeerRecord {
  /** Counts renewals: the CA that the handshake verified against. */
  readonly generation: number;
  readonly certificate: X509Certificate;
  readonly notBefore: number;
  readonly notAfter: number;
  /** The handshake verified the chain. */
  readonly authorized: boolean;
}

export function createTlsServer(tls: ServerTls, clock: Clock, listener: RequestListener): TlsServer {
  const peers = new WeakMap<object, PeerRecord>();
  let generation = 0;
  let authorities = readAuthorities(tls);
  const requestClientCert = tls.requestClientCert === true;

  // A session that is taken up again shows no certificate, and Node counts it as authorized: so there are no sessions to take up.
  const secureOptions = constants.SSL_OP_NO_TICKET;
  const server = createServer(
    { ...contextOf(tls, authorities), secureOptions, requestCert: requestClientCert, rejectUnauthorized: false },
    listener,
  );
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return;
    peers.set(socket, {
      generation,
      certificate,
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
      authorized: socket.authorized,
    });
  });

  return {
    server,
    renew: (next) => {
      authorities = readAuthorities(next);
      generation += 1;
      server.setSecureContext({ ...contextOf(next, authorities), secureOptions });
    },
    clientCertificate: (socket) => {
      const peer = typeof socket === 'object' && socket !== null ? peers.get(socket) : undefined;
      // Without a CA of its own Node verifies against the well-known ones, who sign for anybody.
      if (peer === undefined || authorities.length === 0) return undefined;
      const now = clock.now();
      // Negated, so that a date that cannot be read is no permission.
      if (!(peer.notBefore <= now && now <= peer.notAfter)) return undefined;
      const trusted = peer.generation === generation ? peer.authorized : isIssuedBy(peer.certificate, authorities);
      return trusted ? peer.certificate : undefined;
    },
  };
}

function contextOf(
  tls: ServerTls,
  authorities: readonly X509Certificate[],
): { cert: string | Buffer; key: string | Buffer; ca?: string[] } {
  const { cert, key } = tls;
  return authorities.length === 0 ? { cert, key } : { cert, key, ca: authorities.map(String) };
}

/** The certificates of a PEM bundle. Throws what OpenSSL says of one that cannot be read, and for a bundle of none: it would silently believe nobody. */
function readAuthorities({ ca }: ServerTls): readonly X509Certificate[] {
  if (ca === undefined) return [];
  const authorities = splitPem(ca).map((pem) => new X509Certificate(pem));
  if (authorities.length === 0) throw new Error('the client CA holds no certificate in PEM');
  return authorities;
}

/** The certificates of a PEM bundle as texts of their own; a reader of one would silently take the first. */
export function splitPem(bundle: string): readonly string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/** Signed by one of the authorities itself. A chain over an intermediate one has to be verified by a new handshake. */
function isIssuedBy(certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  return authorities.some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
}
