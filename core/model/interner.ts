/**
 * Keeps one copy of what many records share. Objects are held weakly: a pod shape lives exactly as long as some record uses it, and while it
 * lives the same key always answers the same object, so that `===` tells equal shapes. Strings cannot be held weakly: they stand in two
 * generations of bounded size, and what was not asked for during a whole generation is forgotten (records keep their copy).
 */
export interface Interner {
  /** The shared copy of a string. */
  text(value: string): string;
  /** The object that stands for `key`, made when there is none. `kind` keeps the keys of different makers apart. */
  object<T extends object>(kind: string, key: string, make: () => T): T;
  /** Number of objects that are held and still alive or not yet collected; for tests and metrics. */
  readonly objects: number;
}

/** Options of {@link createInterner}. */
export interface InternerOptions {
  /** Strings in one generation; at most twice as many are held. Default 65 536. */
  readonly textLimit?: number;
}

/** Makes an {@link Interner}; one per process and cluster is enough. */
export function createInterner(options: InternerOptions = {}): Interner {
  const limit = options.textLimit ?? 65_536;
  let young = new Map<string, string>();
  let old = new Map<string, string>();
  // By kind, so that no key is copied just to be looked up.
  const kinds = new Map<string, Map<string, WeakRef<object>>>();
  const registry = new FinalizationRegistry<readonly [Map<string, WeakRef<object>>, string]>(([objects, key]) => {
    // A new object may already stand under the key.
    if (objects.get(key)?.deref() === undefined) objects.delete(key);
  });

  const text = (value: string): string => {
    const held = young.get(value);
    if (held !== undefined) return held;
    const shared = old.get(value) ?? value;
    if (young.size >= limit) {
      old = young;
      young = new Map();
    }
    young.set(shared, shared);
    return shared;
  };

  const object = <T extends object>(kind: string, key: string, make: () => T): T => {
    let objects = kinds.get(kind);
    if (objects === undefined) kinds.set(kind, (objects = new Map()));
    const held = objects.get(key)?.deref();
    if (held !== undefined) return held as T;
    const made = make();
    objects.set(key, new WeakRef(made));
    registry.register(made, [objects, key]);
    return made;
  };

  return {
    text,
    object,
    get objects() {
      let total = 0;
      for (const objects of kinds.values()) total += objects.size;
      return total;
    },
  };
}
