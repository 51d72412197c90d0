import { PromqlSyntaxError } from './ast.ts';
import { tokenize } from './lexer.ts';
import type { Token, Tokens } from './lexer.ts';

/** Tokens one after another, and complaints about the one that does not fit, in Prometheus' words. */
export class TokenStream {
  readonly query: string;
  readonly #tokens: Tokens;
  #at = 0;
  /** Aggregations whose arguments are being read: they are named in complaints. */
  aggregationDepth = 0;

  constructor(query: string) {
    this.query = query;
    this.#tokens = tokenize(query);
  }

  /** The next token; a text that cannot be cut any further is refused when this is reached. */
  peek(): Token {
    const token = this.#tokens.list[this.#at];
    if (token !== undefined) return token;
    throw this.#tokens.problem ?? new PromqlSyntaxError(this.query, this.query.length, 'unexpected end of input');
  }

  /** Text of the token after the next, lower case; empty where there is none. */
  get second(): string {
    return this.#tokens.list[this.#at + 1]?.text.toLowerCase() ?? '';
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Where the last token that was taken ends. */
  get end(): number {
    return this.#tokens.list[this.#at - 1]?.to ?? 0;
  }

  /** Whether the next token is this punctuation, operator or keyword. */
  sees(...texts: readonly string[]): boolean {
    const { kind, text } = this.peek();
    return kind !== 'string' && texts.includes(text.toLowerCase());
  }

  take(...texts: readonly string[]): Token | undefined {
    return this.sees(...texts) ? this.next() : undefined;
  }

  fail(at: number, why: string): never {
    throw new PromqlSyntaxError(this.query, at, why);
  }

  unexpected(context = '', expected = ''): never {
    const token = this.peek();
    const where = context === '' && this.aggregationDepth > 0 ? 'aggregation' : context;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    return this.fail(token.from, `unexpected ${describe(token)}${where === '' ? '' : ` in ${where}`}${wanted}`);
  }
}

function describe({ kind, text }: Token): string {
  switch (kind) {
    case 'end':
      return 'end of input';
    case 'keyword':
      return `<${text.toLowerCase()}>`;
    case 'operator':
      return text === '=' ? '"="' : `<op:${text.toLowerCase()}>`;
    case 'aggregator':
      return `<aggr:${text.toLowerCase()}>`;
    case 'punctuation':
      return `"${text}"`;
    case 'identifier':
      if (text === 'start' || text === 'end') return `"${text}"`;
      return `${text.includes(':') ? 'metric identifier' : kind} ${JSON.stringify(text)}`;
    case 'number':
    case 'duration':
    case 'string':
      return `${kind} ${shortened(text)}`;
  }
}

function shortened(text: string): string {
  return text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text);
}
