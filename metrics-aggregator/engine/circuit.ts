/** Whether a source is asked: closed = all queries; open = one probe a tick, the others are not sent. */
export interface Circuit {
  /** Failures of the way to the source, one after the other. */
  readonly failures: number;
  readonly open: boolean;
  /** The server asked not to be asked before, epoch milliseconds. */
  readonly notBefore: number;
}

export const closedCircuit: Circuit = { failures: 0, open: false, notBefore: 0 };

export interface CircuitConfig {
  /** So many failures in a row open it. */
  readonly openAfter: number;
  /** A Retry-After is heeded for at most so long, milliseconds: a source must not put itself out of use for a day. */
  readonly maxRetryAfterMs: number;
}

export type SourceOutcome =
  | { readonly kind: 'reached' }
  /** No answer, 429, 5xx, not in time. */
  | { readonly kind: 'failed'; readonly retryAfterMs?: number | undefined };

/** The circuit after an outcome. A single success closes it. */
export function nextCircuit(circuit: Circuit, outcome: SourceOutcome, now: number, config: CircuitConfig): Circuit {
  if (outcome.kind === 'reached') return circuit.failures === 0 && circuit.notBefore === 0 ? circuit : closedCircuit;
  const failures = circuit.failures + 1;
  const wait = Math.min(outcome.retryAfterMs ?? 0, config.maxRetryAfterMs);
  return { failures, open: failures >= config.openAfter, notBefore: Math.max(circuit.notBefore, now + wait) };
}

/** Tokens for second tries: a share of what is asked, so that retries never multiply the load on a source that is in trouble. */
export interface RetryBudget {
  readonly tokens: number;
}

/** Each question earns a tenth of a retry; at most ten are kept. */
const earned = 0.1;
const most = 10;

export const fullBudget: RetryBudget = { tokens: most };

export function afterQuestion({ tokens }: RetryBudget): RetryBudget {
  return { tokens: Math.min(most, tokens + earned) };
}

/** The budget after a retry, or `undefined` when there is none left. */
export function takeRetry({ tokens }: RetryBudget): RetryBudget | undefined {
  return tokens < 1 ? undefined : { tokens: tokens - 1 };
}
