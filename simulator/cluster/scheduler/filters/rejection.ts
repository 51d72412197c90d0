/** Why a node does not take a pod. */
export interface Rejection {
  /** The scheduler plugin that says so. */
  readonly plugin: string;
  /** Upstream's texts, as events show them. */
  readonly reasons: readonly string[];
  /** Deleting pods of the node would not help: preemption need not look. */
  readonly unresolvable: boolean;
}

const interned = new Map<string, Rejection>();

/** One shared object per distinct rejection: they are compared by identity and counted. */
export function rejection(plugin: string, reasons: readonly string[], unresolvable: boolean): Rejection {
  const key = `${plugin}|${String(unresolvable)}|${reasons.join('|')}`;
  let found = interned.get(key);
  if (found === undefined) {
    found = Object.freeze({ plugin, reasons: Object.freeze([...reasons]), unresolvable });
    interned.set(key, found);
  }
  return found;
}
