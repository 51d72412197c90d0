import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../e2e/http-api.ts';
import { createAuthority, type Authority } from '../../e2e/pki.ts';
import { freePorts } from '../../e2e/ports.ts';
import { pod } from '../objects.ts';
import { assert, created, field, waitFor, type ContractSuite } from '../suite.ts';

interface PodReview {
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly namespace: string;
    readonly name?: string;
    readonly object: {
      readonly metadata: { readonly name?: string };
      readonly spec: { readonly containers: readonly { readonly resources?: object }[] };
    };
  };
}

type Operations = readonly object[];

/** What a controller of requests relies on: its webhook changes pods as they are created, between the builtin defaults and the builtin verdicts. */
export function podWebhookContracts(suite: ContractSuite): void {
  describe('a webhook that changes pods', () => {
    let dir: string;
    let authority: Authority;
    let url: string;
    let caBundle: string;
    let change: (review: PodReview) => Operations = () => [];
    const reviews: PodReview[] = [];
    const servers: Server[] = [];

    const listen = async (name: string, subjectAltNames: readonly string[]): Promise<number> => {
      const { cert, key } = await authority.issue({ file: name, commonName: name, subjectAltNames });
      const server = createServer({ cert, key }, (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PodReview;
          reviews.push(review);
          const operations = change(review);
          const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
          const patched = operations.length === 0 ? {} : { patchType: 'JSONPatch', patch };
          response.setHeader('content-type', 'application/json');
          response.end(
            JSON.stringify({
              apiVersion: 'admission.k8s.io/v1',
              kind: 'AdmissionReview',
              response: { uid: review.request.uid, allowed: true, ...patched },
            }),
          );
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    };

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'concertina-pod-webhook-'));
      authority = await createAuthority(dir, 'webhook-ca');
      caBundle = Buffer.from(authority.cert).toString('base64');
      url = `https://127.0.0.1:${await listen('by-url', ['IP:127.0.0.1'])}/mutate`;
    });
    afterAll(async () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await rm(dir, { recursive: true, force: true });
    });

    const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
    const create = (namespace: string, name: string, resources?: object): Promise<HttpAnswer> =>
      waitFor('a pod can be created', async () => {
        const answer = await suite.api.post(pods(namespace), pod({ name, ...(resources === undefined ? {} : { resources }) }));
        return answer.status === 403 && /error looking up service account/u.test(answer.text) ? undefined : answer;
      });
    /** What a creation is answered once it counts as down. */
    const untilDown = (namespace: string): Promise<HttpAnswer> =>
      waitFor('it is in effect', async () => {
        const tried = await suite.api.post(`${pods(namespace)}?dryRun=All`, pod({ name: 'p' }));
        return tried.status === 500 ? tried : undefined;
      });
    /** Registers it for the pods of some namespaces and answers when it is asked about those of the first. */
    const register = async (
      namespace: string,
      more: {
        readonly clientConfig?: object;
        readonly failurePolicy?: string;
        readonly namespaceSelector?: object;
        readonly silent?: true;
      } = {},
    ): Promise<void> => {
      const { silent, ...rest } = more;
      const name = suite.unique('pods');
      const base = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
      suite.cleanup(`${base}/${name}`);
      await created(suite.api, base, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name },
        webhooks: [
          {
            name: 'pods.contract.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Fail',
            timeoutSeconds: 5,
            clientConfig: { url, caBundle },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
            ...rest,
          },
        ],
      });
      if (silent === true) return;
      await waitFor('the webhook is asked', async () => {
        await suite.api.post(`${pods(namespace)}?dryRun=All`, pod({ name: 'probe' }));
        return reviews.some((review) => review.request.namespace === namespace) ? true : undefined;
      });
      reviews.length = 0;
    };
    const limited = async (namespace: string, item: object): Promise<void> => {
      await created(suite.api, `/api/v1/namespaces/${namespace}/limitranges`, {
        metadata: { name: 'limits' },
        spec: { limits: [{ type: 'Container', ...item }] },
      });
      await waitFor('the LimitRange is in effect', async () => {
        const answer = await suite.api.post(`${pods(namespace)}?dryRun=All`, pod({ name: 'probe' }));
        return field(answer.body, ['metadata', 'annotations', 'kubernetes.io/limit-ranger']) === undefined ? undefined : true;
      });
      reviews.length = 0;
    };
    const requests = (value: object): Operations => [
      { op: 'add', path: '/spec/containers/0/resources', value: {} },
      { op: 'add', path: '/spec/containers/0/resources/requests', value },
    ];

    it('by URL over TLS: its patch is in what is stored, and the QoS class follows', async () => {
      const namespace = await suite.namespace();
      change = () => [
        { op: 'add', path: '/metadata/annotations', value: { vpaUpdates: 'x' } },
        ...requests({ cpu: '250m', memory: '100Mi' }),
      ];
      await register(namespace);
      const answer = await create(namespace, 'p');
      assert.code(answer, 201);
      expect(field(answer.body, 'spec.containers.0.resources')).toEqual({ requests: { cpu: '250m', memory: '100Mi' } });
      expect(field(answer.body, 'metadata.annotations.vpaUpdates')).toBe('x');
      expect(field(answer.body, 'status.qosClass')).toBe('Burstable');
      expect(field((await suite.api.get(`${pods(namespace)}/p`)).body, 'spec.containers')).toEqual(field(answer.body, 'spec.containers'));
      // Changed once: its own patch is no reason to be asked again.
      expect(reviews.filter((review) => review.request.object.metadata.name === 'p')).toHaveLength(1);
    });

    it('a patch that makes the pod invalid: 422', async () => {
      const namespace = await suite.namespace();
      change = (review) => (review.request.object.metadata.name === 'probe' ? [] : requests({ cpu: '-1' }));
      await register(namespace);
      assert.refused(await create(namespace, 'p'), { code: 422, reason: 'Invalid', message: /must be greater than or equal to 0/u });
      assert.refused(await suite.api.get(`${pods(namespace)}/p`), { code: 404 });
    });

    it('matchLabelKeys are merged with the labels that it sets, after it was asked', async () => {
      const namespace = await suite.namespace();
      change = (review) =>
        review.request.object.metadata.name === 'p' ? [{ op: 'add', path: '/metadata/labels/tier', value: 'web' }] : [];
      await register(namespace);
      assert.code(await create(namespace, 'first'), 201);
      reviews.length = 0;
      const labelSelector = { matchLabels: { app: 'p' } };
      const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector, matchLabelKeys: ['tier'] };
      const extra = { topologySpreadConstraints: [constraint], schedulerName: 'nobody' };
      const body = await created(suite.api, pods(namespace), pod({ name: 'p', extra }));
      const selector = 'topologySpreadConstraints.0.labelSelector';
      expect(field(reviews[0]?.request.object.spec, selector)).toEqual(labelSelector);
      expect(field(body, `spec.${selector}`)).toEqual({
        ...labelSelector,
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['web'] }],
      });
    });

    it('is shown a pod whose name is to be generated without one', async () => {
      const namespace = await suite.namespace();
      change = () => [];
      await register(namespace);
      await create(namespace, 'first');
      reviews.length = 0;
      const shape = pod({ name: '' }) as { metadata: Record<string, unknown> };
      shape.metadata = { generateName: 'web-', labels: { app: 'web' } };
      const body = await created(suite.api, pods(namespace), shape);
      expect(field(body, 'metadata.name')).toMatch(/^web-[a-z0-9]{5}$/u);
      expect(reviews).toHaveLength(1);
      expect(reviews[0]?.request.object.metadata).toMatchObject({ generateName: 'web-', labels: { app: 'web' } });
      expect(reviews[0]?.request.object.metadata.name).toBeUndefined();
      expect(reviews[0]?.request.name).toBeUndefined();
      expect(reviews[0]?.request.object.metadata).toMatchObject({ namespace });
    });

    it('sees the defaults of a LimitRange, and its own requests are judged after it', async () => {
      const namespace = await suite.namespace();
      change = () => [];
      await register(namespace);
      await limited(namespace, { default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } });
      const asRegistered = await create(namespace, 'p');
      assert.code(asRegistered, 201);
      expect(reviews.at(-1)?.request.object.spec.containers[0]?.resources).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '100m' } });
      const set = (cpu: string): Operations => [
        { op: 'replace', path: '/spec/containers/0/resources/requests/cpu', value: cpu },
        { op: 'replace', path: '/spec/containers/0/resources/limits/cpu', value: cpu },
      ];
      change = () => set('800m');
      const raised = await create(namespace, 'q');
      assert.code(raised, 201);
      expect(field(raised.body, 'spec.containers.0.resources')).toEqual({ limits: { cpu: '800m' }, requests: { cpu: '800m' } });
      change = () => set('3');
      assert.refused(await create(namespace, 'r'), {
        code: 403,
        reason: 'Forbidden',
        message: /^pods "r" is forbidden: \[?maximum cpu usage per Container is 1, but limit is 3/u,
      });
    });

    it('a container that it adds gets the defaults of a LimitRange too', async () => {
      const namespace = await suite.namespace();
      change = () => [{ op: 'add', path: '/spec/containers/-', value: { name: 'injected', image: 'registry.example/i:1' } }];
      await register(namespace);
      await limited(namespace, { default: { cpu: '500m' }, defaultRequest: { cpu: '100m' } });
      const answer = await create(namespace, 'p');
      assert.code(answer, 201);
      expect(field(answer.body, 'spec.containers.1')).toMatchObject({
        name: 'injected',
        resources: { limits: { cpu: '500m' }, requests: { cpu: '100m' } },
        terminationMessagePolicy: 'File',
      });
    });

    it('down, with failurePolicy Ignore: the pod comes into being unchanged', async () => {
      const namespace = await suite.namespace();
      const [port] = await freePorts(1);
      await register(namespace, {
        failurePolicy: 'Ignore',
        clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle },
        silent: true,
      });
      // One that fails, made after it, shows that this one is in effect.
      const other = await suite.namespace();
      await register(other, { clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle }, silent: true });
      await waitFor('the failing one is in effect', async () =>
        (await suite.api.post(`${pods(other)}?dryRun=All`, pod({ name: 'probe' }))).status === 500 ? true : undefined,
      );
      const answer = await create(namespace, 'p', { requests: { cpu: '10m' } });
      assert.code(answer, 201);
      expect(field(answer.body, 'spec.containers.0.resources')).toEqual({ requests: { cpu: '10m' } });
    });

    it('that shows a certificate of another authority counts as down', async () => {
      const namespace = await suite.namespace();
      const foreign = await createAuthority(dir, 'foreign-ca');
      await register(namespace, { clientConfig: { url, caBundle: Buffer.from(foreign.cert).toString('base64') }, silent: true });
      const answer = await untilDown(namespace);
      assert.refused(answer, {
        code: 500,
        reason: 'InternalError',
        message: /failed calling webhook "pods\.contract\.example\.com": .*x509: certificate signed by unknown authority/u,
      });
    });

    it('that shows a certificate for another address counts as down', async () => {
      const namespace = await suite.namespace();
      const port = await listen('elsewhere', ['IP:127.0.0.9', 'DNS:elsewhere.example']);
      await register(namespace, { clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle }, silent: true });
      const answer = await untilDown(namespace);
      assert.refused(answer, { code: 500, message: /tls: failed to verify certificate: x509: / });
    });

    it('namespaceSelector: NotIn on the name leaves a namespace out, In takes it', async () => {
      const [taken, left] = [await suite.namespace({ team: 'a' }), await suite.namespace({ team: 'a' })];
      change = () => requests({ cpu: '1m' });
      await register(taken, {
        namespaceSelector: {
          matchLabels: { team: 'a' },
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [left, 'kube-system'] }],
        },
      });
      expect(field((await create(taken, 'p')).body, 'spec.containers.0.resources')).toEqual({ requests: { cpu: '1m' } });
      expect(field((await create(left, 'p')).body, 'spec.containers.0.resources')).toEqual({});
      expect(reviews.some((review) => review.request.namespace === left)).toBe(false);
    });

    it('by a Service: dialled where the Service leads, under its name in TLS', async () => {
      const namespace = await suite.namespace();
      // Under the Service's name only: the address is not what is checked.
      const port = await listen('by-service', [`DNS:hook.${namespace}.svc`]);
      await created(suite.api, `/api/v1/namespaces/${namespace}/services`, {
        metadata: { name: 'hook' },
        spec: { type: 'ExternalName', externalName: 'localhost' },
      });
      change = () => requests({ cpu: '2m' });
      await register(namespace, { clientConfig: { service: { namespace, name: 'hook', port, path: '/mutate' }, caBundle } });
      expect(field((await create(namespace, 'p')).body, 'spec.containers.0.resources')).toEqual({ requests: { cpu: '2m' } });
    });

    it('by a Service that is not there: failed', async () => {
      const namespace = await suite.namespace();
      await register(namespace, { clientConfig: { service: { namespace, name: 'none' }, caBundle }, silent: true });
      const answer = await untilDown(namespace);
      assert.refused(answer, {
        code: 500,
        message: /failed to call webhook: Post "https:\/\/none\.[a-z0-9-]+\.svc:443\/\?timeout=5s": service "none" not found/u,
      });
    });
  });
}
