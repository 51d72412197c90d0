import type { LoopReport } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { RecordedSizeCall } from '../../simulator/backtest/nodes-recording.ts';
import type { Expected } from './ca-trajectory-vector.ts';

/** What our loop did, in the words of the vectors. */
export interface Observed {
  readonly t: number;
  readonly increases: readonly RecordedSizeCall[];
  readonly decreases: readonly RecordedSizeCall[];
  /** Instances without a node that were to be deleted. */
  readonly deleted: readonly { readonly node: string; readonly refused: boolean }[];
  readonly targets: ReadonlyMap<string, number>;
  readonly report: LoopReport;
  readonly shapeOf: (uid: string) => string;
}

/** Everything that differs from what upstream did in the same loop, one text each. */
export function differencesOf(expected: Expected, observed: Observed): readonly string[] {
  const { report } = observed;
  const got: Readonly<Record<string, unknown>> = {
    scaleUpResult: report.scaleUpOutcomes,
    clusterUnhealthy: !report.clusterHealthy,
    error: report.error !== undefined,
    blocked: Object.fromEntries(report.groups.flatMap((group) => blockOf(group))),
    options: Object.fromEntries(
      report.options.map(({ group, nodes, pods, similar }) => [
        group,
        { nodes, pods, ...(similar.length > 0 ? { similar: similar.toSorted() } : {}) },
      ]),
    ),
    chosen: report.chosen.flatMap(({ group, similar }) => [group, ...similar]).toSorted(),
    helped: helpedOf(observed),
    scaleUp: sums(observed.increases.filter(({ refused }) => refused !== true)),
    scaleUpRefused: observed.increases.some(({ refused }) => refused === true) ? observed.increases : [],
    decreased: observed.decreases,
    targetSizes: Object.fromEntries(observed.targets),
    deletionStarted: startedOf(report),
    deleted: observed.deleted.map(({ node, refused }) => ({ node, ...(refused ? { refused } : {}) })).toSorted(byNode),
    unneeded: report.groups.flatMap(({ candidates }) => candidates).toSorted(),
  };
  const started = new Set(report.deletions.map(({ node }) => node));
  const wanted: Readonly<Record<string, unknown>> = {
    scaleUpResult: expected.scaleUpResult,
    clusterUnhealthy: expected.clusterUnhealthy === true,
    error: expected.error !== undefined,
    blocked: expected.blocked ?? {},
    options: expected.options ?? {},
    chosen: expected.chosen ?? [],
    helped: expected.helped ?? {},
    scaleUp: expected.scaleUp ?? {},
    scaleUpRefused: expected.scaleUpRefused ?? [],
    decreased: expected.decreased ?? [],
    targetSizes: expected.targetSizes,
    deletionStarted: {
      empty: (expected.deletionStarted?.empty ?? []).toSorted(),
      drain: (expected.deletionStarted?.drain ?? []).toSorted(),
    },
    // Later ones are of deletions in the background.
    deleted: (expected.deleted ?? [])
      .filter(({ t, node }) => t === observed.t && !started.has(node))
      .map(({ node, refused }) => ({ node, ...(refused === true ? { refused } : {}) }))
      .toSorted(byNode),
    unneeded: (expected.unneeded ?? []).toSorted(),
  };
  return Object.keys(wanted).flatMap((field) => {
    const [want, have] = [stable(wanted[field]), stable(got[field])];
    return want === have ? [] : [`${field}: expected ${want}, got ${have}`];
  });
}

function blockOf({ group, health, backoff }: LoopReport['groups'][number]): readonly (readonly [string, string])[] {
  if (health === 'unhealthy') return [[group, 'unhealthy']];
  return backoff === undefined ? [] : [[group, 'backoff']];
}

function helpedOf({ report, shapeOf }: Observed): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const uid of report.helped) counts[shapeOf(uid)] = (counts[shapeOf(uid)] ?? 0) + 1;
  return counts;
}

function sums(calls: readonly RecordedSizeCall[]): Readonly<Record<string, number>> {
  const total: Record<string, number> = {};
  for (const { group, delta } of calls) total[group] = (total[group] ?? 0) + delta;
  return total;
}

function startedOf({ deletions }: LoopReport): { readonly empty: readonly string[]; readonly drain: readonly string[] } {
  const names = (kind: 'empty' | 'drain') =>
    deletions
      .filter((each) => each.kind === kind)
      .map(({ node }) => node)
      .toSorted();
  return { empty: names('empty'), drain: names('drain') };
}

function byNode(a: { readonly node: string }, b: { readonly node: string }): number {
  return a.node < b.node ? -1 : Number(a.node > b.node);
}

/** JSON with the keys of objects in order. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
