import { messageOf } from '../../../core/errors.ts';
import { createBackoff } from '../../../core/kube/backoff.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock, Random, Timer } from '../../../core/model/clock.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { readFrontProxyConfig, type FrontProxyConfig } from './front-proxy.ts';

const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
const named = `ConfigMap ${key.namespace}/${key.name}`;

export interface FrontProxyTrustOptions {
  /** Reads the ConfigMap: Role `extension-apiserver-authentication-reader` in kube-system. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with the PEM of the CA, first and whenever it changes; what it throws counts as a CA that cannot be used. */
  readonly onCa: (ca: string) => void;
  /** Between two readings; default 1 minute. */
  readonly intervalMs?: number | undefined;
  readonly onProblem?: ((problem: string) => void) | undefined;
}

/** What is known of the front proxy, read again and again: its CA is rotated without a word. */
export interface FrontProxyTrust {
  /** `undefined` until it was read for the first time: then nobody is believed to be the front proxy. */
  config(): FrontProxyConfig | undefined;
  /** Why there is no configuration; for a readiness check. */
  problem(): string | undefined;
  /** Reads now, and then again and again; resolves after the first attempt. */
  start(): Promise<void>;
  stop(): void;
}

export function createFrontProxyTrust(options: FrontProxyTrustOptions): FrontProxyTrust {
  const { client, clock, random, onCa, intervalMs = 60_000 } = options;
  const backoff = createBackoff({ baseMs: 1_000, capMs: intervalMs, random });
  let config: FrontProxyConfig | undefined;
  let problem: string | undefined = `${named} was not read yet`;
  let stopping = new AbortController();
  let timer: Timer | undefined;

  async function read(): Promise<string | undefined> {
    let object: KubeObject & { readonly data?: unknown };
    try {
      object = await client.get(resourceTypes.configMaps, key, { signal: stopping.signal, timeoutMs: 10_000 });
    } catch (error) {
      return `${named} could not be read: ${messageOf(error)}`;
    }
    const result = readFrontProxyConfig(object.data);
    if (!result.ok) return `${named} cannot be used: ${result.problem}`;
    if (result.config.ca !== config?.ca) {
      try {
        onCa(result.config.ca);
      } catch (error) {
        return `the client CA of ${named} cannot be used: ${messageOf(error)}`;
      }
    }
    config = result.config;
    return undefined;
  }

  async function turn(): Promise<void> {
    const failure = await read();
    if (stopping.signal.aborted) return;
    if (failure === undefined) backoff.reset();
    else options.onProblem?.(config === undefined ? failure : `${failure}; what was read before stays in force`);
    problem = config === undefined ? failure : undefined;
    // A little apart from others who read it every minute.
    const delayMs = failure === undefined ? intervalMs * (0.9 + 0.2 * random()) : backoff.next();
    timer = clock.setTimeout(() => void turn(), delayMs);
  }

  return {
    config: () => config,
    problem: () => problem,
    start: () => {
      stopping = new AbortController();
      return turn();
    },
    stop: () => {
      stopping.abort();
      timer?.cancel();
    },
  };
}
