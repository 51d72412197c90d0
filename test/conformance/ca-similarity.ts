import { createInterner, projectNode, projectPod, type KubeObject } from '../../core/model/index.ts';
import type { NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import { awsIgnoredLabels, createSimilarity } from '../../cluster-autoscaler/engine/scale-up/index.ts';
import type { VectorCase, VectorRunner } from './runners.ts';

interface Side {
  readonly node: object;
  readonly pods: readonly object[];
}

interface SimilarityCase {
  readonly comparator: 'generic' | 'aws' | 'labels';
  readonly extraIgnoredLabels: readonly string[];
  readonly balancingLabels: readonly string[];
  readonly a: Side;
  readonly b: Side;
  readonly expected: { readonly similar: boolean };
}

/** Cases of `ca-similarity.json`: whether two templates are similar, asked in both directions. */
export const similarityRunner: VectorRunner = (vector: VectorCase) => {
  const { comparator, extraIgnoredLabels, balancingLabels, a, b, expected } = vector as unknown as SimilarityCase;
  const isSimilar = createSimilarity({
    labels: comparator === 'labels' ? balancingLabels : [],
    ignoredLabels: [...(comparator === 'aws' ? awsIgnoredLabels : []), ...extraIgnoredLabels],
    memoryDifferenceRatio: 0.015,
    maxFreeDifferenceRatio: 0.05,
    maxAllocatableDifferenceRatio: 0.05,
  });
  const [left, right] = [templateOf(a), templateOf(b)];
  return [
    [isSimilar(left, right), 'a and b'],
    [isSimilar(right, left), 'b and a'],
  ].flatMap(([similar, what]) => (similar === expected.similar ? [] : [`${what}: expected ${expected.similar}, got ${similar}`]));
};

function templateOf({ node, pods }: Side): NodeTemplate {
  const interner = createInterner();
  const raw = { apiVersion: 'v1', kind: 'Node', ...node } as KubeObject;
  return {
    node: projectNode({ ...raw, metadata: { ...raw.metadata, name: raw.metadata?.name ?? 'node' } }, interner),
    pods: pods.map((pod, index) => {
      const fragment = pod as Partial<KubeObject>;
      return projectPod({ apiVersion: 'v1', kind: 'Pod', ...fragment, metadata: { ...fragment.metadata, name: `pod-${index}` } }, interner);
    }),
  };
}
