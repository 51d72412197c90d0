import type { KubeObject } from '../../../../core/model/object.ts';
import { fieldErrors } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { equalJson, objectOf } from '../json.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { validateTemplate } from './pod-validation.ts';
import { oneOf, validateSelectorShape } from './selector-validation.ts';
import { matchesSelector } from '../label-selectors.ts';
import type { WorkloadSpec } from './shapes.ts';

const { required, invalid, forbidden } = fieldErrors;

type Draft = Record<string, unknown>;

function rollingUpdate(strategy: Draft, defaults: Draft): void {
  const values = (strategy['rollingUpdate'] ??= {}) as Draft;
  for (const [key, value] of Object.entries(defaults)) values[key] ??= value;
}

export function defaultDeployment(object: KubeObject): void {
  const spec = specOf(object);
  spec.replicas ??= 1;
  const strategy = (spec['strategy'] ??= {}) as Draft;
  strategy['type'] ??= 'RollingUpdate';
  if (strategy['type'] === 'RollingUpdate') rollingUpdate(strategy, { maxUnavailable: '25%', maxSurge: '25%' });
  spec['revisionHistoryLimit'] ??= 10;
  spec['progressDeadlineSeconds'] ??= 600;
  defaultTemplate(spec.template);
}

export function defaultReplicaSet(object: KubeObject): void {
  const spec = specOf(object);
  spec.replicas ??= 1;
  defaultTemplate(spec.template);
}

export function defaultReplicationController(object: KubeObject): void {
  const spec = specOf(object);
  spec.replicas ??= 1;
  // Its selector is a plain map.
  (spec as Draft)['selector'] ??= spec.template?.metadata?.labels ?? {};
  defaultTemplate(spec.template);
}

export function defaultStatefulSet(object: KubeObject): void {
  const spec = specOf(object);
  spec.replicas ??= 1;
  spec['podManagementPolicy'] ??= 'OrderedReady';
  const strategy = (spec['updateStrategy'] ??= {}) as Draft;
  strategy['type'] ??= 'RollingUpdate';
  if (strategy['type'] === 'RollingUpdate') rollingUpdate(strategy, { partition: 0 });
  const retention = (spec['persistentVolumeClaimRetentionPolicy'] ??= {}) as Draft;
  retention['whenDeleted'] ??= 'Retain';
  retention['whenScaled'] ??= 'Retain';
  spec['revisionHistoryLimit'] ??= 10;
  defaultTemplate(spec.template);
}

export function defaultDaemonSet(object: KubeObject): void {
  const spec = specOf(object);
  const strategy = (spec['updateStrategy'] ??= {}) as Draft;
  strategy['type'] ??= 'RollingUpdate';
  if (strategy['type'] === 'RollingUpdate') rollingUpdate(strategy, { maxUnavailable: 1, maxSurge: 0 });
  spec['revisionHistoryLimit'] ??= 10;
  defaultTemplate(spec.template);
}

export function defaultJob(object: KubeObject): void {
  defaultJobSpec(specOf(object));
}

function defaultJobSpec(spec: WorkloadSpec): void {
  if (spec['completions'] === undefined && spec['parallelism'] === undefined) {
    spec['completions'] = 1;
    spec['parallelism'] = 1;
  }
  spec['parallelism'] ??= 1;
  spec['backoffLimit'] ??= 6;
  spec['completionMode'] ??= 'NonIndexed';
  spec['suspend'] ??= false;
  spec['podReplacementPolicy'] ??= spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed';
  defaultTemplate(spec.template);
}

/** The job's own selector and labels are made from its uid unless `manualSelector` says otherwise. */
export function prepareJob(object: KubeObject): void {
  const spec = specOf(object);
  if (spec['manualSelector'] === true || spec.selector !== undefined) return;
  const uid = object.metadata.uid ?? '';
  spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  const metadata = ((spec.template ??= {}).metadata ??= {});
  metadata.labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': object.metadata.name,
    'controller-uid': uid,
    'job-name': object.metadata.name,
    ...metadata.labels,
  };
}

export function defaultCronJob(object: KubeObject): void {
  const spec = specOf(object);
  spec['concurrencyPolicy'] ??= 'Allow';
  spec['suspend'] ??= false;
  spec['successfulJobsHistoryLimit'] ??= 3;
  spec['failedJobsHistoryLimit'] ??= 1;
  const template = (spec['jobTemplate'] ??= {}) as { spec?: WorkloadSpec };
  if (template.spec?.template !== undefined) defaultTemplate(template.spec.template);
}

function specOf(object: KubeObject): WorkloadSpec {
  return (object.spec ??= {}) as WorkloadSpec;
}

function validateReplicas(spec: WorkloadSpec): FieldError[] {
  const { replicas } = spec;
  if (replicas === undefined) return [];
  if (!Number.isInteger(replicas)) return [invalid('spec.replicas', replicas, 'must be an integer')];
  return replicas < 0 ? [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')] : [];
}

/** What differs between the workloads that run pods for ever; upstream's texts name a ReplicaSet where they mean a Deployment too. */
interface Workload {
  readonly selectorOwner: string;
  readonly owner: string;
}

/** Selector present, well formed, matching the template, and never changed. */
function validateSelector(spec: WorkloadSpec, old: WorkloadSpec | undefined, { selectorOwner }: Workload): FieldError[] {
  const { selector } = spec;
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateSelectorShape(selector, 'spec.selector');
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${selectorOwner}`));
  } else if (errors.length === 0) errors.push(...validateSelected(spec));
  if (old !== undefined && !equalJson(old.selector, selector)) errors.push(invalid('spec.selector', selector, 'field is immutable'));
  return errors;
}

function validateSelected({ selector = {}, template }: WorkloadSpec): FieldError[] {
  const labels = template?.metadata?.labels ?? {};
  if (matchesSelector(selector, labels)) return [];
  return [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
}

function validateForever(object: KubeObject, old: KubeObject | undefined, workload: Workload): FieldError[] {
  if (old !== undefined && old.spec === object.spec) return [];
  const spec = objectOf(object.spec) as WorkloadSpec;
  const errors = [...validateReplicas(spec), ...validateSelector(spec, old?.spec as WorkloadSpec | undefined, workload)];
  if (spec.template === undefined) return [...errors, required('spec.template')];
  return [...errors, ...validateTemplate(spec.template, 'spec.template'), ...validateRunsForever(spec, workload.owner)];
}

function validateRunsForever({ template }: WorkloadSpec, owner: string): FieldError[] {
  const { restartPolicy = 'Always', activeDeadlineSeconds } = template?.spec ?? {};
  const errors = oneOf('spec.template.spec.restartPolicy', restartPolicy, ['Always']);
  if (activeDeadlineSeconds === undefined) return errors;
  return [...errors, forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${owner} is not Supported`)];
}

/** Deployments and ReplicaSets. */
export function validateWorkload(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  return validateForever(object, old, { selectorOwner: 'deployment', owner: 'ReplicaSet' });
}

export function validateDaemonSet(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  return validateForever(object, old, { selectorOwner: 'daemonset', owner: 'DaemonSet' });
}

const statefulMutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
  'selector',
];

export function validateStatefulSet(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors = validateForever(object, old, { selectorOwner: 'statefulset', owner: 'StatefulSet' });
  if (old === undefined) return errors;
  const rest = (spec: unknown): Draft =>
    Object.fromEntries(Object.entries(objectOf(spec)).filter(([field]) => !statefulMutable.includes(field)));
  if (!equalJson(rest(object.spec), rest(old.spec))) {
    errors.push(
      forbidden(
        'spec',
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    );
  }
  return errors;
}

export function validateReplicationController(object: KubeObject): FieldError[] {
  const spec = objectOf(object.spec) as WorkloadSpec;
  return [
    ...validateReplicas(spec),
    ...validateTemplate(spec.template, 'spec.template'),
    ...validateRunsForever(spec, 'ReplicationController'),
  ];
}

export function validateJob(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const spec = objectOf(object.spec) as WorkloadSpec;
  const errors = validateJobSpec(spec, 'spec');
  if (spec.selector !== undefined) {
    const wrong = validateSelectorShape(spec.selector, 'spec.selector');
    errors.push(...(wrong.length > 0 ? wrong : validateSelected(spec)));
  }
  const before = old?.spec as WorkloadSpec | undefined;
  if (before !== undefined && before['suspend'] !== true && !equalJson(before.template, spec.template)) {
    errors.push(invalid('spec.template', spec.template, 'field is immutable'));
  }
  return errors;
}

function validateJobSpec(spec: WorkloadSpec, path: string): FieldError[] {
  const errors = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'].flatMap((name) => {
    const value = spec[name];
    if (typeof value !== 'number' || value >= 0) return [];
    return [invalid(`${path}.${name}`, value, 'must be greater than or equal to 0')];
  });
  errors.push(...validateTemplate(spec.template, `${path}.template`));
  const field = `${path}.template.spec.restartPolicy`;
  const { restartPolicy = '' } = spec.template?.spec ?? {};
  // A template's default is the one policy that a job can't have.
  if (restartPolicy === '' || restartPolicy === 'Always') errors.push(required(field, 'valid values: "OnFailure", "Never"'));
  else errors.push(...oneOf(field, restartPolicy, ['OnFailure', 'Never']));
  return errors;
}

export function validateCronJob(object: KubeObject): FieldError[] {
  const spec = objectOf(object.spec);
  const errors: FieldError[] = [];
  if (typeof spec['schedule'] !== 'string' || spec['schedule'] === '') errors.push(required('spec.schedule'));
  errors.push(...validateJobSpec(objectOf(objectOf(spec['jobTemplate'])['spec']) as WorkloadSpec, 'spec.jobTemplate.spec'));
  if (object.metadata.name.length > 52) {
    errors.push(invalid('metadata.name', object.metadata.name, 'must be no more than 52 characters'));
  }
  return errors;
}

export function validatePdb(object: KubeObject): FieldError[] {
  const spec = objectOf(object.spec);
  const errors: FieldError[] = [];
  if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined) {
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable']) errors.push(...validateCount(spec[field], `spec.${field}`));
  const policy = spec['unhealthyPodEvictionPolicy'];
  if (policy !== undefined && policy !== 'IfHealthyBudget' && policy !== 'AlwaysAllow') {
    errors.push(fieldErrors.notSupported('spec.unhealthyPodEvictionPolicy', policy, ['AlwaysAllow', 'IfHealthyBudget']));
  }
  if (spec['selector'] !== undefined) errors.push(...validateSelectorShape(objectOf(spec['selector']), 'spec.selector'));
  return errors;
}

function validateCount(value: unknown, field: string): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];
  if (typeof value !== 'string' || !/^\d+%$/.test(value)) {
    return [
      invalid(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  }
  return Number.parseInt(value, 10) > 100 ? [invalid(field, value, 'must not be greater than 100%')] : [];
}
