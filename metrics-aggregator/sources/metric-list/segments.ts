/** What `encodeURIComponent` leaves alone although RFC 3986 reserves it; `*` in a path and parentheses in a selector are among it. */
const leftAlone = /[!'()*]/g;

/** Percent-encodes everything but RFC 3986's unreserved characters. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(leftAlone, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `path?a=b&c=d`, both sides encoded strictly; parameters with an empty value are left out. */
export function withSelectors(path: string, parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${pairs.map(([name, value]) => `${name}=${encodeStrictly(value)}`).join('&')}`;
}

/**
 * Why a text cannot stand in a path, or `undefined` when it can: the rule of upstream's REST client. An encoded slash is a slash again in the
 * API server, so that a name with one would ask for something else altogether.
 */
export function segmentProblem(what: string, text: string): string | undefined {
  if (text === '') return `${what} is empty`;
  if (text === '.' || text === '..') return `${what} is "${text}", which a path cannot hold`;
  if (text.includes('/') || text.includes('%')) return `${what} ${shown(text)} holds a slash or a percent sign, which a path cannot hold`;
  return undefined;
}

/** A text of a policy as it may stand in a sentence: in quotes, without control characters, at most 120 characters. */
export function shown(text: string): string {
  const cleaned = text.replace(/\p{Cc}/gu, ' ');
  return `"${cleaned.length > 120 ? `${cleaned.slice(0, 119)}…` : cleaned}"`;
}
