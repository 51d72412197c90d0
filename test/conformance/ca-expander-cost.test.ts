import { describe, expect, it } from 'vitest';
import { checkPlan } from '../bench/karpenter-check.ts';
import { planKarpenter } from '../bench/karpenter-plan.ts';
import { drawPods } from '../bench/karpenter-workload.ts';

/** Karpenter's own sums for 1,000 pods (specs/peers.md, part 1): 663.35 vCPU and 1,341,084 Mi. Its cheapest run costs 343. */
describe('the mix for Karpenter’s workload', () => {
  it('is drawn as Karpenter draws it', async () => {
    const drawn = await drawPods(1000);
    expect(drawn.reduce((sum, { cpu }) => sum + cpu, 0)).toBe(663_350);
    expect(drawn.reduce((sum, { memMi }) => sum + memMi, 0)).toBe(1_341_084);
  });

  it.each(['every-zone', 'one-zone'] as const)(
    'helps all of 1,000 pods, keeps every rule and costs less than Karpenter’s (%s)',
    async (how) => {
      const drawn = await drawPods(1000);
      const { nodes, placements, price, bound, left } = planKarpenter(drawn, how);
      expect(left).toBe(0);
      expect(placements).toHaveLength(1000);
      expect(checkPlan(drawn, nodes, placements)).toEqual([]);
      expect(price).toBeLessThan(343);
      expect(price).toBeGreaterThanOrEqual(bound);
    },
  );

  it('is checked by rules that can be broken', async () => {
    const drawn = await drawPods(1000);
    const { nodes, placements } = planKarpenter(drawn, 'every-zone');
    const onOne = placements.map(({ pod }) => ({ pod, node: 0 }));
    const problems = checkPlan(drawn, nodes, onOne);
    for (const rule of [/cpu \d+ \+/, /memory \d+ \+/, /pods of/, /skew \d+ over zone/, /skew \d+ over hostname/, /another such pod/]) {
      expect(problems.some((problem) => rule.test(problem))).toBe(true);
    }
    const [first, ...others] = placements.filter(({ pod }) => drawn[pod]?.kind === 'affinity' && drawn[pod]?.label === 'a');
    const elsewhere = nodes.findIndex(({ zone }) => zone !== nodes[first!.node]!.zone);
    const moved = placements.map((each) => (each === others[0] ? { pod: each.pod, node: elsewhere } : each));
    expect(checkPlan(drawn, nodes, moved).some((problem) => problem.includes('no pod with a in'))).toBe(true);
    expect(checkPlan(drawn, nodes, [first!, first!]).some((problem) => problem.includes('placed twice'))).toBe(true);
  });
});
