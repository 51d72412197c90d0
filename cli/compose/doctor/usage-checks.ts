import { resourceMetricsSource } from '../../../core/model/metric-query.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { counted, fail, listed, ok, skipped, warn, type Check } from './check.ts';
import type { UsageFacts, UsageItem } from './metrics-apis.ts';
import { valueOr, type Reading } from './reading.ts';
import { seconds } from './server-checks.ts';

export interface UsageContext {
  /** Epoch milliseconds of the cluster. */
  readonly now: number;
  /** A sample older than this counts as missing to the program. */
  readonly maxAgeMs: number;
  readonly pods: Reading<readonly PodRecord[]>;
  /** Names of the nodes that are Ready; `undefined` when they are not known. */
  readonly readyNodes: readonly string[] | undefined;
  /** The settings name this source; otherwise what is wrong with it harms nobody. */
  readonly used: boolean;
}

/** A pod so young need not have a sample: two scrapes, and the time until the second is served. */
const startGraceMs = 60_000;
/** Clocks of nodes are never quite equal. */
const futureMs = 5_000;

/** Whether usage really comes, how old it is, and whose is missing. */
export function judgeUsage(facts: UsageFacts, context: UsageContext): Check[] {
  const { pods } = facts;
  const bad = context.used ? fail : warn;
  const check = `${resourceMetricsSource}/answer`;
  if (!pods.ok) {
    if (pods.kind === 'forbidden')
      return [skipped(check, `you may not ask ${resourceMetricsSource} (${pods.message}): ask as somebody who may`)];
    return [
      bad(check, `${resourceMetricsSource} does not answer: ${pods.message}; look at the pods and the log of the program that serves it`),
    ];
  }
  return [
    judgeAnswer(facts, pods.value, context),
    ...judgeAges(pods.value, context),
    ...judgeCoverage(pods.value, context),
    ...judgeNodes(facts, context),
  ];
}

function judgeAnswer({ nodes, tookMs }: UsageFacts, pods: readonly UsageItem[], { pods: running, used }: UsageContext): Check {
  const check = `${resourceMetricsSource}/answer`;
  const expected = valueOr(running, []).filter(({ phase }) => phase === 'Running').length;
  const values = { pods: pods.length, nodes: nodes?.ok === true ? nodes.value.length : undefined, latencyMs: Math.round(tookMs) };
  if (pods.length === 0 && expected > 0) {
    const message = `${resourceMetricsSource} answers with no pod at all although ${counted(expected, 'pod')} run; look at the log of Metrics Server: it reaches no kubelet`;
    return (used ? fail : warn)(check, message, values);
  }
  const also = nodes?.ok === true ? ` and ${counted(nodes.value.length, 'node')}` : '';
  return ok(
    check,
    `${resourceMetricsSource} gives the usage of ${counted(pods.length, 'pod')}${also}, in ${Math.max(1, Math.round(tookMs))} ms`,
    values,
  );
}

function judgeAges(items: readonly UsageItem[], { now, maxAgeMs, used }: UsageContext): Check[] {
  const check = `${resourceMetricsSource}/age`;
  const times = items.flatMap(({ timestamp }) => timestamp ?? []).toSorted((a, b) => a - b);
  const [oldest] = times;
  const newest = times.at(-1);
  if (oldest === undefined || newest === undefined) return [];
  const windows = items.flatMap(({ windowMs }) => windowMs ?? []).toSorted((a, b) => a - b);
  const window = windows[Math.floor(windows.length / 2)];
  const values = {
    newestAgeSeconds: Math.round((now - newest) / 1000),
    oldestAgeSeconds: Math.round((now - oldest) / 1000),
    windowSeconds: window === undefined ? undefined : Math.round(window / 100) / 10,
  };
  const text = `the newest sample is ${age(now - newest)} old, the oldest ${age(now - oldest)}${window === undefined ? '' : `, over a window of ${Math.round(window / 1000)} s`}`;
  if (now - newest > maxAgeMs) {
    return [
      (used ? fail : warn)(
        check,
        `${text}: all are older than ${seconds(maxAgeMs)} and count as missing; look whether Metrics Server still scrapes`,
        values,
      ),
    ];
  }
  if (newest - now > futureMs) {
    return [
      warn(
        check,
        `the newest sample lies ${seconds(newest - now)} in the future of the API server's clock; set the clocks of the nodes (NTP)`,
        values,
      ),
    ];
  }
  const old = times.filter((time) => now - time > maxAgeMs).length;
  if (old > 0)
    return [
      warn(
        check,
        `${text}: ${counted(old, 'sample')} older than ${seconds(maxAgeMs)} count as missing; look at the kubelets of those pods`,
        values,
      ),
    ];
  return [ok(check, text, values)];
}

function age(ms: number): string {
  return ms < 0 ? '0 s' : seconds(ms);
}

function judgeCoverage(items: readonly UsageItem[], { now, pods, used }: UsageContext): Check[] {
  const check = `${resourceMetricsSource}/coverage`;
  if (!pods.ok) return [skipped(check, `which pods have no sample is not known: you may not list pods (${pods.message})`)];
  const measured = new Set(items.map(({ namespace, name }) => `${namespace}/${name}`));
  const due = pods.value.filter((pod) => isDue(pod, now) || (pod.phase === 'Running' && measured.has(`${pod.namespace}/${pod.name}`)));
  const missing = due.map(({ namespace, name }) => `${namespace}/${name}`).filter((name) => !measured.has(name));
  if (due.length === 0) return [ok(check, 'no pod has run long enough to have a sample', { running: 0, missing: 0 })];
  const share = Math.floor(((due.length - missing.length) / due.length) * 1000) / 10;
  const values = { running: due.length, missing: missing.length, share: share / 100, missingPods: missing.toSorted().slice(0, 100) };
  if (missing.length === 0) return [ok(check, `all ${counted(due.length, 'running pod')} have a sample`, values)];
  const text = `${share} % of ${counted(due.length, 'running pod')} have a sample; without: ${listed(missing.toSorted())}`;
  const severe = used && missing.length * 2 > due.length;
  return [
    (severe ? fail : warn)(
      check,
      `${text}; a pod that restarts loses its samples for two scrapes, a node that is not scraped those of all its pods`,
      values,
    ),
  ];
}

function isDue({ phase, deleted, started }: PodRecord, now: number): boolean {
  return phase === 'Running' && deleted === undefined && started !== undefined && now - started >= startGraceMs;
}

/** A node whose kubelet is not scraped loses all its pods at once. */
function judgeNodes({ nodes }: UsageFacts, { readyNodes, used }: UsageContext): Check[] {
  const check = `${resourceMetricsSource}/nodes`;
  if (nodes === undefined) return [];
  if (!nodes.ok) return [(used ? warn : skipped)(check, `the usage of nodes cannot be had: ${nodes.message}; pods are not touched by it`)];
  if (readyNodes === undefined) return [skipped(check, 'which nodes have no sample is not known: you may not list nodes')];
  const measured = new Set(nodes.value.map(({ name }) => name));
  const missing = readyNodes.filter((name) => !measured.has(name)).toSorted();
  const values = { ready: readyNodes.length, missing: missing.slice(0, 100) };
  if (missing.length === 0) return [ok(check, `all ${counted(readyNodes.length, 'ready node')} are scraped`, values)];
  const text = `${counted(missing.length, 'node')} of ${readyNodes.length} without a sample: ${listed(missing)}`;
  const severe = used && missing.length * 2 > readyNodes.length;
  return [(severe ? fail : warn)(check, `${text}; look whether their kubelets answer Metrics Server (port 10250, certificates)`, values)];
}
