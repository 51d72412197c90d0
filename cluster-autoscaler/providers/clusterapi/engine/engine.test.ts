import { describe, expect, it } from 'vitest';
import { createInterner, type KubeObject } from '../../../../core/model/index.ts';
import { isAllowed, parseCapiDiscovery } from './discovery.ts';
import { instanceId, instanceOf, ownerGroup } from './machines.ts';
import { keysOf } from './names.ts';
import { projectMachine, projectScalable } from './records.ts';
import { buildCapiTemplate, canGrowFromZero } from './template.ts';

const keys = keysOf('cluster.x-k8s.io');
const machine = (more: Partial<KubeObject> = {}): ReturnType<typeof projectMachine> =>
  projectMachine({ metadata: { name: 'm', namespace: 'n' }, ...more });

describe('--node-group-auto-discovery of Cluster API', () => {
  it('names namespace, cluster and labels', () => {
    expect(parseCapiDiscovery('clusterapi:namespace=a,clusterName=b,c=d=e')).toEqual({
      namespace: 'a',
      clusterName: 'b',
      labels: { c: 'd=e' },
    });
    expect(parseCapiDiscovery('clusterapi:')).toEqual({ namespace: undefined, clusterName: undefined, labels: {} });
  });

  it.each(['', 'clusterapi', 'asg:tag=x', 'clusterapi:namespace', 'clusterapi:namespace=', 'clusterapi:a=b,', 'clusterapi:=b'])(
    'refuses %j',
    (text) => {
      expect(() => parseCapiDiscovery(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    },
  );

  it('allows what one of several allows, the cluster by its field or its label', () => {
    const record = projectScalable('MachineSet', {
      metadata: { name: 's', namespace: 'n', labels: { 'cluster.x-k8s.io/cluster-name': 'main', team: 'a' } },
    });
    const allowed = (...texts: readonly string[]): boolean => isAllowed(record, texts.map(parseCapiDiscovery), keys);
    expect(allowed()).toBe(true);
    expect(allowed('clusterapi:clusterName=main')).toBe(true);
    expect(allowed('clusterapi:clusterName=main,team=b')).toBe(false);
    expect(allowed('clusterapi:namespace=x', 'clusterapi:team=a')).toBe(true);
  });
});

describe('a machine', () => {
  it.each([
    ['pending-machine-n_m', 'creating', undefined, {}],
    ['p://1', 'creating', undefined, { spec: { providerID: 'p://1' } }],
    ['p://1', 'running', undefined, { spec: { providerID: 'p://1' }, status: { nodeRef: { name: 'x' }, failureMessage: 'later' } }],
    ['failed-machine-n_m', 'creating', 'other', { status: { failureReason: 'InvalidConfiguration', failureMessage: 'no such image' } }],
    [
      'failed-machine-n_m',
      'creating',
      'out-of-resources',
      { status: { deprecated: { v1beta1: { failureMessage: 'InsufficientInstanceCapacity' } } } },
    ],
    ['failed-machine-n_m', 'creating', 'other', { status: { phase: 'Failed' } }],
    ['deleting-machine-n_m', 'deleting', undefined, { status: { phase: 'Deleting' } }],
  ] as const)('is %s, %s, %s', (id, state, failure, raw) => {
    const record = machine(raw);
    expect(instanceId(record)).toBe(id);
    const instance = instanceOf(record, false);
    expect([instance.state, instance.failure?.class]).toEqual([state, failure]);
    expect(instanceOf(record, true).state).toBe('deleting');
  });

  it('belongs to its set, to the deployment of that, or to its pool', () => {
    const owned = (kind: string): ReturnType<typeof projectMachine> =>
      machine({
        metadata: { name: 'm', namespace: 'n', ownerReferences: [{ apiVersion: 'v', kind, name: 'o', uid: 'u', controller: true }] },
      });
    expect(ownerGroup(owned('MachineSet'), () => undefined)).toBe('MachineSet/n/o');
    expect(ownerGroup(owned('MachineSet'), () => 'MachineDeployment/d')).toBe('MachineDeployment/n/d');
    expect(ownerGroup(owned('MachinePool'), () => undefined)).toBe('MachinePool/n/o');
    expect(ownerGroup(owned('KubeadmControlPlane'), () => undefined)).toBeUndefined();
    expect(ownerGroup(machine(), () => undefined)).toBeUndefined();
  });
});

describe('a template of Cluster API', () => {
  const prefix = 'capacity.cluster-autoscaler.kubernetes.io';
  const record = (annotations: Readonly<Record<string, string>>, spec: object = {}): ReturnType<typeof projectScalable> =>
    projectScalable('MachineDeployment', { metadata: { name: 'd', namespace: 'n', annotations: { ...annotations } }, spec });
  const build = (of: ReturnType<typeof projectScalable>): ReturnType<typeof buildCapiTemplate> =>
    buildCapiTemplate({ id: 'd', record: of, infrastructure: undefined, defaultArchitecture: 'arm64' }, createInterner());

  it('has 110 pods, no GPU entry and the default architecture unless something says otherwise', () => {
    const answer = build(record({ [`${prefix}/cpu`]: '2', [`${prefix}/memory`]: '4Gi' }));
    if ('problem' in answer) throw new Error(answer.problem);
    expect(answer.template.node.capacity).toEqual({ cpu: 2_000, memory: 4 * 1024 ** 3 * 1000, pods: 110_000 });
    expect(answer.template.node.labels['kubernetes.io/arch']).toBe('arm64');
  });

  it('reports what it cannot read and takes the taints of the machines', () => {
    const answer = build(
      record(
        { [`${prefix}/cpu`]: '2', [`${prefix}/memory`]: '4Gi', [`${prefix}/gpu-count`]: 'one', [`${prefix}/taints`]: 'a=2:NoSchedule,b' },
        {
          template: {
            spec: {
              taints: [
                { key: 'a', value: '1', effect: 'NoSchedule' },
                { key: 'a', effect: 'NoExecute' },
              ],
            },
          },
        },
      ),
    );
    if ('problem' in answer) throw new Error(answer.problem);
    expect(answer.template.node.taints).toEqual([
      { key: 'a', value: '2', effect: 'NoSchedule' },
      { key: 'a', value: '', effect: 'NoExecute' },
    ]);
    expect(answer.problems.map(({ value }) => value)).toEqual(['one', 'b']);
  });

  it('can be made from zero with cpu and memory, or with an infrastructure template', () => {
    expect(canGrowFromZero(record({ [`${prefix}/cpu`]: '2' }))).toBe(false);
    expect(canGrowFromZero(record({ [`${prefix}/cpu`]: '2', [`${prefix}/memory`]: '1Gi' }))).toBe(true);
    const reference = { apiVersion: 'infrastructure.x/v1', kind: 'T', name: 't' };
    const of = record({}, { template: { spec: { infrastructureRef: reference } } });
    expect(canGrowFromZero(of)).toBe(true);
    expect(of.infrastructure).toEqual({ group: 'infrastructure.x', version: 'v1', kind: 'T', namespace: 'n', name: 't' });
  });
});
