import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScalingHistory } from './cooldown.ts';
import { checkCooldown, recordScaling } from './cooldown.ts';

const policies = fc.record({ scaleUpMs: fc.integer({ min: 0, max: 600_000 }), scaleDownMs: fc.integer({ min: 0, max: 600_000 }) });
const wishes = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 120_000 }), direction: fc.constantFrom('up' as const, 'down' as const) }),
  {
    maxLength: 60,
  },
);
const start = Date.UTC(2026, 0, 1);

describe('cooldown', () => {
  it('never lets two scale-ups, or a scale-down after any scaling, come closer than it says', () => {
    fc.assert(
      fc.property(policies, wishes, (policy, list) => {
        let now = start;
        let history: ScalingHistory = {};
        const done: { at: number; direction: 'up' | 'down' }[] = [];
        for (const { after, direction } of list) {
          now += after;
          if (!checkCooldown(policy, history, direction, now).allowed) continue;
          history = recordScaling(history, direction, now);
          done.push({ at: now, direction });
        }
        const tooClose = done.flatMap((later, index) =>
          done.slice(0, index).filter((earlier) => {
            if (later.direction === 'up' && earlier.direction === 'down') return false;
            return later.at - earlier.at < (later.direction === 'up' ? policy.scaleUpMs : policy.scaleDownMs);
          }),
        );
        expect(tooClose).toEqual([]);
      }),
    );
  });

  it('answers an end that is honest: held just before it, allowed at it', () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: -600_000, max: 0 }),
        fc.constantFrom('up' as const, 'down' as const),
        (policy, ago, direction) => {
          const history = { lastScaleUp: start + ago };
          const verdict = checkCooldown(policy, history, direction, start);
          fc.pre(!verdict.allowed);
          if (verdict.allowed) return;
          expect(verdict.until).toBeGreaterThan(start);
          expect(checkCooldown(policy, history, direction, verdict.until - 1).allowed).toBe(false);
          expect(checkCooldown(policy, history, direction, verdict.until).allowed).toBe(true);
        },
      ),
    );
  });

  it('is never longer than one cooldown from now, wherever in the future the history lies', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: -1e9, max: 1e12 }), fc.integer({ min: -1e9, max: 1e12 }), (policy, up, down) => {
        const history = { lastScaleUp: start + up, lastScaleDown: start + down };
        for (const direction of ['up', 'down'] as const) {
          const verdict = checkCooldown(policy, history, direction, start);
          const length = direction === 'up' ? policy.scaleUpMs : policy.scaleDownMs;
          expect(verdict.allowed ? 0 : verdict.until - start).toBeLessThanOrEqual(length);
        }
      }),
    );
  });
});
