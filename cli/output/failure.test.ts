import { describe, expect, it } from 'vitest';
import { ConcertinaError, errorCodes, type ErrorCode } from '../../core/errors.ts';
import { exitCodeOf, failureLine, UsageError } from './failure.ts';

describe('failureLine', () => {
  it('ends a sentence without a remedy with that of its code', () => {
    expect(failureLine(new ConcertinaError('KUBECONFIG_INVALID', '/a/b does not exist'))).toBe(
      'concertina: /a/b does not exist; check the path in --kubeconfig or $KUBECONFIG and the context with `kubectl config get-contexts` [KUBECONFIG_INVALID]',
    );
  });

  it.each([
    'no proxy answers; start one',
    'the connection was refused; does it run?',
    'is there a proxy in between?',
    '"x" is not a duration: write 90s',
  ])('leaves %j as it is', (sentence) => {
    expect(failureLine(new ConcertinaError('API_UNREACHABLE', sentence))).toBe(`concertina: ${sentence} [API_UNREACHABLE]`);
  });

  it('is one line whatever was thrown, without commands to the terminal', () => {
    expect(failureLine(new Error('first\n  second\u001b[2J.'))).toBe(String.raw`concertina: first second\x1b[2J`);
    expect(failureLine('text')).toBe('concertina: text');
    expect(failureLine({ a: 1 })).toBe('concertina: {"a":1}');
  });

  it('has a remedy for every code', () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      expect(failureLine(new ConcertinaError(code, 'it failed'))).toMatch(/^concertina: it failed; .{10,}[^.] \[[A-Z_]+\]$/);
    }
  });
});

describe('exitCodeOf', () => {
  it('is 2 for words and settings, 1 for all else', () => {
    expect(exitCodeOf(new UsageError('x'))).toBe(2);
    expect(exitCodeOf(new ConcertinaError('CONFIG_INVALID', 'x'))).toBe(2);
    expect(exitCodeOf(new ConcertinaError('API_UNREACHABLE', 'x'))).toBe(1);
    expect(exitCodeOf(new Error('x'))).toBe(1);
  });
});
