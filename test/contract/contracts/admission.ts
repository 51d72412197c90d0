import { createServer, type Server } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServingCertificate } from '../../e2e/real-cluster.ts';
import { freePorts } from '../../e2e/ports.ts';
import { configMap } from '../objects.ts';
import { assert, created, field, waitFor, type ContractSuite } from '../suite.ts';

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly namespace: string;
    readonly name: string;
    readonly dryRun: boolean;
    readonly kind: object;
    readonly resource: object;
    readonly userInfo: { readonly username: string };
    readonly object: { readonly data?: Readonly<Record<string, string>> };
    readonly oldObject: unknown;
  };
}

export function admissionContracts(suite: ContractSuite): void {
  describe('admission webhooks', () => {
    let server: Server;
    let url: string;
    let caBundle: string;
    const reviews: Review[] = [];
    // What the webhook answers to the next reviews, beside the uid.
    let respond: (review: Review) => object = () => ({ allowed: true });

    beforeAll(async () => {
      const { ca, cert, key } = await createServingCertificate();
      caBundle = Buffer.from(ca).toString('base64');
      server = createServer({ cert, key }, (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
          reviews.push(review);
          response.setHeader('content-type', 'application/json');
          response.end(
            JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, ...respond(review) } }),
          );
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/admit`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    /** Registers a webhook for ConfigMaps of one new, labelled namespace and waits until it is asked. */
    const register = async (
      kind: 'Mutating' | 'Validating',
      more: object = {},
      options: { readonly effective?: (path: string) => Promise<boolean> } = {},
    ): Promise<string> => {
      const label = suite.unique('hooked');
      const namespace = await suite.namespace({ hooked: label });
      const name = suite.unique('hook');
      const base = `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`;
      suite.cleanup(`${base}/${name}`);
      await created(suite.api, base, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: `${kind}WebhookConfiguration`,
        metadata: { name },
        webhooks: [
          {
            name: 'hook.contract.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            clientConfig: { url, caBundle },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] }],
            namespaceSelector: { matchLabels: { hooked: label } },
            timeoutSeconds: 5,
            ...more,
          },
        ],
      });
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const asked = async (at: string): Promise<boolean> => {
        const before = reviews.length;
        await suite.api.post(`${at}?dryRun=All`, configMap('probe'));
        return reviews.length > before;
      };
      await waitFor('the webhook is asked', async () => ((await (options.effective ?? asked)(path)) ? true : undefined));
      reviews.length = 0;
      return path;
    };

    it('a mutating one changes the object by a JSON patch', async () => {
      respond = () => ({
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data/added', value: 'yes' }])).toString('base64'),
      });
      const path = await register('Mutating');
      const made = await created(suite.api, path, configMap('a'));
      expect(field(made, 'data')).toEqual({ a: '1', added: 'yes' });
      expect(field((await suite.api.get(`${path}/a`)).body, 'data.added')).toBe('yes');
    });

    it('the review tells what is asked', async () => {
      respond = () => ({ allowed: true });
      const path = await register('Validating');
      const namespace = path.split('/')[4];
      await created(suite.api, path, configMap('a'));
      await suite.api.patch(`${path}/a?dryRun=All`, 'merge', { data: { b: '2' } });
      await suite.api.delete(`${path}/a`);
      const own = reviews.filter((review) => review.request.name === 'a');
      expect(own).toMatchObject([
        {
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          request: {
            operation: 'CREATE',
            namespace,
            name: 'a',
            dryRun: false,
            kind: { group: '', version: 'v1', kind: 'ConfigMap' },
            resource: { group: '', version: 'v1', resource: 'configmaps' },
            object: { kind: 'ConfigMap', data: { a: '1' } },
            oldObject: null,
          },
        },
        { request: { operation: 'UPDATE', dryRun: true, object: { data: { a: '1', b: '2' } }, oldObject: { data: { a: '1' } } } },
        { request: { operation: 'DELETE', object: null, oldObject: { data: { a: '1' } } } },
      ]);
      expect(own[0]!.request.userInfo.username).not.toBe('');
    });

    it('a denial: its code, reason and message, and nothing is stored', async () => {
      respond = (review) =>
        review.request.name === 'probe'
          ? { allowed: true }
          : { allowed: false, status: { code: 418, reason: 'Teapot', message: 'not today' } };
      const path = await register('Validating');
      const answer = await suite.api.post(path, configMap('a'));
      assert.code(answer, 418);
      expect(answer.body).toMatchObject({
        kind: 'Status',
        status: 'Failure',
        message: 'admission webhook "hook.contract.example.com" denied the request: not today',
        code: 418,
      });
      assert.refused(await suite.api.get(`${path}/a`), { code: 404 });
    });

    it('a denial without a status: 400', async () => {
      respond = (review) => ({ allowed: review.request.name === 'probe' });
      const path = await register('Validating');
      assert.refused(await suite.api.post(path, configMap('a')), {
        code: 400,
        message: 'admission webhook "hook.contract.example.com" denied the request without explanation',
      });
    });

    it('warnings reach the client', async () => {
      respond = () => ({ allowed: true, warnings: ['think twice'] });
      const path = await register('Validating');
      const answer = await suite.api.post(path, configMap('a'));
      assert.code(answer, 201);
      expect(answer.headers['warning']).toBe('299 - "think twice"');
    });

    it('mutating ones come before validating ones', async () => {
      respond = (review) => {
        if (review.request.object.data?.['mark'] !== undefined) return { allowed: true };
        return {
          allowed: true,
          patchType: 'JSONPatch',
          patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data/mark', value: 'x' }])).toString('base64'),
        };
      };
      const path = await register('Mutating');
      const label = need(await suite.api.get(`/api/v1/namespaces/${path.split('/')[4]}`).then((answer) => answer.body));
      const name = suite.unique('hook');
      const base = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
      suite.cleanup(`${base}/${name}`);
      const seen: (string | undefined)[] = [];
      const mutate = respond;
      respond = (review) => {
        seen.push(review.request.object.data?.['mark']);
        return mutate(review);
      };
      await created(suite.api, base, {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name },
        webhooks: [
          {
            name: 'second.contract.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            clientConfig: { url, caBundle },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
            namespaceSelector: { matchLabels: { hooked: label } },
          },
        ],
      });
      await waitFor('both are asked', async () => {
        seen.length = 0;
        await suite.api.post(`${path}?dryRun=All`, configMap('probe'));
        return seen.length === 2 ? true : undefined;
      });
      expect(seen).toEqual([undefined, 'x']);
    });

    it('other namespaces are not asked about', async () => {
      respond = () => ({ allowed: false });
      await register('Validating');
      const other = await suite.namespace();
      await created(suite.api, `/api/v1/namespaces/${other}/configmaps`, configMap('a'));
      // The hooked namespace itself may still get its kube-root-ca.crt.
      expect(reviews.filter((review) => review.request.namespace === other)).toEqual([]);
    });

    it('failurePolicy Ignore: a webhook that is down changes nothing; Fail: 500', async () => {
      const [port] = await freePorts(1);
      const clientConfig = { url: `https://127.0.0.1:${port}/admit`, caBundle };
      const ignored = await register('Validating', { failurePolicy: 'Ignore', clientConfig }, { effective: async () => true });
      await created(suite.api, ignored, configMap('a'));
      const failing = async (path: string): Promise<boolean> =>
        (await suite.api.post(`${path}?dryRun=All`, configMap('probe'))).status === 500;
      const path = await register('Validating', { failurePolicy: 'Fail', clientConfig }, { effective: failing });
      assert.refused(await suite.api.post(path, configMap('a')), {
        code: 500,
        reason: 'InternalError',
        message: /^Internal error occurred: failed calling webhook "hook\.contract\.example\.com": /u,
      });
      // The one that ignores has been in effect since: asked again, still no hindrance.
      await created(suite.api, ignored, configMap('b'));
    });
  });
}

function need(namespace: unknown): string {
  const label = field<string | undefined>(namespace, 'metadata.labels.hooked');
  expect(label).toBeDefined();
  return label ?? '';
}
