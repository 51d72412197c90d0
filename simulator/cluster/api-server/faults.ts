import { sleep } from '../../../core/model/clock.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import type { Activity } from './activity.ts';
import { StatusError, expired, serviceUnavailable, tooManyRequests } from './errors.ts';
import { isJson } from './json.ts';

/** Which requests a fault strikes; every field that is given must match. */
export interface FaultMatch {
  /** get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb?: string | readonly string[];
  /** `pods`, or `deployments.apps`. */
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly userAgent?: string | RegExp;
  readonly user?: string;
  readonly path?: RegExp;
  /** Only requests that go on with a list (`continue`), or only those that begin one. */
  readonly continues?: boolean;
}

export type Fault =
  /** Waits so many milliseconds of the injected clock before the request is handled. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Answers a Status: 429 and 503 with Retry-After when `retryAfterSeconds` is given. */
  | { readonly kind: 'status'; readonly code: number; readonly message?: string; readonly retryAfterSeconds?: number }
  /** Breaks the connection before an answer; `applied`: after the request was carried out. */
  | { readonly kind: 'drop'; readonly applied?: boolean }
  /** Breaks a watch after it has been open for so long (0: at once, after the initial state). */
  | { readonly kind: 'watch-drop'; readonly afterMs: number }
  /** Watches stay open and deliver nothing while the rule stands. */
  | { readonly kind: 'watch-stall' }
  /** 410: of a list as HTTP status (with a fresh continue token), of a watch as an ERROR event or as HTTP status. */
  | { readonly kind: 'gone'; readonly as?: 'event' | 'http' }
  /** Leaves items out of a list, each with the given probability; also of an aggregated API. */
  | { readonly kind: 'partial-list'; readonly drop: number };

export interface FaultRule {
  readonly match?: FaultMatch;
  readonly fault: Fault;
  /** Strikes at most so often. */
  readonly times?: number;
  /** Chance of each strike, by the seeded source; default 1. */
  readonly probability?: number;
}

export interface FaultHandle {
  remove(): void;
  /** How often the rule has struck. */
  readonly hits: number;
}

export interface FaultTarget {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly userAgent: string;
  readonly user: string;
  readonly continues: boolean;
}

/** What faults do to an open watch. */
export interface OpenWatch {
  drop(): void;
  expire(message: string): void;
  stall(on: boolean): void;
}

/** Thrown instead of an answer: the transport breaks the connection. */
export class ConnectionDropped extends Error {
  constructor() {
    super('connection dropped by an injected fault');
    this.name = 'ConnectionDropped';
  }
}

interface ActiveRule {
  readonly rule: FaultRule;
  hits: number;
}

/** Before the request is handled, and after. */
export interface RequestFaults {
  /** Waits and throws as the rules say. */
  before(): Promise<void>;
  /** The answer, changed or thrown away. */
  after(body: string | Buffer): string | Buffer;
}

/** Faults that tests and simulations put between client and server. */
export class Faults {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #activity: Activity;
  readonly #rules: ActiveRule[] = [];
  readonly #watches = new Map<OpenWatch, FaultTarget>();
  readonly #counts = new Map<string, number>();

  constructor(clock: Clock, random: Random, activity: Activity) {
    this.#clock = clock;
    this.#random = random;
    this.#activity = activity;
  }

  add(rule: FaultRule): FaultHandle {
    const active: ActiveRule = { rule, hits: 0 };
    this.#rules.push(active);
    if (rule.fault.kind === 'watch-stall') this.#stallOpen();
    return {
      remove: () => this.#remove(active),
      get hits() {
        return active.hits;
      },
    };
  }

  #remove(active: ActiveRule): void {
    const at = this.#rules.indexOf(active);
    if (at >= 0) this.#rules.splice(at, 1);
    if (active.rule.fault.kind === 'watch-stall') this.#stallOpen();
  }

  /** Removes every rule. */
  clear(): void {
    for (let active = this.#rules[0]; active !== undefined; active = this.#rules[0]) this.#remove(active);
  }

  /** Strikes so far, by kind of fault. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Breaks the watches that are open now; answers how many. */
  dropWatches(match: FaultMatch = {}): number {
    return this.#each(match, (watch) => watch.drop(), 'watch-drop');
  }

  /** Ends the watches that are open now with a 410 event; answers how many. */
  expireWatches(match: FaultMatch = {}): number {
    return this.#each(match, (watch) => watch.expire('too old resource version: the history was compacted'), 'gone');
  }

  #each(match: FaultMatch, act: (watch: OpenWatch) => void, kind: string): number {
    const open = [...this.#watches].filter(([, target]) => matches(match, target));
    for (const [watch] of open) {
      this.#count(kind);
      act(watch);
    }
    return open.length;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  #count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** Rules of these kinds that strike this request now. */
  #striking(target: FaultTarget, kinds: readonly Fault['kind'][]): Fault[] {
    const found: Fault[] = [];
    for (const active of this.#rules) {
      const { match = {}, fault, times = Infinity, probability = 1 } = active.rule;
      if (!kinds.includes(fault.kind) || active.hits >= times || !matches(match, target)) continue;
      if (probability < 1 && this.#random() >= probability) continue;
      active.hits += 1;
      this.#count(fault.kind);
      found.push(fault);
    }
    return found;
  }

  /** undefined when no rule stands, which is the usual case. */
  forRequest(target: FaultTarget, signal: () => AbortSignal): RequestFaults | undefined {
    if (this.#rules.length === 0) return undefined;
    const struck = this.#striking(
      target,
      target.verb === 'watch' ? ['latency', 'status', 'drop'] : ['latency', 'status', 'drop', 'partial-list'],
    );
    const gone = target.verb === 'list' ? this.#striking(target, ['gone']).length > 0 : false;
    if (struck.length === 0 && !gone) return undefined;
    return {
      before: async () => {
        for (const fault of struck) await this.#strike(fault, signal());
        if (gone) throw expired('The provided resource version or continue parameter is too old (injected fault).');
      },
      after: (body) => {
        let result = body;
        for (const fault of struck) {
          if (fault.kind === 'drop' && fault.applied === true) throw new ConnectionDropped();
          if (fault.kind === 'partial-list') result = this.#thin(result, fault.drop);
        }
        return result;
      },
    };
  }

  async #strike(fault: Fault, signal: AbortSignal): Promise<void> {
    if (fault.kind === 'latency') await this.#activity.park(() => sleep(this.#clock, fault.ms, signal));
    else if (fault.kind === 'drop' && fault.applied !== true) throw new ConnectionDropped();
    else if (fault.kind === 'status') throw statusFault(fault);
  }

  #thin(body: string | Buffer, drop: number): string | Buffer {
    const list = JSON.parse(body.toString()) as unknown;
    if (!isJson(list) || !Array.isArray(list['items'])) return body;
    return JSON.stringify({ ...list, items: list['items'].filter(() => this.#random() >= drop) });
  }

  /** A watch that opens: answers the 410 that it must get instead, if a rule says so. */
  refuseWatch(target: FaultTarget): 'http' | 'event' | undefined {
    const [fault] = this.#striking(target, ['gone']);
    return fault?.kind === 'gone' ? (fault.as ?? 'event') : undefined;
  }

  /** Puts an open watch under the rules; the answer ends that. */
  enterWatch(target: FaultTarget, watch: OpenWatch): () => void {
    this.#watches.set(watch, target);
    const [drop] = this.#striking(target, ['watch-drop']);
    const timer = drop?.kind === 'watch-drop' ? this.#clock.setTimeout(() => watch.drop(), drop.afterMs) : undefined;
    if (this.#isStalled(target)) {
      this.#count('watch-stall');
      watch.stall(true);
    }
    return () => {
      timer?.cancel();
      this.#watches.delete(watch);
    };
  }

  #isStalled(target: FaultTarget): boolean {
    return this.#rules.some(({ rule }) => rule.fault.kind === 'watch-stall' && matches(rule.match ?? {}, target));
  }

  #stallOpen(): void {
    for (const [watch, target] of this.#watches) watch.stall(this.#isStalled(target));
  }
}

function statusFault(fault: Extract<Fault, { kind: 'status' }>): StatusError {
  const { code, retryAfterSeconds = 0 } = fault;
  if (code === 429) return tooManyRequests(fault.message ?? 'Too many requests, please try again later.', retryAfterSeconds);
  if (code === 503 && retryAfterSeconds === 0) return serviceUnavailable(fault.message);
  const reason = reasons[code] ?? '';
  const details = retryAfterSeconds > 0 ? { retryAfterSeconds } : undefined;
  return new StatusError(code, reason, fault.message ?? `injected fault: HTTP ${code}`, details);
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function matches(match: FaultMatch, target: FaultTarget): boolean {
  const verbs = typeof match.verb === 'string' ? [match.verb] : match.verb;
  return (
    (verbs === undefined || verbs.includes(target.verb)) &&
    matchesResource(match.resource, target) &&
    same(match.subresource, target.subresource) &&
    same(match.namespace, target.namespace) &&
    same(match.name, target.name) &&
    same(match.user, target.user) &&
    same(match.continues, target.continues) &&
    (match.path === undefined || match.path.test(target.path)) &&
    matchesAgent(match.userAgent, target.userAgent)
  );
}

function matchesResource(wanted: string | undefined, { resource, group }: FaultTarget): boolean {
  return wanted === undefined || wanted === resource || wanted === `${resource}.${group}`;
}

function matchesAgent(wanted: string | RegExp | undefined, agent: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? agent.includes(wanted) : wanted.test(agent);
}

function same<T>(wanted: T | undefined, actual: T): boolean {
  return wanted === undefined || wanted === actual;
}
