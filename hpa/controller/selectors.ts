import { equalities, matchesSelector, type Labels, type Selector } from '../../core/model/selector.ts';

interface Registration {
  readonly key: string;
  readonly selector: Selector;
  /** `label=value` under which it is found, or empty. */
  readonly bucket: string;
}

/**
 * Which policies of a namespace select which pods (§10). Found by one label of each selector, so that a check costs the labels of the
 * pods, not the number of policies.
 */
export class SelectorRegistry {
  readonly #byKey = new Map<string, Registration & { readonly namespace: string }>();
  readonly #namespaces = new Map<string, Map<string, Map<string, Registration>>>();

  set(namespace: string, key: string, selector: Selector): void {
    this.delete(key);
    const [pair] = equalities(selector);
    const entry = { namespace, key, selector, bucket: pair === undefined ? '' : `${pair[0]}=${pair[1]}` };
    this.#byKey.set(key, entry);
    const buckets = this.#namespaces.get(namespace) ?? new Map<string, Map<string, Registration>>();
    this.#namespaces.set(namespace, buckets);
    const bucket = buckets.get(entry.bucket) ?? new Map<string, Registration>();
    buckets.set(entry.bucket, bucket);
    bucket.set(key, entry);
  }

  delete(key: string): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    this.#byKey.delete(key);
    const buckets = this.#namespaces.get(entry.namespace);
    const bucket = buckets?.get(entry.bucket);
    bucket?.delete(key);
    if (bucket?.size === 0) buckets?.delete(entry.bucket);
    if (buckets?.size === 0) this.#namespaces.delete(entry.namespace);
  }

  /** Keys of the policies other than `key` that select one of these pods, sorted. */
  othersOf(namespace: string, key: string, pods: Iterable<{ readonly labels: Labels }>): string[] {
    const buckets = this.#namespaces.get(namespace);
    if (buckets === undefined) return [];
    const others = new Set<string>();
    // Pods of one template share their label object.
    for (const labels of new Set([...pods].map((pod) => pod.labels))) {
      for (const name of ['', ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)]) {
        for (const each of buckets.get(name)?.values() ?? []) {
          if (each.key !== key && matchesSelector(each.selector, labels)) others.add(each.key);
        }
      }
    }
    return [...others].toSorted();
  }
}
