import { compareText } from '../pod-groups.ts';
import type { ExpanderName, LoopEvent } from '../../loop/model.ts';
import type { Expander, ExpanderContext, ExpansionOption, Filtered } from './model.ts';
import { price } from './price.ts';
import { priority } from './priority.ts';
import { leastNodes, leastWaste, lowest, mostPods } from './simple.ts';

/** The option that was chosen, and how. */
export interface Choice<Option> {
  readonly option: Option;
  /** A sentence: what each expander kept, and the last rule. */
  readonly reason: string;
  /** Equal options were left: upstream draws lots among them. */
  readonly tie: boolean;
}

/** What a chain of expanders made of the options. */
export interface ChainResult<Option> {
  /** `undefined` when an expander kept nothing: no scale-up. */
  readonly choice: Choice<Option> | undefined;
  readonly reason: string;
  /** By group id: the score of the first expander that compared. */
  readonly scores: ReadonlyMap<string, number>;
  readonly events: readonly LoopEvent[];
}

/** One link: keeps some of the options. */
export interface ChainLink<Option> {
  readonly name: string;
  readonly filter: (options: readonly Option[]) => Filtered<Option>;
}

/** Each expander keeps a part; as soon as one option is left it is chosen, otherwise `last` picks among those left. */
export function runChain<Option>(
  options: readonly Option[],
  links: readonly ChainLink<Option>[],
  last: (left: readonly Option[]) => { readonly option: Option; readonly rule: string } | undefined,
): ChainResult<Option> {
  const events: LoopEvent[] = [];
  const notes: string[] = [];
  let scores: ReadonlyMap<string, number> | undefined;
  let left = options;
  let drew = false;
  for (const { name, filter } of links) {
    const filtered = filter(left);
    left = filtered.kept;
    scores ??= filtered.scores;
    drew ||= filtered.drew === true;
    events.push(...(filtered.events ?? []));
    notes.push(`${name}: ${filtered.note}, ${left.length} left`);
    const [only] = left;
    if (left.length === 1 && only !== undefined) return { ...chosen(only, notes, drew), scores: scores ?? new Map(), events };
  }
  const picked = last(left);
  if (picked === undefined) return { choice: undefined, reason: notes.join('; '), scores: scores ?? new Map(), events };
  if (left.length > 1) notes.push(picked.rule);
  return { ...chosen(picked.option, notes, left.length > 1), scores: scores ?? new Map(), events };
}

function chosen<Option>(
  option: Option,
  notes: readonly string[],
  tie: boolean,
): { readonly choice: Choice<Option>; readonly reason: string } {
  const reason = notes.length === 0 ? 'the only option' : notes.join('; ');
  return { choice: { option, reason, tie }, reason };
}

const expanders: Readonly<Record<ExpanderName, Expander>> = {
  random: drawOne,
  'most-pods': mostPods,
  'least-nodes': leastNodes,
  'least-waste': leastWaste,
  price,
  priority,
  cost: (options) => lowest(options, costPerDemand, 'lowest price for what its pods ask'),
};

/** Price of the new nodes for each unit of what their pods are worth; where a loop takes one option only, this is what `cost` goes by. */
function costPerDemand({ nodePrice, nodes, podPrice }: ExpansionOption): number | undefined {
  return nodePrice === undefined || podPrice === undefined || podPrice <= 0 ? undefined : (nodePrice * nodes) / podPrice;
}

/** One option, by the seed and the time of the loop; the order of the options plays no part. */
function drawOne(options: readonly ExpansionOption[], { seed, now }: ExpanderContext): Filtered<ExpansionOption> {
  const sorted = options.toSorted((a, b) => compareText(a.group, b.group));
  const drawn = sorted[hash(seed, now) % Math.max(1, sorted.length)];
  return { kept: drawn === undefined ? [] : [drawn], drew: sorted.length > 1, note: `drawn by seed ${seed} among ${sorted.length}` };
}

/** A whole number from seed and time (the finalizer of MurmurHash3). */
function hash(seed: number, now: number): number {
  let mixed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(Math.floor(now / 0x1_0000_0000), 0x85ebca6b) ^ now;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** What one expander keeps. */
export function filterOptions(
  name: ExpanderName,
  options: readonly ExpansionOption[],
  context: ExpanderContext,
): Filtered<ExpansionOption> {
  return expanders[name](options, context);
}

/** Chooses an option. Where upstream draws lots among equal ones we take the first by group id; the order of the options plays no part. */
export function chooseOption(
  options: readonly ExpansionOption[],
  names: readonly ExpanderName[],
  context: ExpanderContext,
): ChainResult<ExpansionOption> {
  const links = names.map((name): ChainLink<ExpansionOption> => ({ name, filter: (left) => expanders[name](left, context) }));
  return runChain(options, links, (left) => {
    const [option] = left.toSorted((a, b) => compareText(a.group, b.group));
    return option === undefined ? undefined : { option, rule: 'the first by group id among equals' };
  });
}
