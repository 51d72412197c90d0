import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { findCondition, type Condition } from '../../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { parseMetricSource } from '../../../metrics-aggregator/index.ts';
import { foreign } from '../doctor/foreign-text.ts';
import { metricsGroups, readMetricsGroup, type ApiServiceFacts, type MetricsGroupFacts } from '../doctor/metrics-apis.ts';
import { readList, type Reading } from '../doctor/reading.ts';

/** A source of metrics and how it does, as far as the cluster says so. */
export interface SourceRow {
  readonly name: string;
  /** `Prometheus`…, or `API group`. */
  readonly type: string;
  /** URL, or the Services that serve a group. */
  readonly at: string;
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly version: string;
  /** Distinct queries each tick; null where nobody says. */
  readonly queries: number | null;
  /** Who may use it. */
  readonly namespaces: string;
  readonly message: string;
}

/** What `concertina sources list -o json` prints. */
export interface SourceList {
  readonly kind: 'ConcertinaSourceList';
  readonly version: 1;
  readonly sources: readonly SourceRow[];
  /** Why MetricSources are not among them; null when they are. */
  readonly problem: string | null;
}

/** API groups first, then MetricSources by name. */
export async function listSources(client: KubeClient, clock: Clock): Promise<SourceList> {
  const [groups, sources] = await Promise.all([
    Promise.all(metricsGroups.map((group) => readMetricsGroup(client, clock, group))),
    readList(client, resourceTypes.metricSources),
  ]);
  return sourceList(groups, sources);
}

export function sourceList(groups: readonly MetricsGroupFacts[], sources: Reading<readonly KubeObject[]>): SourceList {
  const declared = sources.ok ? sources.value.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(sourceRow) : [];
  const problem = sources.ok
    ? null
    : sources.kind === 'absent'
      ? 'the type MetricSource is not installed; apply deploy/crds'
      : `MetricSources cannot be read: ${sources.message}`;
  return { kind: 'ConcertinaSourceList', version: 1, sources: [...groups.map(groupRow), ...declared], problem };
}

function groupRow(facts: MetricsGroupFacts): SourceRow {
  const { group, services } = facts;
  const common = { name: group, type: 'API group', at: '', version: '', queries: null, namespaces: 'all' };
  // Who may not read APIServices sees by discovery whether there is one.
  if (!services.ok) return { ...common, ...(facts.discovery.ok ? unreadable : unserved), message: services.message };
  const [first] = services.value;
  return first === undefined ? { ...common, ...unserved } : { ...common, ...servedBy(facts, services.value, first) };
}

const unreadable = { ready: 'Unknown', reason: 'NotReadable' } as const;
const unserved = { ready: 'False', reason: 'NotServed', message: 'nobody serves it' } as const;

function servedBy(
  { discovery }: MetricsGroupFacts,
  services: readonly ApiServiceFacts[],
  first: ApiServiceFacts,
): Pick<SourceRow, 'at' | 'ready' | 'reason' | 'version' | 'message'> {
  const telling = services.find(({ available }) => available !== 'True') ?? first;
  return {
    at: [...new Set(services.flatMap(({ service }) => service ?? []))].join(','),
    ready: telling.available,
    reason: telling.reason,
    version: (discovery.ok ? discovery.value.preferred : undefined) ?? first.version,
    message: telling.message,
  };
}

function sourceRow(raw: KubeObject): SourceRow {
  const parsed = parseMetricSource(raw);
  const {
    conditions = [],
    version,
    queries,
  } = (raw.status ?? {}) as { readonly conditions?: readonly Condition[]; readonly version?: unknown; readonly queries?: unknown };
  const ready = findCondition(conditions, 'Ready');
  const state = ready?.status ?? 'Unknown';
  const common = {
    name: raw.metadata.name,
    version: typeof version === 'string' ? foreign(version, 60) : '',
    queries: typeof queries === 'number' ? queries : null,
  };
  if (!parsed.ok)
    return { ...common, type: '', at: '', ready: 'False', reason: 'InvalidSpec', namespaces: '', message: foreign(parsed.problem, 300) };
  const { type, url, allowedNamespaces } = parsed.spec;
  const { all = false, names = [] } = allowedNamespaces ?? {};
  return {
    ...common,
    type,
    at: url,
    ready: state,
    reason: ready === undefined ? 'NoStatus' : foreign(ready.reason, 60),
    namespaces: all ? 'all' : names.length === 0 ? 'none' : names.join(','),
    message: ready === undefined ? 'no program has looked at it yet' : foreign(ready.message, 300),
  };
}
