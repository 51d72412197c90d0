import { describe, expect, it } from 'vitest';
import { minute, node, now, options, pod, second } from './builders.fixture.ts';
import type { EligibilityFacts } from './eligibility.ts';
import { eligibilityOf } from './eligibility.ts';
import { taintTime } from './taint-time.ts';

const group = { utilizationThreshold: 0.5, gpuUtilizationThreshold: 0.1, ignoreDaemonSetsUtilization: false };
const deletion = (ago: number) => ({ key: 'ToBeDeletedByClusterAutoscaler', value: String((now - ago) / 1000), effect: 'NoSchedule' });
const disabled = { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true' };
const reason = (facts: Partial<EligibilityFacts>, changed: Partial<typeof options> = {}) =>
  eligibilityOf({ now, node: node('n'), pods: [], group, recentlyUnremovable: false, ...facts }, { ...options, ...changed }).reason;

describe('eligibility', () => {
  it('gives the first reason in upstream’s order', () => {
    const bad = { ready: false, cpu: '0', annotations: disabled, taints: [deletion(minute)] };
    const unready = { scaleDownUnreadyEnabled: false };
    const used = [pod('p', { cpu: '3' })];
    expect(reason({ node: node('n', bad), pods: used, group: undefined, recentlyUnremovable: true }, unready)).toBe('RecentlyUnremovable');
    expect(reason({ node: node('n', bad), pods: used, group: undefined }, unready)).toBe('CurrentlyBeingDeleted');
    expect(reason({ node: node('n', { ...bad, taints: [] }), pods: used, group: undefined }, unready)).toBe('ScaleDownDisabledAnnotation');
    expect(reason({ node: node('n', { cpu: '0', ready: false }), pods: used, group: undefined }, unready)).toBe('NotAutoscaled');
    expect(reason({ node: node('n', { cpu: '0', ready: false }), pods: used }, unready)).toBe('UnexpectedError');
    expect(reason({ node: node('n', { ready: false }), pods: used }, unready)).toBe('ScaleDownUnreadyDisabled');
    expect(reason({ node: node('n', { ready: false }), pods: used })).toBe('NotUnderutilized');
    expect(reason({ node: node('n', { ready: false }) })).toBeUndefined();
  });

  it('a threshold is met by what is exactly at it; GPU nodes have their own', () => {
    const at = (cpu: string) => reason({ pods: [pod('p', { cpu, memory: '1' })] });
    expect(at('2')).toBeUndefined();
    expect(at('2001m')).toBe('NotUnderutilized');
    const gpu = node('n', { labels: { accelerator: 'a100' } });
    expect(reason({ node: gpu, pods: [pod('p', { cpu: '4' })] }, { gpuLabel: 'accelerator' })).toBeUndefined();
    expect(reason({ node: gpu, pods: [pod('p', { cpu: '1', memory: '1' })], gpuViaDra: true }, { gpuLabel: 'accelerator' })).toBe(
      'NotUnderutilized',
    );
  });

  it('a deletion taint says so for five minutes', () => {
    expect(reason({ node: node('n', { taints: [deletion(5 * minute - second)] }) })).toBe('CurrentlyBeingDeleted');
    expect(reason({ node: node('n', { taints: [deletion(5 * minute)] }) })).toBeUndefined();
    expect(reason({ node: node('n', { taints: [{ ...deletion(0), value: 'soon' }] }) })).toBeUndefined();
    expect(taintTime(node('n', { taints: [{ ...deletion(0), value: '-5' }] }), 'ToBeDeletedByClusterAutoscaler')).toBeUndefined();
  });
});
