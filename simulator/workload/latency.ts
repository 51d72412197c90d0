/** How response times follow from load: `mmc` (Erlang C), `fluid` (service time and queue only), or a fixed time. */
export type LatencyModel =
  | { readonly kind: 'mmc'; readonly serviceMs?: number }
  | { readonly kind: 'fluid'; readonly serviceMs?: number }
  | { readonly kind: 'constant'; readonly ms: number };

export interface LatencyInput {
  /** Requests per second that come. */
  readonly demand: number;
  /** Requests per second that all servers can do. */
  readonly capacity: number;
  /** Requests that can be worked on at the same time, over all replicas. */
  readonly servers: number;
  /** Requests that wait already. */
  readonly queue: number;
}

export interface Latency {
  /** Milliseconds; infinite while nothing serves and something comes. */
  readonly meanMs: number;
  readonly p95Ms: number;
}

/** Response times at one instant. A standing queue (overload) adds the time that it takes to be worked off. */
export function latencyOf(model: LatencyModel, input: LatencyInput): Latency {
  if (model.kind === 'constant') return { meanMs: model.ms, p95Ms: model.ms };
  if (input.capacity <= 0) {
    const value = input.demand > 0 || input.queue > 0 ? Number.POSITIVE_INFINITY : 0;
    return { meanMs: value, p95Ms: value };
  }
  const service = model.serviceMs ?? (Number.isFinite(input.capacity) ? (1000 * input.servers) / input.capacity : 0);
  const standing = (1000 * input.queue) / input.capacity;
  if (model.kind === 'fluid' || input.demand >= input.capacity || !Number.isFinite(input.capacity)) {
    return { meanMs: service + standing, p95Ms: service + standing };
  }
  const wait = erlangWait(input);
  return { meanMs: service + standing + wait.meanMs, p95Ms: service + standing + wait.p95Ms };
}

/** Waiting time before service in M/M/c below saturation. */
function erlangWait(input: LatencyInput): Latency {
  const servers = Math.max(1, Math.round(input.servers));
  const perServer = input.capacity / servers;
  const waits = erlangC(servers, input.demand / perServer);
  const spare = input.capacity - input.demand;
  return {
    meanMs: (1000 * waits) / spare,
    p95Ms: waits <= 0.05 ? 0 : (1000 * Math.log(waits / 0.05)) / spare,
  };
}

/** Probability that a request must wait, for `servers` and an offered load below it; by the stable recursion of Erlang B. */
export function erlangC(servers: number, offered: number): number {
  if (offered <= 0) return 0;
  if (offered >= servers) return 1;
  let blocked = 1;
  for (let index = 1; index <= servers; index++) blocked = (offered * blocked) / (index + offered * blocked);
  const utilization = offered / servers;
  return blocked / (1 - utilization * (1 - blocked));
}
