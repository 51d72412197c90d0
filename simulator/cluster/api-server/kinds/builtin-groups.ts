import type { ResourceType } from '../../../../core/model/object.ts';
import { mergeKeys } from '../patch/merge-keys.ts';
import { defaultHpa, hpaFromV1, hpaToV1, validateHpa } from './autoscaling.ts';
import {
  defaultLease,
  defaultPriorityClass,
  defaultRoleBinding,
  defaultStorageClass,
  defaultWebhooks,
  prepareApiService,
  validateLease,
  validatePriorityClass,
  validateRoleBinding,
} from './cluster-objects.ts';
import { kind } from './kind.ts';
import type { Kind } from './kind.ts';
import {
  defaultCronJob,
  defaultDaemonSet,
  defaultDeployment,
  defaultJob,
  defaultReplicaSet,
  defaultStatefulSet,
  prepareJob,
  validateCronJob,
  validateDaemonSet,
  validateJob,
  validatePdb,
  validateStatefulSet,
  validateWorkload,
} from './workloads.ts';

function type(path: string, name: string, namespaced = true): ResourceType {
  const [group = '', version = '', plural = ''] = path.split('/');
  return { group, version, plural, kind: name, namespaced };
}

const replicas = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector' };
const rbac = 'rbac.authorization.k8s.io/v1';

/** Workloads, budgets and autoscaling. */
const workloadKinds: readonly Kind[] = [
  kind({
    type: type('apps/v1/deployments', 'Deployment'),
    short: ['deploy'],
    categories: ['all'],
    subresources: ['status', 'scale'],
    generation: 'spec-and-annotations',
    statusTouchesMetadata: 'annotations',
    scale: replicas,
    merge: mergeKeys['apps/deployments'],
    defaults: defaultDeployment,
    validate: validateWorkload,
  }),
  kind({
    type: type('apps/v1/replicasets', 'ReplicaSet'),
    short: ['rs'],
    categories: ['all'],
    subresources: ['status', 'scale'],
    selectableFields: ['status.replicas'],
    initialStatus: { replicas: 0 },
    generation: 'spec',
    scale: replicas,
    merge: mergeKeys['apps/replicasets'],
    defaults: defaultReplicaSet,
    validate: validateWorkload,
  }),
  kind({
    type: type('apps/v1/statefulsets', 'StatefulSet'),
    short: ['sts'],
    categories: ['all'],
    subresources: ['status', 'scale'],
    initialStatus: { replicas: 0, availableReplicas: 0 },
    generation: 'spec',
    scale: replicas,
    merge: mergeKeys['apps/statefulsets'],
    defaults: defaultStatefulSet,
    validate: validateStatefulSet,
  }),
  kind({
    type: type('apps/v1/daemonsets', 'DaemonSet'),
    short: ['ds'],
    categories: ['all'],
    subresources: ['status'],
    initialStatus: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
    generation: 'spec',
    merge: mergeKeys['apps/daemonsets'],
    defaults: defaultDaemonSet,
    validate: validateDaemonSet,
  }),
  kind({ type: type('apps/v1/controllerrevisions', 'ControllerRevision') }),
  kind({
    type: type('batch/v1/jobs', 'Job'),
    categories: ['all'],
    subresources: ['status'],
    selectableFields: ['status.successful'],
    generation: 'spec',
    orphanByDefault: true,
    merge: mergeKeys['batch/jobs'],
    defaults: defaultJob,
    prepareCreate: prepareJob,
    validate: validateJob,
  }),
  kind({
    type: type('batch/v1/cronjobs', 'CronJob'),
    short: ['cj'],
    categories: ['all'],
    subresources: ['status'],
    generation: 'spec',
    merge: mergeKeys['batch/cronjobs'],
    defaults: defaultCronJob,
    validate: validateCronJob,
  }),
  kind({
    type: type('policy/v1/poddisruptionbudgets', 'PodDisruptionBudget'),
    short: ['pdb'],
    subresources: ['status'],
    generation: 'spec',
    unconditionalUpdate: false,
    merge: mergeKeys['policy/poddisruptionbudgets'],
    prepareCreate: (draft) => {
      draft.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    },
    validate: validatePdb,
  }),
  kind({
    type: type('autoscaling/v2/horizontalpodautoscalers', 'HorizontalPodAutoscaler'),
    short: ['hpa'],
    categories: ['all'],
    subresources: ['status'],
    merge: mergeKeys['autoscaling/horizontalpodautoscalers'],
    defaults: defaultHpa,
    prepareCreate: initialHpaStatus,
    validate: validateHpa,
  }),
  kind({
    type: type('autoscaling/v1/horizontalpodautoscalers', 'HorizontalPodAutoscaler'),
    short: ['hpa'],
    categories: ['all'],
    subresources: ['status'],
    defaults: defaultHpa,
    prepareCreate: initialHpaStatus,
    validate: validateHpa,
    encode: hpaToV1,
    decode: hpaFromV1,
  }),
];

function initialHpaStatus(draft: { status?: unknown }): void {
  draft.status = { currentMetrics: null, desiredReplicas: 0 };
}

const clusterKinds: readonly Kind[] = [
  kind({
    type: type('coordination.k8s.io/v1/leases', 'Lease'),
    createOnUpdate: true,
    unconditionalUpdate: false,
    defaults: defaultLease,
    validate: validateLease,
  }),
  kind({
    type: type('scheduling.k8s.io/v1/priorityclasses', 'PriorityClass', false),
    short: ['pc'],
    listKind: 'PriorityClassList',
    generation: 'content',
    defaults: defaultPriorityClass,
    validate: validatePriorityClass,
  }),
  kind({
    type: type('storage.k8s.io/v1/storageclasses', 'StorageClass', false),
    short: ['sc'],
    listKind: 'StorageClassList',
    defaults: defaultStorageClass,
  }),
  kind({ type: type('storage.k8s.io/v1/csinodes', 'CSINode', false), unconditionalUpdate: false }),
  kind({ type: type('storage.k8s.io/v1/csidrivers', 'CSIDriver', false), unconditionalUpdate: false }),
  kind({ type: type('storage.k8s.io/v1/csistoragecapacities', 'CSIStorageCapacity'), unconditionalUpdate: false }),
  kind({
    type: type('storage.k8s.io/v1/volumeattachments', 'VolumeAttachment', false),
    subresources: ['status'],
    unconditionalUpdate: false,
  }),
  kind({ type: type(`${rbac}/roles`, 'Role'), nameRule: 'path', createOnUpdate: true }),
  kind({ type: type(`${rbac}/clusterroles`, 'ClusterRole', false), nameRule: 'path', createOnUpdate: true }),
  kind({
    type: type(`${rbac}/rolebindings`, 'RoleBinding'),
    nameRule: 'path',
    createOnUpdate: true,
    defaults: defaultRoleBinding,
    validate: validateRoleBinding,
  }),
  kind({
    type: type(`${rbac}/clusterrolebindings`, 'ClusterRoleBinding', false),
    nameRule: 'path',
    createOnUpdate: true,
    defaults: defaultRoleBinding,
    validate: validateRoleBinding,
  }),
  kind({
    type: type('networking.k8s.io/v1/networkpolicies', 'NetworkPolicy'),
    short: ['netpol'],
    generation: 'spec',
    merge: mergeKeys['networking.k8s.io/networkpolicies'],
  }),
  kind({ type: type('networking.k8s.io/v1/ingresses', 'Ingress'), short: ['ing'], subresources: ['status'], generation: 'spec' }),
  kind({ type: type('discovery.k8s.io/v1/endpointslices', 'EndpointSlice'), generation: 'content' }),
  kind({
    type: type('admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false),
    categories: ['api-extensions'],
    generation: 'content',
    unconditionalUpdate: false,
    merge: mergeKeys['admissionregistration.k8s.io/mutatingwebhookconfigurations'],
    defaults: defaultWebhooks,
  }),
  kind({
    type: type('admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false),
    categories: ['api-extensions'],
    generation: 'content',
    unconditionalUpdate: false,
    merge: mergeKeys['admissionregistration.k8s.io/validatingwebhookconfigurations'],
    defaults: defaultWebhooks,
  }),
  kind({
    type: type('apiregistration.k8s.io/v1/apiservices', 'APIService', false),
    categories: ['api-extensions'],
    subresources: ['status'],
    merge: mergeKeys['apiregistration.k8s.io/apiservices'],
    prepareCreate: prepareApiService,
  }),
];

/** Answered, never stored. */
const reviewKinds: readonly Kind[] = [
  kind({ type: type('authentication.k8s.io/v1/tokenreviews', 'TokenReview', false), createOnly: true }),
  kind({ type: type('authentication.k8s.io/v1/selfsubjectreviews', 'SelfSubjectReview', false), createOnly: true }),
  kind({ type: type('authorization.k8s.io/v1/subjectaccessreviews', 'SubjectAccessReview', false), createOnly: true }),
  kind({ type: type('authorization.k8s.io/v1/selfsubjectaccessreviews', 'SelfSubjectAccessReview', false), createOnly: true }),
  kind({ type: type('authorization.k8s.io/v1/selfsubjectrulesreviews', 'SelfSubjectRulesReview', false), createOnly: true }),
  kind({ type: type('authorization.k8s.io/v1/localsubjectaccessreviews', 'LocalSubjectAccessReview'), createOnly: true }),
];

/** Every builtin group but core. */
export const groupKinds: readonly Kind[] = [...workloadKinds, ...clusterKinds, ...reviewKinds];
