import type { KubeObject } from '../../../../core/model/object.ts';
import { badRequest } from '../errors.ts';
import { objectOf, textOf } from '../json.ts';
import type { UserInfo } from '../types.ts';
import { attributesOf, texts } from './rules.ts';
import type { AccessAttributes } from './rules.ts';
import type { AccessDecision, RbacAuthorizer } from './rbac.ts';

type Authorize = (user: UserInfo, attributes: AccessAttributes) => AccessDecision;

/** Answers a SubjectAccessReview or LocalSubjectAccessReview: the object with its status. Throws the server's 400 for an empty one. */
export function answerSubjectAccessReview(authorize: Authorize, review: KubeObject): KubeObject {
  const spec = objectOf(review.spec);
  const groups = texts(spec['groups']);
  const username = textOf(spec['user']);
  if (username === '' && groups.length === 0) throw badRequest('spec.user or spec.groups must be specified');
  return answered(authorize, { username, groups }, review);
}

/** Answers a SelfSubjectAccessReview of this user. */
export function answerSelfSubjectAccessReview(authorize: Authorize, user: UserInfo, review: KubeObject): KubeObject {
  return answered(authorize, user, review);
}

function answered(authorize: Authorize, user: UserInfo, review: KubeObject): KubeObject {
  const attributes = attributesOf(objectOf(review.spec));
  if (attributes === undefined) throw badRequest('exactly one of resourceAttributes or nonResourceAttributes must be specified');
  const { allowed, reason } = authorize(user, attributes);
  return { ...review, status: { allowed, ...(reason === '' ? {} : { reason }) } };
}

/** Answers a SelfSubjectRulesReview of this user: what `kubectl auth can-i --list` prints. */
export function answerSelfSubjectRulesReview(authorizer: Pick<RbacAuthorizer, 'rulesFor'>, user: UserInfo, review: KubeObject): KubeObject {
  const namespace = textOf(objectOf(review.spec)['namespace']);
  if (namespace === '') throw badRequest('no namespace on request');
  const rules = authorizer.rulesFor(user, namespace);
  const resourceRules = rules
    .filter((rule) => rule.resources.length > 0)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames.length === 0 ? {} : { resourceNames }),
    }));
  const nonResourceRules = rules
    .filter((rule) => rule.nonResourceUrls.length > 0)
    .map(({ verbs, nonResourceUrls }) => ({ verbs, nonResourceURLs: nonResourceUrls }));
  return { ...review, status: { resourceRules, nonResourceRules, incomplete: false } };
}

/** Answers a TokenReview with the help of whoever knows the tokens. */
export function answerTokenReview(verify: (token: string) => UserInfo | undefined, review: KubeObject): KubeObject {
  const spec = objectOf(review.spec);
  const token = textOf(spec['token']);
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const user = verify(token);
  if (user === undefined) return { ...review, status: { user: {}, error: 'invalid bearer token' } };
  const audiences = texts(spec['audiences']);
  return {
    ...review,
    status: {
      authenticated: true,
      user: { username: user.username, groups: [...user.groups] },
      ...(audiences.length === 0 ? {} : { audiences }),
    },
  };
}
