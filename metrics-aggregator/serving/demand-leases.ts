import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../core/model/clock.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import { readDemands, type DemandsRefusal } from './demand-schema.ts';
import type { MetricsAggregator } from './ports.ts';
import { nextTurn } from './stream.ts';

/** A client that does not repeat its demands for so long is gone, milliseconds. */
export const demandLeaseMs = 60_000;

/** Clients with demands at the same time: what they want is held in memory. */
const maxClients = 64;
/** Bodies of one client that wait for their turn. */
const maxWaiting = 3;

/** What a client has a lease on. */
export interface Lease {
  /** Rises when the demands change. */
  readonly revision: number;
  /** Keys of the queries; the set changes with the demands. */
  readonly keys: ReadonlySet<string>;
  readonly subjects: number;
}

export type LeaseResult = { readonly ok: true; readonly lease: Lease } | DemandsRefusal;

/** What remote clients want asked, each for as long as it says so. */
export interface DemandLeases {
  /** Replaces what the client wants, for a minute from now. Bodies of one client are taken in one after the other. */
  put(client: string, body: Buffer): Promise<LeaseResult>;
  lease(client: string): Lease | undefined;
  /** Clients with demands. */
  readonly size: number;
  /** Forgets everybody. */
  close(): void;
}

interface HeldLease {
  timer: Timer;
  /** Of the body that is in force: most bodies repeat the one before. */
  digest: string;
  revision: number;
  readonly subjects: Set<string>;
  readonly keys: Set<string>;
}

/** Subjects that are handed on between two turns of the event loop. */
const subjectsPerTurn = 100;

export interface DemandLeasesOptions {
  readonly aggregator: Pick<MetricsAggregator, 'demand'>;
  readonly clock: Clock;
  /** Called when what a client wants has changed, so that it is told what is known of it already. */
  readonly onChange?: (client: string) => void;
}

export function createDemandLeases({ aggregator, clock, onChange }: DemandLeasesOptions): DemandLeases {
  const leases = new Map<string, HeldLease>();
  const waiting = new Map<string, { count: number; last: Promise<unknown> }>();
  let revisions = 0;

  const demand = (client: string, subject: string, queries: Parameters<MetricsAggregator['demand']>[1]): void =>
    aggregator.demand(`remote/${client}/${subject}`, queries);
  const forget = (client: string): void => {
    const held = leases.get(client);
    leases.delete(client);
    held?.timer.cancel();
    for (const subject of held?.subjects ?? []) demand(client, subject, []);
  };
  const timer = (client: string): Timer => clock.setTimeout(() => forget(client), demandLeaseMs);
  const renewed = (client: string): HeldLease => {
    const held = leases.get(client);
    if (held !== undefined) {
      held.timer.cancel();
      held.timer = timer(client);
      return held;
    }
    const begun: HeldLease = { timer: timer(client), digest: '', revision: 0, subjects: new Set(), keys: new Set() };
    leases.set(client, begun);
    return begun;
  };

  async function take(client: string, body: Buffer): Promise<LeaseResult> {
    const digest = createHash('sha256').update(body).digest('base64');
    if (leases.get(client)?.digest === digest) return { ok: true, lease: leaseOf(renewed(client)) };
    const read = await readDemands(body.toString('utf8'));
    if (!read.ok) return read;
    // The lease runs before anything is demanded: what a client wants that vanishes in the middle must end too.
    const held = renewed(client);
    held.digest = '';
    const left = { subjects: new Set(held.subjects), keys: new Set(held.keys) };
    for (const [index, { subject, queries }] of read.demands.entries()) {
      if (index > 0 && index % subjectsPerTurn === 0) await nextTurn();
      if (leases.get(client) !== held) return tooLate;
      for (const query of queries) {
        const key = queryKey(query);
        held.keys.add(key);
        left.keys.delete(key);
      }
      held.subjects.add(subject);
      left.subjects.delete(subject);
      demand(client, subject, queries);
    }
    for (const subject of left.subjects) {
      held.subjects.delete(subject);
      demand(client, subject, []);
    }
    for (const key of left.keys) held.keys.delete(key);
    held.digest = digest;
    held.revision = ++revisions;
    onChange?.(client);
    return { ok: true, lease: leaseOf(held) };
  }

  return {
    put: async (client, body) => {
      if (!leases.has(client) && !waiting.has(client) && leases.size + waiting.size >= maxClients) {
        return { ok: false, path: 'client', reason: `${maxClients} clients have demands already: wait until one has gone`, status: 429 };
      }
      const queue = waiting.get(client) ?? { count: 0, last: Promise.resolve() };
      if (queue.count >= maxWaiting) {
        return {
          ok: false,
          path: 'client',
          reason: `${maxWaiting} bodies of this client wait already: send the next when they are answered`,
          status: 429,
        };
      }
      waiting.set(client, queue);
      queue.count += 1;
      const mine = queue.last.then(() => take(client, body));
      queue.last = mine.catch(() => undefined);
      try {
        return await mine;
      } finally {
        queue.count -= 1;
        if (queue.count === 0) waiting.delete(client);
      }
    },
    lease: (client) => {
      const held = leases.get(client);
      return held === undefined ? undefined : leaseOf(held);
    },
    get size() {
      return leases.size;
    },
    close: () => {
      // A map's keys may be deleted while they are walked.
      for (const client of leases.keys()) forget(client);
    },
  };
}

function leaseOf({ revision, keys, subjects }: HeldLease): Lease {
  return { revision, keys, subjects: subjects.size };
}

const tooLate: LeaseResult = {
  ok: false,
  path: '',
  reason: 'the lease ended while the demands were taken in: send them again',
  status: 409,
};
