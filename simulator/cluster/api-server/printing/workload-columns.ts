import type { KubeObject } from '../../../../core/model/object.ts';
import { objectOf, objectsOf, textOf } from '../json.ts';
import type { Json } from '../json.ts';
import { ageText, timeSince } from './age.ts';
import type { ColumnPrinter } from './columns.ts';
import { ageColumn, integer, labelsText, nameColumn, numberOf, orNone, specOf, statusOf, templateColumns, text, wide } from './columns.ts';
import { podSummary } from './pod-status.ts';

const template = (object: KubeObject): Json => objectOf(specOf(object)['template']);
const selector = (object: KubeObject): unknown => specOf(object)['selector'];
const status = (field: string) => (object: KubeObject) => numberOf(statusOf(object)[field]);
const replicas = (object: KubeObject): number =>
  typeof specOf(object)['replicas'] === 'number' ? numberOf(specOf(object)['replicas']) : 1;

const pods: ColumnPrinter[] = [
  nameColumn,
  text('Ready', (pod, now) => podSummary(pod, now).ready),
  text('Status', (pod, now) => podSummary(pod, now).status),
  text('Restarts', (pod, now) => podSummary(pod, now).restarts),
  ageColumn,
  wide('IP', (pod) => orNone(textOf(objectsOf(statusOf(pod)['podIPs'])[0]?.['ip']) || statusOf(pod)['podIP'])),
  wide('Node', (pod) => orNone(specOf(pod)['nodeName'])),
  wide('Nominated Node', (pod) => orNone(statusOf(pod)['nominatedNodeName'])),
  wide('Readiness Gates', (pod) => {
    const gates = objectsOf(specOf(pod)['readinessGates']);
    const conditions = objectsOf(statusOf(pod)['conditions']);
    const met = gates.filter((gate) =>
      conditions.some((condition) => condition['type'] === gate['conditionType'] && condition['status'] === 'True'),
    );
    return gates.length === 0 ? '<none>' : `${met.length}/${gates.length}`;
  }),
];

const deployments: ColumnPrinter[] = [
  nameColumn,
  text('Ready', (object) => `${numberOf(statusOf(object)['readyReplicas'])}/${replicas(object)}`),
  text('Up-to-date', status('updatedReplicas')),
  text('Available', status('availableReplicas')),
  ageColumn,
  ...templateColumns(template, selector),
];

const replicaSets: ColumnPrinter[] = [
  nameColumn,
  integer('Desired', replicas),
  integer('Current', status('replicas')),
  integer('Ready', status('readyReplicas')),
  ageColumn,
  ...templateColumns(template, selector),
];

const statefulSets: ColumnPrinter[] = [
  nameColumn,
  text('Ready', (object) => `${numberOf(statusOf(object)['readyReplicas'])}/${replicas(object)}`),
  ageColumn,
  ...templateColumns(template),
];

const daemonSets: ColumnPrinter[] = [
  nameColumn,
  integer('Desired', status('desiredNumberScheduled')),
  integer('Current', status('currentNumberScheduled')),
  integer('Ready', status('numberReady')),
  integer('Up-to-date', status('updatedNumberScheduled')),
  integer('Available', status('numberAvailable')),
  text('Node Selector', (object) => labelsText(objectOf(template(object)['spec'])['nodeSelector'])),
  ageColumn,
  ...templateColumns(template, selector),
];

function jobStatus(job: KubeObject): string {
  const conditions = objectsOf(statusOf(job)['conditions']);
  const has = (type: string): boolean => conditions.some((condition) => condition['type'] === type && condition['status'] === 'True');
  const state = ['Complete', 'Failed'].find(has);
  if (state !== undefined) return state;
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions(job: KubeObject): string {
  const { completions, parallelism } = specOf(job);
  const done = numberOf(statusOf(job)['succeeded']);
  if (typeof completions === 'number') return `${done}/${completions}`;
  return numberOf(parallelism) > 1 ? `${done}/1 of ${numberOf(parallelism)}` : `${done}/1`;
}

function jobDuration(job: KubeObject, now: number): string {
  const start = Date.parse(textOf(statusOf(job)['startTime']));
  const end = Date.parse(textOf(statusOf(job)['completionTime']));
  if (Number.isNaN(start)) return '';
  return ageText((Number.isNaN(end) ? now : end) - start);
}

const jobs: ColumnPrinter[] = [
  nameColumn,
  text('Status', jobStatus),
  text('Completions', jobCompletions),
  text('Duration', jobDuration),
  ageColumn,
  ...templateColumns(template, selector),
];

const jobSpec = (object: KubeObject): Json => objectOf(objectOf(specOf(object)['jobTemplate'])['spec']);

const cronJobs: ColumnPrinter[] = [
  nameColumn,
  text('Schedule', (object) => textOf(specOf(object)['schedule'])),
  text('Timezone', (object) => orNone(specOf(object)['timeZone'])),
  { ...text('Suspend', (object) => (specOf(object)['suspend'] === true ? 'True' : 'False')), type: 'boolean' },
  integer('Active', (object) => objectsOf(statusOf(object)['active']).length),
  text('Last Schedule', (object, now) => {
    const last = statusOf(object)['lastScheduleTime'];
    return last === undefined ? '<none>' : timeSince(last, now);
  }),
  ageColumn,
  ...templateColumns(
    (object) => objectOf(jobSpec(object)['template']),
    (object) => jobSpec(object)['selector'],
  ),
];

export const workloadColumns: Readonly<Record<string, readonly ColumnPrinter[]>> = {
  pods,
  'deployments.apps': deployments,
  'replicasets.apps': replicaSets,
  'statefulsets.apps': statefulSets,
  'daemonsets.apps': daemonSets,
  'jobs.batch': jobs,
  'cronjobs.batch': cronJobs,
};
