/**
 * Compiles a regular expression as Go writes it (RE2), as far as the two differ in what people write: flags at the front, `(?P<name>…)`, `\A`, `\z`,
 * `\Q…\E` and the names of character classes are translated; what RE2 refuses (looking around, back references) is refused here, too. Throws a
 * SyntaxError.
 */
export function compileGoPattern(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const rest = flags === null ? pattern : pattern.slice(flags[0].length);
  return new RegExp(translate(rest), `u${[...new Set(flags?.[1] ?? '')].join('')}`);
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

// One token a match: quoted text, an escape, a named class, a group opening with `?`, brackets, or any other character.
const token = /\\Q([^]*?)(?:\\E|$)|\\([pP]\{[^}]*\}|x\{[0-9A-Fa-f]+\}|[^])|\[:(\^?)(\w+):\]|(\(\?(?:P<|<?[=!]|[^]))|([^])/gu;

function translate(pattern: string): string {
  let inClass = false;
  return pattern.replace(token, (text: string, ...groups: unknown[]) => {
    const [quoted, escaped, negated, name, group] = groups as (string | undefined)[];
    if (quoted !== undefined) return quoted.replace(/[\\^$.*+?()[\]{}|/-]/g, (special) => (special === '-' ? '\\x2d' : `\\${special}`));
    if (escaped !== undefined) return escape(escaped, inClass);
    if (name !== undefined) return inClass ? posixClass(name, negated === '^') : text.replace(/[[\]]/g, '\\$&');
    if (group !== undefined) return inClass ? text : openGroup(group);
    return plain(text, inClass, (now) => (inClass = now));
  });
}

function plain(text: string, inClass: boolean, setClass: (now: boolean) => void): string {
  if (text === '[' && inClass) return '\\[';
  if (text === '[') setClass(true);
  else if (text === ']' && inClass) setClass(false);
  // A bracket or brace that opens nothing is itself in Go and an error in a RegExp with flag u; `]` is the frequent one.
  else if (text === ']') return '\\]';
  return text;
}

function openGroup(group: string): string {
  if (group === '(?P<') return '(?<';
  if (group === '(?:') return group;
  throw new SyntaxError(`invalid or unsupported Perl syntax: ${group}`);
}

function posixClass(name: string, negated: boolean): string {
  const members = posixClasses[name];
  if (members === undefined || negated) throw new SyntaxError(`invalid character class range: [:${negated ? '^' : ''}${name}:]`);
  return members;
}

function escape(escaped: string, inClass: boolean): string {
  if (/^[1-9]$/.test(escaped)) throw new SyntaxError(`invalid escape sequence: \\${escaped}`);
  if (escaped === 'A' && !inClass) return '(?<![^])';
  if (escaped === 'z' && !inClass) return '(?![^])';
  if (escaped === 'a') return '\\x07';
  if (escaped.startsWith('x{')) return `\\u${escaped.slice(1)}`;
  // Go lets every punctuation mark be escaped; a RegExp with flag u only those that mean something.
  if (/^[^\w\s]$|^_$/.test(escaped)) return '^$\\.*+?()[]{}|/'.includes(escaped) || (escaped === '-' && inClass) ? `\\${escaped}` : escaped;
  return `\\${escaped}`;
}
