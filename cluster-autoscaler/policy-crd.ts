import { customResourceDefinition } from '../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';
import { nodePoolPolicySpec, nodePoolPolicyStatus } from './policy-schema.ts';

/** The CustomResourceDefinition of NodePoolPolicy. */
export function nodePoolPolicyCrd(): KubeObject {
  const { group, version, kind, plural } = resourceTypes.nodePoolPolicies;
  return customResourceDefinition({
    group,
    version,
    kind,
    plural,
    scope: 'Cluster',
    shortNames: ['npol'],
    categories: ['concertina'],
    description: 'Bounds and options of node groups (Auto Scaling groups, MachineDeployments) that grow and shrink with what pods need.',
    spec: nodePoolPolicySpec,
    status: nodePoolPolicyStatus,
    printerColumns: [
      { name: 'Min', type: 'integer', jsonPath: '.status.minNodes' },
      { name: 'Max', type: 'integer', jsonPath: '.status.maxNodes' },
      { name: 'Nodes', type: 'integer', jsonPath: '.status.nodes' },
      { name: 'Ready', type: 'integer', jsonPath: '.status.readyNodes' },
      { name: 'Unneeded', type: 'integer', jsonPath: '.status.unneededNodes' },
      { name: 'Healthy', type: 'string', jsonPath: '.status.conditions[?(@.type=="Healthy")].status' },
      { name: 'Held', type: 'string', jsonPath: '.status.conditions[?(@.type=="Held")].reason' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode', priority: 1 },
      { name: 'Groups', type: 'string', jsonPath: '.status.groups[*].name', priority: 1 },
      { name: 'Reason', type: 'string', jsonPath: '.status.lastDecision.reason', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.status.lastDecision.message', priority: 1 },
    ],
  });
}
