import type { JsonSchema } from '../../../core/kube/crd-schema.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';

/**
 * What the journeys install so that VerticalPodAutoscaler objects can be stored: the fields that the suite reads, no rule beyond types. It is no copy of upstream's,
 * and clusters that adopt such objects have that.
 */

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const number32: JsonSchema = { type: 'integer', format: 'int32' };
const quantity: JsonSchema = { 'x-kubernetes-int-or-string': true };
const quantities: JsonSchema = { type: 'object', additionalProperties: quantity };
const anything: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

function object(properties: Record<string, JsonSchema>, ...required: string[]): JsonSchema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

const updatePolicy = object({
  updateMode: { type: 'string', enum: ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'InPlace', 'Auto'] },
  minReplicas: number32,
  evictionRequirements: list(object({ resources: list(text), changeRequirement: text }, 'resources', 'changeRequirement')),
  evictAfterOOMSeconds: { ...number32, minimum: 1 },
});

const containerPolicy = object({
  containerName: text,
  mode: { type: 'string', enum: ['Auto', 'Off'] },
  minAllowed: quantities,
  maxAllowed: quantities,
  controlledResources: list(text),
  controlledValues: { type: 'string', enum: ['RequestsAndLimits', 'RequestsOnly'] },
  oomBumpUpRatio: quantity,
  oomMinBumpUp: quantity,
  memoryAggregationIntervalSeconds: number32,
  memoryAggregationIntervalCount: { type: 'integer', format: 'int64' },
  startupBoost: anything,
});

const vpaSpec = object(
  {
    targetRef: object({ apiVersion: text, kind: text, name: text }, 'kind', 'name'),
    updatePolicy,
    resourcePolicy: object({ containerPolicies: list(containerPolicy) }),
    recommenders: list(object({ name: text }, 'name')),
    startupBoost: anything,
  },
  'targetRef',
);

const condition = object(
  {
    type: text,
    status: text,
    reason: text,
    message: text,
    lastTransitionTime: time,
    observedGeneration: { type: 'integer', format: 'int64' },
  },
  'type',
  'status',
);

const recommendedContainer = object(
  { containerName: text, target: quantities, lowerBound: quantities, upperBound: quantities, uncappedTarget: quantities },
  'target',
);

const vpaStatus = object({
  observedGeneration: { type: 'integer', format: 'int64' },
  recommendation: object({ containerRecommendations: list(recommendedContainer) }),
  conditions: list(condition),
});

const histogram = object({ referenceTimestamp: { ...time, nullable: true }, bucketWeights: anything, totalWeight: { type: 'number' } });

const checkpointStatus = object({
  lastUpdateTime: { ...time, nullable: true },
  version: text,
  cpuHistogram: histogram,
  memoryHistogram: histogram,
  firstSampleStart: { ...time, nullable: true },
  lastSampleStart: { ...time, nullable: true },
  totalSamplesCount: { type: 'integer' },
});

function definition(type: ResourceType, shortName: string, version: Readonly<Record<string, unknown>>): KubeObject {
  const { group, kind, plural } = type;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // An API server takes types of a group of Kubernetes' own only with such a note.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in for tests of Concertina' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [shortName] },
      versions: [{ name: type.version, served: true, storage: true, ...version }],
    },
  };
}

function schema(spec: JsonSchema, status: JsonSchema): Readonly<Record<string, unknown>> {
  const openAPIV3Schema = object({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec, status }, 'spec');
  return { schema: { openAPIV3Schema } };
}

/** Takes VerticalPodAutoscaler objects, with a status subresource. */
export function verticalPodAutoscalerCrd(): KubeObject {
  return definition(resourceTypes.verticalPodAutoscalers, 'vpa', { ...schema(vpaSpec, vpaStatus), subresources: { status: {} } });
}

/** Takes VerticalPodAutoscalerCheckpoint objects; without a status subresource, as upstream's. */
export function verticalPodAutoscalerCheckpointCrd(): KubeObject {
  const spec = object({ vpaObjectName: text, containerName: text });
  return definition(resourceTypes.verticalPodAutoscalerCheckpoints, 'vpacheckpoint', schema(spec, checkpointStatus));
}
