import { afterAll, beforeAll, chai, expect } from 'vitest';
import type { KubeClient } from '../../core/kube/api.ts';
import type { HttpAnswer, HttpApi } from '../e2e/http-api.ts';

/**
 * Contracts: what the suite relies on of a Kubernetes API server, written once and run unchanged against the real control plane
 * (`real.test.ts`) and the embedded one (`embedded.test.ts`). The real one is the truth: a contract is written against it first, and where the
 * embedded one differs, that one is wrong. What only the real one offers (server-side apply, RBAC) is no contract.
 */
export interface ContractCluster {
  readonly name: string;
  /** The cluster administrator's raw HTTP. */
  readonly api: HttpApi;
  /** The suite's own client, of the same administrator. */
  readonly client: KubeClient;
  /** The cluster is thrown away by `stop`: nothing needs to be cleaned up in it. */
  readonly disposable: boolean;
  /**
   * Makes the server forget older revisions (compaction) and answers the continue token as one of those; absent where tests can't do that.
   */
  readonly expire?: ((continueToken: string) => Promise<string>) | undefined;
  stop(): Promise<void>;
}

/** A continue token as one of the first revision: base64url of JSON on both clusters. Only tests may know; tokens are opaque to clients. */
export function tokenOfFirstRevision(token: string): string {
  if (token === '') return '';
  const content = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as object;
  return Buffer.from(JSON.stringify({ ...content, rv: 1 })).toString('base64url');
}

/** What a contract is given. The getters work inside tests and hooks only: the cluster starts in `beforeAll`. */
export interface ContractSuite {
  readonly api: HttpApi;
  readonly client: KubeClient;
  /** See {@link ContractCluster.expire}; undefined where the cluster can't, and the contract is skipped. */
  expire(continueToken: string): Promise<string | undefined>;
  /** A name that no other test of this run or of an earlier one uses. */
  unique(prefix: string): string;
  /** Creates a namespace of its own for one test; deleted at the end of the run. */
  namespace(labels?: Readonly<Record<string, string>>): Promise<string>;
  /** The path of a cluster-scoped object to delete at the end of the run. */
  cleanup(path: string): void;
}

export function contractSuite(start: () => Promise<ContractCluster>): ContractSuite {
  let running: ContractCluster | undefined;
  let count = 0;
  const run = Math.floor(Math.random() * 36 ** 4).toString(36);
  const garbage: string[] = [];
  beforeAll(async () => {
    running = await start();
  });
  afterAll(async () => {
    if (running === undefined) return;
    if (!running.disposable) await cleanUp(running.api, garbage);
    await running.stop();
  });
  const cluster = (): ContractCluster => {
    if (running === undefined) throw new Error('the cluster of a contract is there inside tests only');
    return running;
  };
  const unique = (prefix: string): string => `${prefix}-${run}${(++count).toString(36)}`;
  return {
    get api() {
      return cluster().api;
    },
    get client() {
      return cluster().client;
    },
    expire: async (continueToken) => cluster().expire?.(continueToken),
    unique,
    cleanup: (path) => void garbage.push(path),
    namespace: async (labels) => {
      const name = unique('contract');
      const answer = await cluster().api.post('/api/v1/namespaces', { metadata: { name, ...(labels === undefined ? {} : { labels }) } });
      assert.code(answer, 201);
      garbage.push(`/api/v1/namespaces/${name}`);
      return name;
    },
  };
}

// A contract that fails must show the whole sentence that the server said.
chai.config.truncateThreshold = 0;

export interface ExpectedStatus {
  readonly code: number;
  readonly reason?: string;
  readonly message?: string | RegExp;
  readonly details?: object;
}

/** Pods of nodes that nobody plays any more would hold their namespaces for ever: they are deleted without grace first. */
async function cleanUp(api: HttpApi, garbage: readonly string[]): Promise<void> {
  for (const path of garbage)
    if (path.startsWith('/api/v1/namespaces/')) await api.delete(`${path}/pods?gracePeriodSeconds=0`).catch(() => undefined);
  for (const path of garbage.toReversed()) await api.delete(path).catch(() => undefined);
}

/** Assertions about whole answers; a failure shows the answer. */
export const assert = {
  /** The answer has this HTTP status. */
  code(answer: HttpAnswer, code: number): void {
    if (answer.status !== code) expect.fail(`expected ${code}, got ${answer.status}: ${answer.text.slice(0, 2000)}`);
  },
  /** The answer is a failure `Status` with this code in the HTTP status and in the body. */
  refused(answer: HttpAnswer, expected: ExpectedStatus): void {
    const { code, reason, message, details } = expected;
    assert.code(answer, code);
    expect(answer.body).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
    });
    const got = field<string>(answer.body, 'message');
    if (typeof message === 'string') expect(got).toBe(message);
    else if (message !== undefined) expect(got).toMatch(message);
  },
};

/** The value at a path such as `spec.containers.0.image`; as an array where a name has dots. Undefined when something on the way is missing. */
export function field<T = unknown>(value: unknown, path: string | readonly (string | number)[]): T {
  let at: unknown = value;
  for (const step of typeof path === 'string' ? path.split('.') : path) {
    if (typeof at !== 'object' || at === null) return undefined as T;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at as T;
}

/** Like {@link field}, and fails when there is none. */
export function need(value: unknown, path: string | readonly (string | number)[]): string {
  const found = field(value, path);
  if (found === undefined || found === null) expect.fail(`nothing at ${String(path)} of ${JSON.stringify(value).slice(0, 1000)}`);
  return typeof found === 'string' ? found : JSON.stringify(found);
}

/** Asks again until the answer isn't undefined; real time, for both clusters' controllers run on it. */
export async function waitFor<T>(what: string, probe: () => Promise<T | undefined>, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 250)) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) return expect.fail(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** The body once the GET answers 200 and `ready` holds. */
export function waitForObject(api: HttpApi, path: string, ready: (body: unknown) => boolean, timeoutMs?: number): Promise<unknown> {
  let last = 'nothing';
  return waitFor(
    `GET ${path}`,
    async () => {
      const answer = await api.get(path);
      last = `${answer.status} ${answer.text.slice(0, 1500)}`;
      return answer.status === 200 && ready(answer.body) ? answer.body : undefined;
    },
    timeoutMs,
  ).catch((error: unknown) => expect.fail(`${error instanceof Error ? error.message : String(error)}; last answer: ${last}`));
}

/** Waits until the object is gone. */
export function waitForGone(api: HttpApi, path: string, timeoutMs?: number): Promise<true> {
  return waitFor(`${path} is gone`, async () => ((await api.get(path)).status === 404 ? (true as const) : undefined), timeoutMs);
}

/** Creates the object and answers its body. */
export async function created(api: HttpApi, path: string, object: object): Promise<unknown> {
  const answer = await api.post(path, object);
  assert.code(answer, 201);
  return answer.body;
}
