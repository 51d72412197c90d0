/** Field names that carry secrets, without case and separators. */
const secretNames = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'token',
  'accesstoken',
  'idtoken',
  'refreshtoken',
  'bearertoken',
  'sessiontoken',
  'apikey',
  'xapikey',
  'password',
  'passwd',
  'passphrase',
  'secret',
  'clientsecret',
  'secretaccesskey',
  'clientkeydata',
  'privatekey',
]);

const censored = '[redacted]';
const maximumDepth = 8;

/** A copy of plain data in which no value of a secret's name and no bearer token is left. What lies deeper than eight levels is left out. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'object' && value !== null ? redactObject(value, depth) : value;
}

function redactObject(value: object, depth: number): unknown {
  if (depth >= maximumDepth) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Error) return redactText(`${value.name}: ${value.message}`);
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    copy[key] = isSecretName(key) && item !== undefined && item !== null ? censored : redact(item, depth + 1);
  }
  return copy;
}

function isSecretName(key: string): boolean {
  return secretNames.has(key.toLowerCase().replace(/[-_.]/g, ''));
}

/** The text without bearer and basic credentials and without the password of a URL. */
export function redactText(text: string): string {
  return text
    .replace(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${censored}`)
    .replace(/(:\/\/[^/\s:@]*:)[^/\s@]+@/g, `$1${censored}@`);
}
