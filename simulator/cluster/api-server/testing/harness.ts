import { request } from 'undici';
import { VirtualClock } from '../../../../core/runtime/clock.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { createApiServer } from '../index.ts';
import type { ApiServer, ApiServerOptions, InProcessDispatcher } from '../index.ts';
import { isStatusError } from '../errors.ts';
import type { StatusError } from '../errors.ts';

/** A server on a virtual clock with a client in process, for tests. */
export interface TestServer {
  readonly server: ApiServer;
  readonly clock: VirtualClock;
  readonly dispatcher: InProcessDispatcher;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The JSON body; the text under `text` when it is no JSON. */
  readonly body: Record<string, never> & KubeObject & { readonly items: KubeObject[]; readonly text?: string; readonly code?: number };
}

export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function startTestServer(options: Partial<ApiServerOptions> = {}): TestServer {
  const clock = new VirtualClock();
  const server = createApiServer({ clock, random: seeded(), ...options });
  clock.useSettle(() => server.settle());
  const dispatcher = server.dispatcher();
  return { server, clock, dispatcher, call: (method, path, callOptions) => call(dispatcher, method, path, callOptions ?? {}) };
}

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

async function call(dispatcher: InProcessDispatcher, method: string, path: string, options: CallOptions): Promise<Answer> {
  const { body, type = 'application/json' } = options;
  const payload = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await request(`http://embedded${path}`, {
    method: method as 'GET',
    dispatcher,
    headers: { ...(body === undefined ? {} : { 'content-type': type }), ...options.headers },
    body: payload,
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, body: parse(text) };
}

function parse(text: string): Answer['body'] {
  try {
    return JSON.parse(text) as Answer['body'];
  } catch {
    return { text } as unknown as Answer['body'];
  }
}

/** An open watch whose events pile up in `events`. */
export interface TestWatch {
  readonly events: { readonly type: string; readonly object: KubeObject & { readonly code?: number } }[];
  /** `ended` by the server in order, `broken`, or still `open`. */
  state: 'open' | 'ended' | 'broken';
  readonly status: number;
  stop(): void;
}

export async function openWatch(test: TestServer, path: string): Promise<TestWatch> {
  const abort = new AbortController();
  const response = await request(`http://embedded${path}`, { dispatcher: test.dispatcher, signal: abort.signal });
  const watch: TestWatch = { events: [], state: 'open', status: response.statusCode, stop: () => abort.abort() };
  void (async () => {
    let rest = '';
    try {
      for await (const chunk of response.body) {
        const lines = (rest + (chunk as Buffer).toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) watch.events.push(JSON.parse(line) as TestWatch['events'][number]);
      }
      watch.state = 'ended';
    } catch {
      watch.state = 'broken';
    }
  })();
  await test.server.settle();
  return watch;
}

export const types = {
  pods: { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true },
  nodes: { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false },
  namespaces: { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
  configMaps: { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  deployments: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
  replicaSets: { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet', namespaced: true },
  budgets: { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true },
  crds: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  },
} as const satisfies Record<string, ResourceType>;

export function configMap(name: string, data: Record<string, string> = {}, namespace = 'default'): KubeObject {
  return { metadata: { name, namespace }, data };
}

export function podObject(name: string, change: { spec?: object; metadata?: object } = {}): KubeObject {
  return {
    metadata: { name, namespace: 'default', ...change.metadata },
    spec: { containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } }], ...change.spec },
  };
}

export function deploymentObject(name: string, replicas = 1): KubeObject {
  return {
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'app:1' }] } },
    },
  };
}

export function nodeObject(name: string, cpu = '4'): KubeObject {
  return {
    metadata: { name, labels: { 'topology.kubernetes.io/zone': 'z1' } },
    status: { capacity: { cpu, memory: '8Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** The refusal that the work must end in. */
export async function refusal(work: Promise<unknown>): Promise<StatusError> {
  try {
    await work;
  } catch (thrown) {
    if (isStatusError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('the server should have refused this');
}
