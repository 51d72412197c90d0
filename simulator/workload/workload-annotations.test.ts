import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { FakeApi } from '../cluster/kubelet/testing/fake-client.ts';
import { constant, createWorkloadAnnotations, createWorkloadModel } from './index.ts';

function deployment(name: string, annotations: Record<string, string>) {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, annotations } };
}

describe('loads by annotation', () => {
  it('defines, changes and removes workloads', async () => {
    const clock = new VirtualClock();
    const random = (): number => 0.5;
    const api = new FakeApi(clock);
    const model = createWorkloadModel({ clock, random });
    const problems: string[] = [];
    model.define({ name: 'shaped', namespace: 'default', owner: 'fixed', load: constant(1), cpuPerRequest: 5, memory: { base: 1 } });
    api.put(
      'deployments',
      deployment('web', { 'concertina.dev/sim-load': 'step:0s=10,60s=100', 'concertina.dev/sim-cpu-per-request': '20ms' }),
    );
    api.put('deployments', deployment('fixed', { 'concertina.dev/sim-load': '7' }));
    api.put('deployments', deployment('wrong', { 'concertina.dev/sim-load': 'much' }));
    const annotations = createWorkloadAnnotations({
      client: api.client(),
      clock,
      random,
      model,
      onProblem: ({ subject, message }) => problems.push(`${subject}: ${message}`),
    });
    await annotations.start();
    expect(model.results('Deployment/default/web')).toMatchObject({ demand: 10, demandCpu: 200 });
    expect(model.results('shaped')).toMatchObject({ demand: 7, demandCpu: 35 });
    expect(problems).toEqual([expect.stringContaining('Deployment/default/wrong: The load "much" cannot be read')]);
    await clock.advance(60_000);
    expect(model.results('Deployment/default/web')?.demand).toBe(100);
    api.change('deployments', 'web', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { 'concertina.dev/sim-load': '55' } },
    }));
    await clock.advance(1000);
    expect(model.results('Deployment/default/web')).toMatchObject({ demand: 55, demandCpu: 550 });
    api.remove('deployments', 'web');
    await clock.advance(1000);
    expect(model.names()).toEqual(['shaped']);
    await annotations.stop();
  });
});
