import { describe, expect, it } from 'vitest';
import { createInterner } from '../../../../core/model/index.ts';
import { staticInstanceTypes } from '../instance-types/table.ts';
import type { InstanceTypeFacts } from './instance-type.ts';
import { buildTemplate, typeNotes, type TemplateQuestion } from './template.ts';

function type(name: string): InstanceTypeFacts {
  const facts = staticInstanceTypes().get(name);
  if (facts === undefined) throw new Error(`no type ${name}`);
  return facts;
}

function build(more: Partial<TemplateQuestion>): Exclude<ReturnType<typeof buildTemplate>, { problem: string }> {
  const answer = buildTemplate(
    {
      group: 'workers',
      zones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
      types: [type('m5.large')],
      tags: {},
      compat: 'none',
      mixedInstances: 'smallest',
      ...more,
    },
    createInterner(),
  );
  if ('problem' in answer) throw new Error(answer.problem);
  return answer;
}

const gib = 1024 ** 3 * 1000;

describe('template of a group', () => {
  it('takes the smallest amount of each resource over all types, and the first type for its name', () => {
    const { template, notes } = build({ types: [type('m5.xlarge'), type('c5.xlarge'), type('r5.large')] });
    expect(template.node).toMatchObject({ instanceType: 'm5.xlarge', capacity: { cpu: 2_000, memory: 8 * gib } });
    expect(notes).toContain('its 3 instance types are unlike: the smallest have 2 CPU, 8Gi memory; the smallest stands for all');
  });

  it('takes the first type where upstream is followed', () => {
    const { template, notes } = build({ types: [type('m5.xlarge'), type('r5.large')], mixedInstances: 'first' });
    expect(template.node.capacity).toMatchObject({ cpu: 4_000, memory: 16 * gib });
    expect(notes.join()).toContain('the first, m5.xlarge, stands for all');
  });

  it('promises a GPU only where every type has one', () => {
    expect(build({ types: [type('g4dn.xlarge'), type('g5.xlarge')] }).template.node.capacity['nvidia.com/gpu']).toBe(1_000);
    expect(build({ types: [type('g4dn.xlarge'), type('m5.xlarge')] }).template.node.capacity['nvidia.com/gpu']).toBe(0);
  });

  it('calls GPUs by their maker; upstream calls all of them NVIDIA’s', () => {
    expect(build({ types: [type('g4ad.xlarge')] }).template.node.capacity).toMatchObject({ 'nvidia.com/gpu': 0, 'amd.com/gpu': 1_000 });
    const upstream = build({ types: [type('g4ad.xlarge')], compat: 'cluster-autoscaler' }).template.node.capacity;
    expect(upstream['nvidia.com/gpu']).toBe(1_000);
    expect(upstream).not.toHaveProperty('amd.com/gpu');
  });

  it('warns of types of unlike architectures and says nothing of like ones', () => {
    expect(build({ types: [type('m5.large'), type('m6g.large')] }).notes.join()).toContain('architectures amd64 and arm64');
    expect(typeNotes({ types: [type('m5.large'), type('m5a.large')], compat: 'none', mixedInstances: 'smallest' })).toEqual([]);
  });

  it('plans for the zone in which the fewest instances live, the first of equals', () => {
    const zone = (live: readonly (readonly [string, number])[]): string => build({ liveByZone: new Map(live) }).template.node.zone;
    expect(zone([])).toBe('eu-west-1a');
    expect(zone([['eu-west-1a', 2]])).toBe('eu-west-1b');
    expect(
      zone([
        ['eu-west-1a', 2],
        ['eu-west-1b', 2],
        ['eu-west-1c', 1],
      ]),
    ).toBe('eu-west-1c');
    expect(build({ liveByZone: new Map([['eu-west-1a', 9]]), compat: 'cluster-autoscaler' }).template.node.zone).toBe('eu-west-1a');
    expect(build({}).notes).toContain(
      '3 zones: pods that need a zone are planned for eu-west-1a, AWS chooses; volumes bound to a zone need one group per zone',
    );
    expect(build({ zones: ['eu-west-1b'] }).notes).toEqual([]);
  });

  it('knows the region of a local zone', () => {
    const zones = ['us-west-2-lax-1a'];
    expect(build({ zones, region: 'us-west-2' }).template.node.region).toBe('us-west-2');
    expect(build({ zones, region: 'us-west-2', compat: 'cluster-autoscaler' }).template.node.region).toBe('us-west-2-lax-1');
  });

  it('lets our tag state what is allocatable, without touching the capacity', () => {
    const { node } = build({ tags: { 'concertina.dev/node-template/allocatable/cpu': '1930m' } }).template;
    expect([node.capacity['cpu'], node.allocatable['cpu']]).toEqual([2_000, 1_930]);
    expect(node.allocatable['memory']).toBe(node.capacity['memory']);
  });

  it('takes the minima of requirements; tags of the group and of the node group win in this order', () => {
    const requirements = { VCpuCount: { Min: 4 }, MemoryMiB: { Min: 1024 }, AcceleratorCount: { Min: 2 } };
    const resource = 'k8s.io/cluster-autoscaler/node-template/resources';
    const { node } = build({
      requirements: { ...requirements, AcceleratorManufacturers: ['nvidia'], AcceleratorTypes: ['gpu'] },
      tags: { [`${resource}/memory`]: '3Gi', [`${resource}/pods`]: '58' },
      managed: { labels: { pool: 'eks' }, taints: [{ key: 'a', value: '', effect: 'NoSchedule' }], tags: { [`${resource}/pods`]: '29' } },
    }).template;
    expect(node).toMatchObject({
      capacity: { cpu: 4_000, memory: 3 * gib, pods: 29_000, 'nvidia.com/gpu': 2_000 },
      labels: { pool: 'eks' },
      taints: [{ key: 'a' }],
    });
    expect(build({ requirements }).template.node.capacity['nvidia.com/gpu']).toBe(0);
  });
});
