import type { KnownPolicy } from './ports.ts';

/** Known policies by key, namespace and target. */
export interface PolicyIndex {
  get(key: string): KnownPolicy | undefined;
  all(): readonly KnownPolicy[];
  inNamespace(namespace: string): readonly KnownPolicy[];
  forTarget(namespace: string, kind: string, name: string): readonly KnownPolicy[];
  /** `undefined` takes it out. */
  set(key: string, policy: KnownPolicy | undefined): void;
}

/** Policies that are found together; the list is made when it is asked for, because a pass over all of them comes after many changes. */
interface Bucket {
  readonly policies: Map<string, KnownPolicy>;
  list: readonly KnownPolicy[] | undefined;
}

const nobody: readonly KnownPolicy[] = Object.freeze([]);

/** Look-ups and changes in constant time, whatever the number of policies; lists keep the order in which the policies came. */
export function createPolicyIndex(): PolicyIndex {
  const all = emptyBucket();
  const namespaces = new Map<string, Bucket>();
  const targets = new Map<string, Bucket>();
  return {
    get: (key) => all.policies.get(key),
    all: () => listOf(all),
    inNamespace: (namespace) => listOf(namespaces.get(namespace)),
    forTarget: (namespace, kind, name) => listOf(targets.get(targetKey(namespace, kind, name))),
    set: (key, policy) => {
      const old = all.policies.get(key);
      if (old !== undefined && policy === undefined) dropFrom(all, key);
      if (policy !== undefined) putInto(all, key, policy);
      moveWithin(namespaces, { key, from: namespaceOf(old), to: namespaceOf(policy), policy });
      moveWithin(targets, { key, from: targetOf(old), to: targetOf(policy), policy });
    },
  };
}

interface Move {
  readonly key: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly policy: KnownPolicy | undefined;
}

function moveWithin(buckets: Map<string, Bucket>, { key, from, to, policy }: Move): void {
  if (from !== undefined && from !== to) {
    const bucket = buckets.get(from);
    if (bucket !== undefined) dropFrom(bucket, key);
    if (bucket?.policies.size === 0) buckets.delete(from);
  }
  if (to === undefined || policy === undefined) return;
  const bucket = buckets.get(to) ?? emptyBucket();
  putInto(bucket, key, policy);
  buckets.set(to, bucket);
}

function emptyBucket(): Bucket {
  return { policies: new Map(), list: undefined };
}

function listOf(bucket: Bucket | undefined): readonly KnownPolicy[] {
  if (bucket === undefined) return nobody;
  bucket.list ??= [...bucket.policies.values()];
  return bucket.list;
}

function putInto(bucket: Bucket, key: string, policy: KnownPolicy): void {
  bucket.policies.set(key, policy);
  bucket.list = undefined;
}

function dropFrom(bucket: Bucket, key: string): void {
  bucket.policies.delete(key);
  bucket.list = undefined;
}

function namespaceOf(policy: KnownPolicy | undefined): string | undefined {
  return policy === undefined ? undefined : (policy.raw.metadata.namespace ?? '');
}

function targetOf(known: KnownPolicy | undefined): string | undefined {
  const target = known?.policy.target;
  return known === undefined || target === undefined ? undefined : targetKey(known.raw.metadata.namespace ?? '', target.kind, target.name);
}

/** No name of a kind or an object has a slash. */
function targetKey(namespace: string, kind: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}
