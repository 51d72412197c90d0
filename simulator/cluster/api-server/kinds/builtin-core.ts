import type { ResourceType } from '../../../../core/model/object.ts';
import { objectOf } from '../json.ts';
import { mergeKeys } from '../patch/merge-keys.ts';
import {
  admitNode,
  defaultClaim,
  defaultNode,
  defaultSecret,
  defaultService,
  defaultVolume,
  prepareNamespace,
  prepareService,
  updateNamespace,
  updateService,
  validateImmutableData,
  validateNode,
  validateNodeResources,
  validateService,
} from './cluster-objects.ts';
import { defaultEvent, eventFromNew, eventToNew, validateEvent } from './events.ts';
import { kind } from './kind.ts';
import type { Kind } from './kind.ts';
import { mergeLabelKeys } from './label-key-merge.ts';
import { defaultLimitRange, validateLimitRange } from './limit-range.ts';
import { admitClaimLimits, admitPod, admitPodLimits, copyTopologyLabels, readmitPod } from './pod-admission.ts';
import { defaultPod, defaultTemplate, qosClass } from './pod-defaults.ts';
import { validateConditionTypes, validatePod, validatePodStatus } from './pod-validation.ts';
import type { PodSpec, PodTemplate } from './shapes.ts';
import { defaultReplicationController, validateReplicationController } from './workloads.ts';

function core(plural: string, name: string, namespaced: boolean): ResourceType {
  return { group: '', version: 'v1', plural, kind: name, namespaced };
}

const replicas = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' };

/** The class is set at creation and never changes; a status without it keeps it. */
function keepQosClass(status: unknown, old: unknown): unknown {
  const { qosClass } = objectOf(old);
  return qosClass === undefined || objectOf(status)['qosClass'] !== undefined ? status : { ...objectOf(status), qosClass };
}

const eventFields = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

/** The core group. */
export const coreKinds: readonly Kind[] = [
  kind({
    type: core('pods', 'Pod', true),
    short: ['po'],
    categories: ['all'],
    subresources: ['status', 'binding', 'eviction', 'resize', 'log', 'ephemeralcontainers', 'exec', 'attach', 'portforward', 'proxy'],
    generation: 'spec',
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ],
    statusTouchesMetadata: true,
    gracefulDeletion: true,
    merge: mergeKeys['/pods'],
    defaults: defaultPod,
    prepareCreate: (draft, context) => {
      admitPod(draft, context);
      const node = (draft.spec as PodSpec).nodeName;
      if (node !== undefined && node !== '') copyTopologyLabels(draft, context.get('/nodes', '', node));
    },
    finishCreate: (draft) => {
      draft.status = { ...objectOf(draft.status), qosClass: qosClass(draft.spec as PodSpec) };
    },
    settleCreate: mergeLabelKeys,
    readmit: readmitPod,
    admit: admitPodLimits,
    completeStatus: keepQosClass,
    validate: validatePod,
    validateStatus: validatePodStatus,
  }),
  kind({
    type: core('nodes', 'Node', false),
    short: ['no'],
    subresources: ['status', 'proxy'],
    selectableFields: ['spec.unschedulable'],
    statusTouchesMetadata: true,
    keepStatusOnCreate: true,
    merge: mergeKeys['/nodes'],
    defaults: defaultNode,
    prepareCreate: admitNode,
    validate: validateNode,
    validateStatus: (object) => [
      ...validateNodeResources(object),
      ...validateConditionTypes((object.status as { conditions?: unknown } | undefined)?.conditions, 'status.conditions'),
    ],
  }),
  kind({
    type: core('namespaces', 'Namespace', false),
    short: ['ns'],
    subresources: ['status', 'finalize'],
    selectableFields: ['status.phase'],
    nameRule: 'label',
    merge: mergeKeys['/namespaces'],
    prepareCreate: prepareNamespace,
    prepareUpdate: updateNamespace,
  }),
  kind({
    type: core('services', 'Service', true),
    short: ['svc'],
    categories: ['all'],
    subresources: ['status', 'proxy'],
    selectableFields: ['spec.clusterIP', 'spec.type'],
    nameRule: 'service',
    createOnUpdate: true,
    statusTouchesMetadata: true,
    merge: mergeKeys['/services'],
    defaults: defaultService,
    prepareCreate: prepareService,
    prepareUpdate: updateService,
    validate: validateService,
  }),
  kind({ type: core('endpoints', 'Endpoints', true), short: ['ep'], listKind: 'EndpointsList', createOnUpdate: true }),
  kind({
    type: core('configmaps', 'ConfigMap', true),
    short: ['cm'],
    validate: validateImmutableData,
  }),
  kind({
    type: core('secrets', 'Secret', true),
    selectableFields: ['type'],
    defaults: defaultSecret,
    validate: validateImmutableData,
  }),
  kind({
    type: core('serviceaccounts', 'ServiceAccount', true),
    short: ['sa'],
    subresources: ['token'],
    merge: mergeKeys['/serviceaccounts'],
  }),
  kind({
    type: core('events', 'Event', true),
    short: ['ev'],
    selectableFields: eventFields,
    createOnUpdate: true,
    nameRule: 'path',
    defaults: defaultEvent,
    validate: validateEvent,
  }),
  kind({
    type: { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
    short: ['ev'],
    storageKey: '/events',
    selectableFields: [...eventFields, 'regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid', 'reportingController'],
    createOnUpdate: true,
    nameRule: 'path',
    defaults: defaultEvent,
    validate: validateEvent,
    encode: eventToNew,
    decode: eventFromNew,
  }),
  kind({
    type: core('persistentvolumes', 'PersistentVolume', false),
    short: ['pv'],
    subresources: ['status'],
    keepStatusOnCreate: true,
    defaults: defaultVolume,
  }),
  kind({
    type: core('persistentvolumeclaims', 'PersistentVolumeClaim', true),
    short: ['pvc'],
    subresources: ['status'],
    keepStatusOnCreate: true,
    merge: mergeKeys['/persistentvolumeclaims'],
    defaults: defaultClaim,
    admit: admitClaimLimits,
  }),
  kind({
    type: core('replicationcontrollers', 'ReplicationController', true),
    short: ['rc'],
    categories: ['all'],
    subresources: ['status', 'scale'],
    selectableFields: ['status.replicas'],
    generation: 'spec',
    initialStatus: { replicas: 0 },
    orphanByDefault: true,
    scale: replicas,
    merge: mergeKeys['/replicationcontrollers'],
    defaults: defaultReplicationController,
    validate: validateReplicationController,
  }),
  kind({
    type: core('podtemplates', 'PodTemplate', true),
    generation: 'content',
    merge: mergeKeys['/podtemplates'],
    defaults: (draft) => defaultTemplate(draft['template'] as PodTemplate | undefined),
  }),
  kind({
    type: core('limitranges', 'LimitRange', true),
    short: ['limits'],
    createOnUpdate: true,
    defaults: defaultLimitRange,
    validate: validateLimitRange,
  }),
  kind({ type: core('resourcequotas', 'ResourceQuota', true), short: ['quota'], subresources: ['status'] }),
];
