import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { nodesExplanationText } from '../../output/nodes-explanation.ts';
import { nodesFrom } from '../nodes-from.ts';
import { readingOf } from '../recommend-from.ts';
import { readWanted } from './find-subject.ts';
import { explainNodesSubject, isNodesSubject } from './nodes-subject.ts';
import type { NodesExplanation } from './nodes-explanation.ts';
import { poolSnapshot, sceneNode, scenePod, type PoolScene } from './nodes-scene.fixture.ts';
import { poolItems } from './pool-items.ts';
import { settings, takenAt } from './scene.fixture.ts';

function explained(subject: string, scene: PoolScene): NodesExplanation {
  const wanted = readWanted(subject);
  if (wanted === undefined || !isNodesSubject(wanted)) throw new Error(`${subject} is none of ours`);
  const found = explainNodesSubject(poolSnapshot(scene), settings, { wanted, namespace: undefined });
  if (!found.ok) throw new Error(found.problem);
  return found.explanation;
}

function text(explanation: NodesExplanation): string {
  return nodesExplanationText(explanation, { colour: false, at: takenAt, from: 'snapshot scene.json' });
}

const full = { pods: [scenePod('old', { node: 'n0', cpu: '3800m' })] };

function refusals(scene: PoolScene): string[] {
  return explained('pod/new', scene).pod?.refusals.map(({ group, filter, change }) => `${group} ${filter}: ${change}`) ?? [];
}

describe('explain pod/…', () => {
  it('says which group helps', () => {
    const explanation = explained('pod/new', { pods: [...full.pods, scenePod('new')] });
    expect(explanation.pod).toMatchObject({ state: 'helped', group: 'general' });
    expect(text(explanation)).toContain('asks for cpu 500m, memory 1Gi');
  });

  it('says for each group what stands in the way and what would change that, the nearest first', () => {
    expect(refusals({ pods: [...full.pods, scenePod('new', { cpu: '5' })] })).toEqual([
      'general NodeResourcesFit: ask for 1 less cpu (it asks for 5, a new node has 4), or let the group have larger nodes',
      'gpu TaintToleration: give the pod a toleration for taint nvidia.com/gpu=true:NoSchedule',
    ]);
    expect(refusals({ pods: [...full.pods, scenePod('new', { spec: { nodeSelector: { pool: 'huge' } } })] })).toEqual([
      'gpu TaintToleration: give the pod a toleration for taint nvidia.com/gpu=true:NoSchedule',
      "general NodeAffinity: label its nodes pool=huge (they have general), or take it out of the pod's nodeSelector",
    ]);
    expect(refusals({ pods: [...full.pods, scenePod('new')], general: { maxSize: 1 } })[0]).toBe(
      'general null: raise its maximum, which is 1 (maxSize of the policy, and of the group in its cloud)',
    );
  });

  it('names the policy that leaves a group alone', () => {
    const paused: KubeObject = { metadata: { name: 'general' }, spec: { groups: [{ name: 'general' }], mode: 'Paused' } };
    expect(refusals({ pods: [...full.pods, scenePod('new')], policies: [paused] })[0]).toBe(
      'general null: NodePoolPolicy general is paused; set its mode to Auto, or remove its annotation, to act',
    );
  });

  it('says of a pod with a node that it waits for none', () => {
    expect(explained('pod/old', full).summary).toEqual(['Pod shop/old has a node, n0: it waits for none']);
  });
});

describe('explain node/…', () => {
  it('says how much of it is used', () => {
    const explanation = explained('node/n0', full);
    expect(explanation.node).toMatchObject({ group: 'general', reason: 'NotUnderutilized', pods: 1 });
    expect(text(explanation)).toContain('95 % of its cpu requested');
  });

  it('names the pod and the rule that keep it, and what to do', () => {
    const explanation = explained('node/n0', {
      nodes: [sceneNode('n0'), sceneNode('n1')],
      pods: [scenePod('bare', { node: 'n0', owned: false })],
    });
    expect(explanation.node).toMatchObject({ reason: 'BlockedByPod', blockedBy: { name: 'bare', reason: 'NotReplicated' } });
    expect(text(explanation)).toContain('because of pod shop/bare: NotReplicated');
    expect(text(explanation)).toContain('safe-to-evict: "true"');
  });

  it('names the budget that keeps it', () => {
    const budget: KubeObject = {
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: {}, minAvailable: 1 },
      status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    };
    const scene = { nodes: [sceneNode('n0'), sceneNode('n1')], pods: [scenePod('one', { node: 'n0' })], budgets: [budget] };
    expect(text(explained('node/n0', scene))).toContain('NotEnoughPdb (PodDisruptionBudget web)');
  });

  it('says when an unneeded one would go, counting from its soft taint', () => {
    const since = takenAt - 240_000;
    const taints = [{ key: 'DeletionCandidateOfClusterAutoscaler', value: String(since / 1000), effect: 'PreferNoSchedule' }];
    const explanation = explained('node/n1', { nodes: [sceneNode('n0'), sceneNode('n1', { taints })], pods: full.pods });
    expect(explanation.node).toMatchObject({
      unneededSince: '2026-11-22T05:56:00.000Z',
      reason: 'NotUnneededLongEnough',
      removableInSeconds: 360,
    });
    expect(text(explanation)).toContain('would be removed at 2026-11-22T06:06:00Z (6m left) if nothing changes');
  });

  it('says that a cooldown of its group holds it, out of what the controller has stored', () => {
    const memory = JSON.stringify({ version: 1, scalings: { general: { lastScaleUp: takenAt - 60_000 } } });
    const taints = [{ key: 'DeletionCandidateOfClusterAutoscaler', value: String(takenAt / 1000 - 900), effect: 'PreferNoSchedule' }];
    const explanation = explained('node/n1', { nodes: [sceneNode('n0'), sceneNode('n1', { taints })], pods: full.pods, memory });
    expect(explanation.node).toMatchObject({ reason: 'InCooldown', removableInSeconds: 240 });
  });
});

describe('explain npol/…', () => {
  const policy = (name: string, spec: object): KubeObject => ({ metadata: { name }, spec });

  it('shows the groups of a policy, what would be done, and what is odd', () => {
    const explanation = explained('npol/general', {
      pods: [...full.pods, scenePod('new')],
      policies: [policy('general', { groups: [{ name: 'general' }], maxSize: 20 })],
    });
    const shown = text(explanation);
    expect(shown).toMatch(/^NodePoolPolicy general\n {2}general grows from 1 to 2 nodes \(max 5\)\./);
    expect(shown).toContain('1 nodes asked for, between 0 and 5; 1 ready');
    expect(shown).toContain("note: maxSize 20 of the policy is outside of the group's own 0 to 5");
    expect(shown).toContain('a new node: cpu 4, memory 16Gi');
  });

  it('shows a conflict, and a policy that cannot be read', () => {
    const policies = [
      policy('a', { groups: [{ name: 'general' }] }),
      policy('b', { groups: [{ pattern: 'gen*' }] }),
      policy('c', { groups: [] }),
    ];
    expect(text(explained('npol/a', { policies }))).toContain('CONFLICT: general is selected by b too: it is left alone');
    expect(text(explained('nodepoolpolicy/c', { policies }))).toContain('WRONG: spec.groups: must have at least 1 entries');
  });
});

describe('what cannot be explained', () => {
  it('says that it does not know the node groups', () => {
    const { nodePools: _none, ...snapshot } = poolSnapshot();
    const found = explainNodesSubject(snapshot, settings, { wanted: { kind: 'node', name: 'n0', text: 'node/n0' }, namespace: undefined });
    expect(found).toMatchObject({ ok: false, why: 'missing', problem: expect.stringContaining('--cloud-provider') as string });
  });

  it('says that there is no such thing', () => {
    for (const subject of ['pod/none', 'node/none', 'npol/none']) {
      const wanted = readWanted(subject);
      if (wanted === undefined) throw new Error('unreadable');
      expect(explainNodesSubject(poolSnapshot(), settings, { wanted, namespace: undefined })).toMatchObject({
        ok: false,
        problem: `there is no "${subject}"`,
      });
    }
  });
});

describe('poolItems', () => {
  const items = (scene: PoolScene) => {
    const snapshot = poolSnapshot(scene);
    const outlook = nodesFrom(snapshot, settings, readingOf(snapshot, settings));
    return outlook === undefined ? [] : poolItems(outlook);
  };

  it('has a row for each group, with what it would have', () => {
    expect(
      items({ pods: [...full.pods, scenePod('new')] }).map(({ target, from, to, reason, dimension }) => [
        target.name,
        from,
        to,
        reason,
        dimension,
      ]),
    ).toEqual([
      ['general', 1, 2, 'ScaledUpGroup', 'nodes'],
      ['gpu', 0, 0, 'NotNeeded', 'nodes'],
    ]);
  });

  it('has one for a policy that selects nothing', () => {
    const policies = [{ metadata: { name: 'typo' }, spec: { groups: [{ name: 'genral' }] } }];
    expect(items({ policies }).at(-1)).toMatchObject({ subject: { name: 'typo' }, reason: 'NoGroupMatched' });
  });
});
