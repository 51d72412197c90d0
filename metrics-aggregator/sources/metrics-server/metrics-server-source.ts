import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient, RawResponse } from '../../../core/kube/api.ts';
import { errorFromAnswer } from '../../../core/kube/status-error.ts';
import { classifyFailure } from '../../engine/source-failure.ts';
import type { ResourceMetricsSource, ResourceUsage, SourceAnswer } from '../source.ts';
import { parseNodeMetrics, parsePodMetrics, type Parsed } from './parse.ts';
import { nextItem, openItems } from './split-items.kernel.ts';

const API = 'metrics.k8s.io';
const PODS_PATH = '/apis/metrics.k8s.io/v1beta1/pods';
const NODES_PATH = '/apis/metrics.k8s.io/v1beta1/nodes';
/** Items between two turns of the event loop: about 5 ms of parsing. */
const ITEMS_PER_TURN = 500;
/** Sentences kept of a broken answer; the count of all is in the metric. */
const MAX_REJECTED = 20;

/** `metrics.k8s.io/v1beta1`, whoever serves it: one list of all pods and one of all nodes a poll. */
export function createMetricsServerSource(client: KubeClient, options: { readonly timeoutMs: number }): ResourceMetricsSource {
  return {
    name: API,
    fetch: async (signal) => {
      const [pods, nodes] = await Promise.all([
        fetchList(client, PODS_PATH, parsePodMetrics, { signal, timeoutMs: options.timeoutMs }),
        fetchList(client, NODES_PATH, parseNodeMetrics, { signal, timeoutMs: options.timeoutMs }),
      ]);
      if (!pods.ok) return pods;
      // Node usage is a second product: without it pods are still worth having, so its failure is a note, not a failed poll.
      const nodeUsage = nodes.ok ? nodes.items : [];
      const rejected = nodes.ok ? [...pods.rejected, ...nodes.rejected] : [...pods.rejected, `node usage: ${nodes.detail}`];
      const usage: ResourceUsage = { pods: pods.items, nodes: nodeUsage, rejected };
      return { ok: true, usage };
    },
  };
}

type ListAnswer<T> =
  { readonly ok: true; readonly items: readonly T[]; readonly rejected: readonly string[] } | Extract<SourceAnswer, { ok: false }>;

async function fetchList<T>(
  client: KubeClient,
  path: string,
  parse: (item: unknown) => Parsed<T>,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<ListAnswer<T>> {
  let response: RawResponse;
  try {
    response = await client.raw({ method: 'GET', path, ...options });
  } catch (error) {
    if (options.signal.aborted) throw error;
    const status = isConcertinaError(error, 'CREDENTIALS_EXPIRED') ? 401 : undefined;
    return { ok: false, ...classifyFailure({ status, message: messageOf(error) }, API) };
  }
  if (response.status !== 200) {
    const { message } = errorFromAnswer(response, { method: 'GET', path });
    return { ok: false, ...classifyFailure({ status: response.status, message }, API) };
  }
  return parseList(response.body, path, parse);
}

async function parseList<T>(body: Buffer, path: string, parse: (item: unknown) => Parsed<T>): Promise<ListAnswer<T>> {
  const cursor = openItems(body);
  if (cursor === undefined) return { ok: false, reason: 'invalid', detail: `the answer of ${path} is not a list (${body.length} bytes)` };
  const items: T[] = [];
  const rejected: string[] = [];
  for (let count = 1; ; count++) {
    const text = nextItem(body, cursor);
    if (text === undefined) break;
    const parsed = parseItem(text, parse);
    if (parsed.ok) items.push(parsed.value);
    else if (rejected.length < MAX_REJECTED) rejected.push(parsed.problem);
    if (count % ITEMS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (!cursor.done) return { ok: false, reason: 'partial', detail: `the answer of ${path} is cut short after ${items.length} items` };
  return { ok: true, items, rejected };
}

function parseItem<T>(text: string, parse: (item: unknown) => Parsed<T>): Parsed<T> {
  let item: unknown;
  try {
    item = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: `an item is not JSON: ${messageOf(error)}` };
  }
  return parse(item);
}
