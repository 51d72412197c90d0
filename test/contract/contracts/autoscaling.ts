import { describe, expect, it } from 'vitest';
import { createPod, pod } from '../objects.ts';
import { assert, created, field, type ContractSuite } from '../suite.ts';

export function autoscalingContracts(suite: ContractSuite): void {
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const hpa = (spec: object): object => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: { scaleTargetRef: target, maxReplicas: 5, ...spec },
  });
  const place = async (): Promise<string> => `/apis/autoscaling/v2/namespaces/${await suite.namespace()}/horizontalpodautoscalers`;

  describe('HorizontalPodAutoscaler objects', () => {
    it('without minReplicas and metrics: 1 and 80 % of the CPU requests', async () => {
      const made = await created(suite.api, await place(), hpa({}));
      expect(made).toMatchObject({
        spec: {
          minReplicas: 1,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
        },
      });
      expect(field(made, 'spec.behavior')).toBeUndefined();
    });

    it('a behavior is completed with the default policies', async () => {
      const made = await created(suite.api, await place(), hpa({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }));
      expect(field(made, 'spec.behavior')).toEqual({
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      });
    });

    it('maxReplicas below minReplicas, or none: 422', async () => {
      const path = await place();
      assert.refused(await suite.api.post(path, hpa({ minReplicas: 6 })), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`/u,
      });
      assert.refused(await suite.api.post(path, hpa({ maxReplicas: 0 })), {
        code: 422,
        message: /spec\.maxReplicas: Required value: must be set and greater than 0/u,
      });
    });

    it('status is written by its subresource and does not raise a generation', async () => {
      const path = await place();
      const made = await created(suite.api, path, { ...hpa({}), status: { desiredReplicas: 9, currentMetrics: null, conditions: [] } });
      expect(field(made, 'status.desiredReplicas') ?? 0).toBe(0);
      const conditions = [{ type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', lastTransitionTime: '2026-01-01T00:00:00Z' }];
      const answer = await suite.api.patch(`${path}/web/status`, 'merge', {
        spec: { maxReplicas: 9 },
        status: { currentReplicas: 1, desiredReplicas: 2, observedGeneration: 1, conditions },
      });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ spec: { maxReplicas: 5 }, status: { currentReplicas: 1, desiredReplicas: 2, conditions } });
    });

    it('autoscaling/v1 shows the same object with targetCPUUtilizationPercentage', async () => {
      const path = await place();
      await created(suite.api, path, hpa({}));
      const old = await suite.api.get(`${path.replace('/v2/', '/v1/')}/web`);
      assert.code(old, 200);
      expect(old.body).toMatchObject({
        apiVersion: 'autoscaling/v1',
        spec: { maxReplicas: 5, minReplicas: 1, targetCPUUtilizationPercentage: 80 },
      });
    });

    it('quantities of targets are made canonical', async () => {
      const metrics = [
        { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '1000m' } } },
      ];
      const made = await created(suite.api, await place(), hpa({ metrics }));
      expect(field(made, 'spec.metrics.0.external.target.averageValue')).toBe('1');
    });
  });

  describe('priority classes', () => {
    it('give a pod its priority; an unknown one: 403', async () => {
      const namespace = await suite.namespace();
      const name = suite.unique('class');
      const base = '/apis/scheduling.k8s.io/v1/priorityclasses';
      suite.cleanup(`${base}/${name}`);
      await created(suite.api, base, { metadata: { name }, value: -10, preemptionPolicy: 'Never' });
      const extra = { schedulerName: 'nobody', priorityClassName: name };
      const made = await createPod(suite, namespace, { name: 'p', extra });
      expect(made).toMatchObject({ spec: { priority: -10, preemptionPolicy: 'Never', priorityClassName: name } });
      const answer = await suite.api.post(
        `/api/v1/namespaces/${namespace}/pods`,
        pod({ name: 'q', extra: { priorityClassName: 'no-such-class' } }),
      );
      assert.refused(answer, { code: 403, reason: 'Forbidden', message: /no PriorityClass with name no-such-class was found/u });
    });
  });
}
