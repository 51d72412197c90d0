export { createRbacAuthorizer, groupsOf, rbacTypes, refusalText } from './rbac.ts';
export type { AccessDecision, RbacAuthorizer } from './rbac.ts';
export { requestAttributes } from './rules.ts';
export { answerSelfSubjectAccessReview, answerSelfSubjectRulesReview, answerSubjectAccessReview, answerTokenReview } from './reviews.ts';
export type { AccessAttributes, PolicyRule } from './rules.ts';
