/** What a call gets instead of its answer. */
export type AwsFaultAnswer =
  /** 400 `Throttling: Rate exceeded` of Auto Scaling, 503 `RequestLimitExceeded: Request limit exceeded.` of EC2. */
  | { readonly kind: 'throttle' }
  /** An error in the service's own form; default status 400. */
  | { readonly kind: 'error'; readonly code: string; readonly message?: string; readonly status?: number }
  /** 500 with a page of HTML: no error of AWS. */
  | { readonly kind: 'html' }
  /** The true answer (the call has its effect) after so many milliseconds of the clock. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The call has its effect, but its answer is lost: the connection breaks. */
  | { readonly kind: 'lost' }
  /** The connection breaks before the call has an effect. */
  | { readonly kind: 'drop' };

export interface AwsFault {
  /** Which actions; absent: all. */
  readonly actions?: readonly string[];
  /** Only calls that name this group or instance somewhere in their parameters. */
  readonly naming?: string;
  /** How many calls it strikes; default: all until it is taken away. */
  readonly times?: number;
  readonly answer: AwsFaultAnswer;
}

/** Faults of the API. What goes wrong with instances is set by capacity and quotas. */
export interface AwsFaults {
  /** Sets a fault; the answer takes it away. Of several that match, the first set strikes. */
  add(fault: AwsFault): () => void;
  clear(): void;
}

/** The faults, and the one that strikes a call. */
export interface FaultList extends AwsFaults {
  /** Counts the call against the fault that it answers. */
  strike(action: string, values: Iterable<string>): AwsFaultAnswer | undefined;
}

export function createFaultList(): FaultList {
  const faults = new Set<{ readonly fault: AwsFault; left: number }>();
  return {
    add: (fault) => {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      faults.add(entry);
      return () => void faults.delete(entry);
    },
    clear: () => faults.clear(),
    strike: (action, values) => {
      let named: Set<string> | undefined;
      for (const entry of faults) {
        const { actions, naming, answer } = entry.fault;
        if (actions !== undefined && !actions.includes(action)) continue;
        if (naming !== undefined && !(named ??= new Set(values)).has(naming)) continue;
        entry.left -= 1;
        if (entry.left <= 0) faults.delete(entry);
        return answer;
      }
      return undefined;
    },
  };
}
