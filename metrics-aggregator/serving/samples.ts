import type { MetricsView, NodeUsage, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { ageSeconds, timeText } from './answers.ts';
import type { ViewFacts } from './ports.ts';
import { doubtJson, headJson } from './source-answers.ts';

/** What of a view is asked for; an absent filter lets everything pass. */
export interface SamplesFilter {
  readonly namespace: string | undefined;
  readonly pod: string | undefined;
  /** Pods of this node, and the node itself. */
  readonly node: string | undefined;
  /** A `queryKey`. */
  readonly query: string | undefined;
  /** Pods, nodes and queries beyond are left out, each for itself. */
  readonly limit: number;
}

export interface SamplesInput {
  readonly view: MetricsView;
  readonly facts: ViewFacts;
  /** The pods that the cluster has; without them only measured ones are told of, and not where they run. */
  readonly pods: Iterable<PodRecord> | undefined;
  readonly now: number;
  readonly filter: SamplesFilter;
}

/** Pods that are looked at between two turns of the event loop: a millisecond or two. */
const podsPerPiece = 500;

/**
 * The answer of `/api/v1/samples` in pieces of JSON. A filter by query leaves out pods and nodes, one by pods leaves out queries: who asks for one thing
 * does not get the others.
 */
export function* samplesJson(input: SamplesInput): Generator<string, void> {
  const { view, facts, now, filter } = input;
  const head = JSON.stringify({ ...headJson(view, now), source: facts.usageSource, usageDoubt: doubtJson(view.usageDoubt) });
  const wantsPods = filter.query === undefined;
  const wantsNodes = wantsPods && filter.namespace === undefined && filter.pod === undefined;
  const wantsQueries = wantsNodes && filter.node === undefined;
  let truncated = false;
  const take = function* (name: string, items: Iterable<object | undefined>): Generator<string, void> {
    const limited = yield* listJson(name, items, filter.limit);
    truncated ||= limited;
  };
  yield `${head.slice(0, -1)},\n`;
  yield* take('pods', wantsPods ? podItems(input) : []);
  yield* take('nodes', wantsNodes ? nodeItems(input) : []);
  yield* take('queries', wantsQueries || filter.query !== undefined ? queryItems(input) : []);
  yield `"truncated":${truncated}}\n`;
}

/** One list; `undefined` among the items stands for one that was looked at and does not match. Answers whether items were left out. */
function* listJson(name: string, items: Iterable<object | undefined>, limit: number): Generator<string, boolean> {
  let text = `"${name}":[`;
  let written = 0;
  let looked = 0;
  let truncated = false;
  for (const item of items) {
    if (++looked % podsPerPiece === 0) {
      yield text;
      text = '';
    }
    if (item === undefined) continue;
    if (written === limit) {
      truncated = true;
      break;
    }
    text += `${written === 0 ? '\n' : ',\n'}${JSON.stringify(item)}`;
    written += 1;
  }
  yield `${text}],\n`;
  return truncated;
}

function* podItems({ view, facts, pods, now, filter }: SamplesInput): Generator<object | undefined, void> {
  const matches = (pod: { readonly namespace: string; readonly name: string }): boolean =>
    (filter.namespace === undefined || pod.namespace === filter.namespace) && (filter.pod === undefined || pod.name === filter.pod);
  if (pods === undefined) {
    for (const usage of view.pods()) yield matches(usage) ? podJson({ usage, source: facts.usageSource, now }) : undefined;
    return;
  }
  for (const record of pods) {
    if (!matches(record) || (filter.node !== undefined && record.nodeName !== filter.node)) {
      yield undefined;
      continue;
    }
    const usage = view.podUsage(record.namespace, record.name);
    if (usage !== undefined) yield podJson({ usage, record, source: facts.usageSource, now });
    // One that has ended or waits for a node is not expected to have a sample.
    else yield record.phase === 'Running' ? gapJson(view, record) : undefined;
  }
}

interface MeasuredPod {
  readonly usage: PodUsage;
  readonly record?: PodRecord;
  readonly source: string;
  readonly now: number;
}

function podJson({ usage, record, source, now }: MeasuredPod): object {
  const running = record?.statuses.filter((status) => status.running) ?? [];
  const measured = new Set(usage.containers.map(({ name }) => name));
  const absent = running.filter(({ name }) => !measured.has(name));
  return {
    namespace: usage.namespace,
    name: usage.name,
    node: record?.nodeName ?? null,
    timestamp: timeText(usage.timestamp),
    ageSeconds: ageSeconds(now, usage.timestamp),
    windowSeconds: usage.windowMs / 1000,
    source,
    // As a sample has it: the share of the running containers that are measured. Not known without the pod.
    coverage: record === undefined ? null : running.length === 0 ? 1 : Math.min(1, usage.containers.length / running.length),
    clockSkew: usage.clockSkew === true,
    containers: [
      ...usage.containers.map(({ name, cpuMilli, memoryMilli }) => ({
        name,
        cpuMilli: cpuMilli ?? null,
        memoryMilli: memoryMilli ?? null,
        unknown: unusable(cpuMilli, memoryMilli, source),
      })),
      ...absent.map(({ name }) => ({
        name,
        cpuMilli: null,
        memoryMilli: null,
        unknown: { reason: 'partial', detail: `${source} lists the pod without this container` },
      })),
    ],
    unknown: null,
  };
}

function unusable(cpuMilli: number | undefined, memoryMilli: number | undefined, source: string): object | null {
  const lacking = [...(cpuMilli === undefined ? ['cpu'] : []), ...(memoryMilli === undefined ? ['memory'] : [])];
  return lacking.length === 0 ? null : { reason: 'invalid', detail: `${source} gives no usable ${lacking.join(' and ')}` };
}

function gapJson(view: MetricsView, record: PodRecord): object {
  const gap = view.podGap(record) ?? { reason: 'missing', detail: 'no sample' };
  return {
    namespace: record.namespace,
    name: record.name,
    node: record.nodeName ?? null,
    timestamp: null,
    ageSeconds: null,
    windowSeconds: null,
    source: null,
    coverage: 0,
    clockSkew: false,
    containers: [],
    unknown: { reason: gap.reason, detail: gap.detail },
  };
}

function* nodeItems({ view, facts, now, filter }: SamplesInput): Generator<object | undefined, void> {
  for (const node of view.nodes()) {
    yield filter.node === undefined || node.name === filter.node ? nodeJson(node, facts, now) : undefined;
  }
  for (const [name, { since, pods }] of facts.unscrapedNodes) {
    if (view.nodeUsage(name) !== undefined || (filter.node !== undefined && name !== filter.node)) yield undefined;
    else yield { ...emptyNode, name, unknown: { reason: 'node-not-scraped', detail: unscraped(pods), since: timeText(since) } };
  }
}

const emptyNode = { name: '', timestamp: null, ageSeconds: null, windowSeconds: null, source: null, cpuMilli: null, memoryMilli: null };

function unscraped(pods: number): string {
  return `none of its ${pods} pods has a sample; check its kubelet`;
}

function nodeJson({ name, timestamp, windowMs, cpuMilli, memoryMilli }: NodeUsage, facts: ViewFacts, now: number): object {
  const gap = facts.unscrapedNodes.get(name);
  return {
    name,
    timestamp: timeText(timestamp),
    ageSeconds: ageSeconds(now, timestamp),
    windowSeconds: windowMs / 1000,
    source: facts.usageSource,
    cpuMilli: cpuMilli ?? null,
    memoryMilli: memoryMilli ?? null,
    unknown:
      gap === undefined
        ? unusable(cpuMilli, memoryMilli, facts.usageSource)
        : { reason: 'node-not-scraped', detail: unscraped(gap.pods), since: timeText(gap.since) },
  };
}

function* queryItems({ facts, now, filter }: SamplesInput): Generator<object | undefined, void> {
  for (const [key, result] of facts.queries) {
    yield filter.query === undefined || key === filter.query ? queryJson(key, result, now) : undefined;
  }
}

/** Values are thousandths as decimal text: they go beyond what a JSON reader keeps exactly. */
function queryJson(query: string, result: QueryResult, now: number): object {
  if (!result.known) {
    const { source, reason, detail, since } = result;
    return {
      query,
      source,
      known: false,
      at: null,
      ageSeconds: null,
      coverage: 0,
      doubt: null,
      series: [],
      unknown: { reason, detail, since: timeText(since) },
    };
  }
  return {
    query,
    source: result.source,
    known: true,
    at: timeText(result.at),
    ageSeconds: ageSeconds(now, result.at),
    coverage: result.coverage,
    doubt: doubtJson(result.doubt),
    series: result.series.map(({ object, labels, milli, timestamp, windowMs }) => ({
      object,
      labels,
      milli: String(milli),
      timestamp: timeText(timestamp),
      ageSeconds: ageSeconds(now, timestamp),
      windowSeconds: windowMs === undefined ? null : windowMs / 1000,
    })),
    unknown: null,
  };
}
