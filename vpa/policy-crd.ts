import { customResourceDefinition } from '../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';
import { verticalPolicySpec, verticalPolicyStatus } from './policy-schema.ts';

const target = '.status.recommendation.containerRecommendations[0].target';

/** The CustomResourceDefinition of VerticalPolicy. */
export function verticalPolicyCrd(): KubeObject {
  return customResourceDefinition({
    ...resourceTypes.verticalPolicies,
    scope: 'Namespaced',
    shortNames: ['vpol'],
    categories: ['concertina', 'all'],
    description: "Sets the requests of a workload's pods by their usage: a superset of an autoscaling.k8s.io/v1 VerticalPodAutoscaler.",
    spec: verticalPolicySpec,
    status: verticalPolicyStatus,
    printerColumns: [
      { name: 'Mode', type: 'string', jsonPath: '.spec.updatePolicy.updateMode' },
      { name: 'Target', type: 'string', jsonPath: '.spec.targetRef.name' },
      { name: 'Kind', type: 'string', jsonPath: '.spec.targetRef.kind', priority: 1 },
      { name: 'CPU', type: 'string', jsonPath: `${target}.cpu` },
      { name: 'Mem', type: 'string', jsonPath: `${target}.memory` },
      { name: 'Provided', type: 'string', jsonPath: '.status.conditions[?(@.type=="RecommendationProvided")].status' },
      { name: 'Applied', type: 'string', jsonPath: '.status.conditions[?(@.type=="Applied")].status' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Acts', type: 'string', jsonPath: '.spec.mode', priority: 1 },
      { name: 'Pods', type: 'integer', jsonPath: '.status.podCount', priority: 1 },
      { name: 'MinReplicas', type: 'integer', jsonPath: '.spec.updatePolicy.minReplicas', priority: 1 },
      { name: 'Reason', type: 'string', jsonPath: '.status.lastDecision.reason', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.status.lastDecision.message', priority: 1 },
    ],
  });
}
