import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient, RawResponse } from '../../../core/kube/api.ts';
import { errorFromAnswer, retryAfterOf } from '../../../core/kube/status-error.ts';
import { classifyFailure } from '../../engine/source-failure.ts';
import type { UsageTable } from '../../store/usage-table.ts';
import type { MetricsSource, SourceFailure, UsageAnswer } from '../source.ts';
import type { NamedRows } from './pod-reader.kernel.ts';
import { readNodeList, readPodList } from './read-lists.ts';

const api = 'metrics.k8s.io';
const podsPath = '/apis/metrics.k8s.io/v1beta1/pods';
const nodesPath = '/apis/metrics.k8s.io/v1beta1/nodes';
const maxRejected = 20;

/** `metrics.k8s.io/v1beta1`, whoever serves it: one list of all pods and one of all nodes a poll. */
export function createMetricsServerSource(client: KubeClient, options: { readonly timeoutMs: number }): MetricsSource {
  /** The answer after it mostly names the same pods. */
  let previous: NamedRows | undefined;
  return {
    name: api,
    usage: async (signal): Promise<UsageAnswer> => {
      const get = (path: string): Promise<RawResponse | SourceFailure> => getList(client, path, { signal, timeoutMs: options.timeoutMs });
      const nodesAsked = get(nodesPath);
      const podsAsked = get(podsPath);
      const [nodesGiven, podsGiven] = await Promise.all([nodesAsked, podsAsked]);
      const pods = 'ok' in podsGiven ? podsGiven : await readPodList(podsGiven.body, podsPath, previous);
      if (!pods.ok) return pods;
      previous = stringsOf(pods.value, previous);
      // Node usage is a second product: without it pods are still worth having, so its failure is a note, not a failed poll.
      const nodes = 'ok' in nodesGiven ? nodesGiven : await readNodeList(nodesGiven.body, nodesPath);
      const notes = nodes.ok ? nodes.rejected : [`node usage: ${nodes.detail}`];
      const rejected = [...pods.rejected.slice(0, maxRejected - notes.length), ...notes].slice(0, maxRejected);
      return { ok: true, pods: pods.value, nodes: nodes.ok ? nodes.value : [], rejected };
    },
  };
}

/** What is needed of an answer for the next. When it names what the one before named, that one is kept: the store has it as well. */
function stringsOf(table: UsageTable, before: NamedRows | undefined): NamedRows {
  const { podCount, containerCount, namespaces, names, firstContainer, containers } = table;
  const isSame =
    before?.podCount === podCount &&
    isEqual(names, before.names) &&
    isEqual(namespaces, before.namespaces) &&
    isEqual(containers, before.containers) &&
    isEqual(firstContainer, before.firstContainer);
  return isSame ? before : { podCount, containerCount, namespaces, names, firstContainer, containers };
}

function isEqual<T>(one: ArrayLike<T>, other: ArrayLike<T>): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

async function getList(
  client: KubeClient,
  path: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<RawResponse | SourceFailure> {
  let response: RawResponse;
  try {
    response = await client.raw({ method: 'GET', path, ...options, retries: 0 });
  } catch (error) {
    if (options.signal.aborted) throw error;
    return unanswered(error);
  }
  return response.status === 200 ? response : refused(response, path);
}

function unanswered(error: unknown): SourceFailure {
  const isRefused = isConcertinaError(error, 'CREDENTIALS_EXPIRED');
  const failure = classifyFailure({ status: isRefused ? 401 : undefined, message: messageOf(error) }, api);
  // A server that is slow only becomes slower by being asked again.
  const isLate = isConcertinaError(error) && error.details['reason'] === 'timeout';
  return { ok: false, ...failure, transient: isConcertinaError(error, 'API_UNREACHABLE') && !isLate };
}

function refused(response: RawResponse, path: string): SourceFailure {
  const { status, headers } = response;
  const { message } = errorFromAnswer(response, { method: 'GET', path });
  const retryAfterMs = status === 429 || status === 503 ? retryAfterOf(headers) : undefined;
  return {
    ok: false,
    ...classifyFailure({ status, message }, api),
    transient: status >= 500,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
