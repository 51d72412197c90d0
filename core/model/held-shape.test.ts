import { describe, expect, it } from 'vitest';
import { createInterner } from './interner.ts';
import { projectPod } from './pod.ts';

const interner = createInterner();
const cpu = (amount: string) => ({ requests: { cpu: amount } });

function project(spec: object, status: object) {
  const raw = { metadata: { name: 'web', namespace: 'shop', uid: 'u' }, spec: { nodeName: 'n', ...spec }, status };
  return projectPod(raw, interner);
}

function heldRequests(spec: object, status: object) {
  return project(spec, status).heldShape?.requests;
}

const web = (amount: string) => ({ containers: [{ name: 'web', resources: cpu(amount) }] });
const reported = (inForce: string, allocated: string) => ({
  containerStatuses: [{ name: 'web', resources: cpu(inForce), allocatedResources: { cpu: allocated } }],
});
const infeasible = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] };

describe('heldShapeOf', () => {
  it('is nothing where the status says what the spec says, or nothing', () => {
    expect(project(web('1'), reported('1', '1')).heldShape).toBeUndefined();
    expect(project(web('1'), {}).heldShape).toBeUndefined();
    // Without `resources` the kubelet does not say what is in force.
    expect(project(web('1'), { containerStatuses: [{ name: 'web', allocatedResources: { cpu: '2' } }] }).heldShape).toBeUndefined();
  });

  it('counts the largest of spec, in force and allocated', () => {
    expect(heldRequests(web('2'), reported('1', '1'))).toBeUndefined();
    expect(heldRequests(web('1'), reported('2', '1'))).toEqual({ cpu: 2000 });
    expect(heldRequests(web('1'), reported('1', '3'))).toEqual({ cpu: 3000 });
    expect(heldRequests(web('1'), { containerStatuses: [{ name: 'web', resources: {}, allocatedResources: { cpu: '4' } }] })).toEqual({
      cpu: 4000,
    });
  });

  it('counts only what is granted when the resize is infeasible, whatever the status of the condition', () => {
    expect(heldRequests(web('8'), { ...reported('1', '2'), ...infeasible })).toEqual({ cpu: 2000 });
    expect(heldRequests(web('8'), { ...reported('1', '2'), conditions: [{ ...infeasible.conditions[0], status: 'False' }] })).toEqual({
      cpu: 2000,
    });
    expect(
      heldRequests(web('8'), { ...reported('1', '2'), conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Deferred' }] }),
    ).toBeUndefined();
    expect(heldRequests(web('1'), { ...reported('1', '1'), ...infeasible })).toBeUndefined();
  });

  it('counts sidecars so, but init containers that end by their spec', () => {
    const spec = {
      containers: [{ name: 'web', resources: cpu('1') }],
      initContainers: [
        { name: 'proxy', restartPolicy: 'Always', resources: cpu('1') },
        { name: 'setup', resources: cpu('1') },
      ],
    };
    const statuses = ['proxy', 'setup'].map((name) => ({ name, resources: cpu('5'), allocatedResources: { cpu: '5' } }));
    expect(heldRequests(spec, { ...reported('1', '1'), initContainerStatuses: statuses })).toEqual({ cpu: 6000 });
    expect(heldRequests(spec, { ...reported('1', '1'), initContainerStatuses: statuses.slice(1) })).toBeUndefined();
  });

  it('finds statuses by name, in whatever order they come', () => {
    const containers = [
      { name: 'a', resources: cpu('1') },
      { name: 'b', resources: cpu('1') },
    ];
    const containerStatuses = [
      { name: 'b', resources: cpu('3') },
      { name: 'a', resources: cpu('1') },
    ];
    expect(project({ containers }, { containerStatuses }).heldShape?.containers.map(({ requests }) => requests)).toEqual([
      { cpu: 1000 },
      { cpu: 3000 },
    ]);
  });

  it('counts requests of the pod itself so, with overhead on top', () => {
    const spec = { ...web('1'), resources: { requests: { cpu: '2', memory: '1Gi' } }, overhead: { cpu: '100m' } };
    const status = { ...reported('1', '1'), resources: cpu('3'), allocatedResources: { cpu: '2', memory: '2Gi' } };
    expect(heldRequests(spec, status)).toEqual({ cpu: 3100, memory: 2 * 2 ** 30 * 1000 });
    // Nothing of it is granted: nothing counts.
    expect(heldRequests(spec, { ...reported('1', '1'), ...infeasible, resources: cpu('3') })).toEqual({ cpu: 3100, memory: 0 });
    expect(heldRequests(spec, reported('1', '1'))).toBeUndefined();
  });

  it('leaves the shape itself, and pods without a node, alone', () => {
    const record = project(web('1'), reported('2', '2'));
    expect(record.shape.requests).toEqual({ cpu: 1000 });
    expect(record.shape).toBe(project(web('1'), {}).shape);
    expect(project({ ...web('1'), nodeName: '' }, reported('2', '2')).heldShape).toBeUndefined();
  });
});
