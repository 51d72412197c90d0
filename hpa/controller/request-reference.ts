import type { RequestReference } from '../../core/model/intent.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import type { MetricSpec } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';

/** The resource whose utilization a metric measures: only a share of the request moves with the request. */
export function measuredResource(metric: MetricSpec): string | undefined {
  if (metric.type !== 'Resource' && metric.type !== 'ContainerResource') return undefined;
  return metric.target.averageUtilization === undefined ? undefined : metric.resource;
}

/** What utilization of a policy is measured against, where a requests policy moves a resource that the policy goes by. */
export function referenceFor(
  { target, spec }: ScalingPolicy,
  referenceOf: ((target: ObjectReference) => RequestReference | undefined) | undefined,
): RequestReference | undefined {
  const reference = referenceOf?.(target);
  if (reference === undefined) return undefined;
  const measured = new Set(spec.metrics.map(measuredResource));
  const resources = reference.resources.filter((resource) => measured.has(resource));
  return resources.length === 0 ? undefined : { ...reference, resources };
}
