import { describe, expect, it } from 'vitest';
import { boundPod, conditionOf, harness, instant, statusOf } from './testing/harness.ts';

const node = { name: 'n1', cpu: '4', memory: '8Gi' };

describe('a pod on its node', () => {
  it('goes from Pending over ContainerCreating to Running and Ready', async () => {
    const { clock, api, fleet, problems } = harness({ ...instant, startup: { pull: 2000, start: 1000, ready: 3000 } });
    await fleet.addNode(node);
    await fleet.start();
    const started = clock.now();
    api.put('pods', boundPod('web'));
    await clock.advance(0);
    expect(statusOf(api, 'web')).toMatchObject({
      phase: 'Pending',
      hostIP: '172.16.0.1',
      containerStatuses: [{ ready: false, started: false, state: { waiting: { reason: 'ContainerCreating' } } }],
    });
    await clock.advance(3000);
    const running = statusOf(api, 'web');
    expect(running.phase).toBe('Running');
    expect(running.containerStatuses[0]).toMatchObject({
      ready: false,
      started: true,
      restartCount: 0,
      allocatedResources: { cpu: '100m', memory: '64Mi' },
    });
    expect(running.containerStatuses[0]?.state.running?.startedAt).toBe(new Date(started + 3000).toISOString().replace('.000Z', 'Z'));
    expect(conditionOf(running, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [c]',
    });
    await clock.advance(3000);
    const ready = statusOf(api, 'web');
    expect(conditionOf(ready, 'Ready')?.status).toBe('True');
    expect(conditionOf(ready, 'ContainersReady')?.status).toBe('True');
    expect(ready.observedGeneration).toBe(1);
    // A condition keeps its time of transition when only others change.
    expect(conditionOf(ready, 'Initialized')?.lastTransitionTime).toBe(conditionOf(running, 'Initialized')?.lastTransitionTime);
    expect(problems).toEqual([]);
    await fleet.stop();
  });

  it('writes as the node itself, addresses only once', async () => {
    const { clock, api, fleet } = harness({ ...instant, startup: { pull: 1000, start: 1000, ready: 1000 } });
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(5000);
    const patches = api.writes.filter((write) => write.plural === 'pods');
    expect(patches.length).toBeGreaterThanOrEqual(3);
    expect(new Set(patches.map(({ user }) => user))).toEqual(new Set(['system:node:n1']));
    const withAddress = patches.filter(({ body }) => 'podIPs' in (body as { status: object }).status);
    expect(withAddress).toHaveLength(1);
    await fleet.stop();
  });

  it('gives every pod another address', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode({ ...node, pods: 300, cpu: '100', memory: '100Gi' });
    await fleet.start();
    for (let index = 0; index < 280; index++) api.put('pods', boundPod(`p${index}`));
    await clock.advance(1000);
    const addresses = api.all('pods').map(({ status }) => (status as { podIP: string }).podIP);
    expect(new Set(addresses).size).toBe(280);
    await fleet.stop();
  });

  it('runs init containers in order and keeps sidecars', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put(
      'pods',
      boundPod('web', {
        annotations: { 'concertina.dev/sim-init': '5s' },
        spec: {
          initContainers: [
            { name: 'first', image: 'i' },
            { name: 'mesh', image: 'm', restartPolicy: 'Always' },
            { name: 'second', image: 'i' },
          ],
        },
      }),
    );
    await clock.advance(1000);
    let status = statusOf(api, 'web');
    expect(status.phase).toBe('Pending');
    expect(status.initContainerStatuses?.map(({ state }) => Object.keys(state)[0])).toEqual(['running', 'waiting', 'waiting']);
    expect(status.containerStatuses[0]?.state.waiting?.reason).toBe('PodInitializing');
    expect(conditionOf(status, 'Initialized')).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized' });
    await clock.advance(5000);
    status = statusOf(api, 'web');
    expect(status.initContainerStatuses?.map(({ state }) => Object.keys(state)[0])).toEqual(['terminated', 'running', 'running']);
    await clock.advance(5000);
    status = statusOf(api, 'web');
    expect(status.phase).toBe('Running');
    expect(status.initContainerStatuses?.map(({ state, ready }) => [Object.keys(state)[0], ready])).toEqual([
      ['terminated', true],
      ['running', true],
      ['terminated', true],
    ]);
    expect(conditionOf(status, 'Ready')?.status).toBe('True');
    await fleet.stop();
  });

  it('fails a pod whose init container fails when it may not restart', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put(
      'pods',
      boundPod('once', {
        annotations: { 'concertina.dev/sim-init': '60s' },
        spec: { restartPolicy: 'Never', initContainers: [{ name: 'init', image: 'i' }] },
      }),
    );
    await clock.advance(1000);
    expect(fleet.killContainer({ namespace: 'default', name: 'once' }, 'init', { code: 1, reason: 'Error' })).toBe(true);
    await clock.advance(1000);
    expect(statusOf(api, 'once').phase).toBe('Failed');
    await fleet.stop();
  });

  it('tells failed pulls from their back-off and goes on when the image is there', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('bad', { annotations: { 'concertina.dev/sim-pull-error': '2' } }));
    await clock.advance(500);
    const reason = (): string | undefined => statusOf(api, 'bad').containerStatuses[0]?.state.waiting?.reason;
    expect(reason()).toBe('ErrImagePull');
    await clock.advance(1000);
    expect(reason()).toBe('ImagePullBackOff');
    // 1 s + 10 s, then 1 s + 20 s.
    await clock.advance(10_000);
    expect(reason()).toBe('ErrImagePull');
    await clock.advance(21_000);
    expect(statusOf(api, 'bad').phase).toBe('Running');
    await fleet.stop();
  });

  it('backs off from a crash: at once, 10 s, 20 s, and forgets after ten quiet minutes', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(1000);
    const crash = (): boolean => fleet.killContainer({ namespace: 'default', name: 'web' }, 'c', { code: 1, reason: 'Error' });
    const container = (): ReturnType<typeof statusOf>['containerStatuses'][number] | undefined => statusOf(api, 'web').containerStatuses[0];
    const first = container()?.containerID;
    crash();
    await clock.advance(200);
    expect(container()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1, reason: 'Error' } } });
    expect(container()?.containerID).not.toBe(first);
    for (const backoff of [10_000, 20_000, 40_000]) {
      crash();
      await clock.advance(100);
      expect(container()?.state.waiting?.reason).toBe('CrashLoopBackOff');
      expect(container()?.state.waiting?.message).toContain(`back-off ${backoff / 1000}s restarting failed container=c pod=web_default(`);
      expect(conditionOf(statusOf(api, 'web'), 'Ready')?.status).toBe('False');
      await clock.advance(backoff - 200);
      expect(container()?.state.waiting?.reason).toBe('CrashLoopBackOff');
      await clock.advance(300);
      expect(container()?.state.running).toBeDefined();
    }
    expect(container()?.restartCount).toBe(4);
    await clock.advance(601_000);
    crash();
    await clock.advance(200);
    expect(container()).toMatchObject({ restartCount: 5, ready: true });
    await fleet.stop();
  });

  it('never waits longer than five minutes after a crash', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web', { annotations: { 'concertina.dev/sim-crash-after': '1s' } }));
    await clock.advance(3_600_000);
    const restarts = statusOf(api, 'web').containerStatuses[0]?.restartCount ?? 0;
    // 0, 10, 20, 40, 80, 160 s, then 300 s each: 5 short ones in about 320 s, then (3600-320)/301.
    expect(restarts).toBeGreaterThanOrEqual(15);
    expect(restarts).toBeLessThanOrEqual(18);
    expect(statusOf(api, 'web').containerStatuses[0]?.state.waiting?.message).toContain('back-off 5m0s');
    await fleet.stop();
  });

  it('completes the pod of a Job', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'job', uid: 'j', controller: true };
    api.put(
      'pods',
      boundPod('job-1', {
        annotations: { 'concertina.dev/sim-run': '20s' },
        spec: { restartPolicy: 'Never' },
        metadata: { ownerReferences: [owner] },
      }),
    );
    api.put(
      'pods',
      boundPod('job-2', {
        annotations: { 'concertina.dev/sim-run': '20s', 'concertina.dev/sim-exit-code': '3' },
        spec: { restartPolicy: 'Never' },
      }),
    );
    await clock.advance(10_000);
    expect(statusOf(api, 'job-1').phase).toBe('Running');
    await clock.advance(11_000);
    expect(statusOf(api, 'job-1')).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    });
    expect(statusOf(api, 'job-2')).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 3, reason: 'Error' } } }],
    });
    expect(conditionOf(statusOf(api, 'job-1'), 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    await fleet.stop();
  });

  it('stops within its grace, still counted meanwhile, then deletes with grace 0 and the uid', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web', { annotations: { 'concertina.dev/sim-stop': '12s' } }));
    await clock.advance(15_000);
    api.change('pods', 'web', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: new Date(clock.now() + 30_000).toISOString(), deletionGracePeriodSeconds: 30 },
    }));
    await clock.advance(10_500);
    expect(fleet.pod('default', 'web')?.terminating).toBe(true);
    expect(fleet.scrape('n1').pods.map(({ name }) => name)).toEqual(['web']);
    await clock.advance(2000);
    expect(api.get('pods', 'web')).toBeUndefined();
    expect(api.writes.find(({ verb, plural }) => verb === 'delete' && plural === 'pods')?.body).toMatchObject({
      gracePeriodSeconds: 0,
      preconditions: { uid: expect.stringMatching(/^uid-/) as unknown },
    });
    expect(fleet.scrape('n1').pods).toEqual([]);
    await fleet.stop();
  });

  it('gives a pod up when another has taken its name unseen', async () => {
    const { clock, api, fleet, problems } = harness({ ...instant, startup: { pull: 0, start: 100 } });
    await fleet.addNode(node);
    await fleet.start();
    api.put('pods', boundPod('web'));
    await clock.advance(0);
    expect(fleet.pod('default', 'web')).toBeDefined();
    api.swapUnseen('pods', 'web', 'other');
    await clock.advance(100);
    expect(fleet.pod('default', 'web')).toBeUndefined();
    expect(problems).toEqual([]);
    api.breakWatches();
    await clock.advance(60_000);
    expect(fleet.pod('default', 'web')?.phase).toBe('Running');
    expect(api.get('pods', 'web')).toMatchObject({ metadata: { uid: 'other' }, status: { phase: 'Running' } });
    await fleet.stop();
  });

  it('refuses what does not fit', async () => {
    const { clock, api, fleet } = harness();
    await fleet.addNode({ ...node, pods: 2 });
    await fleet.start();
    api.put('pods', boundPod('big', { cpu: '3' }));
    await clock.advance(0);
    api.put('pods', boundPod('more', { cpu: '2' }));
    await clock.advance(0);
    expect(statusOf(api, 'more')).toMatchObject({
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
    });
    expect(statusOf(api, 'more').containerStatuses).toBeUndefined();
    expect(fleet.pod('default', 'more')?.containers[0]?.state).toBe('waiting');
    await fleet.stop();
  });
});
