import { formatTime } from '../../../../core/model/condition.ts';
import type { Random } from '../../../../core/model/clock.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { applyLimitDefaults, claimLimitViolations, joinViolations, podLimitViolations } from '../admission/limit-ranger.ts';
import { StatusError, forbidden } from '../errors.ts';
import { objectOf } from '../json.ts';
import { randomSuffix } from '../names.ts';
import { checkNodeHolds } from '../subresources/resize.ts';
import type { AdmitContext, KindContext } from './kind.ts';
import type { Container, PodSpec, PodStatus, Toleration } from './shapes.ts';

const pods = { group: '', plural: 'pods' };
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The system's own priority classes exist without an object of them being created by anybody. */
const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

/** What the admission plugins that are on by default do to a new pod: LimitRanger, ServiceAccount, Priority, DefaultTolerationSeconds. */
export function admitPod(pod: KubeObject, context: KindContext): void {
  readmitPod(pod, context);
  const spec = pod.spec as PodSpec;
  admitServiceAccount(pod, spec, context);
  admitPriority(pod, spec, context);
  admitTolerations(spec);
  const status: PodStatus = { phase: 'Pending' };
  if (spec.schedulingGates !== undefined && spec.schedulingGates.length > 0 && spec.nodeName === undefined) {
    status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        observedGeneration: 1,
        lastProbeTime: null,
        lastTransitionTime: formatTime(context.now),
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ];
  }
  pod.status = status;
}

/** Containers that a webhook has added get the namespace's defaults too. */
export function readmitPod(pod: KubeObject, context: KindContext): void {
  applyLimitDefaults(pod, context.list('/limitranges', pod.metadata.namespace ?? ''));
}

/** LimitRanger's verdict on a new pod and on a resize, and whether the node could ever hold the latter. Pods on their way out are left alone. */
export function admitPodLimits(pod: KubeObject, old: KubeObject | undefined, context: AdmitContext): void {
  const { subresource } = context;
  if (old !== undefined && subresource !== 'resize') return;
  if (old?.metadata.deletionTimestamp === undefined) {
    refuse(pods, pod, podLimitViolations(pod, context.list('/limitranges', pod.metadata.namespace ?? '')));
  }
  const node = objectOf(pod.spec)['nodeName'];
  if (old !== undefined && typeof node === 'string') checkNodeHolds(pod, old, context.get('/nodes', '', node));
}

/** LimitRanger's verdict on a claim. */
export function admitClaimLimits(claim: KubeObject, old: KubeObject | undefined, context: AdmitContext): void {
  if (context.subresource !== undefined || old?.metadata.deletionTimestamp !== undefined) return;
  const type = { group: '', plural: 'persistentvolumeclaims' };
  refuse(type, claim, claimLimitViolations(claim, context.list('/limitranges', claim.metadata.namespace ?? '')));
}

function refuse(type: { readonly group: string; readonly plural: string }, object: KubeObject, violations: readonly string[]): void {
  if (violations.length > 0) throw forbidden(type, object.metadata.name, joinViolations(violations));
}

function isMirror(pod: KubeObject): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

function admitServiceAccount(pod: KubeObject, spec: PodSpec, context: KindContext): void {
  if (isMirror(pod)) return;
  const namespace = pod.metadata.namespace ?? '';
  const name = spec.serviceAccountName === undefined || spec.serviceAccountName === '' ? 'default' : spec.serviceAccountName;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
  const account = context.get('/serviceaccounts', namespace, name);
  if (account === undefined) {
    throw forbidden(pods, pod.metadata.name, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
  }
  const mount = spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true;
  if (mount === true) mountToken(spec, context.random);
}

function mountToken(spec: PodSpec, random: Random): void {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const bare = containers.filter((container) => !(container.volumeMounts ?? []).some((mount) => mount.mountPath === tokenPath));
  if (bare.length === 0) return;
  const name = `kube-api-access-${randomSuffix(random)}`;
  for (const container of bare) addMount(container, name);
  spec.volumes = [...(spec.volumes ?? []), { name, projected: projectedToken }];
}

function addMount(container: Container, name: string): void {
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }];
}

// One shared value for all pods: what is stored is immutable, and the three sources are the same for each.
const projectedToken = {
  sources: [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
  ],
  defaultMode: 420,
};

function admitPriority(pod: KubeObject, spec: PodSpec, context: KindContext): void {
  const { value, policy, name } = priorityOf(pod, spec, context);
  if (spec.priority !== undefined && spec.priority !== value) {
    throw forbidden(
      pods,
      pod.metadata.name,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  spec.preemptionPolicy ??= policy;
  if (name !== undefined) spec.priorityClassName = name;
}

function priorityOf(pod: KubeObject, spec: PodSpec, context: KindContext): { value: number; policy: string; name: string | undefined } {
  const name = spec.priorityClassName;
  const standard = 'PreemptLowerPriority';
  if (name === undefined || name === '') {
    const classes = context.list('scheduling.k8s.io/priorityclasses').filter((found) => found['globalDefault'] === true);
    const lowest = classes.sort((a, b) => Number(a['value']) - Number(b['value']))[0];
    if (lowest === undefined) return { value: 0, policy: standard, name: undefined };
    return { value: Number(lowest['value']), policy: policyOf(lowest), name: lowest.metadata.name };
  }
  const found = context.get('scheduling.k8s.io/priorityclasses', '', name);
  if (found !== undefined) return { value: Number(found['value']), policy: policyOf(found), name };
  const system = systemPriorities[name];
  if (system !== undefined) return { value: system, policy: standard, name };
  throw new StatusError(403, 'Forbidden', `pods "${pod.metadata.name}" is forbidden: no PriorityClass with name ${name} was found`, {
    name: pod.metadata.name,
    kind: 'pods',
  });
}

function policyOf(found: KubeObject): string {
  return typeof found['preemptionPolicy'] === 'string' ? found['preemptionPolicy'] : 'PreemptLowerPriority';
}

const defaultTolerations: readonly Toleration[] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) =>
  Object.freeze({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }),
);

/** NotReady and unreachable nodes keep a pod for five minutes unless the pod says otherwise. */
function admitTolerations(spec: PodSpec): void {
  const tolerations = spec.tolerations ?? [];
  const added = defaultTolerations.filter(({ key = '' }) => !tolerations.some((toleration) => toleratesNoExecute(toleration, key)));
  if (added.length > 0) spec.tolerations = [...tolerations, ...added];
}

function toleratesNoExecute(toleration: Toleration, key: string): boolean {
  const keyMatches = toleration.key === key || toleration.key === undefined || toleration.key === '';
  const effectMatches = toleration.effect === 'NoExecute' || toleration.effect === undefined || toleration.effect === '';
  return keyMatches && effectMatches;
}

const topologyOf = new WeakMap<KubeObject, Readonly<Record<string, string>>>();

/** A pod bound to a node, at creation or by a Binding, takes over the node's topology labels. */
export function topologyLabels(node: KubeObject | undefined): Readonly<Record<string, string>> {
  if (node === undefined) return {};
  let labels = topologyOf.get(node);
  if (labels === undefined) {
    const all = Object.entries(node.metadata.labels ?? {});
    labels = Object.fromEntries(all.filter(([key]) => key === 'topology.kubernetes.io/zone' || key === 'topology.kubernetes.io/region'));
    topologyOf.set(node, labels);
  }
  return labels;
}

/** Changes the draft's own labels. */
export function copyTopologyLabels(pod: KubeObject, node: KubeObject | undefined): void {
  const labels = topologyLabels(node);
  for (const key in labels) (pod.metadata.labels ??= {})[key] ??= labels[key] ?? '';
}
