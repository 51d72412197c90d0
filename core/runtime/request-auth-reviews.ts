import { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { KubeClient } from '../kube/api.ts';
import { errorFromAnswer } from '../kube/status-error.ts';

/** Who a request comes from, as the API server knows users. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What a user wants to do: a path, or a resource of the API. Verbs of paths are methods in lower case. */
export type AccessAttributes =
  | { readonly kind: 'path'; readonly path: string; readonly verb: string }
  | {
      readonly kind: 'resource';
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly namespace: string;
      readonly verb: string;
    };

/** What the API server said, or why it did not: one sentence for the log. */
export type ReviewResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

export interface ReviewOptions {
  readonly client: KubeClient;
  readonly timeoutMs: number;
}

const strings = z.array(z.string()).nullish();
const userInfo = z.object({
  username: z.string().min(1),
  uid: z.string().nullish(),
  groups: strings,
  extra: z.record(z.string(), strings).nullish(),
});
const tokenReview = z.object({
  status: z.object({ authenticated: z.boolean().nullish(), user: userInfo.partial().nullish(), audiences: strings }),
});
const accessReview = z.object({ status: z.object({ allowed: z.boolean(), denied: z.boolean().nullish() }) });

/** Asks whose token it is; `undefined`: nobody's, or not one for these audiences. The token goes nowhere else, and into no message. */
export async function reviewToken(
  options: ReviewOptions,
  token: string,
  audiences: readonly string[],
): Promise<ReviewResult<UserInfo | undefined>> {
  const spec = audiences.length === 0 ? { token } : { token, audiences };
  const answer = await post(options, { kind: 'TokenReview', group: 'authentication.k8s.io', plural: 'tokenreviews', spec }, tokenReview);
  if (!answer.ok) return answer;
  const { status } = answer.value;
  if (status.authenticated !== true) return { ok: true, value: undefined };
  // A server that knows nothing of audiences answers none: then the token may be meant for somebody else.
  if (audiences.length > 0 && !audiences.some((audience) => (status.audiences ?? []).includes(audience)))
    return { ok: true, value: undefined };
  const user = userInfo.safeParse(status.user);
  if (!user.success) return { ok: false, problem: 'a TokenReview was answered with a user who has no name' };
  const { username, uid, groups, extra } = user.data;
  return { ok: true, value: { username, uid: uid ?? undefined, groups: groups ?? [], extra: cleanExtra(extra) } };
}

function cleanExtra(extra: z.output<typeof userInfo>['extra']): UserInfo['extra'] {
  if (extra === undefined || extra === null) return undefined;
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, values ?? []]));
}

/** Asks whether a user may do something. */
export async function reviewAccess(options: ReviewOptions, user: UserInfo, wanted: AccessAttributes): Promise<ReviewResult<boolean>> {
  const { kind, ...attributes } = wanted;
  const spec = {
    user: user.username,
    uid: user.uid,
    groups: user.groups,
    extra: user.extra,
    ...(kind === 'path' ? { nonResourceAttributes: attributes } : { resourceAttributes: attributes }),
  };
  const review = { kind: 'SubjectAccessReview', group: 'authorization.k8s.io', plural: 'subjectaccessreviews', spec };
  const answer = await post(options, review, accessReview);
  if (!answer.ok) return answer;
  const { allowed, denied } = answer.value.status;
  return { ok: true, value: allowed && denied !== true };
}

interface Review {
  readonly kind: string;
  readonly group: string;
  readonly plural: string;
  readonly spec: object;
}

async function post<T>({ client, timeoutMs }: ReviewOptions, review: Review, schema: z.ZodType<T>): Promise<ReviewResult<T>> {
  const { kind, group, plural, spec } = review;
  const path = `/apis/${group}/v1/${plural}`;
  const body = JSON.stringify({ apiVersion: `${group}/v1`, kind, spec });
  try {
    const answer = await client.raw({ method: 'POST', path, body, timeoutMs });
    if (answer.status === 403)
      return { ok: false, problem: `this program may not create ${plural}: bind its ServiceAccount to ClusterRole system:auth-delegator` };
    if (answer.status >= 300)
      return { ok: false, problem: `a ${kind} failed: ${errorFromAnswer(answer, { method: 'POST', path }).message}` };
    const parsed = schema.safeParse(JSON.parse(answer.body.toString('utf8')));
    return parsed.success ? { ok: true, value: parsed.data } : { ok: false, problem: `a ${kind} was answered with something else` };
  } catch (thrown) {
    return { ok: false, problem: `a ${kind} failed: ${messageOf(thrown)}` };
  }
}
