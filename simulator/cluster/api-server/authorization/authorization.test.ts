import { describe, expect, it } from 'vitest';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import type { Registry, RegistryEvent, UserInfo } from '../types.ts';
import {
  answerSelfSubjectAccessReview,
  answerSelfSubjectRulesReview,
  answerSubjectAccessReview,
  answerTokenReview,
  createRbacAuthorizer,
  refusalText,
} from './index.ts';
import type { AccessAttributes } from './index.ts';

/** Just enough of a registry: objects by plural, watchers told of additions. */
function registryOf(
  initial: Record<string, KubeObject[]>,
): Pick<Registry, 'get' | 'list' | 'watch'> & { add(plural: string, object: KubeObject): void } {
  const objects = new Map(Object.entries(initial));
  const watchers: ((event: RegistryEvent) => void)[] = [];
  return {
    get: (type: ResourceType, namespace, name) =>
      objects.get(type.plural)?.find((object) => object.metadata.name === name && object.metadata.namespace === namespace),
    list: (type: ResourceType) => objects.get(type.plural) ?? [],
    watch: (_type, handler) => {
      watchers.push(handler);
      return () => undefined;
    },
    add: (plural, object) => {
      objects.set(plural, [...(objects.get(plural) ?? []), object]);
      for (const watcher of watchers) watcher({ type: 'ADDED', object });
    },
  };
}

const clusterRole = (name: string, rules: object[], more: object = {}): KubeObject => ({ metadata: { name }, rules, ...more });
const role = (namespace: string, name: string, rules: object[]): KubeObject => ({ metadata: { name, namespace }, rules });
const bind = (name: string, roleRef: object, subjects: object[], namespace?: string): KubeObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  roleRef,
  subjects,
});
const read = ['get', 'list', 'watch'];

const registry = registryOf({
  clusterroles: [
    clusterRole('reader', [{ verbs: read, apiGroups: [''], resources: ['pods', 'pods/log'] }]),
    clusterRole('metrics', [{ verbs: ['get'], nonResourceURLs: ['/metrics', '/debug/*'] }]),
    clusterRole('named', [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['one'] }]),
    clusterRole('scaler', [{ verbs: ['update'], apiGroups: ['*'], resources: ['*/scale'] }]),
    clusterRole('whole', [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] } }),
    {
      ...clusterRole('part', [{ verbs: ['delete'], apiGroups: ['apps'], resources: ['deployments'] }]),
      metadata: { name: 'part', labels: { part: 'yes' } },
    },
  ],
  roles: [role('a', 'writer', [{ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }])],
  clusterrolebindings: [
    bind('readers', { kind: 'ClusterRole', name: 'reader' }, [{ kind: 'User', name: 'ann' }]),
    bind('metrics', { kind: 'ClusterRole', name: 'metrics' }, [{ kind: 'ServiceAccount', namespace: 'mon', name: 'prom' }]),
    bind('named', { kind: 'ClusterRole', name: 'named' }, [{ kind: 'Group', name: 'dev' }]),
    bind('scalers', { kind: 'ClusterRole', name: 'scaler' }, [{ kind: 'Group', name: 'system:serviceaccounts:kube-system' }]),
    bind('whole', { kind: 'ClusterRole', name: 'whole' }, [{ kind: 'User', name: 'sum' }]),
  ],
  rolebindings: [
    bind('writers', { kind: 'Role', name: 'writer' }, [{ kind: 'User', name: 'bob' }], 'a'),
    bind('local-readers', { kind: 'ClusterRole', name: 'reader' }, [{ kind: 'User', name: 'bob' }], 'a'),
  ],
});
const authorize = createRbacAuthorizer(registry);
const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });
const pods = (verb: string, more: Partial<AccessAttributes> = {}): AccessAttributes => ({
  verb,
  group: '',
  resource: 'pods',
  namespace: 'a',
  ...more,
});

describe('RBAC', () => {
  it.each<[string, UserInfo, AccessAttributes, boolean]>([
    ['masters may everything', user('root', 'system:masters'), { verb: 'delete', path: '/' }, true],
    ['cluster binding', user('ann'), pods('list', { namespace: undefined }), true],
    ['cluster binding in a namespace', user('ann'), pods('get', { name: 'x' }), true],
    ['other verb', user('ann'), pods('delete'), false],
    ['other resource', user('ann'), pods('get', { resource: 'secrets' }), false],
    ['other group', user('ann'), pods('get', { group: 'metrics.k8s.io' }), false],
    ['listed subresource', user('ann'), pods('get', { subresource: 'log' }), true],
    ['unlisted subresource', user('ann'), pods('get', { subresource: 'exec' }), false],
    ['role binding', user('bob'), { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'a' }, true],
    [
      'role binding covers subresources by star',
      user('bob'),
      { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'a' },
      true,
    ],
    ['role binding elsewhere', user('bob'), { verb: 'patch', group: 'apps', resource: 'deployments', namespace: 'b' }, false],
    ['role binding at cluster scope', user('bob'), { verb: 'list', group: 'apps', resource: 'deployments' }, false],
    ['role binding of a cluster role', user('bob'), pods('list'), true],
    ['resource name', user('eve', 'dev'), pods('get', { resource: 'secrets', name: 'one' }), true],
    ['other resource name', user('eve', 'dev'), pods('get', { resource: 'secrets', name: 'two' }), false],
    ['no name', user('eve', 'dev'), pods('get', { resource: 'secrets' }), false],
    ['service account', user('system:serviceaccount:mon:prom'), { verb: 'get', path: '/metrics' }, true],
    ['path below', user('system:serviceaccount:mon:prom'), { verb: 'get', path: '/debug/pprof' }, true],
    ['other path', user('system:serviceaccount:mon:prom'), { verb: 'get', path: '/metrics/cadvisor' }, false],
    ['other service account', user('system:serviceaccount:x:prom'), { verb: 'get', path: '/metrics' }, false],
    [
      'group of service accounts',
      user('system:serviceaccount:kube-system:hpa'),
      { verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'z' },
      true,
    ],
    [
      'star of a subresource is not the resource',
      user('system:serviceaccount:kube-system:hpa'),
      { verb: 'update', group: 'apps', resource: 'deployments', namespace: 'z' },
      false,
    ],
    ['aggregation', user('sum'), { verb: 'delete', group: 'apps', resource: 'deployments', namespace: 'q' }, true],
    ['discovery', user('nobody'), { verb: 'get', path: '/apis/apps/v1' }, true],
    ['discovery is for known users', user('system:anonymous'), { verb: 'get', path: '/apis/apps/v1' }, false],
    ['health is for all', user('system:anonymous'), { verb: 'get', path: '/readyz' }, true],
    ['asking about oneself', user('nobody'), { verb: 'create', group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' }, true],
    ['anything else', user('nobody'), pods('list'), false],
  ])('%s', (_, who, wanted, allowed) => {
    expect(authorize(who, wanted).allowed).toBe(allowed);
  });

  it('says who allowed it', () => {
    expect(authorize(user('bob'), pods('list')).reason).toBe(
      'RBAC: allowed by RoleBinding "local-readers/a" of ClusterRole "reader" to User "bob"',
    );
    expect(authorize(user('ann'), pods('list')).reason).toBe(
      'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "ann"',
    );
  });

  it('heeds a new binding at once', () => {
    const live = registryOf({ clusterroles: [clusterRole('reader', [{ verbs: read, apiGroups: [''], resources: ['pods'] }])] });
    const check = createRbacAuthorizer(live);
    expect(check(user('new'), pods('list')).allowed).toBe(false);
    live.add('clusterrolebindings', bind('n', { kind: 'ClusterRole', name: 'reader' }, [{ kind: 'User', name: 'new' }]));
    expect(check(user('new'), pods('list')).allowed).toBe(true);
  });

  it.each<[AccessAttributes, string]>([
    [pods('list'), 'User "eve" cannot list resource "pods" in API group "" in the namespace "a"'],
    [
      { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale' },
      'User "eve" cannot patch resource "deployments/scale" in API group "apps" at the cluster scope',
    ],
    [{ verb: 'get', path: '/metrics' }, 'User "eve" cannot get path "/metrics"'],
  ])('puts a refusal of %j into words', (wanted, text) => {
    expect(refusalText(user('eve'), wanted)).toBe(text);
  });
});

describe('reviews', () => {
  const review = (spec: object): KubeObject => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'X', metadata: { name: '' }, spec });

  it('answer for another', () => {
    const resourceAttributes = { verb: 'list', resource: 'pods', namespace: 'a' };
    expect(answerSubjectAccessReview(authorize, review({ user: 'ann', resourceAttributes })).status).toMatchObject({ allowed: true });
    expect(answerSubjectAccessReview(authorize, review({ user: 'eve', resourceAttributes })).status).toEqual({ allowed: false });
    expect(
      answerSubjectAccessReview(
        authorize,
        review({ user: 'system:serviceaccount:mon:prom', nonResourceAttributes: { verb: 'get', path: '/metrics' } }),
      ).status,
    ).toMatchObject({ allowed: true });
    expect(() => answerSubjectAccessReview(authorize, review({ resourceAttributes }))).toThrow('spec.user');
    expect(() => answerSubjectAccessReview(authorize, review({ user: 'ann' }))).toThrow('resourceAttributes');
  });

  it('answer for oneself', () => {
    const resourceAttributes = { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'a' };
    expect(answerSelfSubjectAccessReview(authorize, user('bob'), review({ resourceAttributes })).status).toMatchObject({ allowed: true });
    expect(answerSelfSubjectAccessReview(authorize, user('ann'), review({ resourceAttributes })).status).toEqual({ allowed: false });
  });

  it('list rules', () => {
    const status = answerSelfSubjectRulesReview(authorize, user('bob'), review({ namespace: 'a' })).status as {
      resourceRules: object[];
      nonResourceRules: object[];
    };
    expect(status.resourceRules).toContainEqual({ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] });
    expect(status.nonResourceRules.length).toBeGreaterThan(0);
    const elsewhere = answerSelfSubjectRulesReview(authorize, user('bob'), review({ namespace: 'b' })).status as {
      resourceRules: object[];
    };
    expect(elsewhere.resourceRules).not.toContainEqual({ verbs: ['*'], apiGroups: ['apps'], resources: ['*'] });
  });

  it('know tokens', () => {
    const verify = (token: string): UserInfo | undefined => (token === 'good' ? user('ann', 'dev') : undefined);
    expect(answerTokenReview(verify, review({ token: 'good', audiences: ['x'] })).status).toEqual({
      authenticated: true,
      user: { username: 'ann', groups: ['dev'] },
      audiences: ['x'],
    });
    expect(answerTokenReview(verify, review({ token: 'bad' })).status).toMatchObject({ error: 'invalid bearer token' });
  });
});
