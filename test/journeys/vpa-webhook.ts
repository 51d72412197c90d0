import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeClient } from '../../core/kube/api.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { createAuthority, createLeaf } from '../../vpa/admission/certificates/certificate.ts';

/** A pod as webhooks see it. */
export interface ReviewedPod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
    }[];
  };
}

interface Review {
  readonly request: { readonly uid: string; readonly object: ReviewedPod };
}

/** A webhook that is asked. */
export interface ForeignWebhook {
  readonly stop: () => Promise<void>;
}

/** Somebody else's mutating webhook for new pods of a namespace; it has the last word, for it is asked again after others have changed a pod. */
export async function foreignWebhook(
  client: KubeClient,
  options: { readonly name: string; readonly namespace: string; readonly patch: (pod: ReviewedPod) => readonly object[] },
): Promise<ForeignWebhook> {
  const request = {
    commonName: 'somebody else',
    notBefore: Date.now() - 60_000,
    notAfter: Date.now() + 3_600_000,
    randomBytes: (size: number) => randomBytes(size),
  };
  const authority = await createAuthority(request);
  const leaf = await createLeaf({ ...request, names: ['127.0.0.1'], issuer: authority });
  const server = createServer({ cert: leaf.cert, key: leaf.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { request: review } = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      const patch = Buffer.from(JSON.stringify(options.patch(review.object))).toString('base64');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.uid, allowed: true, patchType: 'JSONPatch', patch },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await client.create(resourceTypes.mutatingWebhookConfigurations, {
    metadata: { name: options.name },
    webhooks: [
      {
        name: `${options.name}.example.com`,
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(authority.cert).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': options.namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        reinvocationPolicy: 'IfNeeded',
        timeoutSeconds: 5,
      },
    ],
  });
  return {
    stop: async () => {
      await client.delete(resourceTypes.mutatingWebhookConfigurations, { name: options.name });
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
