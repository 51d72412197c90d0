import { ConcertinaError } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { KubeObject, ResourceType } from '../model/object.ts';
import type { KubeClient, ObjectKey, RequestOptions } from './api.ts';
import { ApiStatusError } from './status-error.ts';

/** For tests: one Lease with compare-and-swap, whose answers may be late, lost or failures. */
export interface LeaseStore {
  client(identity: string): KubeClient;
  object(): KubeObject | undefined;
  spec(): Readonly<Record<string, unknown>> | undefined;
  put(spec: Readonly<Record<string, unknown>>, metadata?: Readonly<Record<string, unknown>>): void;
  /** Every request fails with this status until it is set to undefined. */
  fail(code: number | undefined): void;
  /** The next requests are never answered. */
  hang(requests: number): void;
  /** The next write is stored, but its answer never comes. */
  loseNextAnswer(): void;
  /** Milliseconds before a request takes effect and before its answer arrives, drawn for each request. */
  delays(draw: () => { readonly before: number; readonly after: number; readonly lost: boolean }): void;
}

export function createLeaseStore(clock: Clock): LeaseStore {
  let stored: KubeObject | undefined;
  let version = 0;
  let failing: number | undefined;
  let hanging = 0;
  let losing = false;
  let draw: (() => { before: number; after: number; lost: boolean }) | undefined;

  const put = (object: KubeObject): KubeObject => {
    version += 1;
    stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    return stored;
  };
  const status = (code: number, reason: string): ApiStatusError => new ApiStatusError({ code, reason, message: reason });
  const wait = (ms: number): Promise<void> =>
    ms <= 0 ? Promise.resolve() : new Promise((resolve) => void clock.setTimeout(() => resolve(), ms));

  const answer = <T>(options: RequestOptions | undefined, effect: () => T): Promise<T> => {
    const { before, after, lost } = draw?.() ?? { before: 0, after: 0, lost: false };
    const never = hanging > 0;
    if (never) hanging -= 1;
    const work = async (): Promise<T> => {
      if (never) return new Promise<T>(() => undefined);
      await wait(before);
      if (failing !== undefined) throw status(failing, 'Failing');
      const result = structuredClone(effect());
      if (lost || losing) {
        losing = false;
        return new Promise<T>(() => undefined);
      }
      await wait(after);
      return result;
    };
    return new Promise<T>((resolve, reject) => {
      const timer = clock.setTimeout(() => reject(new ConcertinaError('API_UNREACHABLE', 'timed out')), options?.timeoutMs ?? 30_000);
      const settle = (): void => timer.cancel();
      work().then(resolve, reject).finally(settle);
    });
  };

  const client = {
    get: (_type: ResourceType, _key: ObjectKey, options?: RequestOptions) =>
      answer(options, () => {
        if (stored === undefined) throw status(404, 'NotFound');
        return stored;
      }),
    create: (_type: ResourceType, object: KubeObject, options?: RequestOptions) =>
      answer(options, () => {
        if (stored !== undefined) throw status(409, 'AlreadyExists');
        return put(object);
      }),
    replace: (_type: ResourceType, object: KubeObject, options?: RequestOptions) =>
      answer(options, () => {
        if (object.metadata.resourceVersion === undefined) throw status(422, 'Invalid');
        if (stored?.metadata.resourceVersion !== object.metadata.resourceVersion) throw status(409, 'Conflict');
        return put(object);
      }),
  };
  return {
    client: () => client as unknown as KubeClient,
    object: () => stored,
    spec: () => stored?.spec as Record<string, unknown> | undefined,
    put: (spec, metadata = {}) => void put({ metadata: { name: 'concertina', namespace: 'kube-system', ...metadata }, spec }),
    fail: (code) => {
      failing = code;
    },
    hang: (requests) => {
      hanging = requests;
    },
    loseNextAnswer: () => {
      losing = true;
    },
    delays: (next) => {
      draw = next;
    },
  };
}
