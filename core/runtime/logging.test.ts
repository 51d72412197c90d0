import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../errors.ts';
import { Quantity } from '../units/quantity.ts';
import { VirtualClock } from './clock.ts';
import type { LogLevel } from './logging.ts';
import { createLogger, recordingLogger, silentLogger } from './logging.ts';

function rig(level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = [];
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) };
  return { lines, clock, logger: createLogger({ level, name: 'hpa', clock, destination }) };
}

describe('createLogger', () => {
  it('writes one JSON line with the time of the clock', async () => {
    const { lines, clock, logger } = rig();
    await clock.advance(1500);
    logger.info('scaled', { from: 2, to: 4 });
    expect(lines).toEqual([{ level: 'info', time: '2026-01-01T00:00:01.500Z', name: 'hpa', from: 2, to: 4, msg: 'scaled' }]);
  });

  it('says nothing below its level', () => {
    const { lines, logger } = rig('warn');
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(lines.map((line) => line['msg'])).toEqual(['c', 'd']);
    const silent = rig('silent');
    silent.logger.error('x');
    expect(silent.lines).toEqual([]);
  });

  it('gives children their facts', () => {
    const { lines, logger } = rig();
    logger.child({ policy: 'shop/web' }).child({ metric: 'cpu' }).warn('no metric');
    expect(lines[0]).toMatchObject({ policy: 'shop/web', metric: 'cpu', msg: 'no metric' });
  });

  it('writes errors with code, details and causes', () => {
    const { lines, logger } = rig();
    const cause = new Error('connect ECONNREFUSED');
    logger.error('failed', { error: new ConcertinaError('API_UNREACHABLE', 'no way', { cause, details: { server: 's', token: 't' } }) });
    expect(lines[0]).toMatchObject({
      error: {
        type: 'ConcertinaError',
        code: 'API_UNREACHABLE',
        message: 'no way',
        details: { server: 's', token: '[redacted]' },
        cause: { message: 'connect ECONNREFUSED' },
      },
    });
  });

  it('leaves no secret in a line', () => {
    const { lines, logger } = rig();
    logger.child({ client: { headers: { Authorization: 'Bearer abcdefgh12345678' } } }).info('sent Bearer abcdefgh12345678', {
      token: 'abcdefgh12345678',
      nested: [{ deeper: { 'access-token': 'abcdefgh12345678', password: 'abcdefgh12345678', 'client-key-data': 'abcdefgh12345678' } }],
      text: 'curl -H "authorization: bearer abcdefgh12345678"',
      url: 'https://user:abcdefgh12345678@prometheus.example/api',
      tokens: 3,
      secretName: 'prometheus-credentials',
    });
    const text = JSON.stringify(lines);
    expect(text).not.toContain('abcdefgh12345678');
    expect(lines[0]).toMatchObject({ tokens: 3, secretName: 'prometheus-credentials', msg: 'sent Bearer [redacted]' });
  });

  it('writes values that JSON does not know', () => {
    const { lines, logger } = rig();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    logger.info('odd', { big: 10n, quantity: Quantity.parse('1.5Gi'), circular });
    expect(lines[0]).toMatchObject({ big: '10', quantity: '1536Mi' });
    expect(JSON.stringify(lines[0])).toContain('[too deep]');
  });
});

describe('recordingLogger', () => {
  it('keeps the lines of all children', () => {
    const logger = recordingLogger();
    logger.child({ a: 1 }).info('x', { b: 2, password: 'p' });
    logger.debug('y');
    expect(logger.lines).toEqual([
      { level: 'info', message: 'x', fields: { a: 1, b: 2, password: '[redacted]' } },
      { level: 'debug', message: 'y', fields: {} },
    ]);
  });

  it('has a silent brother', () => {
    expect(silentLogger.child({ a: 1 })).toBe(silentLogger);
    expect(silentLogger.info('x')).toBeUndefined();
  });
});
