import { expect, test } from 'vitest';
import { policyStatus } from '../../cluster-autoscaler/controller/policy-report.ts';
import { groupReport, loopReport, nodeReport } from '../../cluster-autoscaler/controller/loop-report.fixture.ts';
import { resolveGroup } from '../../cluster-autoscaler/controller/group-options.ts';
import { assignGroups } from '../../cluster-autoscaler/policy-groups.ts';
import { defaultGroupOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { NodeReport } from '../../cluster-autoscaler/engine/loop/model.ts';

const now = Date.UTC(2026, 0, 1, 12);

function keptOf(nodes: readonly NodeReport[]) {
  const providerGroup = { id: 'g', minSize: 0, maxSize: 5, targetSize: 3, options: {}, notes: [] };
  const policy = {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'NodePoolPolicy',
    metadata: { name: 'p', uid: 'p', generation: 1, resourceVersion: '1' },
    spec: { groups: [{ name: 'g' }] },
  };
  const assignment = assignGroups([policy], [providerGroup]);
  const group = resolveGroup(
    { group: providerGroup, instances: [], template: { problem: '' } },
    { now, defaults: defaultGroupOptions, claim: assignment.claimOf('g'), history: {}, hold: undefined },
  );
  const [entry] = assignment.entries;
  if (entry === undefined) throw new Error('no policy');
  const report = loopReport(now, { groups: [groupReport('g')], nodes });
  return policyStatus({ entry, report, groups: new Map([['g', group]]), historyOf: () => ({}), previous: {} }).groups?.[0]?.kept;
}

// A node whose removal was simulated in vain is not looked at again for five minutes. Meanwhile the status gave `RecentlyUnremovable` as the reason why it stays,
// which says nothing of why; a loop in five minutes told the truth, and the status was written twice each time.
test('the status says why a node stays, and when it is looked at again', () => {
  const blockedBy = { namespace: 'default', name: 'db', reason: 'NotEnoughPdb', pdb: 'db' } as const;
  const found = { reason: 'BlockedByPod', againAt: now + 200_500 } as const;
  const fresh = keptOf([nodeReport('n1', { group: 'g', unremovable: 'BlockedByPod', blockedBy, found })]);
  const later = keptOf([nodeReport('n1', { group: 'g', unremovable: 'RecentlyUnremovable', blockedBy, found })]);
  expect(later).toEqual([
    { reason: 'BlockedByPod', nodes: 1, example: 'n1: pod default/db, NotEnoughPdb (db); looked at again after 2026-01-01T12:03:21Z' },
  ]);
  expect(fresh).toEqual(later);
});

test('nodes that stay for one reason are counted together, whenever that was found', () => {
  const noPlace = { reason: 'NoPlaceToMovePods', againAt: now } as const;
  expect(
    keptOf([
      nodeReport('n1', { group: 'g', unremovable: 'RecentlyUnremovable', found: noPlace }),
      nodeReport('n2', { group: 'g', unremovable: 'NoPlaceToMovePods', found: { ...noPlace, againAt: now + 60_000 } }),
      nodeReport('n3', { group: 'g', unremovable: 'NotUnderutilized' }),
    ]),
  ).toEqual([
    { reason: 'NoPlaceToMovePods', nodes: 2, example: 'n1: NoPlaceToMovePods; looked at again after 2026-01-01T12:00:00Z' },
    { reason: 'NotUnderutilized', nodes: 1, example: 'n3: NotUnderutilized' },
  ]);
});
