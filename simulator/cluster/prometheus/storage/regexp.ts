/** Why a pattern is none for RE2, in the words of Go's `regexp/syntax`. */
export class RegexpProblem extends Error {
  constructor(why: string, part: string) {
    super(`error parsing regexp: ${why}: \`${part}\``);
    this.name = 'RegexpProblem';
  }
}

interface Scan {
  readonly pattern: string;
  at: number;
  out: string;
  depth: number;
  /** Whether something stands before that a repetition could repeat. */
  repeatable: boolean;
  dotAll: boolean;
  multiLine: boolean;
}

const cache = new Map<string, RegExp>();

/**
 * The pattern anchored on both ends, as selectors and label_replace use it: RE2's dialect rewritten for JavaScript's Unicode mode. What only
 * JavaScript knows (look-around, back references) is refused as RE2 refuses it; flags are understood at the front only.
 */
export function anchoredRegExp(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const given = flags?.[1] ?? '';
  const scan: Scan = {
    pattern,
    at: flags?.[0].length ?? 0,
    out: '',
    depth: 0,
    repeatable: false,
    dotAll: given.includes('s'),
    multiLine: given.includes('m'),
  };
  while (scan.at < pattern.length) step(scan);
  if (scan.depth > 0) throw new RegexpProblem('missing closing )', `^(?:${pattern})$`);
  const compiled = new RegExp(`^(?:${scan.out})$`, given.includes('i') ? 'iu' : 'u');
  if (cache.size > 5000) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}

const steps: Readonly<Record<string, (scan: Scan, char: string) => void>> = {
  '(': open,
  ')': (scan) => {
    if (--scan.depth < 0) throw new RegexpProblem('unexpected )', `^(?:${scan.pattern})$`);
    put(scan, ')', 1, true);
  },
  '[': characterClass,
  '\\': escape,
  '*': repeat,
  '+': repeat,
  '?': repeat,
  '{': braces,
  '.': (scan) => put(scan, scan.dotAll ? '[\\s\\S]' : '[^\\n]', 1, true),
  '^': (scan) => put(scan, scan.multiLine ? '(?<![^\\n])' : '(?<![\\s\\S])', 1, true),
  $: (scan) => put(scan, scan.multiLine ? '(?![^\\n])' : '(?![\\s\\S])', 1, true),
  '|': (scan) => put(scan, '|', 1, false),
};

function step(scan: Scan): void {
  const char = charAt(scan.pattern, scan.at);
  const known = steps[char];
  if (known === undefined) put(scan, literal(char), char.length, true);
  else known(scan, char);
}

function put(scan: Scan, text: string, length: number, repeatable: boolean): void {
  scan.out += text;
  scan.at += length;
  scan.repeatable = repeatable;
}

/** The whole character there, also one outside the basic plane. */
function charAt(pattern: string, at: number): string {
  return String.fromCodePoint(pattern.codePointAt(at) ?? 0);
}

function literal(char: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char === '-' ? 'x2d' : char}` : char;
}

function open(scan: Scan): void {
  const rest = scan.pattern.slice(scan.at);
  scan.depth += 1;
  if (!rest.startsWith('(?')) return put(scan, '(', 1, false);
  if (rest.startsWith('(?:')) return put(scan, '(?:', 3, false);
  const named = /^\(\?P<([A-Za-z0-9_]+)>/.exec(rest);
  if (named !== null) return put(scan, `(?<${named[1] ?? ''}>`, named[0].length, false);
  if (rest.startsWith('(?P'))
    throw new RegexpProblem('invalid named capture', rest.slice(0, rest.includes('>') ? rest.indexOf('>') + 1 : rest.length));
  const flags = /^\(\?[imsU-]+[:)]/.exec(rest);
  if (flags !== null) throw new RegexpProblem('flags inside a pattern are not supported by this server', flags[0]);
  throw new RegexpProblem('invalid or unsupported Perl syntax', rest.slice(0, 3));
}

function repeat(scan: Scan, char: string): void {
  if (!scan.repeatable) throw new RegexpProblem('missing argument to repetition operator', char);
  const lazy = scan.pattern.charAt(scan.at + 1) === '?' ? '?' : '';
  const operator = char + lazy;
  put(scan, operator, operator.length, true);
  refuseNested(scan, operator);
}

function refuseNested(scan: Scan, operator: string): void {
  const next = scan.pattern.charAt(scan.at);
  const counted = /^\{\d+(?:,\d*)?\}/.exec(scan.pattern.slice(scan.at))?.[0];
  if (next !== '' && '*+?'.includes(next)) throw new RegexpProblem('invalid nested repetition operator', operator + next);
  if (counted !== undefined) throw new RegexpProblem('invalid nested repetition operator', operator + counted);
}

/** Most repetitions that RE2 unrolls. */
const maximumRepeat = 1000;

function braces(scan: Scan): void {
  const counted = /^\{(\d+)(,(\d*))?\}/.exec(scan.pattern.slice(scan.at));
  if (counted === null) return put(scan, '\\{', 1, true);
  if (!scan.repeatable) throw new RegexpProblem('missing argument to repetition operator', counted[0]);
  const from = Number(counted[1]);
  const to = counted[3] === undefined || counted[3] === '' ? from : Number(counted[3]);
  if (from > maximumRepeat || to > maximumRepeat || to < from) throw new RegexpProblem('invalid repeat count', counted[0]);
  const lazy = scan.pattern.charAt(scan.at + counted[0].length) === '?' ? '?' : '';
  put(scan, counted[0] + lazy, counted[0].length + lazy.length, true);
  refuseNested(scan, counted[0] + lazy);
}

const simple: Readonly<Record<string, string>> = {
  a: '\\x07',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
  d: '0-9',
  w: '0-9A-Za-z_',
  s: '\\t\\n\\f\\r ',
};

/** What an escape stands for: members of a class, or an assertion that has none. */
interface Escaped {
  readonly length: number;
  readonly members?: string;
  readonly negated?: boolean;
  readonly assertion?: string;
}

function escape(scan: Scan): void {
  const rest = scan.pattern.slice(scan.at);
  if (rest.startsWith('\\Q')) {
    const end = rest.indexOf('\\E');
    const quoted = end < 0 ? rest.slice(2) : rest.slice(2, end);
    return put(scan, quoted.replaceAll(/./gsu, literal), end < 0 ? rest.length : end + 2, quoted !== '' || scan.repeatable);
  }
  const { length, members, negated, assertion } = readEscape(rest, false);
  put(scan, assertion ?? `[${negated === true ? '^' : ''}${members ?? ''}]`, length, true);
}

const assertions: Readonly<Record<string, string>> = { A: '(?<![\\s\\S])', z: '(?![\\s\\S])', b: '\\b', B: '\\B' };

function readEscape(rest: string, inClass: boolean): Escaped {
  const char = rest.length < 2 ? '' : charAt(rest, 1);
  if (char === '') throw new RegexpProblem('trailing backslash at end of expression', '');
  const assertion = inClass ? undefined : assertions[char];
  if (assertion !== undefined) return { length: 2, assertion };
  const known = simple[char];
  if (known !== undefined) return { length: 2, members: known };
  const lower = simple[char.toLowerCase()];
  if ('DWS'.includes(char) && lower !== undefined) return { length: 2, members: lower, negated: true };
  const unicode = /^\\[pP](?:([A-Z])|\{\^?([A-Za-z_]+)\})/.exec(rest);
  if (unicode !== null) return unicodeClass(unicode);
  const hex = /^\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(rest);
  if (hex !== null) return { length: hex[0].length, members: `\\u{${hex[1] ?? hex[2] ?? '0'}}` };
  const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
  if (octal !== null) return { length: octal[0].length, members: `\\u{${Number.parseInt(octal[0].slice(1), 8).toString(16)}}` };
  if (/[!-/:-@[-`{-~]/.test(char)) return { length: 2, members: /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char };
  throw new RegexpProblem('invalid escape sequence', `\\${char}`);
}

function unicodeClass(match: RegExpExecArray): Escaped {
  const name = match[1] ?? match[2] ?? '';
  const negated = match[0].startsWith('\\P') !== match[0].includes('^');
  const script = /^(?:[CLMNPSZ][a-z]?)$/.test(name) ? name : `Script=${name}`;
  try {
    new RegExp(`\\p{${script}}`, 'u');
  } catch {
    throw new RegexpProblem('invalid character class range', match[0]);
  }
  return { length: match[0].length, members: `\\${negated ? 'P' : 'p'}{${script}}` };
}

const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

function characterClass(scan: Scan): void {
  const { pattern } = scan;
  const negated = pattern.charAt(scan.at + 1) === '^';
  let at = scan.at + (negated ? 2 : 1);
  let members = '';
  for (let first = true; first || pattern.charAt(at) !== ']'; first = false) {
    if (at >= pattern.length) throw new RegexpProblem('missing closing ]', `${pattern.slice(scan.at)})$`);
    const [text, length] = member(pattern, at);
    members += text;
    at += length;
  }
  put(scan, `[${negated ? '^' : ''}${members}]`, at + 1 - scan.at, true);
}

/** One member or range of a class, and how long it is. */
function member(pattern: string, at: number): [text: string, length: number] {
  const rest = pattern.slice(at);
  const named = /^\[:(\^?)([a-z]+):\]/.exec(rest);
  if (named !== null) {
    const content = posix[named[2] ?? ''];
    if (content === undefined || named[1] === '^') throw new RegexpProblem('invalid character class range', named[0]);
    return [content, named[0].length];
  }
  const [low, lowLength, single] = classAtom(rest);
  if (!single || rest.charAt(lowLength) !== '-' || rest.charAt(lowLength + 1) === ']' || rest.length <= lowLength + 1)
    return [low, lowLength];
  const [high, highLength] = classAtom(rest.slice(lowLength + 1));
  const length = lowLength + 1 + highLength;
  try {
    new RegExp(`[${low}-${high}]`, 'u');
  } catch {
    throw new RegexpProblem('invalid character class range', rest.slice(0, length));
  }
  return [`${low}-${high}`, length];
}

/** A member of a class; whether it is one character. */
function classAtom(rest: string): [text: string, length: number, single: boolean] {
  if (!rest.startsWith('\\')) {
    const char = charAt(rest, 0);
    return [/[\^\\[\]-]/.test(char) ? `\\${char}` : char, char.length, true];
  }
  const { length, members = '', negated } = readEscape(rest, true);
  if (negated === true) return [`\\${rest.charAt(1)}`, length, false];
  return [members, length, !/^\\[pP]|.-/.test(members)];
}
