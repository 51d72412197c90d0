import { describe, expect, it } from 'vitest';
import { VirtualClock } from './clock.ts';
import { createMetrics } from './metrics.ts';
import { WorkQueue } from './work-queue.ts';

const make = () => createMetrics({ build: { version: '1.2.3', commit: 'abc' }, processMetrics: false });

describe('createMetrics', () => {
  it('keeps a registry of its own', async () => {
    const [first, second] = [make(), make()];
    first.observeLoop('hpa', 0.2, 'ok');
    expect(await first.render()).toContain('concertina_loop_duration_seconds_count{loop="hpa",outcome="ok"} 1');
    expect(await second.render()).not.toContain('loop="hpa"');
  });

  it('says which build runs', async () => {
    expect(await make().render()).toContain(`concertina_build_info{version="1.2.3",commit="abc",node="${process.version}"} 1`);
  });

  it('counts requests by verb, resource and code', async () => {
    const metrics = make();
    metrics.observeApiRequest({ verb: 'PATCH', resource: 'deployments/scale', code: '409', seconds: 0.01 });
    metrics.observeApiRequest({ verb: 'PATCH', resource: 'deployments/scale', code: '409', seconds: 0.01 });
    const text = await metrics.render();
    expect(text).toContain('concertina_api_requests_total{verb="PATCH",resource="deployments/scale",code="409"} 2');
    expect(text).toContain('concertina_api_request_duration_seconds_count{verb="PATCH",resource="deployments/scale"} 2');
  });

  it('follows a work queue under upstream names', async () => {
    const metrics = make();
    const clock = new VirtualClock();
    let fail = true;
    const queue = new WorkQueue({
      name: 'policies',
      clock,
      random: () => 0,
      hooks: metrics.queueHooks('policies'),
      handle: async () => {
        if (fail) throw new Error('x');
      },
    });
    queue.add('a');
    expect(await metrics.render()).toContain('workqueue_depth{name="policies"} 1');
    queue.start();
    await clock.advance(0);
    fail = false;
    await clock.advance(1000);
    const text = await metrics.render();
    expect(text).toContain('workqueue_depth{name="policies"} 0');
    expect(text).toContain('workqueue_adds_total{name="policies"} 2');
    expect(text).toContain('workqueue_retries_total{name="policies"} 1');
    expect(text).toContain('workqueue_work_duration_seconds_count{name="policies"} 2');
  });

  it('collects process metrics unless told not to', async () => {
    expect(await createMetrics({ build: { version: '1' } }).render()).toContain('process_cpu_seconds_total');
    expect(await make().render()).not.toContain('process_cpu_seconds_total');
  });
});
