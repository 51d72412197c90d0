import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import { errorFromAnswer, type KubeClient } from '../../../core/kube/index.ts';
import { foreign } from './foreign-text.ts';

export interface AccessQuestion {
  readonly verb: string;
  readonly group: string;
  /** `pods`, or `deployments/scale`. */
  readonly resource: string;
  /** Absent: in all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** A problem when the question itself was not answered. */
export type AccessAnswer = 'yes' | 'no' | { readonly problem: string };

const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const timeoutMs = 10_000;

/** Whether whom the client speaks for may do that, by a SelfSubjectAccessReview, which stores nothing. */
export async function askRight(client: KubeClient, { verb, group, resource, namespace, name }: AccessQuestion): Promise<AccessAnswer> {
  const [plural = '', subresource] = resource.split('/', 2);
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, group, resource: plural, subresource, namespace, name } },
  };
  try {
    const answer = await client.raw({ method: 'POST', path, body: JSON.stringify(review), timeoutMs });
    if (answer.status >= 400) throw errorFromAnswer(answer, { method: 'POST', path });
    const { status } = JSON.parse(answer.body.toString('utf8')) as { readonly status?: { readonly allowed?: unknown } };
    return status?.allowed === true ? 'yes' : 'no';
  } catch (error) {
    if (isConcertinaError(error)) return { problem: foreign(messageOf(error), 200) };
    if (error instanceof SyntaxError) return { problem: `${path} was answered with something else than JSON` };
    throw error;
  }
}
