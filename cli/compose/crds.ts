import { nodePoolPolicyCrd } from '../../cluster-autoscaler/index.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { horizontalPolicyCrd } from '../../hpa/index.ts';
import { metricSourceCrd } from '../../metrics-aggregator/index.ts';
import { verticalPolicyCheckpointCrd, verticalPolicyCrd } from '../../vpa/index.ts';

/** Every CustomResourceDefinition of the suite, as `deploy/crds` has them. */
export function concertinaCrds(): readonly KubeObject[] {
  return [horizontalPolicyCrd(), metricSourceCrd(), nodePoolPolicyCrd(), verticalPolicyCrd(), verticalPolicyCheckpointCrd()];
}
