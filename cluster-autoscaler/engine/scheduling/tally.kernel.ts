/** Domains of one topology key: which value each row has, values numbered as they are seen. */
export interface TopologyKey {
  readonly name: string;
  readonly ids: Map<string, number>;
  /** By row; −1 where the node lacks the label. */
  domainOf: Int32Array;
}

/** Which nodes a spread constraint counts: those with all keys of the pod's constraints that meet its policies. */
export interface Ground {
  readonly keys: readonly TopologyKey[];
  /** By row. */
  eligible: Uint8Array;
  /** Eligible nodes by domain, one array for each key. */
  readonly nodesIn: Int32Array[];
  /** Domains with an eligible node, by key. */
  readonly domains: Int32Array;
}

/** How many pods of a kind there are in each domain of a topology key; kept right while pods come and go. */
export interface Tally {
  readonly key: TopologyKey;
  /** Only nodes of it count; absent for affinity, where all do. */
  readonly ground: Ground | undefined;
  /** Index of {@link key} in the ground's keys. */
  readonly keyIndex: number;
  /** By domain; shorter than the number of domains where nothing was counted yet. */
  counts: Int32Array;
  /** Of all domains. */
  total: number;
  /** For grounds: domains with at least one pod. */
  positive: number;
  /** For grounds: how many domains have so many pods; index 0 is not kept. */
  histogram: Int32Array;
  /** For grounds: the least count that is not 0; right only while there is one. */
  low: number;
}

export function createTally(key: TopologyKey, ground: Ground | undefined): Tally {
  const keyIndex = ground === undefined ? 0 : ground.keys.indexOf(key);
  return { key, ground, keyIndex, counts: new Int32Array(8), total: 0, positive: 0, histogram: new Int32Array(8), low: 0 };
}

/** Counts pods on a row in (or out, when negative). */
export function count(tally: Tally, row: number, pods: number): void {
  const { ground } = tally;
  if (ground !== undefined && ground.eligible[row] !== 1) return;
  const domain = tally.key.domainOf[row] as number;
  if (domain < 0) return;
  if (domain >= tally.counts.length) tally.counts = enlarged(tally.counts, domain + 1);
  const before = tally.counts[domain] as number;
  const after = before + pods;
  tally.counts[domain] = after;
  tally.total += pods;
  if (ground !== undefined) moveDomain(tally, before, after);
}

/** Keeps the least positive count while a domain goes from one count to another. */
function moveDomain(tally: Tally, before: number, after: number): void {
  if (after >= tally.histogram.length) tally.histogram = enlarged(tally.histogram, after + 1);
  const { histogram } = tally;
  if (before > 0) histogram[before] = (histogram[before] as number) - 1;
  else tally.positive += 1;
  if (after > 0) histogram[after] = (histogram[after] as number) + 1;
  else tally.positive -= 1;
  if (tally.positive === 0) return;
  if (after > 0 && (after < tally.low || tally.positive === 1)) tally.low = after;
  else while (histogram[tally.low] === 0) tally.low += 1;
}

function enlarged(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/** Pods in the domain of a row, which must have one. */
export function countAt({ counts, key }: Tally, row: number): number {
  const domain = key.domainOf[row] as number;
  return domain < counts.length ? (counts[domain] as number) : 0;
}

/** Whether there is a pod in the row's domain; false where it has none. */
export function isPresent({ counts, key }: Tally, row: number): boolean {
  const domain = key.domainOf[row] as number;
  return domain >= 0 && domain < counts.length && (counts[domain] as number) > 0;
}

/** The least count of all domains of the ground; 0 with fewer domains than `minDomains`: new ones must be opened. */
export function leastCount(tally: Tally, ground: Ground, minDomains: number): number {
  const domains = ground.domains[tally.keyIndex] as number;
  return domains < minDomains || domains > tally.positive ? 0 : tally.low;
}

/** Takes a node into the ground, whose keys it has all, or out of it. Before its pods are counted in, after they are counted out. */
export function setEligible(ground: Ground, row: number, eligible: boolean): void {
  if (row >= ground.eligible.length) {
    const larger = new Uint8Array(Math.max(row + 1, ground.eligible.length * 2));
    larger.set(ground.eligible);
    ground.eligible = larger;
  }
  const before = ground.eligible[row] === 1;
  ground.eligible[row] = eligible ? 1 : 0;
  if (before === eligible) return;
  for (let index = 0; index < ground.keys.length; index++) {
    const domain = (ground.keys[index] as TopologyKey).domainOf[row] as number;
    let nodesIn = ground.nodesIn[index] as Int32Array;
    if (domain >= nodesIn.length) ground.nodesIn[index] = nodesIn = enlarged(nodesIn, domain + 1);
    const nodes = (nodesIn[domain] as number) + (eligible ? 1 : -1);
    nodesIn[domain] = nodes;
    if (eligible && nodes === 1) ground.domains[index] = (ground.domains[index] as number) + 1;
    if (!eligible && nodes === 0) ground.domains[index] = (ground.domains[index] as number) - 1;
  }
}

/** Sets the domain of a row; `undefined`: the node lacks the label. */
export function setDomain(key: TopologyKey, row: number, value: string | undefined): void {
  if (row >= key.domainOf.length) {
    const larger = new Int32Array(Math.max(row + 1, key.domainOf.length * 2));
    larger.set(key.domainOf);
    key.domainOf = larger;
  }
  let domain = -1;
  if (value !== undefined) {
    domain = key.ids.get(value) ?? key.ids.size;
    if (domain === key.ids.size) key.ids.set(value, domain);
  }
  key.domainOf[row] = domain;
}
