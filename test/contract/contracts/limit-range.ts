import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../e2e/http-api.ts';
import { createNode, createPod, deployment, pod, runningPod } from '../objects.ts';
import { assert, created, field, waitFor, waitForObject, type ContractSuite } from '../suite.ts';

interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

export function limitRangeContracts(suite: ContractSuite): void {
  const ranges = (namespace: string): string => `/api/v1/namespaces/${namespace}/limitranges`;
  const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
  const attempt = (namespace: string, name: string, resources: Resources): Promise<HttpAnswer> =>
    suite.api.post(pods(namespace), pod({ name, resources }));

  /** A namespace with this LimitRange in effect: the real plugin reads it from a cache. */
  const limited = async (...limits: readonly object[]): Promise<string> => {
    const namespace = await suite.namespace();
    await enforce(namespace, ...limits);
    return namespace;
  };
  const enforce = async (namespace: string, ...limits: readonly object[]): Promise<void> => {
    // Beside it one whose trace shows that the plugin has seen the namespace's ranges.
    const marker = { type: 'Container', default: { 'example.com/seen': '1' } };
    await created(suite.api, ranges(namespace), { metadata: { name: 'limits' }, spec: { limits } });
    await created(suite.api, ranges(namespace), { metadata: { name: 'marker' }, spec: { limits: [marker] } });
    await waitFor('the LimitRange is in effect', async () => {
      const answer = await suite.api.post(`${pods(namespace)}?dryRun=All`, pod({ name: 'probe', resources: {} }));
      if (answer.status === 403 && /error looking up service account/u.test(answer.text)) return undefined;
      return answer.text.includes('example.com/seen') || (answer.status === 403 && /usage per|ratio per/u.test(answer.text))
        ? true
        : undefined;
    });
    assert.code(await suite.api.delete(`${ranges(namespace)}/marker`), 200);
    await waitFor('the marker is gone', async () => {
      const answer = await suite.api.post(`${pods(namespace)}?dryRun=All`, pod({ name: 'probe', resources: {} }));
      return answer.text.includes('example.com/seen') ? undefined : true;
    });
  };

  describe('LimitRange: the object', () => {
    it('a maximum is the default limit, that one the default request', async () => {
      const namespace = await suite.namespace();
      const body = await created(suite.api, ranges(namespace), {
        metadata: { name: 'l' },
        spec: { limits: [{ type: 'Container', max: { cpu: '1000m' }, min: { cpu: '100m', memory: '64Mi' } }] },
      });
      expect(field(body, 'spec.limits.0')).toEqual({
        type: 'Container',
        max: { cpu: '1' },
        min: { cpu: '100m', memory: '64Mi' },
        default: { cpu: '1' },
        defaultRequest: { cpu: '1', memory: '64Mi' },
      });
    });

    it('a minimum above its maximum, a default outside: 422', async () => {
      const namespace = await suite.namespace();
      const refused = (item: object): Promise<HttpAnswer> =>
        suite.api.post(ranges(namespace), { metadata: { name: 'l' }, spec: { limits: [item] } });
      assert.refused(
        await refused({ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '2' }, defaultRequest: { cpu: '2' } }),
        {
          code: 422,
          reason: 'Invalid',
          message: /spec\.limits\[0\]\.min\[cpu\]: Invalid value: "2": min value 2 is greater than max value 1/u,
        },
      );
      assert.refused(await refused({ type: 'Container', max: { cpu: '1' }, default: { cpu: '2' }, defaultRequest: { cpu: '1' } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.limits\[0\]\.default\[cpu\]: Invalid value: "1": default value 2 is greater than max value 1/u,
      });
      assert.refused(await refused({ type: 'Pod', default: { cpu: '2' } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.limits\[0\]\.default: Forbidden: may not be specified when `type` is 'Pod'/u,
      });
      assert.refused(await refused({ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }), {
        code: 422,
        reason: 'Invalid',
        message: /ratio 500m is less than 1/u,
      });
    });
  });

  describe('LimitRange: pods', () => {
    it('a pod without resources gets the defaults, and is told so', async () => {
      const namespace = await limited({
        type: 'Container',
        default: { cpu: '500m', memory: '256Mi' },
        defaultRequest: { cpu: '100m', memory: '128Mi' },
      });
      const body = await createPod(suite, namespace, { name: 'p' });
      expect(field(body, 'spec.containers.0.resources')).toEqual({
        limits: { cpu: '500m', memory: '256Mi' },
        requests: { cpu: '100m', memory: '128Mi' },
      });
      expect(field(body, ['metadata', 'annotations', 'kubernetes.io/limit-ranger'])).toBe(
        'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c',
      );
      expect(field(body, 'status.qosClass')).toBe('Burstable');
    });

    it('what a container says itself stands', async () => {
      const namespace = await limited({ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' } });
      const body = await createPod(suite, namespace, { name: 'p', resources: { requests: { cpu: '200m' } } });
      expect(field(body, 'spec.containers.0.resources')).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '200m' } });
      expect(field(body, ['metadata', 'annotations', 'kubernetes.io/limit-ranger'])).toBe(
        'LimitRanger plugin set: cpu limit for container c',
      );
    });

    it('a pod over the maximum of a container, or below its minimum: 403 with each violation', async () => {
      const namespace = await limited({ type: 'Container', max: { cpu: '1' }, min: { memory: '100Mi' } });
      const answer = await attempt(namespace, 'p', { limits: { cpu: '2', memory: '10Mi' } });
      assert.refused(answer, {
        code: 403,
        reason: 'Forbidden',
        message: /^pods "p" is forbidden: \[/u,
        details: { name: 'p', kind: 'pods' },
      });
      const text = field<string>(answer.body, 'message');
      expect(text).toContain('maximum cpu usage per Container is 1, but limit is 2');
      expect(text).toContain('minimum memory usage per Container is 100Mi, but request is 10Mi');
    });

    it('a single violation stands without brackets', async () => {
      const namespace = await limited({ type: 'Container', max: { memory: '1Gi' } });
      assert.refused(await attempt(namespace, 'p', { limits: { memory: '2Gi' } }), {
        code: 403,
        reason: 'Forbidden',
        message: 'pods "p" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
      });
    });

    it('the ratio of limit to request', async () => {
      const namespace = await limited({ type: 'Container', maxLimitRequestRatio: { cpu: '2' } });
      assert.refused(await attempt(namespace, 'p', { requests: { cpu: '100m' }, limits: { cpu: '300m' } }), {
        code: 403,
        message: 'pods "p" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
      });
      await createPod(suite, namespace, { name: 'q', resources: { requests: { cpu: '100m' }, limits: { cpu: '200m' } } });
    });

    it('bounds of the whole pod', async () => {
      const namespace = await limited({ type: 'Pod', max: { cpu: '1' }, min: { cpu: '200m' } });
      assert.refused(await attempt(namespace, 'p', { requests: { cpu: '500m' }, limits: { cpu: '1500m' } }), {
        code: 403,
        message: 'pods "p" is forbidden: maximum cpu usage per Pod is 1, but limit is 1500m',
      });
      assert.refused(await attempt(namespace, 'p', { requests: { cpu: '100m' }, limits: { cpu: '1' } }), {
        code: 403,
        message: 'pods "p" is forbidden: minimum cpu usage per Pod is 200m, but request is 100m',
      });
      assert.refused(await attempt(namespace, 'p', {}), {
        code: 403,
        message: /minimum cpu usage per Pod is 200m\. {2}No request is specified/u,
      });
    });

    it('an update of a pod that is there already is not judged', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', resources: { limits: { cpu: '2' } } });
      await enforce(namespace, { type: 'Container', max: { cpu: '1' } });
      assert.code(await suite.api.patch(`${pods(namespace)}/p`, 'merge', { metadata: { labels: { l: 'x' } } }), 200);
    });

    it('claims have bounds of their own', async () => {
      const namespace = await limited({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '10Gi' } });
      const claim = (storage: string): Promise<HttpAnswer> =>
        suite.api.post(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
          metadata: { name: 'c' },
          spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage } } },
        });
      assert.refused(await claim('20Gi'), {
        code: 403,
        message: 'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi',
      });
      assert.code(await claim('5Gi'), 201);
    });

    it('a ReplicaSet whose pods are refused says FailedCreate', async () => {
      const namespace = await limited({ type: 'Container', max: { cpu: '1' } });
      const shape = deployment('web', 2);
      const template = (shape.spec as { template: { spec: { containers: { resources?: object }[] } } }).template;
      for (const container of template.spec.containers) container.resources = { limits: { cpu: '2' } };
      await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/deployments`, shape);
      const sentence = /pods "web-[a-z0-9]+-[a-z0-9]+" is forbidden: .*maximum cpu usage per Container is 1, but limit is 2/u;
      const condition = await waitFor('the ReplicaSet says why', async () => {
        const list = (await suite.api.get(`/apis/apps/v1/namespaces/${namespace}/replicasets`)).body;
        const conditions = field<{ type: string; reason: string; message: string }[] | undefined>(list, 'items.0.status.conditions') ?? [];
        return conditions.find(({ type }) => type === 'ReplicaFailure');
      });
      expect(condition).toMatchObject({ status: 'True', reason: 'FailedCreate', message: expect.stringMatching(sentence) as unknown });
      await waitFor('the event FailedCreate', async () => {
        const list = (await suite.api.get(`/api/v1/namespaces/${namespace}/events?fieldSelector=reason%3DFailedCreate`)).body;
        const messages = field<{ message: string }[]>(list, 'items').map(({ message }) => message);
        return messages.some((message) => message.startsWith('Error creating: ') && sentence.test(message)) ? true : undefined;
      });
      const failing = await waitForObject(
        suite.api,
        `/apis/apps/v1/namespaces/${namespace}/deployments/web`,
        (body) => field<{ type: string }[] | undefined>(body, 'status.conditions')?.some(({ type }) => type === 'ReplicaFailure') === true,
      );
      expect(field(failing, 'status.unavailableReplicas')).toBe(2);
    });
  });

  describe('LimitRange: resize', () => {
    const running = async (): Promise<string> => {
      const [namespace, nodeName] = [await suite.namespace(), await createNode(suite)];
      const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } };
      await runningPod(suite, namespace, { name: 'p', nodeName, resources });
      return namespace;
    };
    const resize = (namespace: string, resources: object): Promise<HttpAnswer> =>
      suite.api.patch(`${pods(namespace)}/p/resize`, 'strategic', { spec: { containers: [{ name: 'c', resources }] } });

    it('beyond the maximum, or below the minimum: 403; within them it is done', async () => {
      const namespace = await running();
      await enforce(namespace, { type: 'Container', max: { cpu: '1' }, min: { cpu: '50m' } });
      assert.refused(await resize(namespace, { limits: { cpu: '2' } }), {
        code: 403,
        reason: 'Forbidden',
        message: 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
      });
      assert.refused(await resize(namespace, { requests: { cpu: '10m' } }), {
        code: 403,
        reason: 'Forbidden',
        message: 'pods "p" is forbidden: minimum cpu usage per Container is 50m, but request is 10m',
      });
      assert.code(await resize(namespace, { requests: { cpu: '200m' }, limits: { cpu: '1' } }), 200);
    });

    it('bounds of the whole pod hold too', async () => {
      const namespace = await running();
      await enforce(namespace, { type: 'Pod', max: { memory: '512Mi' } });
      assert.refused(await resize(namespace, { limits: { memory: '1Gi' } }), {
        code: 403,
        message: 'pods "p" is forbidden: maximum memory usage per Pod is 512Mi, but limit is 1Gi',
      });
    });
  });
}
