import { afterAll, beforeAll, expect, it } from 'vitest';
import { findCompanions } from '../binaries/index.ts';
import { describeWithCompanions } from '../companion-suite.ts';
import {
  installVerticalPodAutoscaler,
  startVpaAdmissionController,
  startVpaUpdater,
  type VpaProcess,
} from '../companions/vertical-pod-autoscaler.ts';
import { startRealCluster, type RealCluster } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { eventually } from '../until.ts';
import { differencesOf, differenceText } from './upstream-differences.ts';
import { createVpa, handOver, playLoad, startUpstreamRecommender, untilSaid, type PlayedLoad, type Said } from './upstream-side.ts';
import { readCheckpoints, readVpa, vpaPath } from './upstream-state.ts';

const search = await findCompanions('metrics-server', 'vpa-recommender', 'vpa-updater', 'vpa-admission-controller');
const namespace = 'sized';
const mebi = 2 ** 20;
const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '640Mi' } };
const workloads = [
  { name: 'steady', replicas: 2, cpu: '180m', memory: '150Mi', resources },
  { name: 'noisy', replicas: 2, cpu: '300m + noise:stddev=80m,every=10s,seed=3', memory: 'ramp:0s=100Mi,120s=400Mi', resources },
];
/** The recommender that plays ours: another process of upstream. What differs between two of one kind is what no comparison can ask for. */
const other = 'other';

// One cluster for all: each test leaves it as the next one needs it, in the order of the file.
describeWithCompanions(
  search,
  'the upstream Vertical Pod Autoscaler on a real cluster',
  (companions) => {
    const teardown = createTeardown();
    let real: RealCluster;
    let load: PlayedLoad;
    let recommender: VpaProcess;
    let second: VpaProcess;
    const said = (name: string, container: string): Promise<Said> => untilSaid(real.admin, { namespace, name, container });

    beforeAll(async () => {
      const [metricsServer, file] = [await companions()['metrics-server'].file(), await companions()['vpa-recommender'].file()];
      real = await startRealCluster();
      teardown.add(() => real.stop());
      await installVerticalPodAutoscaler(real);
      load = await playLoad(real, { metricsServer, namespace, workloads }, teardown);
      for (const { name } of workloads) {
        await createVpa(real.admin, { name, namespace, target: name });
        await createVpa(real.admin, { name: `${name}-other`, namespace, target: name, recommender: other });
      }
      recommender = await startUpstreamRecommender(real, { file });
      teardown.add(() => recommender.stop());
      second = await startUpstreamRecommender(real, { file, name: other });
      teardown.add(() => second.stop());
    });
    afterAll(() => teardown.run());

    /** Nothing new comes and both have worked off what came. */
    const atRest = async (): Promise<void> => {
      await load.freeze();
      await Promise.all([recommender.untilPasses(1), second.untilPasses(1)]);
    };
    const differences = async (container: string): Promise<string> =>
      differenceText(differencesOf(await said(container, container), await said(`${container}-other`, container)));

    it('the recommender gives a recommendation and writes a checkpoint', async () => {
      const begun = performance.now();
      await load.measure();
      const measured = performance.now();
      const { state, checkpoints } = await said('steady', 'steady');
      const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);
      console.log(
        `first recommendation and checkpoint ${seconds(measured)} s after the first values, ${seconds(begun)} s after the start of Metrics Server`,
      );
      expect(state.conditions['RecommendationProvided']).toMatchObject({ status: 'True' });
      const { target, lowerBound, upperBound, uncappedTarget } = state.containers['steady']!;
      // The bucket above 180m with the margin of 15 %.
      expect(target.cpu).toBeGreaterThan(0.18);
      expect(target.cpu).toBeLessThan(0.25);
      expect(target.memory).toBeGreaterThan(150 * mebi);
      // The least that upstream gives a pod.
      expect(target.memory).toBeLessThanOrEqual(250 * mebi);
      expect(uncappedTarget).toEqual(target);
      expect(lowerBound.cpu).toBeLessThan(target.cpu!);
      expect(upperBound.cpu).toBeGreaterThan(target.cpu!);
      const checkpoint = checkpoints['steady']!;
      expect(checkpoint).toMatchObject({ vpa: 'steady', container: 'steady', version: 'v3' });
      expect(checkpoint.samples).toBeGreaterThan(0);
      expect(checkpoint.cpu.total).toBeGreaterThan(0);
      expect(Object.values(checkpoint.cpu.weights)).toContain(10_000);
      expect(checkpoint.lastSampleStart).toBeGreaterThanOrEqual(checkpoint.firstSampleStart);
    });

    it('two recommenders that have seen the same say the same, to the last digit', async () => {
      const enough = async (): Promise<boolean> => ((await readCheckpoints(real.admin, namespace, 'noisy'))['noisy']?.samples ?? 0) >= 8;
      await eventually('some values have come', enough, 90_000);
      await atRest();
      for (const { name } of workloads) expect(await differences(name), name).toBe('');
    });

    it('started again, with the VerticalPodAutoscalers of the other, each goes on from its checkpoints', async () => {
      await Promise.all([recommender.halt(), second.halt()]);
      const before = (await readCheckpoints(real.admin, namespace, 'steady'))['steady']!;
      for (const { name } of workloads) {
        await handOver(real.admin, { namespace, name }, other);
        await handOver(real.admin, { namespace, name: `${name}-other` });
      }
      await Promise.all([recommender.resume(), second.resume()]);
      await load.measure();
      const more = async (): Promise<boolean> =>
        ((await readCheckpoints(real.admin, namespace, 'steady'))['steady']?.samples ?? 0) >= before.samples + 4;
      await eventually('more values have come', more, 90_000);
      await atRest();
      const after = (await readCheckpoints(real.admin, namespace, 'steady'))['steady']!;
      expect(after.firstSampleStart).toBe(before.firstSampleStart);
      expect(after.cpu.total).toBeGreaterThan(before.cpu.total);
      for (const { name } of workloads) expect(await differences(name), name).toBe('');
    });

    it('a VerticalPodAutoscaler of nobody that runs is left alone', async () => {
      await createVpa(real.admin, { name: 'nobody', namespace, target: 'steady', recommender: 'nobody' });
      await recommender.untilPasses(1);
      expect((await readVpa(real.admin, namespace, 'nobody'))?.containers).toEqual({});
      expect(await readCheckpoints(real.admin, namespace, 'nobody')).toEqual({});
    });

    it('its updater and its admission controller bring the pods to the target, each under its own name', async () => {
      const admission = await startVpaAdmissionController(real, { file: await companions()['vpa-admission-controller'].file() });
      teardown.add(() => admission.stop());
      const updater = await startVpaUpdater(real, { file: await companions()['vpa-updater'].file() });
      teardown.add(() => updater.stop());
      const before = load.podsOf('steady');
      const mode = { spec: { updatePolicy: { updateMode: 'Recreate' } } };
      expect((await real.admin.patch(vpaPath(namespace, 'steady'), 'merge', mode)).status).toBe(200);
      const notes = async (): Promise<(string | undefined)[]> => {
        const { body } = await real.admin.get(`/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dsteady`);
        const { items } = body as { items: { metadata: { annotations?: Record<string, string> } }[] };
        return items.map(({ metadata }) => metadata.annotations?.['vpaUpdates']);
      };
      const all = async (): Promise<boolean> => {
        const found = await notes();
        return found.length === 2 && found.every((text) => text?.startsWith('Pod resources updated by steady:') === true);
      };
      await eventually('every pod came through the webhook', all, 90_000);
      expect(load.podsOf('steady').filter((name) => before.includes(name))).toEqual([]);
      expect(await admission.passes()).toBeGreaterThan(0);
      const evictions = await real.own!.audit!.auditWrites({ subresource: 'eviction' });
      expect(new Set(evictions.map(({ user }) => user.username))).toEqual(new Set([updater.user]));
    });
  },
  { aggregated: true },
);
