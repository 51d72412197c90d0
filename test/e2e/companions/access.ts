import type { HttpApi } from '../http-api.ts';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const group = 'rbac.authorization.k8s.io';

/**
 * What the user of an aggregated API server needs: these rules, and the right to have its clients' identities checked by the API server
 * (delegated authentication and authorization).
 */
export async function grantAggregatedServer(admin: HttpApi, user: string, rules: readonly PolicyRule[]): Promise<void> {
  const subjects = [{ apiGroup: group, kind: 'User', name: user }];
  const bind = (name: string, role: string): object => ({
    metadata: { name },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
    subjects,
  });
  await ensure(admin, `${rbac}/clusterroles`, { metadata: { name: `e2e:${user}` }, rules });
  await ensure(admin, `${rbac}/clusterrolebindings`, bind(`e2e:${user}`, `e2e:${user}`));
  await ensure(admin, `${rbac}/clusterrolebindings`, bind(`e2e:${user}:auth-delegator`, 'system:auth-delegator'));
  await ensure(admin, `${rbac}/namespaces/kube-system/rolebindings`, {
    metadata: { name: `e2e:${user}:auth-reader` },
    roleRef: { apiGroup: group, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    subjects,
  });
}

/** Creates the object; one of that name that exists already will do. */
export async function ensure(admin: HttpApi, path: string, body: object): Promise<void> {
  const made = await admin.post(path, body);
  if (made.status !== 201 && made.status !== 409) throw new Error(`POST ${path}: ${made.status} ${made.text}`);
}
