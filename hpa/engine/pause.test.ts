import { describe, expect, it } from 'vitest';
import { queueMetric, spec } from './builders.fixture.ts';
import type { PauseRequest } from './model.ts';
import { TestTarget } from './target.fixture.ts';

const paused = (part: Partial<PauseRequest>): PauseRequest => ({
  scaleIn: true,
  scaleOut: true,
  annotation: 'concertina.dev/paused=true',
  ...part,
});
const inOnly = paused({ scaleOut: false, annotation: 'concertina.dev/paused=in' });
const outOnly = paused({ scaleIn: false, annotation: 'concertina.dev/paused=out' });

describe('the annotation paused', () => {
  it.each([
    ['true holds growth', paused({}), 1350, 4, ['paused']],
    ['true holds shrinking', paused({}), 100, 4, ['paused']],
    ['in lets it grow', inOnly, 1350, 7, []],
    ['in holds shrinking', inOnly, 100, 4, ['paused']],
    ['out holds growth', outOnly, 1350, 4, ['paused']],
    ['out lets it shrink', outOnly, 100, 1, []],
  ])('%s', (...[, pause, milli, to, holds]) => {
    const { decision } = new TestTarget(spec({ pause }), 4).tick(0, [milli]);
    expect({ to: decision.to, holds: decision.holds.map(({ by }) => by) }).toEqual({ to, holds });
  });

  it('says what it holds and how to resume', () => {
    const target = new TestTarget(spec({ pause: inOnly }), 4);
    target.tick(0, [100]);
    expect(target.condition('Held')).toBe('True/Paused');
    expect(target.message('Held')).toBe(
      'Scale-in is paused by concertina.dev/paused=in: 1 instead of 4 would be set; remove the annotation to resume',
    );
  });

  it('holds corrections of the size, too', () => {
    expect(new TestTarget(spec({ pause: outOnly, minReplicas: 6 }), 4).tick(0, [800]).decision).toMatchObject({ to: 4, reason: 'Paused' });
  });

  it('goes with the mode: what holds last is named', () => {
    const { decision } = new TestTarget(spec({ pause: paused({}), mode: 'DryRun' }), 4).tick(0, [1350]);
    expect(decision).toMatchObject({ to: 4, reason: 'DryRun', holds: [{ by: 'paused' }, { by: 'dry-run' }] });
  });
});

describe('the annotation paused-replicas', () => {
  const parkedAt = (replicas: number): PauseRequest => paused({ replicas, annotation: `concertina.dev/paused-replicas=${replicas}` });

  it.each([
    ['below minReplicas', 1, 3],
    ['above what is there', 9, 3],
    ['at zero', 0, 3],
  ])('puts the target there at once and keeps it: %s', (_, replicas, minReplicas) => {
    const target = new TestTarget(spec({ pause: parkedAt(replicas), minReplicas }), 5);
    const { decision, write } = target.tick(0, [2000], { history: { lastScaleUp: target.now, lastScaleDown: target.now } });
    expect({ write, reason: decision.reason, wanted: decision.wanted }).toEqual({ write: replicas, reason: 'Paused', wanted: null });
    const again = target.tick(15, [2000]);
    expect(again.write).toBeUndefined();
    expect(again.decision.message).toBe(
      `stays at ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}: scaling is paused: concertina.dev/paused-replicas=${replicas} keeps Deployment/web at ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}; remove the annotation to resume`,
    );
    expect(target.condition('Held')).toBe('True/Paused');
  });

  it('gives way to the mode and to another controller', () => {
    expect(new TestTarget(spec({ pause: parkedAt(2), mode: 'DryRun' }), 5).tick(0, [800])).toMatchObject({
      write: undefined,
      decision: { reason: 'DryRun' },
    });
    expect(new TestTarget(spec({ pause: parkedAt(2) }), 5).tick(0, [800], { conflict: 'another' })).toMatchObject({
      write: undefined,
      decision: { reason: 'Conflict' },
    });
  });

  it.each([
    ['that it came to', 3],
    ['that was there before', 0],
  ])('a zero %s ends with the annotation: the target comes back to minReplicas', (_, before) => {
    const target = new TestTarget(spec({ pause: parkedAt(0), minReplicas: 2 }), before);
    target.tick(0, [0]);
    expect(target.replicas).toBe(0);
    expect(target.condition('ScaledToZero')).toBe('True/PausedAtZero');
    target.spec = { ...target.spec, pause: undefined };
    target.tick(15, [{ kind: 'usage', samples: [] }]);
    expect(target.replicas).toBe(2);
    expect(target.condition('ScaledToZero')).toBe('False/NotScaledToZero');
  });

  it('with minReplicas 0 it goes on as a sleeping one', () => {
    const target = new TestTarget(spec({ pause: parkedAt(0), minReplicas: 0, metrics: [queueMetric] }), 3);
    target.tick(0, [500]);
    target.spec = { ...target.spec, pause: undefined };
    expect(target.tick(15, [0]).decision.message).toContain('stays asleep');
    expect(target.tick(15, [30]).decision.to).toBe(3);
  });
});
