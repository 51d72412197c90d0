import { describe, expect, it } from 'vitest';
import type { Decision } from '../../core/model/decision.ts';
import { decisionTraces } from './decisions.ts';

function decision(name: string, parts: Partial<Decision> = {}): Decision {
  return {
    controller: 'hpa',
    subject: { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name },
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name },
    at: 0,
    from: 3,
    to: 7,
    wanted: 7,
    reason: 'ScaledUp',
    message: '3 → 7 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80))',
    holds: [],
    trace: [
      { step: 'metric', message: 'Cpu 186 % of request, target 80 %: 7 = ceil(3 × 186 / 80)', values: { current: 186 } },
      { step: 'decision', message: '3 → 7 replicas', values: { to: 7 } },
    ],
    ...parts,
  };
}

const held = decision('api', {
  to: 3,
  message: 'stays at 3 replicas: cooling down until 06:03:00',
  holds: [{ by: 'cooldown', until: 180_000, message: 'the last scale-up was 1m ago' }],
  trace: [],
});
describe('decisionTraces', () => {
  it('lists the steps and what holds under each policy', () => {
    expect(decisionTraces([decision('web'), held])).toMatchInlineSnapshot(`
      "HorizontalPolicy shop/web: 3 → 7 replicas: cpu 186 % of request, target 80 % (7 = ceil(3 × 186 / 80))
        metric: Cpu 186 % of request, target 80 %: 7 = ceil(3 × 186 / 80)
        decision: 3 → 7 replicas

      HorizontalPolicy shop/api: stays at 3 replicas: cooling down until 06:03:00
        held by cooldown: the last scale-up was 1m ago"
    `);
  });

  it('keeps what a cluster says from steering the terminal', () => {
    expect(decisionTraces([decision('web', { message: 'a\nb', trace: [] })])).toBe(String.raw`HorizontalPolicy shop/web: a\x0ab`);
  });
});
