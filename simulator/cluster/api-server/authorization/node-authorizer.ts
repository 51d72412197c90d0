import { resourceTypes } from '../../../../core/model/object.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, textOf } from '../json.ts';
import type { Registry, UserInfo } from '../types.ts';
import { nodeIdentity } from './node-identity.ts';
import { isMirrorPod, nodeNameOf, podReferences, volumeSecrets } from './pod-references.ts';
import type { PodReferences } from './pod-references.ts';
import type { AccessDecision } from './rbac.ts';
import { ruleAllows } from './rules.ts';
import type { AccessAttributes, PolicyRule } from './rules.ts';

/** The part of the registry that the relations of nodes are read from. */
type NodeRegistry = Pick<Registry, 'get' | 'list'>;

interface Request extends AccessAttributes {
  readonly node: string;
  readonly registry: NodeRegistry;
}

/** Undefined: allowed. Otherwise why not; `''` when there is no more to say than that it is not granted. */
type Refusal = string | undefined;

const leaseNamespace = 'kube-node-lease';
const notGranted = '';

/** What every kubelet may, whatever runs on its node: the rules of upstream's `system:node` that no relation narrows. */
const nodeRules: readonly PolicyRule[] = [
  rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews', 'localsubjectaccessreviews'),
  rule(['get', 'list', 'watch'], '', 'services'),
  rule(['create', 'update', 'patch'], '', 'events'),
  rule(['create', 'update', 'patch'], 'events.k8s.io', 'events'),
  rule(['get'], '', 'endpoints'),
  rule(['create', 'get', 'list', 'watch'], 'certificates.k8s.io', 'certificatesigningrequests'),
  rule(['get', 'list', 'watch'], 'storage.k8s.io', 'csidrivers'),
  rule(['get', 'list', 'watch'], 'node.k8s.io', 'runtimeclasses'),
];

function rule(verbs: readonly string[], group: string, ...resources: readonly string[]): PolicyRule {
  return { verbs, apiGroups: [group], resources, resourceNames: [], nonResourceUrls: [] };
}

/** Each resource whose objects are told apart by their relation to the node, as `group/plural`. */
const byResource: Readonly<Record<string, (request: Request) => Refusal>> = {
  '/nodes': ownNode,
  '/pods': ownPods,
  'coordination.k8s.io/leases': ownLease,
  'storage.k8s.io/csinodes': ownCsiNode,
  '/secrets': (request) => readOne(request, needsSecret),
  '/configmaps': (request) => readOne(request, (found) => podsNeed(found, ({ configMaps }, name) => configMaps.has(name))),
  '/persistentvolumeclaims': claims,
  '/persistentvolumes': (request) => getOne(request, needsVolume),
  'storage.k8s.io/volumeattachments': (request) => getOne(request, isAttachedHere),
  '/serviceaccounts': accountToken,
};

/** Upstream's Node authorizer: a kubelet may act on its own Node and Lease, on its pods, and read what those refer to. No opinion on others. */
export function createNodeAuthorizer(registry: NodeRegistry): (user: UserInfo, attributes: AccessAttributes) => AccessDecision | undefined {
  return (user, attributes) => {
    const node = nodeIdentity(user);
    if (node === undefined) return undefined;
    if (node === '') return { allowed: false, reason: `unknown node for user ${JSON.stringify(user.username)}` };
    const related = attributes.path === undefined ? byResource[`${attributes.group ?? ''}/${attributes.resource ?? ''}`] : undefined;
    if (related === undefined) return { allowed: nodeRules.some((granted) => ruleAllows(granted, attributes)), reason: '' };
    const refusal = related({ ...attributes, node, registry });
    return { allowed: refusal === undefined, reason: refusal ?? '' };
  };
}

/** Changes are let through here: NodeRestriction sees the object and refuses those of other nodes. */
function ownNode({ verb, subresource = '', name = '', node }: Request): Refusal {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : notGranted;
  if (subresource !== '') return notGranted;
  switch (verb) {
    case 'create':
    case 'update':
    case 'patch':
      return undefined;
    case 'get':
    case 'list':
    case 'watch':
      if (name === node) return undefined;
      return name === ''
        ? `node '${node}' cannot read all nodes, only its own Node object`
        : `node '${node}' cannot read '${name}', only its own Node object`;
    default:
      return notGranted;
  }
}

/** Which verbs on which part of a pod are granted, for NodeRestriction to look at the pod. */
const podWrites: Readonly<Record<string, readonly string[]>> = {
  '': ['create', 'delete'],
  status: ['update', 'patch'],
  eviction: ['create'],
};

function ownPods(request: Request): Refusal {
  const { verb, subresource = '', name = '', node } = request;
  if (podWrites[subresource]?.includes(verb) === true) return undefined;
  if (subresource !== '') return notGranted;
  if (verb === 'get') return related(request, runsHere);
  if (verb !== 'list' && verb !== 'watch') return notGranted;
  if (request.fieldSelector?.['spec.nodeName'] === node) return undefined;
  return name === '' ? 'can only list/watch pods with spec.nodeName field selector' : related(request, runsHere);
}

const leaseVerbs = ['get', 'create', 'update', 'patch', 'delete'];

function ownLease({ verb, namespace, name, node }: Request): Refusal {
  if (!leaseVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (namespace !== leaseNamespace) return `can only access leases in the "${leaseNamespace}" system namespace`;
  // The name of what is created is not known here; NodeRestriction knows it.
  return verb === 'create' || name === node ? undefined : 'can only access node lease with the same name as the requesting node';
}

function ownCsiNode({ verb, subresource = '', name, node }: Request): Refusal {
  if (!leaseVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a CSINode';
  if (subresource !== '') return 'cannot authorize CSINode subresources';
  return verb === 'create' || name === node ? undefined : 'can only access CSINode with the same name as the requesting node';
}

function claims(request: Request): Refusal {
  const needed = (found: Request): boolean => podsNeed(found, (references, name) => references.claims.has(name));
  if (request.subresource !== 'status') return getOne(request, needed);
  return request.verb === 'update' || request.verb === 'patch' ? related(request, needed) : 'can only get/update/patch this type';
}

function accountToken(request: Request): Refusal {
  if (request.verb !== 'create' || (request.name ?? '') === '') return 'can only create tokens for individual service accounts';
  if (request.subresource !== 'token') return 'can only create token subresource of serviceaccount';
  return related(request, (found) => podsNeed(found, ({ serviceAccount }, name) => serviceAccount === name));
}

function getOne(request: Request, isRelated: (request: Request) => boolean): Refusal {
  if (request.verb !== 'get') return 'can only get individual resources of this type';
  return (request.subresource ?? '') === '' ? related(request, isRelated) : 'cannot get subresource';
}

/** A list or watch counts as one object's when its field selector names it. */
function readOne(request: Request, isRelated: (request: Request) => boolean): Refusal {
  if (!['get', 'list', 'watch'].includes(request.verb)) return 'can only read resources of this type';
  if ((request.subresource ?? '') !== '') return 'cannot read subresource';
  return request.namespace === undefined ? 'can only read namespaced object of this type' : related(request, isRelated);
}

function related(request: Request, isRelated: (request: Request) => boolean): Refusal {
  if ((request.name ?? '') === '') return 'No Object name found';
  return isRelated(request) ? undefined : `no relationship found between node '${request.node}' and this object`;
}

function podsHere({ registry, node }: Request, namespace: string | undefined): KubeObject[] {
  return registry.list(resourceTypes.pods, namespace).filter((pod) => nodeNameOf(pod) === node);
}

function runsHere({ registry, node, namespace, name = '' }: Request): boolean {
  const pod = registry.get(resourceTypes.pods, namespace, name);
  return pod !== undefined && nodeNameOf(pod) === node;
}

/** A mirror pod gives its node access to nothing: the node itself has made it. */
function podsNeed(request: Request, needs: (references: PodReferences, name: string) => boolean): boolean {
  return podsHere(request, request.namespace).some((pod) => !isMirrorPod(pod) && needs(podReferences(pod), request.name ?? ''));
}

function claimNeeded(request: Request, claim: { readonly namespace: string; readonly name: string }): boolean {
  return podsNeed({ ...request, ...claim }, (references, name) => references.claims.has(name));
}

function claimOf(volume: KubeObject): { readonly namespace: string; readonly name: string } {
  const reference = objectOf(objectOf(volume.spec)['claimRef']);
  return { namespace: textOf(reference['namespace']), name: textOf(reference['name']) };
}

function needsVolume(request: Request): boolean {
  const volume = request.registry.get(resourceTypes.persistentVolumes, undefined, request.name ?? '');
  return volume !== undefined && claimNeeded(request, claimOf(volume));
}

/** A secret of a pod, or of a volume that one of its claims is bound to. */
function needsSecret(request: Request): boolean {
  if (podsNeed(request, ({ secrets }, name) => secrets.has(name))) return true;
  return request.registry.list(resourceTypes.persistentVolumes).some((volume) => {
    const claim = claimOf(volume);
    return (
      volumeSecrets(objectOf(volume.spec)).some(
        ({ name, namespace }) => name === request.name && (namespace || claim.namespace) === request.namespace,
      ) && claimNeeded(request, claim)
    );
  });
}

const attachments = { group: 'storage.k8s.io', version: 'v1', plural: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false };

function isAttachedHere({ registry, node, name = '' }: Request): boolean {
  return textOf(objectOf(registry.get(attachments, undefined, name)?.spec)['nodeName']) === node;
}
