import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import type { LabelSelectorShape } from '../kinds/shapes.ts';
import { matchesSelector } from '../label-selectors.ts';
import type { Registry, UserInfo } from '../types.ts';
import { createNodeAuthorizer } from './node-authorizer.ts';
import type { AccessAttributes, PolicyRule } from './rules.ts';
import { ruleAllows, rulesOf } from './rules.ts';

const group = 'rbac.authorization.k8s.io';

/** The resources that RBAC is made of. */
export const rbacTypes = {
  roles: { group, version: 'v1', plural: 'roles', kind: 'Role', namespaced: true },
  clusterRoles: { group, version: 'v1', plural: 'clusterroles', kind: 'ClusterRole', namespaced: false },
  roleBindings: { group, version: 'v1', plural: 'rolebindings', kind: 'RoleBinding', namespaced: true },
  clusterRoleBindings: { group, version: 'v1', plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
} as const satisfies Record<string, ResourceType>;

export interface AccessDecision {
  readonly allowed: boolean;
  /** For an access review: which binding allowed it; empty when nothing did. */
  readonly reason: string;
}

export interface RbacAuthorizer {
  (user: UserInfo, attributes: AccessAttributes): AccessDecision;
  /** All rules that a user has in a namespace. */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[];
}

/** What the API server lets everybody do without any object saying so (its bootstrap roles discovery, basic-user and public-info-viewer). */
const publicPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const builtin: readonly { readonly role: string; readonly groups: readonly string[]; readonly rules: readonly PolicyRule[] }[] = [
  {
    role: 'system:public-info-viewer',
    groups: ['system:authenticated', 'system:unauthenticated'],
    rules: [{ verbs: ['get'], apiGroups: [], resources: [], resourceNames: [], nonResourceUrls: publicPaths }],
  },
  {
    role: 'system:discovery',
    groups: ['system:authenticated'],
    rules: [
      {
        verbs: ['get'],
        apiGroups: [],
        resources: [],
        resourceNames: [],
        nonResourceUrls: ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...publicPaths],
      },
    ],
  },
  {
    role: 'system:basic-user',
    groups: ['system:authenticated'],
    rules: [
      {
        verbs: ['create'],
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        resourceNames: [],
        nonResourceUrls: [],
      },
      {
        verbs: ['create'],
        apiGroups: ['authentication.k8s.io'],
        resources: ['selfsubjectreviews'],
        resourceNames: [],
        nonResourceUrls: [],
      },
    ],
  },
];

/** The part of the registry that authorization reads. */
type RbacRegistry = Pick<Registry, 'get' | 'list' | 'watch'>;

interface Binding {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
  readonly name: string;
  /** Undefined for a ClusterRoleBinding. */
  readonly namespace: string | undefined;
  readonly roleKind: string;
  readonly roleName: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: readonly Json[];
}

/** The groups that a user has, with those that go without saying. */
export function groupsOf(user: UserInfo): Set<string> {
  const groups = new Set(user.groups);
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user.username);
  if (account !== null) groups.add('system:serviceaccounts').add(`system:serviceaccounts:${account[1]}`);
  groups.add(user.username === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated');
  return groups;
}

/**
 * The Node authorizer, then RBAC over the roles and bindings in the registry (upstream's `Node,RBAC`); `system:masters` may everything.
 * The registry is watched, so a change counts from the moment of its commit. Aggregated ClusterRoles are put together here: no controller
 * has to fill in their rules.
 */
export function createRbacAuthorizer(registry: RbacRegistry): RbacAuthorizer {
  let bindings: readonly Binding[] | undefined;
  const forget = (): void => {
    bindings = undefined;
  };
  for (const type of Object.values(rbacTypes)) registry.watch(type, forget);
  const current = (): readonly Binding[] => (bindings ??= readBindings(registry));
  const authorizeNode = createNodeAuthorizer(registry);
  const authorize = (user: UserInfo, attributes: AccessAttributes): AccessDecision => {
    const groups = groupsOf(user);
    if (groups.has('system:masters')) return { allowed: true, reason: '' };
    const asNode = authorizeNode(user, attributes);
    if (asNode?.allowed === true) return asNode;
    for (const { role, groups: members, rules } of builtin) {
      const member = members.find((name) => groups.has(name));
      if (member !== undefined && rules.some((rule) => ruleAllows(rule, attributes))) {
        return { allowed: true, reason: `RBAC: allowed by ClusterRoleBinding "${role}" of ClusterRole "${role}" to Group "${member}"` };
      }
    }
    for (const binding of current()) {
      if (!appliesTo(binding, attributes)) continue;
      const subject = subjectFor(binding, user, groups);
      if (subject !== undefined && binding.rules.some((rule) => ruleAllows(rule, attributes))) return allowedBy(binding, subject);
    }
    return { allowed: false, reason: asNode?.reason ?? '' };
  };
  return Object.assign(authorize, {
    rulesFor: (user: UserInfo, namespace: string): PolicyRule[] => {
      const groups = groupsOf(user);
      const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceUrls: [] };
      const all = { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceUrls: ['*'] };
      if (groups.has('system:masters')) return [everything, all];
      return [
        ...builtin.flatMap((item) => (item.groups.some((name) => groups.has(name)) ? item.rules : [])),
        ...current().flatMap((binding) =>
          (binding.namespace === undefined || binding.namespace === namespace) && subjectFor(binding, user, groups) !== undefined
            ? binding.rules
            : [],
        ),
      ];
    },
  });
}

/** The text of a refusal, as upstream puts it behind `pods is forbidden: `. */
export function refusalText(user: UserInfo, attributes: AccessAttributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${attributes.verb}`;
  if (attributes.path !== undefined) return `${who} path ${JSON.stringify(attributes.path)}`;
  const resource = attributes.subresource === undefined ? attributes.resource : `${attributes.resource ?? ''}/${attributes.subresource}`;
  const where = attributes.namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(attributes.namespace)}`;
  return `${who} resource ${JSON.stringify(resource ?? '')} in API group ${JSON.stringify(attributes.group ?? '')} ${where}`;
}

function readBindings(registry: RbacRegistry): Binding[] {
  const clusterRoles = registry.list(rbacTypes.clusterRoles);
  const clusterRules = new Map(clusterRoles.map((role) => [role.metadata.name, clusterRoleRules(role, clusterRoles)]));
  const read = (object: KubeObject, kind: Binding['kind']): Binding => {
    const reference = objectOf(object['roleRef']);
    const { namespace } = object.metadata;
    const roleKind = textOf(reference['kind']);
    const roleName = textOf(reference['name']);
    const role = roleKind === 'Role' && kind === 'RoleBinding' ? registry.get(rbacTypes.roles, namespace, roleName) : undefined;
    return {
      kind,
      name: object.metadata.name,
      namespace: kind === 'RoleBinding' ? (namespace ?? '') : undefined,
      roleKind,
      roleName,
      rules: roleKind === 'ClusterRole' ? (clusterRules.get(roleName) ?? []) : role === undefined ? [] : rulesOf(role),
      subjects: objectsOf(object['subjects']),
    };
  };
  return [
    ...registry.list(rbacTypes.clusterRoleBindings).map((object) => read(object, 'ClusterRoleBinding')),
    ...registry.list(rbacTypes.roleBindings).map((object) => read(object, 'RoleBinding')),
  ];
}

/** A role's own rules and, when it aggregates, those of all roles that its selectors choose (of their own rules: aggregates don't nest). */
function clusterRoleRules(role: KubeObject, all: readonly KubeObject[]): PolicyRule[] {
  const selectors = objectsOf(objectOf(role['aggregationRule'])['clusterRoleSelectors']) as LabelSelectorShape[];
  const chosen = all.filter(
    (other) => other !== role && selectors.some((selector) => matchesSelector(selector, other.metadata.labels ?? {})),
  );
  return [...rulesOf(role), ...chosen.flatMap(rulesOf)];
}

function appliesTo(binding: Binding, attributes: AccessAttributes): boolean {
  return binding.namespace === undefined || (attributes.path === undefined && binding.namespace === attributes.namespace);
}

function subjectFor(binding: Binding, user: UserInfo, groups: ReadonlySet<string>): Json | undefined {
  return binding.subjects.find((subject) => {
    const name = textOf(subject['name']);
    switch (subject['kind']) {
      case 'User':
        return name === user.username;
      case 'Group':
        return groups.has(name);
      case 'ServiceAccount':
        return user.username === `system:serviceaccount:${textOf(subject['namespace']) || (binding.namespace ?? '')}:${name}`;
      default:
        return false;
    }
  });
}

function allowedBy(binding: Binding, subject: Json): AccessDecision {
  const place = binding.namespace === undefined ? binding.name : `${binding.name}/${binding.namespace}`;
  const name =
    subject['kind'] === 'ServiceAccount' ? `${textOf(subject['name'])}/${textOf(subject['namespace'])}` : textOf(subject['name']);
  return {
    allowed: true,
    reason: `RBAC: allowed by ${binding.kind} "${place}" of ${binding.roleKind} "${binding.roleName}" to ${textOf(subject['kind'])} "${name}"`,
  };
}
