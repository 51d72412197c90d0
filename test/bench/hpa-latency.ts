import { Agent } from 'undici';
import { Registry } from 'prom-client';
import { connectionFromDispatcher, createEventRecorder, createKubeClient, type KubeClient } from '../../core/kube/index.ts';
import { buildClusterView } from '../../core/model/cluster-view.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { formatTime } from '../../core/model/condition.ts';
import { sleep } from '../../core/model/clock.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { createLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createMirrors } from '../../cli/compose/mirrors.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { createHpaController, defaultHpaConfig } from '../../hpa/index.ts';
import { createApiServer, type ApiServer } from '../../simulator/cluster/index.ts';

const namespace = 'shop';
const podsPerTarget = 3;
/** A view comes so often, milliseconds; in the field every 15 s. */
const intervalMs = 3000;
/** Policies that have another load in each of them. */
const acting = 10;
const rounds = 30;
const cpuMilli = { low: 200, high: 400 };

export interface LatencyFigures {
  /** From the moment at which a new view is handed over to the API server's answer to the write of the scale, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly writes: number;
  /** Policies whose scale should have been written and was not. */
  readonly missing: number;
}

/** Policies over HTTP on the embedded API server, with the limits that the program has by default (50 requests a second, bursts of 100). */
export async function measureLatency(policies: number): Promise<LatencyFigures> {
  const random = seededRandom(3);
  const server = createApiServer({ clock: realClock, random });
  const loads = Array.from({ length: policies }, () => cpuMilli.low);
  const dispatcher = new Agent({ connections: 32 });
  try {
    const url = (await server.listen()).url;
    const connection = connectionFromDispatcher({ server: url, dispatcher });
    const clientOf = (qps: number): KubeClient =>
      createKubeClient({ connection, clock: realClock, random, userAgent: 'bench', rateLimit: { qps, burst: 2 * qps } });
    await load(server, policies);
    // All policies are evaluated for the first time without a limit; what is measured is a controller that runs.
    let client = clientOf(10_000);
    const writtenAt = new Map<string, number>();
    const timed = {
      ...forwarded(() => client),
      setScale: async (...args: Parameters<KubeClient['setScale']>) => {
        const scale = await client.setScale(...args);
        writtenAt.set(args[1].name, performance.now());
        return scale;
      },
    } as KubeClient;
    const logger = createLogger({ level: 'error', name: 'bench', clock: realClock });
    const mirrors = createMirrors({ client: clientOf(1000), clock: realClock, random, logger, decides: true });
    mirrors.start();
    await Promise.all(
      [mirrors.pods, mirrors.policies, mirrors.replicaSets].map((mirror) => mirror.waitForSync(AbortSignal.timeout(60_000))),
    );
    let view = viewOf(loads, 1);
    const events = createEventRecorder({ client: clientOf(1000), clock: realClock, random, component: 'bench', instance: 'bench' });
    const clusterView = buildClusterView({ at: realClock.now(), pods: mirrors.pods.items() });
    const hpa = createHpaController({
      client: timed,
      reads: { policies: mirrors.policies, controllerOf: mirrors.controllerOf, pods: () => clusterView, podChanges: mirrors.pods },
      metrics: () => view,
      clock: realClock,
      random,
      events: { emit: (object, note) => events.record({ object, ...note }) },
      logger,
      registry: new Registry(),
      config: { ...defaultHpaConfig, syncPeriodMs: intervalMs, cooldown: { scaleUpMs: 0, scaleDownMs: 0 } },
    });
    hpa.start();
    while (hpa.decisions().length < policies) await sleep(realClock, 100);
    const times: number[] = [];
    let missing = 0;
    for (let round = -3; round < rounds; round++) {
      if (round === 0) client = clientOf(50);
      await sleep(realClock, intervalMs);
      const changed = Array.from({ length: acting }, (_, at) => ((round + 3) * acting + at) % policies);
      for (const at of changed) loads[at] = loads[at] === cpuMilli.low ? cpuMilli.high : cpuMilli.low;
      writtenAt.clear();
      view = viewOf(loads, round + 5);
      const began = performance.now();
      hpa.metricsChanged({ usage: true, queries: new Set() });
      if (round < 0) continue;
      await sleep(realClock, intervalMs - 500);
      for (const at of changed) {
        const written = writtenAt.get(nameOf(at));
        if (written === undefined) missing += 1;
        else times.push(written - began);
      }
    }
    await hpa.stop();
    await mirrors.stop();
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), writes: times.length, missing };
  } finally {
    await dispatcher.destroy();
    await server.close();
  }
}

function nameOf(index: number): string {
  return `app-${index}`;
}

/** The client of now, whichever that is. */
function forwarded(current: () => KubeClient): Partial<KubeClient> {
  return {
    server: current().server,
    raw: (...args) => current().raw(...args),
    getScale: (...args) => current().getScale(...args),
    patch: (...args) => current().patch(...args),
    delete: (...args) => current().delete(...args),
  };
}

function viewOf(loads: readonly number[], sequence: number): MetricsView {
  const now = realClock.now();
  const pods = loads.flatMap((milli, at) =>
    Array.from({ length: podsPerTarget }, (_, pod): PodUsage => {
      const containers = [{ name: 'app', cpuMilli: milli, memoryMilli: 1000 }];
      return { namespace, name: `${nameOf(at)}-${pod}`, timestamp: now, windowMs: 15_000, containers };
    }),
  );
  return plainView({ at: now, sequence, pods });
}

async function load({ registry }: ApiServer, policies: number): Promise<void> {
  for (const crd of concertinaCrds()) await registry.create(resourceTypes.customResourceDefinitions, crd);
  await registry.create(resourceTypes.namespaces, { metadata: { name: namespace } });
  const long = formatTime(realClock.now() - 3_600_000);
  for (let index = 0; index < policies; index++) {
    const name = nameOf(index);
    await registry.create(resourceTypes.deployments, deployment(name));
    for (let pod = 0; pod < podsPerTarget; pod++) {
      const metadata = { name: `${name}-${pod}`, namespace, labels: { app: name } };
      await registry.create(resourceTypes.pods, { metadata, spec: podSpec });
      await registry.mutate(
        resourceTypes.pods,
        namespace,
        metadata.name,
        (object) => ({
          ...object,
          status: { phase: 'Running', startTime: long, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: long }] },
        }),
        { subresource: 'status' },
      );
    }
    await registry.create(resourceTypes.horizontalPolicies, policy(name));
  }
}

const podSpec = { containers: [{ name: 'app', image: 'shop/app:1', resources: { requests: { cpu: '500m', memory: '256Mi' } } }] };

function deployment(name: string): KubeObject {
  const labels = { app: name };
  return {
    metadata: { name, namespace, labels },
    spec: { replicas: podsPerTarget, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  };
}

/** 3 pods at 40 % want 2 but have at least 3; at 80 % they want 4. Nothing waits. */
function policy(name: string): KubeObject {
  return {
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 3,
      maxReplicas: 10,
      // The pods of the bench have no owner.
      podSelection: 'ByLabels',
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    },
  };
}
