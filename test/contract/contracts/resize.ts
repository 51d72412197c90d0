import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../e2e/http-api.ts';
import { createNode, createPod, runningPod } from '../objects.ts';
import { assert, field, type ContractSuite } from '../suite.ts';

export function resizeContracts(suite: ContractSuite): void {
  const burstable = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } };
  const running = async (resources: object = burstable): Promise<string> => {
    const [namespace, nodeName] = [await suite.namespace(), await createNode(suite)];
    await runningPod(suite, namespace, { name: 'p', nodeName, resources });
    return `/api/v1/namespaces/${namespace}/pods/p`;
  };
  const resize = (path: string, resources: object): Promise<HttpAnswer> =>
    suite.api.patch(`${path}/resize`, 'strategic', { spec: { containers: [{ name: 'c', resources }] } });

  describe('in-place resize', () => {
    it('changes the requests in spec and raises the generation; status stays the kubelet’s', async () => {
      const path = await running();
      const answer = await resize(path, { requests: { cpu: '200m' } });
      assert.code(answer, 200);
      expect(field(answer.body, 'kind')).toBe('Pod');
      expect(field(answer.body, 'metadata.generation')).toBe(2);
      expect(field(answer.body, 'spec.containers.0.resources')).toEqual({
        requests: { cpu: '200m', memory: '128Mi' },
        limits: burstable.limits,
      });
      expect(field(answer.body, 'status.containerStatuses.0.resources')).toEqual(burstable);
      expect(field(answer.body, 'status.containerStatuses.0.allocatedResources')).toEqual(burstable.requests);
    });

    it('takes JSON and merge patches and a whole pod too', async () => {
      const path = await running();
      assert.code(
        await suite.api.patch(`${path}/resize`, 'json', [
          { op: 'replace', path: '/spec/containers/0/resources/requests/cpu', value: '150m' },
        ]),
        200,
      );
      const whole = (await suite.api.get(path)).body as { spec: { containers: { resources: { requests: { cpu: string } } }[] } };
      whole.spec.containers[0]!.resources.requests.cpu = '160m';
      assert.code(await suite.api.put(`${path}/resize`, whole), 200);
      const containers = structuredClone(((await suite.api.get(path)).body as typeof whole).spec.containers);
      containers[0]!.resources.requests.cpu = '170m';
      const answer = await suite.api.patch(`${path}/resize`, 'merge', { spec: { containers } });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.containers.0.resources.requests.cpu')).toBe('170m');
      expect(field(answer.body, 'metadata.generation')).toBe(4);
    });

    it('dry run changes nothing', async () => {
      const path = await running();
      const patch = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } };
      const answer = await suite.api.patch(`${path}/resize?dryRun=All`, 'strategic', patch);
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.containers.0.resources.requests.cpu')).toBe('200m');
      expect(field((await suite.api.get(path)).body, 'spec.containers.0.resources.requests.cpu')).toBe('100m');
    });

    it('of a running container whose status shows no resources: 422', async () => {
      const [namespace, nodeName] = [await suite.namespace(), await createNode(suite)];
      await createPod(suite, namespace, { name: 'p', nodeName, resources: burstable });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const containerStatuses = [
        { name: 'c', image: 'x', imageID: '', ready: true, restartCount: 0, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } },
      ];
      assert.code(await suite.api.patch(`${path}/status`, 'strategic', { status: { phase: 'Running', containerStatuses } }), 200);
      assert.refused(await resize(path, { requests: { cpu: '200m' } }), {
        code: 422,
        reason: 'Invalid',
        message: /Pod running on node without support for resize/u,
      });
    });

    it('that would change the QoS class: 422', async () => {
      const path = await running({ requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '500m', memory: '256Mi' } });
      assert.refused(await resize(path, { requests: { cpu: '100m' } }), {
        code: 422,
        reason: 'Invalid',
        message: /Pod QOS Class may not change as a result of resizing/u,
      });
    });

    it('of a request above its limit: 422', async () => {
      const path = await running();
      assert.refused(await resize(path, { requests: { cpu: '600m' } }), {
        code: 422,
        reason: 'Invalid',
        message: /must be less than or equal to cpu limit of 500m/u,
        details: { causes: [{ field: 'spec.containers[0].resources.requests' }] },
      });
    });

    it('that removes a limit or a request: 422', async () => {
      const path = await running();
      assert.refused(await resize(path, { limits: { cpu: null } }), {
        code: 422,
        reason: 'Invalid',
        message: /resource limits cannot be removed/u,
      });
      assert.refused(await resize(path, { requests: { memory: null }, limits: { memory: null } }), {
        code: 422,
        reason: 'Invalid',
        message: /cannot be removed/u,
      });
    });

    it('of other resources than cpu and memory: 422; other fields of the pod are ignored', async () => {
      const path = await running();
      assert.refused(await resize(path, { requests: { 'ephemeral-storage': '1Gi' } }), {
        code: 422,
        reason: 'Invalid',
        message: /only cpu and memory resources are mutable/u,
      });
      const answer = await suite.api.patch(`${path}/resize`, 'strategic', {
        metadata: { labels: { l: 'x' } },
        spec: { containers: [{ name: 'c', image: 'other' }] },
      });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.containers.0.image')).toBe('registry.example/c:1');
      expect(field(answer.body, 'metadata.generation')).toBe(1);
    });

    it("beyond the node's allocatable: 403", async () => {
      const path = await running({ requests: { cpu: '100m', memory: '128Mi' } });
      assert.refused(await resize(path, { requests: { cpu: '100' } }), {
        code: 403,
        reason: 'Forbidden',
        message: /^pods "p" is forbidden: node didn't have enough allocatable resources: cpu, requested: 100000, allocatable: 4000$/u,
      });
    });

    it('the same change without the subresource: 422', async () => {
      const path = await running();
      assert.refused(
        await suite.api.patch(path, 'strategic', { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } }),
        {
          code: 422,
          reason: 'Invalid',
          message: /pod updates may not change fields other than/u,
        },
      );
    });

    it('a lower memory limit is taken', async () => {
      const path = await running();
      assert.code(await resize(path, { limits: { memory: '200Mi' } }), 200);
    });

    it('the kubelet reports progress by conditions and allocated and actual resources', async () => {
      const path = await running();
      assert.code(await resize(path, { requests: { cpu: '200m' } }), 200);
      const body = (await suite.api.get(path)).body;
      const entry = field<object>(body, 'status.containerStatuses.0');
      const report = async (status: object): Promise<unknown> => {
        const answer = await suite.api.patch(`${path}/status?fieldValidation=Strict`, 'strategic', { status });
        assert.code(answer, 200);
        return answer.body;
      };
      const requests = { cpu: '200m', memory: '128Mi' };
      const started = await report({
        observedGeneration: 2,
        conditions: [{ type: 'PodResizeInProgress', status: 'True', observedGeneration: 2 }],
        containerStatuses: [{ ...entry, allocatedResources: requests }],
      });
      expect(field(started, 'status.observedGeneration')).toBe(2);
      const done = await report({
        conditions: [{ type: 'PodResizeInProgress', $patch: 'delete' }],
        containerStatuses: [{ ...entry, allocatedResources: requests, resources: { requests, limits: burstable.limits } }],
      });
      expect(field<{ type: string }[]>(done, 'status.conditions').map(({ type }) => type)).not.toContain('PodResizeInProgress');
      expect(field(done, 'status.containerStatuses.0.resources.requests.cpu')).toBe('200m');
    });

    it('of a pod that does not exist: 404', async () => {
      const namespace = await suite.namespace();
      assert.refused(await resize(`/api/v1/namespaces/${namespace}/pods/none`, {}), {
        code: 404,
        reason: 'NotFound',
        message: 'pods "none" not found',
      });
    });
  });
}
