import { ADDRESS_REFUSED, CONNECT_TIMEOUT } from './guarded-connect.ts';

export type HttpFailureKind =
  'address-refused' | 'unreachable' | 'tls' | 'timeout' | 'cancelled' | 'too-large' | 'redirect' | 'not-json' | 'broken' | 'closed';

/** A request without a usable answer. */
export interface HttpFailure {
  readonly ok: false;
  readonly kind: HttpFailureKind;
  /** One sentence: who was asked and what came; nothing of a body. */
  readonly detail: string;
  readonly status?: number | undefined;
  /** The same request may succeed if sent again at once. */
  readonly transient: boolean;
}

const connectTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; does it run at this address?',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name could not be looked up just now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the connection timed out',
  [CONNECT_TIMEOUT]: 'the connection was not made in time',
};

const brokenTexts: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while writing',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is not as long as it says',
};

const tlsTexts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name: set tls.serverName',
  EPROTO: 'it does not speak TLS as expected; is the URL https where it should be http?',
};

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

/** The failure that a thrown error of the transport stands for. `who` begins the sentence. */
export function failureOfError(who: string, thrown: unknown): HttpFailure {
  const code = codeOf(thrown);
  const fail = (kind: HttpFailureKind, text: string, transient: boolean): HttpFailure => ({
    ok: false,
    kind,
    detail: `${who} ${text}`,
    transient,
  });
  if (code === ADDRESS_REFUSED) return fail('address-refused', `is not asked: ${messageOf(thrown)}`, false);
  const connecting = connectTexts[code];
  if (connecting !== undefined) return fail('unreachable', `cannot be reached: ${connecting}`, code !== 'ENOTFOUND');
  const breaking = brokenTexts[code];
  if (breaking !== undefined) return fail('broken', `did not answer: ${breaking}`, true);
  if (untrusted.has(code)) return fail('tls', 'cannot be trusted: its certificate is not signed by a known CA: set tls.ca', false);
  const tls = tlsTexts[code];
  if (tls !== undefined) return fail('tls', `cannot be trusted: ${tls}`, false);
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.includes('CERT')) {
    return fail('tls', `cannot be trusted: the TLS handshake failed (${code})`, false);
  }
  if (thrown instanceof Error && thrown.name === 'HTTPParserError') return fail('broken', 'did not answer in HTTP', false);
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') return fail('closed', 'is no longer asked: the source was closed', false);
  return fail('unreachable', `cannot be reached (${code === '' ? 'unknown failure' : code})`, true);
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return codeOf(thrown.errors[0]);
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    return /^[A-Z][A-Z0-9_]{1,60}$/.test(thrown.code) ? thrown.code : '';
  }
  return '';
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : '';
}
