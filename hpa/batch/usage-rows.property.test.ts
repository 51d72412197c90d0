import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { PodUsage } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { matchesSelector, parseSelector, type Selector } from '../../core/model/selector.ts';
import { defaultHpaConfig } from '../config.ts';
import { compact, createTableContext, type PodGroup } from './pod-table.ts';
import { fakePods, now, podRecord } from './scene.fixture.ts';
import { createTargetGroups } from './target-groups.ts';
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

function tables() {
  const context = createTableContext(defaultHpaConfig.engine);
  return { context, groups: createTargetGroups(context), rows: createUsageRows() };
}

describe('pods of targets and their rows of usage', () => {
  it('are those that a look at everything would find, whatever comes, goes and changes places', { timeout: 120_000 }, () => {
    let withUsage = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const at = tables();
        const source = fakePods();
        source.onDelta((change) => at.groups.apply(change));
        let records = new Map<string, PodRecord>();
        const held = new Map<string, Held>();
        for (const [turn, { pods, usage, sorted, selectors }] of steps.entries()) {
          const before = records;
          records = new Map();
          for (const { key, app, tier, restarts } of pods) {
            const id = `${key.namespace}/${key.name}`;
            const pod = podRecord({ ...key, app, labels: { tier }, readyAgo: restarts * 1000 });
            const old = before.get(id);
            // Unchanged pods stay the same object.
            records.set(id, old !== undefined && old.labels === pod.labels && old.readySince === pod.readySince ? old : pod);
          }
          source.become([...records.values()]);
          for (const namespace of namespaces) {
            for (const text of texts) {
              const known = held.get(`${namespace} ${text}`);
              if (selectors.includes(text) && known === undefined) {
                const selector = parseSelector(text);
                held.set(`${namespace} ${text}`, {
                  group: at.groups.acquire(namespace, { text, selector }, defaultHpaConfig.engine),
                  selector,
                });
              } else if (!selectors.includes(text) && known !== undefined) {
                at.groups.release(known.group);
                held.delete(`${namespace} ${text}`);
              }
            }
          }
          const listed = usage.map(({ key, cpuMilli }) => ({
            ...key,
            timestamp: now + turn,
            windowMs: 15_000,
            containers: [{ name: 'app', cpuMilli, memoryMilli: undefined }],
          }));
          if (sorted) listed.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
          at.groups.refresh(() => source.items());
          compact(at.context.table, 4);
          readUsage(at.rows, at.context.table, plainView({ at: now, pods: listed }));
          const usageByKey = new Map(listed.map((each) => [`${each.namespace}/${each.name}`, each]));
          for (const known of held.values()) {
            const { group } = known;
            const others = [...held.values()].filter((other) => other !== known && other.group.home.namespace === group.home.namespace);
            const shared = group.records.some(({ labels }) => others.some(({ selector }) => matchesSelector(selector, labels)));
            expect(at.groups.isShared(group)).toBe(shared);
            // A pod of two groups may have its row in one of them only: such groups are left to the engine.
            if (shared) continue;
            expectGroup(known, { pods: [...records.values()], usage: usageByKey }, at);
            withUsage += group.records.length;
          }
        }
      }),
      { numRuns: 2500 },
    );
    expect(withUsage).toBeGreaterThan(10_000);
  });
});
