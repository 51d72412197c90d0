import { customResourceDefinition } from '../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';
import { metricSourceSpec, metricSourceStatus } from './metric-source-schema.ts';

/** The CustomResourceDefinition of MetricSource. */
export function metricSourceCrd(): KubeObject {
  return customResourceDefinition({
    ...resourceTypes.metricSources,
    scope: 'Cluster',
    shortNames: ['msrc'],
    categories: ['concertina'],
    description:
      'A Prometheus, or what speaks its protocol, that policies may name. Owned by administrators: URL and credentials stand here and nowhere else.',
    spec: metricSourceSpec,
    status: metricSourceStatus,
    printerColumns: [
      { name: 'Type', type: 'string', jsonPath: '.spec.type' },
      { name: 'URL', type: 'string', jsonPath: '.spec.url', priority: 1 },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
      { name: 'Version', type: 'string', jsonPath: '.status.version' },
      { name: 'Queries', type: 'integer', jsonPath: '.status.queries' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  });
}
