import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { matchesSelector, parseSelector, type Selector } from '../../core/model/selector.ts';
import { defaultHpaConfig } from '../config.ts';
import { compact, createTableContext, type PodGroup } from './pod-table.ts';
import { fakePods, now, podRecord } from './scene.fixture.ts';
import { createTargetGroups } from './target-groups.ts';
import { columnsOf } from './usage-columns.ts';
import type { UsageColumns } from '../../core/model/metrics-view.ts';
import { createUsageRows, readUsage } from './usage-rows.ts';

const namespaces = ['a', 'b'];
const texts = ['app=x', 'app=y', 'app in (x,z)', 'tier=web', 'app=x,tier=web', '!app', 'app!=y'];

/** One pod name may stand in both namespaces, and a pod may get other labels or go and come back. */
const podKey = fc.record({ namespace: fc.constantFrom(...namespaces), name: fc.integer({ min: 0, max: 40 }).map((at) => `p${at}`) });

const step = fc.record({
  pods: fc.uniqueArray(
    fc.record({
      key: podKey,
      app: fc.constantFrom('x', 'y', 'z'),
      tier: fc.constantFrom('web', 'db'),
      restarts: fc.integer({ min: 0, max: 1 }),
    }),
    { selector: ({ key }) => `${key.namespace}/${key.name}`, minLength: 8, maxLength: 40 },
  ),
  usage: fc.uniqueArray(fc.record({ key: podKey, cpuMilli: fc.integer({ min: 0, max: 1000 }) }), {
    selector: ({ key }) => `${key.namespace}/${key.name}`,
    minLength: 8,
    maxLength: 50,
  }),
  /** Answers mostly come in one order; some servers have none. */
  sorted: fc.boolean(),
  /** Whether the view has its usage in columns, which share their lists with those of the answer before when it lists the same. */
  columns: fc.boolean(),
  /** The same pods are listed as before, with other values. */
  repeated: fc.boolean(),
  selectors: fc.subarray(texts, { maxLength: 3 }),
});

interface Held {
  readonly group: PodGroup;
  readonly selector: Selector;
}

/** What the table says of a group against what is so. */
function expectGroup(
  { group, selector }: Held,
  found: { readonly pods: readonly PodRecord[]; readonly usage: ReadonlyMap<string, PodUsage> },
  at: ReturnType<typeof tables>,
): void {
  const wanted = found.pods.filter((pod) => pod.namespace === group.home.namespace && matchesSelector(selector, pod.labels));
  expect(group.records.map(({ uid, name }) => `${name} ${uid}`).toSorted()).toEqual(
    wanted.map(({ uid, name }) => `${name} ${uid}`).toSorted(),
  );
  expect(new Set(group.records)).toEqual(new Set(wanted));
  for (const [index, pod] of group.records.entries()) {
    const row = at.context.table.row[group.start + index]!;
    const usage = found.usage.get(`${pod.namespace}/${pod.name}`);
    const { columns } = at.rows;
    const cpuMilli = columns.cpuMilli[columns.firstContainer[row] ?? 0];
    const read = row < 0 ? undefined : { name: columns.names[row], namespace: columns.namespaces[row], cpuMilli };
    expect(read).toEqual(
      usage === undefined ? undefined : { name: pod.name, namespace: pod.namespace, cpuMilli: usage.containers[0]?.cpuMilli },
    );
  }
}

type Lists = Pick<UsageColumns, 'names' | 'namespaces' | 'containers' | 'firstContainer'>;

function listsOf(view: MetricsView): Lists {
  const { names, namespaces, containers, firstContainer } = columnsOf(view);
  return { names, namespaces, containers, firstContainer };
}

function withColumns(view: MetricsView, lists: Lists): MetricsView {
  const columns: UsageColumns = { ...columnsOf(view), ...lists };
  return Object.freeze({ ...view, columns: () => columns });
}

function tables() {
  const context = createTableContext(defaultHpaConfig.engine);
  return { context, groups: createTargetGroups(context), rows: createUsageRows() };
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A world in which pods, selectors and answers change step by step. */
function createWorld() {
  const at = tables();
  const source = fakePods();
  source.onDelta((change) => at.groups.apply(change));
  const held = new Map<string, Held>();
  let answered: readonly PodUsage[] = [];
  let lists: Lists | undefined;

  const movePods = ({ pods }: Step): void => {
    const before = new Map(source.items().map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
    const records = pods.map(({ key, app, tier, restarts }) => {
      const pod = podRecord({ ...key, app, labels: { tier }, readyAgo: restarts * 1000 });
      const old = before.get(`${key.namespace}/${key.name}`);
      // Unchanged pods stay the same object.
      return old !== undefined && old.labels === pod.labels && old.readySince === pod.readySince ? old : pod;
    });
    source.become(records);
  };

  const chooseSelectors = ({ selectors }: Step): void => {
    for (const [namespace, text] of namespaces.flatMap((name) => texts.map((each) => [name, each] as const))) {
      const id = `${namespace} ${text}`;
      const known = held.get(id);
      if (selectors.includes(text) && known === undefined) {
        const selector = parseSelector(text);
        held.set(id, { group: at.groups.acquire(namespace, { text, selector }, defaultHpaConfig.engine), selector });
      } else if (!selectors.includes(text) && known !== undefined) {
        at.groups.release(known.group);
        held.delete(id);
      }
    }
  };

  const answer = ({ usage, sorted, columns, repeated }: Step, turn: number): MetricsView => {
    const drawn = usage.map(({ key, cpuMilli }) => ({
      ...key,
      timestamp: now + turn,
      windowMs: 15_000,
      containers: [{ name: 'app', cpuMilli, memoryMilli: undefined }],
    }));
    if (sorted) drawn.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
    answered = repeated ? answered.map((each) => ({ ...each, timestamp: now + turn })) : drawn;
    const plain = plainView({ at: now, pods: answered });
    lists = repeated && lists !== undefined ? lists : listsOf(plain);
    return columns ? withColumns(plain, lists) : plain;
  };

  /** Takes the step; answers how many pods were looked at. */
  return (given: Step, turn: number): number => {
    movePods(given);
    chooseSelectors(given);
    const view = answer(given, turn);
    at.groups.refresh(() => source.items());
    compact(at.context.table, 4);
    readUsage(at.rows, at.context.table, view);
    const usage = new Map(answered.map((each) => [`${each.namespace}/${each.name}`, each]));
    let seen = 0;
    for (const known of held.values()) {
      const { group } = known;
      const others = [...held.values()].filter((other) => other !== known && other.group.home === group.home);
      const shared = group.records.some(({ labels }) => others.some(({ selector }) => matchesSelector(selector, labels)));
      expect(at.groups.isShared(group)).toBe(shared);
      // A pod of two groups may have its row in one of them only: such groups are left to the engine.
      if (shared) continue;
      expectGroup(known, { pods: source.items(), usage }, at);
      seen += group.records.length;
    }
    return seen;
  };
}

describe('pods of targets and their rows of usage', () => {
  it('are those that a look at everything would find, whatever comes, goes and changes places', { timeout: 120_000 }, () => {
    let seen = 0;
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const take = createWorld();
      for (const [turn, each] of steps.entries()) seen += take(each, turn);
    });
    fc.assert(property, { numRuns: 2000 });
    expect(seen).toBeGreaterThan(10_000);
  });
});
