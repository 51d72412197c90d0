import type { PodRecord } from '../../../core/model/pod.ts';
import type { HpaPod } from '../../../hpa/index.ts';
import type { PodGroupStep, PodsStep } from './explanation.ts';
import { isUsage, type Evaluated, type Facts, type MetricReading } from './explain-sources.ts';
import { ageText } from './time-text.ts';

/** Which pods count, as what, and why. */
export function explainPods(evaluated: Evaluated, facts: Facts): PodsStep {
  const { input, scale, metrics } = evaluated;
  const { pods, selection, spec } = input;
  const foreign = selection?.foreign ?? [];
  return {
    selector: scale.selector,
    matched: pods.length + foreign.length,
    counted: pods.length,
    ready: pods.filter(({ phase, ready }) => phase === 'Running' && ready === 'True').length,
    note: pods.length + foreign.length === 0 ? null : (selection?.note ?? (spec.podSelection === 'OwnedOnly' ? unknownOwners : null)),
    foreign,
    groups: merged(metrics.flatMap((metric) => groupsOf(metric, evaluated, facts) ?? [])),
  };
}

const unknownOwners = 'the owners of the pods are not known here, so all that match the selector are counted';

/** Metrics whose pods play the same parts are said once. */
function merged(groups: readonly PodGroupStep[]): PodGroupStep[] {
  const byContent = new Map<string, PodGroupStep>();
  for (const group of groups) {
    const key = JSON.stringify({ ...group, metrics: [] });
    const same = byContent.get(key);
    byContent.set(key, same === undefined ? group : { ...same, metrics: [...same.metrics, ...group.metrics] });
  }
  return [...byContent.values()];
}

function groupsOf(metric: MetricReading, evaluated: Evaluated, facts: Facts): PodGroupStep | undefined {
  const { outcome, name } = metric;
  const measuredInPods = isUsage(metric) || metric.spec.type === 'Pods';
  if (outcome === undefined || !measuredInPods) return undefined;
  const { pods } = evaluated.input;
  const groups = outcome.groups ?? withoutSamples(pods);
  const byName = new Map(pods.map((pod) => [pod.name, pod]));
  const others = new Set([...groups.unready, ...groups.missing, ...groups.ignored]);
  const podOf = (pod: string): HpaPod | undefined => byName.get(pod);
  const record = (pod: string): PodRecord | undefined => facts.reading.pods.pod(evaluated.input.subject.namespace ?? '', pod);
  const sorted = <T>(names: readonly string[], tell: (name: string) => T): (T & { readonly name: string })[] =>
    byText(names).map((each) => ({ name: each, ...tell(each) }));
  return {
    metrics: [name],
    ready: byText(pods.map((pod) => pod.name).filter((pod) => !others.has(pod))),
    unready: sorted(groups.unready, (pod) => ({ why: unreadyWhy(podOf(pod), record(pod), evaluated) })),
    missing: sorted(groups.missing, (pod) => missingWhy(metric, record(pod), facts)),
    ignored: sorted(groups.ignored, (pod) => ({ why: podOf(pod)?.deleting === true ? 'is being deleted' : 'has failed' })),
  };
}

function byText(names: readonly string[]): string[] {
  return names.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}

/** The groups of a metric that failed before its pods were looked at: what the others are cannot be told without a sample. */
function withoutSamples(pods: readonly HpaPod[]): { readonly unready: string[]; readonly missing: string[]; readonly ignored: string[] } {
  const ignored = pods.filter(({ deleting, phase }) => deleting || phase === 'Failed');
  const unready = pods.filter((pod) => !ignored.includes(pod) && pod.phase === 'Pending');
  const missing = pods.filter((pod) => !ignored.includes(pod) && !unready.includes(pod));
  const names = (list: readonly HpaPod[]): string[] => list.map(({ name }) => name);
  return { ignored: names(ignored), unready: names(unready), missing: names(missing) };
}

function unreadyWhy(pod: HpaPod | undefined, record: PodRecord | undefined, { input }: Evaluated): string {
  const { now, config } = input;
  if (pod === undefined || pod.phase === 'Pending') {
    return record?.unschedulable === true ? 'Pending: no node has room for it' : 'Pending';
  }
  if (pod.ready === undefined || pod.startTime === undefined) return 'has no Ready condition yet';
  if (pod.startTime + config.cpuInitializationMs > now) {
    const started = `started ${ageText(now - pod.startTime)} ago`;
    return pod.ready === 'False' ? `${started} and is not ready` : `${started}; its sample begins before it was ready`;
  }
  return 'has not been ready since its start';
}

/** Why a pod has no sample, and what that is called. */
function missingWhy(
  { spec, query, result }: MetricReading,
  record: PodRecord | undefined,
  { reading: { view } }: Facts,
): { readonly reason: string; readonly why: string } {
  if (query !== undefined) {
    const answer = view.query(query);
    if (!answer.known) return { reason: answer.reason, why: answer.detail };
    return { reason: 'missing', why: `${answer.source} gives no value of it` };
  }
  const gap = record === undefined ? undefined : view.podGap(record);
  if (gap !== undefined) return { reason: gap.reason, why: gap.detail };
  if (result.kind === 'failure') return { reason: result.reason ?? 'missing', why: result.message };
  const container = spec.type === 'ContainerResource' ? ` of container ${spec.container}` : ' of every container';
  const resource = spec.type === 'Resource' || spec.type === 'ContainerResource' ? spec.resource : 'value';
  return { reason: 'partial', why: `its sample has no ${resource}${container}` };
}
