import type { Labels } from '../storage/labels.ts';
import { metricName } from '../storage/labels.ts';
import { calculate, compares } from './arithmetic.ts';
import { comparisonOperators, setOperators } from './ast.ts';
import type { Binary, VectorMatching } from './ast.ts';
import { ExecutionError } from './values.ts';
import type { Sample, Value, Vector } from './values.ts';

const everyLabel: VectorMatching = { on: false, labels: [], card: 'one-to-one', include: [] };

/** One binary operation on evaluated sides. */
export function combine(binary: Binary, left: Value, right: Value): Value {
  if (left.kind === 'scalar' && right.kind === 'scalar') return { kind: 'scalar', value: scalarResult(binary, left.value, right.value) };
  if (left.kind === 'vector' && right.kind === 'scalar') {
    return { kind: 'vector', samples: withScalar(binary, left.samples, { scalar: right.value, swapped: false }) };
  }
  if (left.kind === 'scalar' && right.kind === 'vector') {
    return { kind: 'vector', samples: withScalar(binary, right.samples, { scalar: left.value, swapped: true }) };
  }
  if (left.kind !== 'vector' || right.kind !== 'vector')
    throw new ExecutionError('binary expression must contain only scalar and instant vector types');
  const samples = setOperators.has(binary.operator)
    ? setResult(binary, left.samples, right.samples)
    : matched(binary, left.samples, right.samples);
  return { kind: 'vector', samples };
}

function scalarResult({ operator }: Binary, left: number, right: number): number {
  return comparisonOperators.has(operator) ? Number(compares(operator, left, right)) : calculate(operator, left, right);
}

/** A comparison keeps the left value; undefined when nothing is kept. */
function elementResult({ operator, bool }: Binary, left: number, right: number): number | undefined {
  if (!comparisonOperators.has(operator)) return calculate(operator, left, right);
  const holds = compares(operator, left, right);
  if (bool) return Number(holds);
  return holds ? left : undefined;
}

function dropsName({ operator, bool }: Binary): boolean {
  return bool || !comparisonOperators.has(operator);
}

function withScalar(
  binary: Binary,
  samples: Vector,
  { scalar, swapped }: { readonly scalar: number; readonly swapped: boolean },
): Sample[] {
  const result: Sample[] = [];
  const filters = comparisonOperators.has(binary.operator) && !binary.bool;
  for (const { labels, value } of samples) {
    const outcome = swapped ? elementResult(binary, scalar, value) : elementResult(binary, value, scalar);
    // A filter passes the element on, on whichever side it stands.
    if (outcome !== undefined) result.push({ labels: dropsName(binary) ? labels.withoutName : labels, value: filters ? value : outcome });
  }
  return result;
}

/** Labels that two sides must share, as one text. */
function signatureOf({ on, labels }: VectorMatching): (given: Labels) => Labels {
  const names = new Set(on ? labels : [...labels, metricName]);
  return on ? (given) => given.only(names) : (given) => given.without(names);
}

function setResult({ operator, matching = everyLabel }: Binary, left: Vector, right: Vector): Vector {
  const signature = signatureOf(matching);
  const keys = (samples: Vector): Set<string> => new Set(samples.map(({ labels }) => signature(labels).key));
  if (operator === 'or') {
    const known = keys(left);
    return [...left, ...right.filter(({ labels }) => !known.has(signature(labels).key))];
  }
  const other = keys(right);
  return left.filter(({ labels }) => other.has(signature(labels).key) === (operator === 'and'));
}

function matched(binary: Binary, left: Vector, right: Vector): Sample[] {
  const { matching = everyLabel } = binary;
  if (left.length === 0 || right.length === 0) return [];
  const swapped = matching.card === 'one-to-many';
  const [many, one] = swapped ? [right, left] : [left, right];
  const signature = signatureOf(matching);
  const ones = uniqueSide(one, signature, swapped ? 'left' : 'right');
  const result: Sample[] = [];
  const taken = new Map<string, Set<string>>();
  for (const sample of many) {
    const key = signature(sample.labels).key;
    const partner = ones.get(key);
    if (partner === undefined) continue;
    const value = swapped ? elementResult(binary, partner.value, sample.value) : elementResult(binary, sample.value, partner.value);
    if (value === undefined) continue;
    const labels = resultLabels(binary, matching, sample.labels, partner.labels);
    take(taken, key, labels, matching);
    result.push({ labels, value });
  }
  return result;
}

function uniqueSide(samples: Vector, signature: (labels: Labels) => Labels, side: string): Map<string, Sample> {
  const found = new Map<string, Sample>();
  for (const sample of samples) {
    const group = signature(sample.labels);
    const other = found.get(group.key);
    if (other !== undefined) {
      throw new ExecutionError(
        `found duplicate series for the match group ${String(group)} on the ${side} hand-side of the operation: ` +
          `[${String(sample.labels)}, ${String(other.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
    found.set(group.key, sample);
  }
  return found;
}

function take(taken: Map<string, Set<string>>, key: string, labels: Labels, { card }: VectorMatching): void {
  const before = taken.get(key);
  if (before === undefined) {
    taken.set(key, new Set([labels.key]));
    return;
  }
  if (card === 'one-to-one') {
    throw new ExecutionError('multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)');
  }
  if (before.has(labels.key)) throw new ExecutionError('multiple matches for labels: grouping labels must ensure unique matches');
  before.add(labels.key);
}

function resultLabels(binary: Binary, { on, labels: names, card, include }: VectorMatching, many: Labels, one: Labels): Labels {
  let labels = dropsName(binary) ? many.withoutName : many;
  if (card === 'one-to-one') {
    const set = new Set(names);
    labels = on ? labels.only(set) : labels.without(set);
  }
  if (include.length === 0) return labels;
  return labels.with(Object.fromEntries(include.map((name) => [name, one.get(name)])));
}
