import { metricName } from '../storage/labels.ts';
import { createMatcher } from '../storage/matcher.ts';
import type { MatchOperator, Matcher } from '../storage/matcher.ts';
import { RegexpProblem } from '../storage/regexp.ts';
import { unshifted } from './ast.ts';
import type { VectorSelector } from './ast.ts';
import type { Token } from './lexer.ts';
import { stringValue } from './literals.ts';
import type { TokenStream } from './token-stream.ts';

const matching = 'label matching';

/** A metric name, label matchers in braces, or both. */
export function parseSelectorAt(stream: TokenStream, name: Token | undefined): VectorSelector {
  const from = name?.from ?? stream.peek().from;
  const matchers: Matcher[] = name === undefined ? [] : [createMatcher(metricName, '=', name.text)];
  if (stream.take('{') !== undefined) {
    for (const matcher of parseMatchers(stream)) {
      if (name !== undefined && matcher.name === metricName) {
        stream.fail(from, `metric name must not be set twice: "${name.text}" or "${matcher.value}"`);
      }
      matchers.push(matcher);
    }
  }
  return { kind: 'selector', name: name?.text ?? '', matchers, shift: unshifted, from, to: stream.end };
}

function parseMatchers(stream: TokenStream): Matcher[] {
  const matchers: Matcher[] = [];
  while (stream.take('}') === undefined) {
    const label = stream.peek();
    if (label.kind !== 'identifier') stream.unexpected(matching, 'identifier or "}"');
    stream.next();
    const operator = stream.peek();
    if (operator.kind !== 'operator') stream.unexpected(matching, 'label matching operator');
    stream.next();
    const value = stream.peek();
    if (value.kind !== 'string') stream.unexpected(matching, 'string');
    stream.next();
    matchers.push(matcherOf(stream, label, operator, value));
    if (stream.take(',') === undefined && !stream.sees('}')) stream.unexpected(matching, '"," or "}"');
  }
  return matchers;
}

function matcherOf(stream: TokenStream, label: Token, operator: Token, value: Token): Matcher {
  try {
    return createMatcher(label.text, operator.text as MatchOperator, stringValue(value.text));
  } catch (error) {
    if (error instanceof RegexpProblem) return stream.fail(label.from, error.message);
    throw error;
  }
}
