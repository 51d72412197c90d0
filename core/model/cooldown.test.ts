import { describe, expect, it } from 'vitest';
import { checkCooldown, defaultCooldown, recordScaling } from './cooldown.ts';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;

describe('checkCooldown', () => {
  it('lets a subject without history scale', () => {
    expect(checkCooldown(defaultCooldown, {}, 'up', start)).toEqual({ allowed: true });
    expect(checkCooldown(defaultCooldown, {}, 'down', start)).toEqual({ allowed: true });
  });

  it('holds a scale-up 3 minutes from the last scale-up, and allows it at exactly the end', () => {
    const history = recordScaling({}, 'up', start);
    expect(checkCooldown(defaultCooldown, history, 'up', start + 3 * minute - 1)).toEqual({
      allowed: false,
      rule: 'scale-up-cooldown',
      since: start,
      until: start + 3 * minute,
    });
    expect(checkCooldown(defaultCooldown, history, 'up', start + 3 * minute)).toEqual({ allowed: true });
  });

  it('does not hold a scale-up because of a scale-down', () => {
    expect(checkCooldown(defaultCooldown, recordScaling({}, 'down', start), 'up', start)).toEqual({ allowed: true });
  });

  it('holds a scale-down 5 minutes from the later of both', () => {
    const history = recordScaling(recordScaling({}, 'down', start), 'up', start + minute);
    expect(checkCooldown(defaultCooldown, history, 'down', start + 5 * minute)).toMatchObject({
      allowed: false,
      rule: 'scale-down-cooldown',
      until: start + 6 * minute,
    });
    expect(checkCooldown(defaultCooldown, history, 'down', start + 6 * minute)).toEqual({ allowed: true });
    const again = recordScaling(history, 'down', start + 2 * minute);
    expect(checkCooldown(defaultCooldown, again, 'down', start + 6 * minute)).toMatchObject({ allowed: false, since: start + 2 * minute });
  });

  it('is off at 0', () => {
    const policy = { scaleUpMs: 0, scaleDownMs: 0 };
    const history = { lastScaleUp: start, lastScaleDown: start };
    expect(checkCooldown(policy, history, 'up', start)).toEqual({ allowed: true });
    expect(checkCooldown(policy, history, 'down', start)).toEqual({ allowed: true });
  });

  it('counts a history in the future from now', () => {
    const history = { lastScaleUp: start + 24 * 60 * minute };
    expect(checkCooldown(defaultCooldown, history, 'up', start)).toMatchObject({ allowed: false, since: start, until: start + 3 * minute });
  });
});
