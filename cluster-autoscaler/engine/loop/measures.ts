import type { LoopContext } from './context.ts';
import type { EstimateMeasure, LoopMeasures } from './model.ts';
import type { Progress } from './progress.ts';

/** What a loop is measured by, besides what its report tells people. */
export function measuresOf(loop: LoopContext, progress: Progress): LoopMeasures {
  const { help, scaleDownResult, limited } = progress;
  return {
    overflowingControllers: help?.overflowingControllers,
    podsNotTried: help?.notTried,
    estimates: estimatesOf(loop, progress),
    limited: [
      ...limited.map((resource) => ({ direction: 'up', resource }) as const),
      ...(scaleDownResult?.limited ?? []).map((resource) => ({ direction: 'down', resource }) as const),
    ],
    skippedNodes: scaleDownResult?.skippedNodes,
  };
}

/** Options of the expander `cost` come of one mix: nothing was estimated for them. */
function estimatesOf({ templates }: LoopContext, { scaleUps }: Progress): readonly EstimateMeasure[] {
  return scaleUps.flatMap(({ options }) =>
    options.flatMap(({ group, podGroups, namespaces }): readonly EstimateMeasure[] => {
      const node = templates.byGroup.get(group)?.node;
      if (node === undefined || podGroups === undefined || namespaces === undefined) return [];
      return [
        { instanceType: node.labels['node.kubernetes.io/instance-type'] ?? '', cpu: node.capacity['cpu'] ?? 0, podGroups, namespaces },
      ];
    }),
  );
}
