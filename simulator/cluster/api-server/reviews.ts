import type { KubeObject } from '../../../core/model/object.ts';
import {
  answerSelfSubjectAccessReview,
  answerSelfSubjectRulesReview,
  answerSubjectAccessReview,
  answerTokenReview,
} from './authorization/index.ts';
import type { RbacAuthorizer } from './authorization/index.ts';
import { methodNotAllowed } from './errors.ts';
import type { Identities } from './identity.ts';
import type { Kind } from './kinds/kind.ts';
import type { UserInfo } from './types.ts';

/** Without RBAC everybody may everything, and reviews say so. */
const alwaysAllow: RbacAuthorizer = Object.assign(() => ({ allowed: true, reason: '' }), {
  rulesFor: () => [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceUrls: [] },
    { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceUrls: ['*'] },
  ],
});

export type Review = (kind: Kind, object: KubeObject, user: UserInfo) => KubeObject;

/** The kinds that are answered and never stored. */
export function createReviews(identities: Identities, authorizer: RbacAuthorizer = alwaysAllow): Review {
  return (kind, object, user) => {
    const answer = reviewOf(kind, object, user);
    return { ...answer, kind: kind.type.kind, apiVersion: `${kind.type.group}/${kind.type.version}` };
  };

  function reviewOf(kind: Kind, object: KubeObject, user: UserInfo): KubeObject {
    switch (kind.type.plural) {
      case 'tokenreviews':
        return answerTokenReview((token) => identities.verify(token)?.user, object);
      case 'selfsubjectreviews':
        return { ...object, status: { userInfo: { username: user.username, groups: user.groups } } };
      case 'subjectaccessreviews':
      case 'localsubjectaccessreviews':
        return answerSubjectAccessReview(authorizer, object);
      case 'selfsubjectaccessreviews':
        return answerSelfSubjectAccessReview(authorizer, user, object);
      case 'selfsubjectrulesreviews':
        return answerSelfSubjectRulesReview(authorizer, user, object);
      default:
        throw methodNotAllowed();
    }
  }
}
