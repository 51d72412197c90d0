const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const cache = new Map<string, RegExp>();

/**
 * A JavaScript expression that matches as RE2 (Go's dialect, used by schemas and CEL) would: leading flags `(?i)`, POSIX classes, `\A`, `\z`
 * and `(?P<name>…)` are rewritten; what RE2 lacks (look-around, back references) is refused. Throws `SyntaxError`.
 */
export function goRegExp(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (/\(\?(?:[=!]|<[=!])/.test(pattern)) throw new SyntaxError('invalid or unsupported Perl syntax: look-around');
  if (/\\[1-9]/.test(pattern)) throw new SyntaxError('invalid escape sequence: back reference');
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const source = (flags === null ? pattern : pattern.slice(flags[0].length))
    .replaceAll(/\[:(\^?)([a-z]+):\]/g, (whole, _negated: string, name: string) => posixClasses[name] ?? whole)
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\\([Az])/g, (_, end: string) => (end === 'A' ? '(?<![\\s\\S])' : '(?![\\s\\S])'));
  // Unicode mode refuses escapes of ordinary characters (`\-` outside a class), which RE2 allows: fall back to the lenient mode.
  let compiled: RegExp;
  try {
    compiled = new RegExp(source, `${flags?.[1] ?? ''}u`);
  } catch {
    compiled = new RegExp(source, flags?.[1] ?? '');
  }
  if (cache.size > 2000) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}
