import { describe, expect, it } from 'vitest';
import { Percent } from '../units/percent.ts';
import { createInterner } from './interner.ts';
import { projectNode, tolerates, untoleratedTaint } from './node.ts';
import { projectPdb } from './pdb.ts';
import { addResources, firstMisfit, maxResources } from './resource-list.ts';
import { formatSelector, matchesSelector } from './selector.ts';
import { projectWorkload } from './workload.ts';

const interner = createInterner();

describe('projectNode', () => {
  it('reads capacity, taints, conditions and topology', () => {
    const node = projectNode(
      {
        metadata: {
          name: 'n1',
          uid: 'u',
          labels: { 'topology.kubernetes.io/zone': 'eu-1a', 'beta.kubernetes.io/instance-type': 'm5.large' },
          creationTimestamp: '2026-01-01T00:00:00Z',
        },
        spec: { taints: [{ key: 'spot', effect: 'NoSchedule' }], unschedulable: true, providerID: 'aws:///eu-1a/i-1' },
        status: {
          capacity: { cpu: '2', memory: '8Gi', pods: '110' },
          allocatable: { cpu: '1930m', memory: '7Gi', pods: '110' },
          conditions: [
            { type: 'MemoryPressure', status: 'True' },
            { type: 'DiskPressure', status: 'False' },
            { type: 'Ready', status: 'Unknown', lastTransitionTime: '2026-01-01T00:01:00Z' },
          ],
        },
      },
      interner,
    );
    expect(node).toMatchObject({
      name: 'n1',
      capacity: { cpu: 2000, memory: 8_589_934_592_000, pods: 110_000 },
      allocatable: { cpu: 1930, memory: 7_516_192_768_000, pods: 110_000 },
      ready: 'Unknown',
      readySince: Date.UTC(2026, 0, 1, 0, 1),
      problems: ['MemoryPressure'],
      unschedulable: true,
      providerId: 'aws:///eu-1a/i-1',
      zone: 'eu-1a',
      region: '',
      instanceType: 'm5.large',
      created: Date.UTC(2026, 0, 1),
    });
  });

  it('takes capacity for allocatable while the kubelet has said nothing else, and Unknown for no Ready condition', () => {
    const node = projectNode({ metadata: { name: 'n' }, status: { capacity: { cpu: '4' } } }, interner);
    expect(node).toMatchObject({ allocatable: { cpu: 4000 }, ready: 'Unknown', taints: [], zone: '' });
  });
});

describe('taints', () => {
  const taint = { key: 'spot', value: 'yes', effect: 'NoSchedule' };

  it.each([
    [{ key: 'spot', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }, true],
    [{ key: 'spot', value: 'yes' }, true],
    [{ key: 'spot', value: 'no' }, false],
    [{ key: 'spot', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ operator: 'Equal', value: 'yes' }, false],
  ])('%j: %s', (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });

  it('keep a pod away unless they only prefer to', () => {
    expect(untoleratedTaint([{ key: 'a', effect: 'PreferNoSchedule' }, taint], [])).toBe(taint);
    expect(untoleratedTaint([{ key: 'a', effect: 'PreferNoSchedule' }], [])).toBeUndefined();
    expect(untoleratedTaint([taint], [{ operator: 'Exists' }])).toBeUndefined();
  });
});

describe('projectWorkload', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', resources: { requests: { cpu: '1' } } }] } };

  it('reads a Deployment from a list, which does not say its kind', () => {
    const workload = projectWorkload(
      {
        metadata: { name: 'web', namespace: 'shop', uid: 'd', generation: 3 },
        spec: { replicas: 4, selector: { matchLabels: { app: 'web' } }, template },
        status: { replicas: 5, readyReplicas: 3, updatedReplicas: 2, observedGeneration: 2 },
      },
      interner,
      { apiVersion: 'apps/v1', kind: 'Deployment' },
    );
    expect(workload).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      specReplicas: 4,
      statusReplicas: 5,
      readyReplicas: 3,
      updatedReplicas: 2,
      generation: 3,
      observedGeneration: 2,
      templateLabels: { app: 'web' },
      shape: { requests: { cpu: 1000 } },
    });
    expect(formatSelector(workload.selector)).toBe('app=web');
  });

  it('knows the other kinds', () => {
    const daemonSet = projectWorkload(
      { kind: 'DaemonSet', metadata: { name: 'd' }, spec: { template }, status: { currentNumberScheduled: 7, numberReady: 6 } },
      interner,
    );
    expect(daemonSet).toMatchObject({ specReplicas: undefined, statusReplicas: 7, readyReplicas: 6 });
    const job = projectWorkload({ kind: 'Job', metadata: { name: 'j' }, spec: { parallelism: 3 }, status: { active: 2 } }, interner);
    expect(job).toMatchObject({ specReplicas: 3, statusReplicas: 2, shape: undefined });
    expect(projectWorkload({ kind: 'Deployment', metadata: { name: 'x' }, spec: {} }, interner).specReplicas).toBe(1);
  });

  it('reads the plain selector of a ReplicationController, which must not match everything', () => {
    const { selector } = projectWorkload(
      { kind: 'ReplicationController', metadata: { name: 'rc' }, spec: { selector: { app: 'old' } } },
      interner,
    );
    expect(formatSelector(selector)).toBe('app=old');
    const none = projectWorkload({ kind: 'Job', metadata: { name: 'j' }, spec: {} }, interner);
    expect(matchesSelector(none.selector, { any: 'thing' })).toBe(false);
  });
});

describe('projectPdb', () => {
  it('reads counts, shares and status', () => {
    const pdb = projectPdb(
      {
        metadata: { name: 'p', namespace: 'shop', generation: 2 },
        spec: { minAvailable: '50%', selector: { matchLabels: { app: 'web' } } },
        status: {
          disruptionsAllowed: 1,
          currentHealthy: 3,
          desiredHealthy: 2,
          expectedPods: 4,
          observedGeneration: 2,
          disruptedPods: { 'web-1': '2026-01-01T00:00:00Z' },
        },
      },
      interner,
    );
    expect(pdb).toMatchObject({
      minAvailable: Percent.of(50),
      maxUnavailable: undefined,
      disruptionsAllowed: 1,
      disruptedPods: ['web-1'],
      unhealthyPodEvictionPolicy: 'IfHealthyBudget',
    });
    expect(projectPdb({ metadata: { name: 'p' }, spec: { maxUnavailable: 0 } }, interner).maxUnavailable).toBe(0);
  });
});

describe('resource lists', () => {
  it('add, compare and fit', () => {
    expect(addResources({ cpu: 1 }, { cpu: 2, memory: 3 })).toEqual({ cpu: 3, memory: 3 });
    expect(maxResources({ cpu: 1, pods: 4 }, { cpu: 2 })).toEqual({ cpu: 2, pods: 4 });
    expect(firstMisfit({ cpu: 5, memory: 1 }, { cpu: 5, memory: 0 })).toBe('memory');
    expect(firstMisfit({ cpu: 5, gpu: 0 }, { cpu: 5 })).toBeUndefined();
  });
});
