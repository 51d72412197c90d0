import type { Claim } from '../../core/model/intent.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { fromHpa, type PolicyResult, type ScalingPolicy } from '../policy.ts';
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

/** What native HPAs that somebody else carries out steer. */
export function foreignClaims(nativeHpas: readonly KubeObject[]): Claim[] {
  return nativeHpas.flatMap((raw) => {
    let result = parsed.get(raw);
    if (result === undefined) parsed.set(raw, (result = fromHpa(raw, { anyMetric: true })));
    return result.ok ? claimsOf(result.policy).map((claim) => ({ ...claim, foreign: true })) : [];
  });
}
