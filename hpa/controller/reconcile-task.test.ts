import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { emptyMemory } from './policy-memory.ts';
import { statusBefore, statusStored } from './reconcile-task.ts';

describe('the status that is stored', () => {
  const shown = (version: string, desiredReplicas: number): KubeObject => ({
    metadata: { name: 'web', resourceVersion: version },
    status: { desiredReplicas },
  });

  it('is what was written last until the mirror shows that, whatever version before it the mirror shows', () => {
    const memory = emptyMemory(undefined, shown('10', 0));
    const task = (raw: KubeObject) => ({ key: 'shop/web', raw, memory, pods: { podsMatching: () => [] } });
    expect(statusBefore(task(shown('10', 0)))).toEqual({ desiredReplicas: 0 });
    statusStored(task(shown('10', 0)), { status: { desiredReplicas: 1 }, version: '11' });
    statusStored(task(shown('10', 0)), { status: { desiredReplicas: 2 }, version: '12' });
    for (const raw of [shown('10', 0), shown('11', 1)]) expect(statusBefore(task(raw))).toEqual({ desiredReplicas: 2 });
    expect(statusBefore(task(shown('12', 2)))).toEqual({ desiredReplicas: 2 });
    expect(statusBefore(task(shown('13', 3))), 'somebody else has written').toEqual({ desiredReplicas: 3 });
    statusStored(task(shown('13', 3)), { status: { desiredReplicas: 4 }, version: '14' });
    expect(statusBefore(task(shown('13', 3)))).toEqual({ desiredReplicas: 4 });
  });
});
