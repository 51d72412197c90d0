import { z } from 'zod';
import { customResourceDefinition } from '../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject } from '../core/model/object.ts';

const time = z.iso.datetime().nullable().optional();

const histogram = z.object({
  referenceTimestamp: time.describe('Origin of the decay; null: none yet.'),
  bucketWeights: z
    .record(z.string(), z.int32().min(1).max(10_000))
    .optional()
    .describe('By number of the bucket, relative to the heaviest one.'),
  totalWeight: z.number().optional().describe('Sum of the weights, not rounded.'),
});

/** `spec` of a VerticalPolicyCheckpoint: the names are those of a VerticalPodAutoscalerCheckpoint, so that one code writes both. */
export const checkpointSpec = z.strictObject({
  vpaObjectName: z.string().max(253).optional().describe('Name of the policy, in the same namespace.'),
  containerName: z.string().max(253).optional(),
});

/** `status` of a VerticalPolicyCheckpoint. */
export const checkpointStatus = z.object({
  lastUpdateTime: time,
  version: z.string().optional().describe('v3; anything else is not read.'),
  cpuHistogram: histogram.optional(),
  memoryHistogram: histogram.optional(),
  firstSampleStart: time,
  lastSampleStart: time,
  totalSamplesCount: z.int().optional().describe('CPU samples.'),
});

/**
 * The CustomResourceDefinition of VerticalPolicyCheckpoint. As upstream's it has no status subresource: spec and status are written at once, by the recommender
 * alone.
 */
export function verticalPolicyCheckpointCrd(): KubeObject {
  const crd = customResourceDefinition({
    ...resourceTypes.verticalPolicyCheckpoints,
    scope: 'Namespaced',
    shortNames: ['vpolcheckpoint'],
    categories: ['concertina'],
    description: 'What a recommender has learnt of one container of a VerticalPolicy. Written by the program; not meant to be edited.',
    spec: checkpointSpec,
    status: checkpointStatus,
    printerColumns: [
      { name: 'Policy', type: 'string', jsonPath: '.spec.vpaObjectName' },
      { name: 'Container', type: 'string', jsonPath: '.spec.containerName' },
      { name: 'Samples', type: 'integer', jsonPath: '.status.totalSamplesCount' },
      { name: 'Updated', type: 'date', jsonPath: '.status.lastUpdateTime' },
    ],
  });
  const spec = crd.spec as { readonly versions: readonly Readonly<Record<string, unknown>>[] };
  return { ...crd, spec: { ...spec, versions: spec.versions.map(({ subresources: _without, ...each }) => each) } };
}
