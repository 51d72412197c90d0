import { equalities, matchesSelector, type Labels, type Selector } from '../../../core/model/selector.ts';
import type { HistoryBlock } from './block-cache.ts';

/** A workload whose past is wanted. */
export interface HistoryTarget {
  /** The policy's key. */
  readonly key: string;
  readonly namespace: string;
  /** Of the targetRef. */
  readonly kind: string;
  readonly name: string;
  /** Of the target's pods. */
  readonly selector: Selector;
  /** What was used from then on is known already (a checkpoint has it), epoch milliseconds; absent: nothing is. */
  readonly before?: number | undefined;
}

/** What of a namespace is needed to tell whose a pod is. */
export interface NamespacePods {
  readonly targets: readonly HistoryTarget[];
  /** Labels of the live pods by name. */
  readonly live: ReadonlyMap<string, Labels>;
  /** Of all blocks that were read, newest last. */
  readonly blocks: readonly Pick<HistoryBlock, 'controllers' | 'labels'>[];
}

export type PodMatch =
  | { readonly found: true; readonly targets: readonly HistoryTarget[]; readonly labels: Labels }
  /** `no-target`: it is known whose it is, and nobody asks; `unknown-owner`: nothing tells whose it was. */
  | { readonly found: false; readonly why: 'no-target' | 'unknown-owner' };

/**
 * Finds targets of pods by name: a live pod by its labels, one that is gone by its topmost controller or by what Prometheus kept of its labels. Samples of the
 * latter go under the labels of a live pod of the target, and so into its aggregate; where none lives, under those that the selector asks for.
 */
export function createPodMatcher({ targets, live, blocks }: NamespacePods): (pod: string) => PodMatch {
  const representative = new Map<string, Labels | undefined>();
  const labelsFor = (target: HistoryTarget): Labels | undefined => {
    if (!representative.has(target.key)) representative.set(target.key, representativeLabels(target, live));
    return representative.get(target.key);
  };
  const matches = (wanted: readonly HistoryTarget[]): PodMatch => {
    const [first] = wanted;
    const labels = first === undefined ? undefined : labelsFor(first);
    return labels === undefined ? { found: false, why: 'no-target' } : { found: true, targets: wanted, labels };
  };
  return (pod) => {
    const labels = live.get(pod);
    if (labels !== undefined) {
      const wanted = targets.filter(({ selector }) => matchesSelector(selector, labels));
      return wanted.length === 0 ? { found: false, why: 'no-target' } : { found: true, targets: wanted, labels };
    }
    const controller = blocks.findLast(({ controllers }) => controllers.has(pod))?.controllers.get(pod);
    const byController = controller && targets.filter(({ kind, name }) => kind === controller.kind && name === controller.name);
    if (byController !== undefined && byController.length > 0) return matches(byController);
    const kept = blocks.findLast((block) => block.labels.has(pod))?.labels.get(pod);
    if (kept !== undefined) return matches(targets.filter(({ selector }) => matchesKept(selector, kept)));
    return { found: false, why: controller === undefined ? 'unknown-owner' : 'no-target' };
  };
}

function representativeLabels({ selector }: HistoryTarget, live: ReadonlyMap<string, Labels>): Labels | undefined {
  for (const name of [...live.keys()].toSorted()) {
    const labels = live.get(name);
    if (labels !== undefined && matchesSelector(selector, labels)) return labels;
  }
  const asked = Object.fromEntries(equalities(selector));
  return matchesSelector(selector, asked) ? asked : undefined;
}

/** As Prometheus must spell a label's name; two that differ only in what it cannot spell are one. */
function spelled(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_');
}

/** Only a selector of plain equalities can be compared with labels whose names were changed. */
function matchesKept(selector: Selector, kept: Readonly<Record<string, string>>): boolean {
  const asked = equalities(selector);
  return (
    !selector.matchesNothing &&
    asked.length > 0 &&
    asked.length === selector.requirements.length &&
    asked.every(([key, value]) => kept[spelled(key)] === value)
  );
}
