import type { NodeRecord } from '../../../core/model/index.ts';
import type { Instance, NodeGroup } from '../model.ts';
import type { MutableReadiness, Readiness } from './readiness.ts';
import { classify, count, emptyReadiness } from './readiness.ts';

/** Longest startup of a node that no group knows, milliseconds (upstream's default). */
const defaultMaxStartupMs = 900_000;

/** All nodes and instances by class. */
export interface Stock {
  readonly total: Readiness;
  /** Only groups of which a node or an instance is known. */
  readonly byGroup: ReadonlyMap<string, Readiness>;
  /** First sight of the instances that have no node, by id. */
  readonly unregistered: ReadonlyMap<string, number>;
}

export interface StockFacts {
  readonly now: number;
  readonly nodes: readonly NodeRecord[];
  readonly resourceUnready: ReadonlySet<string>;
  readonly groups: readonly NodeGroup[];
  readonly groupOf: (node: NodeRecord) => string | undefined;
  readonly isGone: (node: NodeRecord) => boolean;
}

/** Counts nodes (§4.1) and instances without a node (§4.2). */
export function takeStock(seenBefore: ReadonlyMap<string, number>, facts: StockFacts): Stock {
  const { now, nodes, groups } = facts;
  const total = emptyReadiness();
  const byGroup = new Map<string, MutableReadiness>();
  const groupsById = new Map(groups.map((group) => [group.id, group]));
  const ofGroup = (id: string): MutableReadiness => {
    let readiness = byGroup.get(id);
    if (readiness === undefined) byGroup.set(id, (readiness = emptyReadiness()));
    return readiness;
  };

  const registered = new Set<string>();
  for (const node of nodes) {
    registered.add(node.providerId);
    const group = groupsById.get(facts.groupOf(node) ?? '');
    const maxStartupMs = group?.options.maxStartupMs ?? defaultMaxStartupMs;
    const as = classify(node, { gone: facts.isGone(node), maxStartupMs, now });
    const lists = group === undefined ? [total] : [total, ofGroup(group.id)];
    for (const readiness of lists) {
      count(readiness, node.name, as);
      if (as === 'unready' && facts.resourceUnready.has(node.name)) readiness.resourceUnready.push(node.name);
    }
  }

  const unregistered = new Map<string, number>();
  for (const group of groups) {
    for (const { id } of group.instances.filter((instance) => isExpected(instance) && !registered.has(instance.id))) {
      const since = seenBefore.get(id) ?? now;
      unregistered.set(id, since);
      const as = since + group.options.maxProvisionMs < now ? 'long-unregistered' : 'unregistered';
      count(total, id, as);
      count(ofGroup(group.id), id, as);
    }
  }
  return { total, byGroup, unregistered };
}

/** It should have a node, or get one soon. */
function isExpected({ state, failure }: Instance): boolean {
  return state !== 'deleting' && failure === undefined;
}
