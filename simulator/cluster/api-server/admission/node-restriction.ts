import type { KubeObject } from '../../../../core/model/object.ts';
import { nodeIdentity } from '../authorization/node-identity.ts';
import { isMirrorPod, nodeNameOf, podReferences, readsTrustBundle } from '../authorization/pod-references.ts';
import { forbidden, notFound } from '../errors.ts';
import { equalJson, objectOf, textOf } from '../json.ts';
import type { UserInfo } from '../types.ts';
import type { AdmissionRequest } from './webhook-types.ts';

/** A write on its way to the store; without a user it is the server's own. */
export interface NodeWrite extends Omit<AdmissionRequest, 'user' | 'dryRun'> {
  readonly user: UserInfo | undefined;
}

/** The stored objects that writes are compared with, by storage key. */
export interface NodeWriteStore {
  get(storageKey: string, namespace: string, name: string): { readonly object: KubeObject } | undefined;
}

interface Restricted extends NodeWrite {
  readonly node: string;
  readonly store: NodeWriteStore;
}

/** Undefined: the write may go on. Otherwise why the node may not. */
type Refusal = string | undefined;

const leaseNamespace = 'kube-node-lease';

const byResource: Readonly<Record<string, (write: Restricted) => Refusal>> = {
  '/pods': restrictPod,
  '/nodes': restrictNode,
  '/persistentvolumeclaims': restrictClaim,
  '/serviceaccounts': restrictToken,
  'coordination.k8s.io/leases': restrictLease,
  'storage.k8s.io/csinodes': restrictCsiNode,
};

/**
 * Upstream's NodeRestriction plugin: a kubelet changes its own Node, Lease and pods only, and of its Node nothing that would draw
 * pods to it. Throws the 403; does nothing to the writes of anybody else. It holds with every authorization mode.
 */
export function checkNodeRestriction(store: NodeWriteStore, write: NodeWrite): void {
  const node = write.user === undefined ? undefined : nodeIdentity(write.user);
  if (node === undefined) return;
  const refuse = (why: string): Error => forbidden(write.type, nameOf(write), why);
  if (node === '') throw refuse(`could not determine node from user ${JSON.stringify(write.user?.username)}`);
  const why = byResource[`${write.type.group}/${write.type.plural}`]?.({ ...write, node, store });
  if (why !== undefined) throw refuse(why);
}

function nameOf({ name, object }: NodeWrite): string {
  return name ?? object?.metadata.name ?? '';
}

function restrictPod(write: Restricted): Refusal {
  const { operation, subresource = '', node, oldObject } = write;
  switch (subresource) {
    case 'status':
      return restrictPodStatus(write);
    case 'eviction':
      if (operation !== 'CREATE') return `unexpected operation ${operation}`;
      return isHere(write) ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`;
    case '':
      break;
    default:
      return `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`;
  }
  if (operation === 'CREATE') return restrictMirrorPod(write);
  if (operation !== 'DELETE') return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`;
  return isHere({ ...write, oldObject }) ? undefined : `node "${node}" can only delete pods with spec.nodeName set to itself`;
}

function isHere({ oldObject, node }: Restricted): boolean {
  return oldObject !== undefined && nodeNameOf(oldObject) === node;
}

function restrictPodStatus(write: Restricted): Refusal {
  const { operation, node, object, oldObject } = write;
  if (operation !== 'UPDATE') return `unexpected operation "${operation}"`;
  if (!isHere(write)) return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  if (!equalJson(object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {})) {
    return `node "${node}" cannot update labels through pod status`;
  }
  const claims = (pod: KubeObject | undefined): unknown => objectOf(pod?.status)['resourceClaimStatuses'] ?? [];
  // Upstream's spelling.
  return equalJson(claims(object), claims(oldObject)) ? undefined : `node "${node}" cannot update resource claim statues`;
}

/** A pod that the kubelet runs without the API server: it shows it there, bound to itself, owned by its Node, referring to nothing. */
function restrictMirrorPod(write: Restricted): Refusal {
  const { node, object: pod } = write;
  if (pod === undefined) return 'unexpected type <nil>';
  if (!isMirrorPod(pod)) return `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`;
  if (nodeNameOf(pod) !== node) return `node "${node}" can only create pods with spec.nodeName set to itself`;
  return restrictOwner(write, pod) ?? restrictReferences(node, pod);
}

function restrictOwner({ node, store }: Restricted, pod: KubeObject): Refusal {
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) return `node "${node}" can only create pods with a single owner reference set to itself`;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node "${node}" can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) return `node "${node}" can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `node "${node}" must not set blockOwnerDeletion on an owner reference`;
  const found = store.get('/nodes', '', node)?.object;
  if (found === undefined) throw notFound({ group: '', plural: 'nodes' }, node);
  const { uid = '' } = found.metadata;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

function restrictReferences(node: string, pod: KubeObject): Refusal {
  const { serviceAccount, secrets, configMaps, claims } = podReferences(pod);
  const refers = (to: string): string => `node "${node}" can not create pods that reference ${to}`;
  if (serviceAccount !== '') return refers('a service account');
  if (secrets.size > 0) return refers('secrets');
  if (configMaps.size > 0) return refers('configmaps');
  if (readsTrustBundle(pod)) return refers('clustertrustbundles');
  return claims.size > 0 ? refers('persistentvolumeclaims') : undefined;
}

function restrictNode(write: Restricted): Refusal {
  const { operation, node, object, oldObject } = write;
  const requested = nameOf(write);
  if (requested !== node) return `node "${node}" is not allowed to modify node "${requested}"`;
  // The real plugin leaves this to the Node authorizer, which never allows it; here it holds without RBAC too.
  if (operation === 'DELETE') return `node "${node}" is not allowed to delete its own Node`;
  const labels = forbiddenLabels(object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {});
  if (operation === 'CREATE') {
    return labels.length === 0 ? undefined : `node "${node}" is not allowed to set the following labels: ${labels.join(', ')}`;
  }
  const taints = (of: KubeObject | undefined): unknown => objectOf(of?.spec)['taints'] ?? [];
  if (!equalJson(taints(object), taints(oldObject))) return `node "${node}" is not allowed to modify taints`;
  if (labels.length > 0) return `is not allowed to modify labels: ${labels.join(', ')}`;
  return undefined;
}

/** Labels of the Kubernetes domains that a kubelet may set on its Node. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const kubernetesDomains = ['kubernetes.io', 'k8s.io'];
const restrictedDomain = 'node-restriction.kubernetes.io';

/** What is new, changed or gone and not a kubelet's to set, in order. */
function forbiddenLabels(next: Readonly<Record<string, string>>, old: Readonly<Record<string, string>>): string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key]);
  return changed.filter((key) => !isKubeletLabel(key)).toSorted();
}

function isKubeletLabel(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = slash < 0 ? '' : key.slice(0, slash);
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (within(restrictedDomain)) return false;
  return !kubernetesDomains.some(within) || kubeletLabels.has(key) || kubeletDomains.some(within);
}

function restrictClaim({ node, operation, subresource, object, oldObject }: Restricted): Refusal {
  if (subresource !== 'status') return 'may only update PVC status';
  if (operation !== 'UPDATE') return `unexpected operation "${operation}"`;
  return equalJson(withoutProgress(object), withoutProgress(oldObject))
    ? undefined
    : `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`;
}

const volatileMetadata = ['resourceVersion', 'managedFields'];
const resizeProgress = ['capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses'];

/** A claim without what a kubelet reports when it has resized a volume. */
function withoutProgress(claim: KubeObject | undefined): object {
  return { ...claim, metadata: omit(claim?.metadata, volatileMetadata), status: omit(claim?.status, resizeProgress) };
}

function omit(fields: unknown, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(objectOf(fields)).filter(([name]) => !names.includes(name)));
}

/** Called with the TokenRequest as the object. */
function restrictToken({ operation, subresource, node, namespace = '', object, store }: Restricted): Refusal {
  if (operation !== 'CREATE' || subresource !== 'token') return undefined;
  const bound = objectOf(objectOf(object?.spec)['boundObjectRef']);
  const [name, uid] = [textOf(bound['name']), textOf(bound['uid'])];
  if (bound['apiVersion'] !== 'v1' || bound['kind'] !== 'Pod' || name === '') return 'node requested token not bound to a pod';
  if (uid === '') return 'node requested token with a pod binding without a uid';
  const pod = store.get('/pods', namespace, name)?.object;
  if (pod === undefined) throw notFound({ group: '', plural: 'pods' }, name);
  if (pod.metadata.uid !== uid) {
    return `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  return nodeNameOf(pod) === node ? undefined : 'node requested token bound to a pod scheduled on a different node';
}

function restrictLease(write: Restricted): Refusal {
  if (write.namespace !== leaseNamespace) return `can only access leases in the "${leaseNamespace}" system namespace`;
  return nameOf(write) === write.node ? undefined : 'can only access node lease with the same name as the requesting node';
}

function restrictCsiNode(write: Restricted): Refusal {
  return nameOf(write) === write.node ? undefined : 'can only access CSINode with the same name as the requesting node';
}
