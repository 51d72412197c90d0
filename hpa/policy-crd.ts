import { customResourceDefinition } from '../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';
import { horizontalPolicySpec, horizontalPolicyStatus } from './policy-schema.ts';

/** The CustomResourceDefinition of HorizontalPolicy. */
export function horizontalPolicyCrd(): KubeObject {
  const { group, version, kind, plural } = resourceTypes.horizontalPolicies;
  return customResourceDefinition({
    group,
    version,
    kind,
    plural,
    scope: 'Namespaced',
    shortNames: ['hpol'],
    categories: ['concertina', 'all'],
    description: 'Scales the replicas of a workload by its load: a superset of an autoscaling/v2 HorizontalPodAutoscaler.',
    spec: horizontalPolicySpec,
    status: horizontalPolicyStatus,
    printerColumns: [
      { name: 'Reference', type: 'string', jsonPath: '.spec.scaleTargetRef.name' },
      { name: 'Kind', type: 'string', jsonPath: '.spec.scaleTargetRef.kind', priority: 1 },
      { name: 'Targets', type: 'string', jsonPath: '.status.targets' },
      { name: 'Min', type: 'integer', jsonPath: '.spec.minReplicas' },
      { name: 'Max', type: 'integer', jsonPath: '.spec.maxReplicas' },
      { name: 'Replicas', type: 'integer', jsonPath: '.status.currentReplicas' },
      { name: 'Wanted', type: 'integer', jsonPath: '.status.lastDecision.wanted' },
      { name: 'Active', type: 'string', jsonPath: '.status.conditions[?(@.type=="ScalingActive")].status' },
      { name: 'Reason', type: 'string', jsonPath: '.status.lastDecision.reason' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.status.lastDecision.message', priority: 1 },
    ],
  });
}
