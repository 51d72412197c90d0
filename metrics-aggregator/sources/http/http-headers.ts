/** What proves to a server who asks. Values are secrets: they stand in headers and nowhere else. */
export interface HttpCredentials {
  readonly bearer?: string | undefined;
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  /** More headers, by name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export type HeadersResult =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  /** One sentence without any value. */
  | { readonly ok: false; readonly problem: string };

/** RFC 9110 `token`. */
const tokenPattern = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** Printable ASCII and spaces: no line end can begin another header. */
const valuePattern = /^[\x20-\x7e]*$/;

/** Headers of the connection and of the message frame, which only the transport sets: with them a request could be made two. */
const reserved: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers out of credentials, each checked; names are lower-case. Secrets often end in a line end, which is cut off. */
export function headersOf(credentials: HttpCredentials): HeadersResult {
  const { bearer, basic } = credentials;
  if (bearer !== undefined && basic !== undefined) {
    return { ok: false, problem: 'bearer and basic are both set, but both are the header Authorization: leave one out' };
  }
  const pairs: (readonly [string, string])[] = Object.entries(credentials.headers ?? {});
  if (bearer !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(trimEnd(bearer)))
      return { ok: false, problem: 'the bearer token is empty or has characters that no token has' };
    pairs.push(['authorization', `Bearer ${trimEnd(bearer)}`]);
  }
  if (basic !== undefined) {
    const username = trimEnd(basic.username);
    if (username.includes(':')) return { ok: false, problem: 'the user name for basic authentication has a colon, which it may not have' };
    pairs.push(['authorization', `Basic ${Buffer.from(`${username}:${trimEnd(basic.password)}`).toString('base64')}`]);
  }
  return checkedHeaders(pairs);
}

function checkedHeaders(pairs: readonly (readonly [string, string])[]): HeadersResult {
  const headers: Record<string, string> = {};
  for (const [name, raw] of pairs) {
    const key = name.toLowerCase();
    const value = trimEnd(raw);
    if (!tokenPattern.test(name)) return { ok: false, problem: `${JSON.stringify(name.slice(0, 40))} is not the name of a header` };
    if (reserved.has(key)) return { ok: false, problem: `the header ${name} is set by the transport: remove it` };
    if (!valuePattern.test(value)) return { ok: false, problem: `the value of header ${name} has characters that a header may not have` };
    if (headers[key] !== undefined) return { ok: false, problem: `the header ${name} is set twice` };
    headers[key] = value;
  }
  return { ok: true, headers };
}

function trimEnd(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}
