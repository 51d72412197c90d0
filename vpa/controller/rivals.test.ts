import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { known, source } from './controller.fixture.ts';
import { createForeignVpas } from './rivals.ts';

function vpa(name: string, target: string, updateMode?: string): KubeObject {
  return {
    metadata: { name, namespace: 'shop' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
      ...(updateMode === undefined ? {} : { updatePolicy: { updateMode } }),
    },
  };
}

describe('VerticalPodAutoscalers of somebody else', () => {
  it('are rivals while they act on the same workload', () => {
    const vpas = source([vpa('other', 'api'), vpa('upstream', 'web')]);
    const foreign = createForeignVpas(vpas);
    expect(foreign.on(known('web'))).toContain('VerticalPodAutoscaler shop/upstream sizes Deployment web too');
    vpas.set(vpa('upstream', 'web', 'Off'));
    expect(foreign.on(known('web'))).toBeUndefined();
    vpas.set(vpa('other', 'web'));
    expect(foreign.on(known('web'))).toContain('shop/other');
    vpas.delete('shop/other');
    expect(foreign.on(known('web'))).toBeUndefined();
    expect(foreign.on(known('api'))).toBeUndefined();
  });

  it('are none where the kind is not looked at', () => {
    expect(createForeignVpas(undefined).on(known('web'))).toBeUndefined();
  });
});
