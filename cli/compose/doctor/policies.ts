import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { CooldownPolicy } from '../../../core/model/cooldown.ts';
import { queryKey, type MetricQuery } from '../../../core/model/metric-query.ts';
import type { KubeObject, ObjectReference } from '../../../core/model/object.ts';
import { createScaleAccess, fromHpa, metricQueries, parsePolicy, type PolicyResult, type ScaleRead } from '../../../hpa/index.ts';
import { someAtOnce } from './reading.ts';

/** A HorizontalPolicy or a native HPA, with what it needs of the cluster. */
export interface PolicyFacts {
  readonly raw: KubeObject;
  /** Not ours: what is wrong with it is a hint, not a fault. */
  readonly native: boolean;
  /** `HorizontalPolicy shop/web`. */
  readonly name: string;
  readonly namespace: string;
  readonly result: PolicyResult;
  /** Of the target; `undefined` when the spec cannot be read. */
  readonly scale: ScaleRead | undefined;
  /** What it asks of sources other than usage. */
  readonly queries: readonly MetricQuery[];
}

const scalesAtOnce = 16;

/** Reads the specs and the scale of every target once. */
export async function readPolicies(
  objects: { readonly policies: readonly KubeObject[]; readonly hpas: readonly KubeObject[] },
  { client, clock, cooldown }: { readonly client: KubeClient; readonly clock: Clock; readonly cooldown: CooldownPolicy },
): Promise<readonly PolicyFacts[]> {
  const parsed = [
    ...objects.policies.map((raw) => ({ raw, native: false, result: parsePolicy(raw, cooldown) })),
    ...objects.hpas.map((raw) => ({ raw, native: true, result: fromHpa(raw) })),
  ].toSorted((a, b) => Number(a.native) - Number(b.native) || compare(placeOf(a.raw), placeOf(b.raw)));
  const targets = new Map(
    parsed.flatMap(({ result }) => (result.ok ? [[targetKey(result.policy.target), result.policy.target] as const] : [])),
  );
  const access = createScaleAccess({ client, clock });
  const keys = [...targets.keys()];
  const reads = await someAtOnce([...targets.values()], scalesAtOnce, (target) => access.read(target));
  const scales = new Map(keys.map((key, index) => [key, reads[index]]));
  return parsed.map(({ raw, native, result }) => {
    const scale = result.ok ? scales.get(targetKey(result.policy.target)) : undefined;
    const namespace = raw.metadata.namespace ?? '';
    return {
      raw,
      native,
      name: `${native ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy'} ${placeOf(raw)}`,
      namespace,
      result,
      scale,
      queries: result.ok
        ? metricQueries(result.policy.spec.metrics, { namespace, selector: scale?.ok === true ? scale.scale.selector : '' })
        : [],
    };
  });
}

function placeOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Equal for references to one object: the version does not matter. */
export function targetKey({
  apiVersion = '',
  kind,
  namespace,
  name,
}: Omit<ObjectReference, 'apiVersion'> & { readonly apiVersion?: string | undefined }): string {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return `${namespace ?? ''}\n${group}\n${kind}\n${name}`;
}

/** Each query once, with a policy that asks it; one of ours before a native one. */
export function distinctQueries(
  policies: readonly PolicyFacts[],
): ReadonlyMap<string, { readonly query: MetricQuery; readonly policy: PolicyFacts }> {
  const found = new Map<string, { readonly query: MetricQuery; readonly policy: PolicyFacts }>();
  for (const policy of policies) {
    for (const query of policy.queries) if (!found.has(queryKey(query))) found.set(queryKey(query), { query, policy });
  }
  return found;
}
