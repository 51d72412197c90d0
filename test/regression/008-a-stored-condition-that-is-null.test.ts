import { expect, it } from 'vitest';
import { previousStatus } from '../../hpa/index.ts';

it('a status whose list of conditions holds anything else than conditions is read without it', () => {
  const held = { type: 'Held', status: 'False', reason: 'NotHeld', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const raw = { metadata: { name: 'web' }, status: { conditions: [null, 'x', held], currentReplicas: 3 } };
  expect(previousStatus(raw)).toEqual({ conditions: [held], currentReplicas: 3, desiredReplicas: 0 });
});
