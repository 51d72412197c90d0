import type { KubeObject } from '../../../core/model/object.ts';
import type { OtherAutoscalers } from './autoscalers.ts';
import { boundedLines, fail, listed, ok, skipped, warn, type Check } from './check.ts';
import { targetKey, type PolicyFacts } from './policies.ts';
import { unreadLine, type Reading } from './reading.ts';

/** Names of the containers of the pods of a policy's target; `undefined` when there are no pods to see. */
export type ContainersOf = (policy: PolicyFacts) => readonly string[] | undefined;

/** Somebody else who acts on the target of a HorizontalPolicy. */
export function judgeConflicts(
  policies: readonly PolicyFacts[],
  others: OtherAutoscalers,
  containersOf: ContainersOf = () => undefined,
): Check[] {
  const own = policies.filter(({ native }) => !native);
  return [
    ...judgeTwins(own),
    ...judgeHpas(own, policies, others),
    ...judgeScaledObjects(own, others.scaledObjects),
    ...judgeVpas(own, others.vpas, containersOf),
  ];
}

interface RawTarget {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** Key of the target of a HorizontalPolicy that acts; one in another mode leaves its target alone. */
function actingKey({ raw }: PolicyFacts): string | undefined {
  const { scaleTargetRef, mode = 'Auto' } = (raw.spec ?? {}) as { readonly scaleTargetRef?: RawTarget; readonly mode?: string };
  return mode === 'Auto' ? keyOf(raw, scaleTargetRef) : undefined;
}

function keyOf(raw: KubeObject, target: RawTarget | undefined): string | undefined {
  const { apiVersion, kind, name } = target ?? {};
  return kind === undefined || name === undefined
    ? undefined
    : targetKey({ apiVersion, kind, namespace: raw.metadata.namespace ?? '', name });
}

function targetText(key: string): string {
  const [namespace = '', , kind = '', name = ''] = key.split('\n');
  return `${kind} ${namespace}/${name}`;
}

function byTarget(policies: readonly PolicyFacts[]): Map<string, PolicyFacts[]> {
  const groups = new Map<string, PolicyFacts[]>();
  for (const policy of policies) {
    const key = actingKey(policy);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), policy]);
  }
  return groups;
}

function judgeTwins(own: readonly PolicyFacts[]): Check[] {
  const check = 'conflicts/horizontal-policies';
  const problems = [...byTarget(own)].flatMap(([key, members]) => {
    if (members.length < 2) return [];
    const names = members.map(({ name }) => name);
    return [
      fail(check, `${names.join(' and ')} scale ${targetText(key)} both, so neither acts; delete one or set its spec.mode to DryRun`, {
        target: targetText(key),
        policies: names,
      }),
    ];
  });
  return boundedLines(problems, ok(check, 'no two HorizontalPolicies act on one target'));
}

function judgeHpas(own: readonly PolicyFacts[], all: readonly PolicyFacts[], { hpas, scaledObjects }: OtherAutoscalers): Check[] {
  const check = 'conflicts/native-hpa';
  if (!hpas.ok) return [unreadLine(check, 'HorizontalPodAutoscalers', hpas)];
  const targets = byTarget(own);
  const problems = all.flatMap((hpa) => {
    // The HPA of a ScaledObject is KEDA's: that is the conflict, and said once.
    if (!hpa.native || (scaledObjects.ok && isOfKeda(hpa.raw))) return [];
    const key = keyOf(hpa.raw, (hpa.raw.spec as { scaleTargetRef?: RawTarget } | undefined)?.scaleTargetRef);
    const [policy] = key === undefined ? [] : (targets.get(key) ?? []);
    if (key === undefined || policy === undefined) return [];
    const message = `${hpa.name} scales ${targetText(key)} as ${policy.name} does, which therefore does not act; delete the HPA, or set spec.mode of the policy to DryRun`;
    return [fail(check, message, { target: targetText(key), policy: policy.name, other: hpa.name })];
  });
  return boundedLines(problems, ok(check, 'no HorizontalPodAutoscaler acts on the target of a HorizontalPolicy'));
}

function isOfKeda({ metadata }: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ kind, apiVersion }) => kind === 'ScaledObject' && apiVersion.startsWith('keda.sh/'));
}

function judgeScaledObjects(own: readonly PolicyFacts[], scaledObjects: Reading<readonly KubeObject[]>): Check[] {
  const check = 'conflicts/keda';
  if (!scaledObjects.ok) {
    if (scaledObjects.kind === 'absent') return [skipped(check, 'KEDA is not installed: there is no ScaledObject type')];
    return [unreadLine(check, 'ScaledObjects', scaledObjects)];
  }
  const targets = byTarget(own);
  const problems = scaledObjects.value.flatMap((raw) => {
    const { scaleTargetRef = {} } = (raw.spec ?? {}) as { readonly scaleTargetRef?: RawTarget };
    // KEDA's own defaults.
    const key = keyOf(raw, { apiVersion: 'apps/v1', kind: 'Deployment', ...scaleTargetRef });
    const [policy] = key === undefined ? [] : (targets.get(key) ?? []);
    if (key === undefined || policy === undefined) return [];
    const other = `ScaledObject ${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
    const message = `${other} of KEDA scales ${targetText(key)} as ${policy.name} does; delete it, or set spec.mode of the policy to DryRun`;
    return [fail(check, message, { target: targetText(key), policy: policy.name, other })];
  });
  return boundedLines(problems, ok(check, 'no ScaledObject of KEDA acts on the target of a HorizontalPolicy'));
}

interface RawVpa {
  readonly targetRef?: RawTarget;
  readonly updatePolicy?: { readonly updateMode?: string };
  readonly resourcePolicy?: { readonly containerPolicies?: readonly RawContainerPolicy[] };
}

interface RawContainerPolicy {
  readonly containerName?: string;
  readonly mode?: string;
  readonly controlledResources?: readonly string[];
}

/** A utilization is a share of the request: whoever moves the request moves the utilization, and both chase each other. */
function judgeVpas(own: readonly PolicyFacts[], vpas: Reading<readonly KubeObject[]>, containersOf: ContainersOf): Check[] {
  const check = 'conflicts/vpa';
  if (!vpas.ok) {
    if (vpas.kind === 'absent') return [skipped(check, 'the Vertical Pod Autoscaler is not installed')];
    return [unreadLine(check, 'VerticalPodAutoscalers', vpas)];
  }
  const targets = byTarget(own);
  const problems = vpas.value.flatMap((raw) => {
    const spec = (raw.spec ?? {}) as RawVpa;
    const key = keyOf(raw, spec.targetRef);
    const [policy] = key === undefined ? [] : (targets.get(key) ?? []);
    if (key === undefined || policy === undefined) return [];
    const shared = utilizationResources(policy).filter((resource) => steers(spec, resource, containersOf(policy)));
    if (shared.length === 0) return [];
    const other = `VerticalPodAutoscaler ${raw.metadata.namespace ?? ''}/${raw.metadata.name}`;
    const remedy = `take ${listed(shared)} out of its controlledResources, or give the policy an AverageValue target`;
    const message = `${other} moves the ${shared.join(' and ')} request of ${targetText(key)}, of which ${policy.name} measures the utilization; ${remedy}`;
    return [warn(check, message, { target: targetText(key), policy: policy.name, other, resources: shared })];
  });
  return boundedLines(problems, ok(check, 'no VerticalPodAutoscaler moves a request of which a HorizontalPolicy measures the utilization'));
}

/** Resources whose utilization decides. */
export function utilizationResources({ result }: PolicyFacts): string[] {
  if (!result.ok) return [];
  const names = result.policy.spec.metrics.flatMap((metric) =>
    (metric.type === 'Resource' || metric.type === 'ContainerResource') && metric.target.averageUtilization !== undefined
      ? [metric.resource]
      : [],
  );
  return [...new Set(names)];
}

/** `Off` recommends only; the others all end in another request, at the latest when a pod is made anew. */
function steers({ updatePolicy, resourcePolicy }: RawVpa, resource: string, containers: readonly string[] | undefined): boolean {
  if (updatePolicy?.updateMode === 'Off') return false;
  const policies = resourcePolicy?.containerPolicies ?? [];
  const named = policies.flatMap(({ containerName }) => (containerName === undefined || containerName === '*' ? [] : [containerName]));
  const everyOther = policies.find(({ containerName }) => containerName === '*') ?? {};
  const controls = ({ mode, controlledResources = ['cpu', 'memory'] }: RawContainerPolicy): boolean =>
    mode !== 'Off' && controlledResources.includes(resource);
  // Without pods to look at there may be a container that no policy names.
  const names = containers ?? [...named, '*'];
  return names.some((name) => controls(policies.find(({ containerName }) => containerName === name) ?? everyOther));
}
