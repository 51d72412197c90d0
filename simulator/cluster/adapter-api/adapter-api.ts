import type { ApiHandler, ApiRequest } from '../api-server/types.ts';
import { answerCustom, answerExternal, type AnswerContext } from './answers.ts';
import {
  badRequest,
  delayed,
  methodNotAllowed,
  notServed,
  ok,
  padded,
  signInPage,
  tooManyRequests,
  unavailable,
  type Answer,
} from './responses.ts';
import { SeriesStore } from './series-store.ts';
import type { AdapterApi, AdapterApiOptions, AdapterFaults, AdapterGroup, AdapterGroupVersion, AdapterResource } from './types.ts';

/** What v1.36 of the library lists unless told otherwise: one name, and not that of a metric. */
const customResources: readonly AdapterResource[] = [
  { name: '/custommetrics', singularName: '', namespaced: false, kind: 'MetricValueList', verbs: ['get'] },
];
const externalResources: readonly AdapterResource[] = [
  { name: 'externalmetrics', singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] },
];

/**
 * A metrics adapter in process: `custom.metrics.k8s.io` in both versions and `external.metrics.k8s.io`, with the answers of an adapter on
 * custom-metrics-apiserver v1.36. Mount its groups in an API server.
 */
export function createAdapterApi(options: AdapterApiOptions): AdapterApi {
  const store = new SeriesStore();
  const faults = noFaults();
  const context: AnswerContext = { ...options, store, faults };
  return {
    groups: [
      group(context, 'custom.metrics.k8s.io/v1beta1', customResources, (request, parts) =>
        answerCustom(context, request, 'v1beta1', parts),
      ),
      group(context, 'custom.metrics.k8s.io/v1beta2', customResources, (request, parts) =>
        answerCustom(context, request, 'v1beta2', parts),
      ),
      group(context, 'external.metrics.k8s.io/v1beta1', externalResources, (request, parts) => answerExternal(context, request, parts)),
    ],
    faults,
    setObject: (series, value, seriesOptions) => store.setObject(series, value, seriesOptions),
    setPods: (series, value, seriesOptions) => store.setPods(series, value, seriesOptions),
    setExternal: (series, value, seriesOptions) => store.setExternal(series, value, seriesOptions),
    clear: () => store.clear(),
  };
}

function noFaults(): AdapterFaults {
  return {
    unavailable: false,
    overloadedSeconds: undefined,
    emptyList: false,
    notANumber: false,
    frozenAt: undefined,
    clockSkewMs: 0,
    latencyMs: 0,
    paddingBytes: 0,
    html: false,
    notServed: new Set(),
    partial: 1,
  };
}

type Route = (request: ApiRequest, parts: readonly string[]) => Answer;

function group(
  context: AnswerContext,
  groupVersion: AdapterGroupVersion,
  discovery: readonly AdapterResource[],
  route: Route,
): AdapterGroup {
  const { clock, faults } = context;
  const handler: ApiHandler = async (request) => {
    const answer = faulty(faults, groupVersion) ?? answerBelow(request, { groupVersion, discovery, route });
    return delayed(padded(answer, faults.paddingBytes), clock, faults.latencyMs);
  };
  return { groupVersion, handler, discovery };
}

/** What a fault answers in the place of everything. */
function faulty(faults: AdapterFaults, groupVersion: AdapterGroupVersion): Answer | undefined {
  if (faults.notServed.has(groupVersion)) return notServed();
  if (faults.unavailable) return unavailable();
  if (faults.overloadedSeconds !== undefined) return tooManyRequests(faults.overloadedSeconds);
  return faults.html ? signInPage() : undefined;
}

interface Below {
  readonly groupVersion: AdapterGroupVersion;
  readonly discovery: readonly AdapterResource[];
  readonly route: Route;
}

function answerBelow(request: ApiRequest, { groupVersion, discovery, route }: Below): Answer {
  const parts = partsBelow(request.path, groupVersion);
  if (parts === undefined) return badRequest('the path is not encoded as a path must be');
  if (request.method !== 'GET') return methodNotAllowed();
  if (parts.length === 0) return ok({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: discovery });
  return route(request, parts);
}

function partsBelow(path: string, groupVersion: AdapterGroupVersion): readonly string[] | undefined {
  try {
    return path
      .slice(`/apis/${groupVersion}`.length)
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
