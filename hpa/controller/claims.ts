import { defaultCooldown } from '../../core/model/cooldown.ts';
import type { Claim } from '../../core/model/intent.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { fromHpa, parsePolicy, type PolicyResult, type ScalingPolicy } from '../policy.ts';
import { measuredResource } from './request-reference.ts';

/** What a policy steers by the share of requests that is used. */
export function claimsOf({ reference, target, spec }: Pick<ScalingPolicy, 'reference' | 'target' | 'spec'>): Claim[] {
  // Whoever leaves the target alone claims nothing.
  if (spec.mode !== 'Auto') return [];
  return spec.metrics.flatMap((metric) => {
    const measures = measuredResource(metric);
    return measures === undefined ? [] : [{ controller: 'hpa', policy: reference, target, dimension: 'replicas', measures }];
  });
}

/** A mirror hands out the same object until it changes. */
const parsed = new WeakMap<KubeObject, PolicyResult>();

/** What policies that somebody else carries out steer: HorizontalPolicies of another process, native HPAs that are not adopted. */
export function foreignClaims(policies: readonly KubeObject[], nativeHpas: readonly KubeObject[]): Claim[] {
  return [
    ...policies.flatMap((raw) => claimsIn(raw, () => parsePolicy(raw, defaultCooldown))),
    ...nativeHpas.flatMap((raw) => claimsIn(raw, () => fromHpa(raw, { anyMetric: true }))),
  ];
}

function claimsIn(raw: KubeObject, parse: () => PolicyResult): Claim[] {
  let result = parsed.get(raw);
  if (result === undefined) parsed.set(raw, (result = parse()));
  return result.ok ? claimsOf(result.policy).map((claim) => ({ ...claim, foreign: true })) : [];
}
