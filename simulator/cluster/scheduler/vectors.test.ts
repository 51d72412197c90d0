import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { KubeNode, Pod } from '../controllers/kinds.ts';
import { filterNode, startCycle } from './cycle.ts';
import { createNodeTable } from './node-table.ts';
import { createPodCompiler } from './pod-info.ts';

interface FilterCase {
  readonly id: string;
  readonly kind: string;
  readonly description: string;
  readonly namespaces?: readonly { metadata: { name: string; labels?: Record<string, string> } }[];
  readonly nodes: readonly { node: KubeNode; pods: readonly Pod[] }[];
  readonly pod: Pod;
  readonly expected: readonly { node: string; fits: boolean; plugin?: string; reasons?: readonly string[] }[];
}

/** Verdicts of the real scheduler; the files belong to the conformance room. */
function load(name: string): FilterCase[] | undefined {
  const path = fileURLToPath(new URL(`../../../test/conformance/vectors/${name}.json`, import.meta.url));
  if (!existsSync(path)) return undefined;
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: FilterCase[] };
  return cases.filter(({ kind }) => kind === 'node-filter');
}

function verdicts(scene: FilterCase): { node: string; fits: boolean; plugin?: string; reasons: readonly string[] }[] {
  const table = createNodeTable();
  const compiler = createPodCompiler();
  let serial = 0;
  const named = (pod: Pod): Pod => ({
    ...pod,
    metadata: { ...pod.metadata, namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name ?? `unnamed-${serial++}` },
  });
  for (const { node, pods } of scene.nodes) {
    table.setNode(node);
    for (const pod of pods ?? []) table.addPod(compiler.compile(named(pod)), node.metadata.name);
  }
  const labels = new Map(
    (scene.namespaces ?? [{ metadata: { name: 'default' } }]).map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
  );
  const cycle = startCycle(compiler.compile(named(scene.pod)), table, (namespace) => labels.get(namespace));
  return scene.nodes.map(({ node }) => {
    const info = table.byName(node.metadata.name);
    const rejection = info === undefined ? undefined : filterNode(cycle, info);
    return {
      node: node.metadata.name,
      fits: rejection === undefined,
      ...(rejection && { plugin: rejection.plugin }),
      reasons: rejection?.reasons ?? [],
    };
  });
}

for (const name of ['ca-scheduling-fit', 'ca-scheduling-predicates']) {
  const cases = load(name);
  describe(`filters against the real scheduler: ${name}`, () => {
    it.skipIf(cases === undefined)(`agree on every node (skipped when test/conformance/vectors/${name}.json is not there)`, () => {
      expect(cases?.length).toBeGreaterThan(50);
      const wrong = (cases ?? []).flatMap((scene) => {
        const ours = verdicts(scene).map(({ node, fits, plugin }) => `${node} ${plugin ?? String(fits)}`);
        const theirs = scene.expected.map(({ node, fits, plugin }) => `${node} ${plugin ?? String(fits)}`);
        return ours.join() === theirs.join() ? [] : [`${scene.id} ${scene.description}: ours ${ours.join()}, theirs ${theirs.join()}`];
      });
      expect(wrong).toEqual([]);
    });
  });
}

const predicates = load('ca-scheduling-predicates');
describe('texts of rejections', () => {
  it.skipIf(predicates === undefined)('are upstream’s but for taints, whose text changed in 1.34', () => {
    const ours: string[] = [];
    const theirs: string[] = [];
    for (const scene of predicates ?? []) {
      const found = verdicts(scene);
      for (const [at, { plugin, reasons }] of scene.expected.entries()) {
        if (reasons === undefined || plugin === 'TaintToleration') continue;
        theirs.push(`${scene.id} ${reasons.join()}`);
        ours.push(`${scene.id} ${found[at]?.reasons.join() ?? ''}`);
      }
    }
    expect(theirs.length).toBeGreaterThan(20);
    expect(ours).toEqual(theirs);
  });
});
