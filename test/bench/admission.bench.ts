import { fork } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import type { OwnerRecord } from '../../core/model/pod.ts';
import { parseSelector } from '../../core/model/selector.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { silentLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createPodPatcher, defaultAdmissionConfig } from '../../vpa/admission/index.ts';
import { createAdmissionRoutes } from '../../vpa/admission/controller/routes.ts';
import { createAdmissionMetrics } from '../../vpa/admission/controller/metrics.ts';
import { createPodReview } from '../../vpa/admission/controller/pod-review.ts';
import { provisionalLeaf } from '../../vpa/admission/certificates/rotation.ts';
import { certificateNames } from '../../vpa/admission/config.ts';
import { defaultVpaConfig } from '../../vpa/config.ts';
import { createPolicyBook } from '../../vpa/policy-book.ts';
import type { ObjectSource } from '../../vpa/ports.ts';
import { createTargetResolver, type TargetWorkload } from '../../vpa/targets/index.ts';
import { createHttpServer } from '../../core/runtime/http-server.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import type { LoadReport, LoadRequest } from './admission-load.ts';
import { figureMaker, rounded, type BenchRun } from './figure.ts';

const policies = 10_000;
/** Deployments and their ReplicaSets. */
const owners = 50_000;
const rate = 500;
const seconds = 20;
const figure = figureMaker('admission');

/**
 * The webhook's server in this process, over TLS, with {@link policies} policies and {@link owners} mirrored owners; an API server's load, open loop, from a
 * process of its own: {@link rate} pods a second over kept connections, each of 4 to 5 kB, nine of ten under a policy.
 */
export const run: BenchRun = async () => {
  const { port, close } = await serve();
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const request = { port, rate, workloads: owners / 2, managed: policies };
  const path = '/mutate-pods?timeout=5s';
  const warm = await load({ ...request, path, seconds: 2 });
  globalThis.gc?.();
  const warmed = process.memoryUsage().rss;
  const stalls = monitorEventLoopDelay({ resolution: 1 });
  stalls.enable();
  const cpuBefore = process.cpuUsage();
  const report = await load({ ...request, path, seconds });
  const cpu = process.cpuUsage(cpuBefore);
  stalls.disable();
  globalThis.gc?.();
  const grown = (process.memoryUsage().rss - warmed) / 2 ** 20;
  // The same server and bodies, and nothing done with them: what is left is the machine, TLS and the load itself.
  const control = await load({ ...request, path: '/unreviewed', seconds: 10 });
  await close();
  if (warm.failed + report.failed > 0) throw new Error(`${warm.failed + report.failed} requests failed`);
  if (report.patched < report.answered * 0.35) throw new Error(`only ${report.patched} of ${report.answered} pods were patched`);
  process.stderr.write(
    `admission: ${report.answered} reviews, ${report.patched} patched, load ${loadavg()
      .map((each) => each.toFixed(2))
      .join(' ')} on ${cpus().length} cores, rss ${Math.round(before / 2 ** 20)} MiB\n`,
  );
  const what = `${rate} pods/s for ${seconds} s, ${policies} policies, ${owners} owners, TLS`;
  return [
    figure({ figure: `review latency p50, ${what}`, value: report.p50, unit: 'ms', against: against(control.p50) }),
    figure({ figure: `review latency p99, ${what}`, value: report.p99, unit: 'ms', limit: 10, against: against(control.p99) }),
    figure({
      figure: `review latency p99 within a second, median of the seconds, ${what}`,
      value: report.p99OfSeconds,
      unit: 'ms',
      against: against(control.p99OfSeconds),
    }),
    figure({ figure: `review latency p99.9, ${what}`, value: report.p999, unit: 'ms' }),
    figure({
      figure: 'CPU time of the server for one review, its share of TLS, garbage collection and 1 s of warm-up included',
      value: (cpu.user + cpu.system) / (report.answered + rate),
      unit: 'µs',
    }),
    // What the machine does to both processes: on an idle one this is a millisecond or two.
    figure({ figure: 'event loop delay of the server p99 while it was measured', value: stalls.percentile(99) / 1e6, unit: 'ms' }),
    figure({ figure: `growth of RSS over ${report.answered} reviews`, value: grown, unit: 'MiB', limit: 64 }),
  ];
};

const against = (value: number): { readonly name: string; readonly value: number } => ({
  name: 'the same requests unreviewed',
  value: rounded(value),
});

function load(request: LoadRequest): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./admission-load.ts', import.meta.url)), [JSON.stringify(request)], {
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: process.execArgv.filter((each) => each !== '--expose-gc'),
    });
    child.on('message', (report) => resolve(report as LoadReport));
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the load ended with code ${String(code)} and no report`)));
  });
}

async function serve(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const config = defaultAdmissionConfig('concertina');
  const logger = silentLogger;
  const clock = realClock;
  const targets = createTargetResolver({
    // Nothing is looked up: all owners are mirrored.
    client: {} as KubeClient,
    clock,
    random: seededRandom('admission'),
    logger,
    workloads: { Deployment: mirrored('Deployment'), ReplicaSet: mirrored('ReplicaSet') },
  });
  const reviewPod = createPodReview({
    clock,
    book: createPolicyBook({ verticalPolicies: policySource(), nativeVpas: undefined, config: defaultVpaConfig }),
    targets,
    limits: () => undefined,
    patch: createPodPatcher({ boost: {} }),
    dryRun: false,
  });
  const leaf = await provisionalLeaf({ now: clock.now(), names: certificateNames(config), config: config.certificates }, randomBytes);
  const server = createHttpServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    logger,
    tls: { cert: leaf.cert, key: leaf.key },
    keepAliveMs: config.limits.keepAliveMs,
  });
  createAdmissionRoutes({ clock, logger, metrics: createAdmissionMetrics(new Registry()), limits: config.limits, reviewPod }).mount(server);
  server.route('POST', '/unreviewed', async ({ readBody }) => {
    const body = await readBody();
    return body.ok ? { contentType: 'application/json', body: '{"allowed":true}' } : body.response;
  });
  const { port } = await server.listen();
  return { port, close: () => server.close(0) };
}

function policySource(): ObjectSource {
  const amounts = { cpu: '321m', memory: '123Mi' };
  return sourceOf(
    Array.from({ length: policies }, (_, index) => {
      const name = `app-${index}`;
      return [
        `team-${index % 100}/${name}`,
        {
          apiVersion: 'concertina.dev/v1alpha1',
          kind: 'VerticalPolicy',
          metadata: {
            namespace: `team-${index % 100}`,
            name,
            uid: `policy-${index}`,
            generation: 1,
            creationTimestamp: '2026-11-01T00:00:00Z',
          },
          spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
          status: {
            conditions: [{ type: 'RecommendationProvided', status: 'True' }],
            recommendation: {
              containerRecommendations: ['app', 'proxy'].map((containerName) => ({
                containerName,
                target: amounts,
                lowerBound: amounts,
                upperBound: amounts,
                uncappedTarget: amounts,
              })),
            },
          },
        },
      ] as const;
    }),
  );
}

function mirrored(kind: 'Deployment' | 'ReplicaSet'): ObjectSource<TargetWorkload> {
  const half = owners / 2;
  return sourceOf(
    Array.from({ length: half }, (_, index) => {
      const namespace = `team-${index % 100}`;
      const name = kind === 'Deployment' ? `app-${index}` : `app-${index}-5d8`;
      const owner: OwnerRecord | undefined =
        kind === 'ReplicaSet' ? { apiVersion: 'apps/v1', kind: 'Deployment', name: `app-${index}`, uid: `d-${index}` } : undefined;
      const workload: TargetWorkload = {
        namespace,
        name,
        uid: `${kind === 'Deployment' ? 'd' : 'r'}-${index}`,
        selector: parseSelector(`app=app-${index}`),
        replicas: 3,
        ready: undefined,
        owner,
        templateContainers: ['app', 'proxy'],
        templateRequests: undefined,
        surges: true,
      } as TargetWorkload;
      return [`${namespace}/${name}`, workload] as const;
    }),
  );
}

function sourceOf<T>(entries: readonly (readonly [string, T])[]): ObjectSource<T> {
  const held = new Map(entries);
  return {
    get: (key) => held.get(key),
    items: () => [...held.values()],
    hasSynced: () => true,
    onDelta: (handler) => {
      for (const [key, object] of held) handler({ type: 'added', key, old: undefined, new: object });
      return () => undefined;
    },
  };
}
