import { expect } from 'vitest';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { AdapterApi } from '../../simulator/cluster/adapter-api/index.ts';
import { deployment, policy, type JourneyCluster } from './journey-cluster.ts';

/** What the HPA rows of the checklist (metrics-and-cli §F.7) need of a cluster beyond what every journey needs. */
export interface RowsCluster extends JourneyCluster {
  /** Serves external.metrics.k8s.io on the cluster. */
  readonly adapter: Pick<AdapterApi, 'setExternal'>;
  /** A window of the checklist in milliseconds of this cluster: as it is in virtual time, compressed on the real one. */
  window(seconds: number): number;
}

/** One row of the checklist. */
export interface HpaRow {
  readonly name: string;
  /** What it shows depends on a real API server and real workload controllers: it runs there too. */
  readonly real?: boolean;
  readonly run: (cluster: RowsCluster) => Promise<void>;
}

/** What a policy's status shows. */
interface PolicyStatus {
  readonly conditions?: readonly Condition[];
  readonly currentMetrics?: readonly unknown[];
  readonly lastDecision?: { readonly reason: string; readonly message: string };
}

export interface SceneOptions {
  readonly replicas: number;
  /** CPU milli-cores over all pods. */
  readonly load?: number;
  /** Values of external metrics from the beginning. */
  readonly external?: Readonly<Record<string, number>>;
  /** Fields of the policy's spec. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Changes the Deployment before it is created. */
  readonly shaped?: (target: KubeObject) => KubeObject;
}

/** One Deployment `web` with its policy in a namespace of its own. */
export interface Scene {
  readonly namespace: string;
  setLoad(totalMilli: number): void;
  /** `undefined`: nobody has the metric. */
  setExternal(metric: string, value: number | undefined): void;
  replicas(): Promise<number>;
  /** `Status/Reason` of a condition of the policy; `none` when it is not there. */
  condition(type: string): Promise<string>;
  status(): Promise<PolicyStatus>;
  /** Sizes that the program has set, in order, with the time of each. */
  sizes(): Promise<readonly { readonly at: number; readonly replicas: number }[]>;
  /** The target gets this size within `limitMs`; fails otherwise, with what the policy says. */
  reaches(replicas: number, limitMs: number): Promise<void>;
  /** The condition gets this `Status/Reason` within `limitMs`. */
  says(type: string, statusAndReason: string, limitMs: number): Promise<void>;
  /** The target keeps its size for so long. */
  keeps(replicas: number, ms: number): Promise<void>;
  annotate(annotations: Readonly<Record<string, string | null>>): Promise<void>;
  /** As somebody with kubectl: no part of the program. */
  scaleByHand(replicas: number): Promise<void>;
}

/** A namespace with the Deployment ready under its load, its metrics settled, and then the policy. */
export async function scene(cluster: RowsCluster, options: SceneOptions): Promise<Scene> {
  const { client, timing } = cluster;
  const namespace = await cluster.namespace();
  const key = { namespace, name: 'web' };
  const target = deployment(namespace, options.replicas);
  await client.create(resourceTypes.deployments, options.shaped?.(target) ?? target);
  const made = sceneOf(cluster, namespace);
  made.setLoad(options.load ?? 0);
  for (const [metric, value] of Object.entries(options.external ?? {})) made.setExternal(metric, value);
  const ready = async (): Promise<boolean> =>
    ((await client.get(resourceTypes.deployments, key)).status as { readyReplicas?: number } | undefined)?.readyReplicas ===
    options.replicas;
  expect(await cluster.until(ready, 120_000), 'the Deployment becomes ready').toBe(true);
  // The first samples cover the time in which fewer pods shared the load: they are not what the row is about.
  await cluster.elapse(timing.reaction / 2);
  await client.create(resourceTypes.horizontalPolicies, policy(namespace, options.policy));
  await made.says('AbleToScale', 'True/*', timing.reaction);
  return made;
}

function sceneOf(cluster: RowsCluster, namespace: string): Scene {
  const { client } = cluster;
  const key = { namespace, name: 'web' };
  const replicas = async (): Promise<number> => (await client.getScale(resourceTypes.deployments, key)).specReplicas;
  const status = async (): Promise<PolicyStatus> =>
    ((await client.get(resourceTypes.horizontalPolicies, key)).status ?? {}) as PolicyStatus;
  const condition = async (type: string): Promise<string> => {
    const found = findCondition((await status()).conditions ?? [], type);
    return found === undefined ? 'none' : `${found.status}/${found.reason}`;
  };
  const shown = async (): Promise<string> => JSON.stringify(await status(), undefined, 1);
  return {
    namespace,
    replicas,
    status,
    condition,
    setLoad: (totalMilli) => cluster.setLoad(namespace, 'web', totalMilli),
    setExternal: (metric, value) => cluster.adapter.setExternal({ namespace, metric }, value),
    sizes: async () => {
      const writes = await cluster.scaleWrites(namespace);
      return writes.filter(({ name, userAgent }) => name === 'web' && userAgent.startsWith('concertina/'));
    },
    reaches: async (wanted, limitMs) => {
      const reached = await cluster.until(async () => (await replicas()) === wanted, limitMs);
      expect(reached, reached ? '' : `${await replicas()} replicas, not ${wanted}: ${await shown()}`).toBe(true);
    },
    says: async (type, statusAndReason, limitMs) => {
      const wanted = statusAndReason.endsWith('*') ? statusAndReason.slice(0, -1) : `${statusAndReason} `;
      const said = await cluster.until(async () => `${await condition(type)} `.startsWith(wanted), limitMs);
      expect(said, said ? '' : `${type}=${await condition(type)}, not ${statusAndReason}: ${await shown()}`).toBe(true);
    },
    keeps: async (wanted, ms) => {
      const changed = await cluster.until(async () => (await replicas()) !== wanted, ms);
      expect(changed, changed ? `${await replicas()} replicas instead of ${wanted}: ${await shown()}` : '').toBe(false);
    },
    annotate: async (annotations) => {
      await client.patch(resourceTypes.horizontalPolicies, key, { type: 'merge', body: { metadata: { annotations } } });
    },
    scaleByHand: async (wanted) => {
      await client.setScale(resourceTypes.deployments, key, wanted);
    },
  };
}

/** `policy` fields that switch the suite's own cooldowns off, so that what is seen is the window's doing. */
export const noCooldown = { cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } };

/** The metric that is set with `Scene.setExternal`: one replica for each ten. */
export function external(name: string): object {
  return { type: 'External', external: { metric: { name }, target: { type: 'AverageValue', averageValue: '10' } } };
}

/** Whole seconds of a window, as a policy has them. */
export function seconds(cluster: RowsCluster, ofChecklist: number): number {
  return cluster.window(ofChecklist) / 1000;
}

/** Times between each size and the next one, milliseconds. */
export function gaps(sizes: readonly { readonly at: number }[]): readonly number[] {
  return sizes.slice(1).map(({ at }, index) => at - (sizes[index]?.at ?? NaN));
}
