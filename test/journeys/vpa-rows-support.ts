import { expect } from 'vitest';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { Quantity } from '../../core/units/index.ts';
import type { JourneyCluster } from './journey-cluster.ts';

/** A resize or an eviction that was asked for, as the cluster's audit has it. */
export interface PodWrite {
  /** Epoch milliseconds of the cluster's clock. */
  readonly at: number;
  readonly userAgent: string;
  readonly namespace: string;
  /** Of the pod. */
  readonly name: string;
  readonly what: 'resize' | 'eviction';
  /** Of the answer. */
  readonly code: number;
}

/** What the VPA rows of the checklist (metrics-and-cli §F.7) need of a cluster beyond what every journey needs. Admission is served and healthy. */
export interface VpaRowsCluster extends JourneyCluster {
  /** Time between two passes of the updater, milliseconds. */
  readonly passMs: number;
  /** Refused ones too where the cluster's audit tells them. */
  podWrites(namespace: string): Promise<readonly PodWrite[]>;
}

/** One row of the checklist. */
export interface VpaRow {
  readonly name: string;
  /** What it shows depends on a real API server, its admission plugins and workload controllers: it runs there too. */
  readonly real?: boolean;
  readonly run: (cluster: VpaRowsCluster) => Promise<void>;
}

/** Amounts that a container asks for: milli-cores and bytes. */
export interface Asked {
  readonly cpu?: number;
  readonly memory?: number;
}

export interface SeenContainer {
  readonly name: string;
  readonly requests: Asked;
  readonly limits: Asked;
  readonly restarts: number;
}

export interface SeenPod {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly going: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  /** What the spec asks for. */
  readonly containers: readonly SeenContainer[];
  /** What the first container asks for. */
  readonly requests: Asked;
  readonly limits: Asked;
  /** What the kubelet has put into force for the first container. */
  readonly actual: Asked;
  /** Epoch milliseconds. */
  readonly created: number;
}

interface Evidence {
  readonly samples: number;
  readonly firstSampleTime?: string;
  readonly clamps?: readonly string[];
  readonly oomKills?: number;
}

/** What a policy's status shows. */
export interface SizingStatus {
  readonly conditions?: readonly Condition[];
  readonly recommendation?: {
    readonly containerRecommendations?: readonly {
      readonly containerName: string;
      readonly target: Readonly<Record<string, string>>;
      readonly lowerBound?: Readonly<Record<string, string>>;
      readonly upperBound?: Readonly<Record<string, string>>;
      readonly evidence?: Evidence;
    }[];
  };
  readonly lastDecision?: {
    readonly reason: string;
    readonly message: string;
    readonly holds?: readonly { readonly by: string; readonly until?: string; readonly message: string }[];
  };
  readonly lastScaleUpTime?: string;
  readonly lastScaleDownTime?: string;
}

export interface SceneOptions {
  readonly replicas: number;
  /** CPU milli-cores over all pods; absent: what the pods' annotations say. */
  readonly load?: number;
  /** Default 100m and 64Mi. */
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
  /** Of the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields of the policy's spec; `null`: there is no policy at first. */
  readonly policy?: Readonly<Record<string, unknown>> | null;
  /** Changes the Deployment before it is created. */
  readonly shaped?: (target: KubeObject) => KubeObject;
  /** Objects that are there before the Deployment: a LimitRange, a budget. */
  readonly before?: (cluster: VpaRowsCluster, namespace: string) => Promise<void>;
  /** The pods need not become ready. */
  readonly unready?: boolean;
}

/** One Deployment `web` with a container `web` and a VerticalPolicy in a namespace of its own. */
export interface Scene {
  readonly namespace: string;
  readonly key: { readonly namespace: string; readonly name: string };
  setLoad(totalMilli: number): void;
  createPolicy(spec?: Readonly<Record<string, unknown>>, name?: string): Promise<void>;
  patchPolicy(spec: Readonly<Record<string, unknown>>): Promise<void>;
  /** Pods that are not on their way out, the oldest first. */
  pods(): Promise<readonly SeenPod[]>;
  status(name?: string): Promise<SizingStatus>;
  /** What is recommended for a container. */
  target(container?: string): Promise<Asked | undefined>;
  /** `Status/Reason` of a condition of the policy; `none` when it is not there. */
  condition(type: string): Promise<string>;
  /** Everything that the last decision says, holds included. */
  said(): Promise<string>;
  writes(what: PodWrite['what']): Promise<readonly PodWrite[]>;
  /** `reason: note` of all Events. */
  events(): Promise<readonly string[]>;
  /** Becomes true within `limitMs`; fails otherwise, with what is there. */
  comes(what: string, condition: (pods: readonly SeenPod[]) => boolean | Promise<boolean>, limitMs: number): Promise<void>;
  /** Stays true for so long. */
  stays(what: string, condition: (pods: readonly SeenPod[]) => boolean | Promise<boolean>, ms: number): Promise<void>;
  /** The last decision comes to say this within `limitMs`. */
  says(text: RegExp, limitMs: number): Promise<void>;
  /** There is a recommendation within `limitMs`; answers it. */
  recommends(limitMs: number, fits?: (target: Asked) => boolean): Promise<Asked>;
  scale(replicas: number): Promise<void>;
}

/** `policy` fields that switch the cooldowns off, so that what is seen is not their doing. */
export const noCooldown = { cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } };
export const mebi = 2 ** 20;

/** So much time for so many passes: until a recommendation is there, and then for each pass. */
export function passes(cluster: VpaRowsCluster, count: number): number {
  return cluster.timing.reaction + (count + 1) * cluster.passMs;
}

export function deployment(namespace: string, { replicas, requests, limits, annotations }: SceneOptions): KubeObject {
  const labels = { app: 'web' };
  const resources = { requests: requests ?? { cpu: '100m', memory: '64Mi' }, ...(limits === undefined ? {} : { limits }) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...(annotations === undefined ? {} : { annotations }) },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'web:1', resources }] },
      },
    },
  };
}

export function verticalPolicy(namespace: string, spec: Readonly<Record<string, unknown>> = {}, name = 'web'): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicy',
    metadata: { name, namespace },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
  };
}

/** A namespace with the Deployment ready under its load, its metrics settled, and then the policy. */
export async function scene(cluster: VpaRowsCluster, options: SceneOptions): Promise<Scene> {
  const { client, timing } = cluster;
  const namespace = await cluster.namespace();
  const made = sceneOf(cluster, namespace);
  await options.before?.(cluster, namespace);
  const target = deployment(namespace, options);
  if (options.load !== undefined) made.setLoad(options.load);
  await client.create(resourceTypes.deployments, options.shaped?.(target) ?? target);
  if (options.unready !== true) {
    const ready = (pods: readonly SeenPod[]): boolean => pods.length === options.replicas && pods.every((pod) => pod.ready);
    await made.comes('the Deployment is ready', ready, 120_000);
    // The first samples cover the time in which fewer pods shared the load: they are not what the row is about.
    await cluster.elapse(timing.reaction / 2);
  }
  if (options.policy !== null) await made.createPolicy(options.policy);
  return made;
}

export function sceneOf(cluster: VpaRowsCluster, namespace: string): Scene {
  const { client } = cluster;
  const key = { namespace, name: 'web' };
  const pods = async (): Promise<readonly SeenPod[]> => {
    const { items } = await client.list(resourceTypes.pods, { namespace });
    return items
      .map(seenPod)
      .filter(({ going }) => !going)
      .toSorted((a, b) => a.created - b.created);
  };
  const status = async (name = 'web'): Promise<SizingStatus> =>
    ((await client.get(resourceTypes.verticalPolicies, { namespace, name })).status ?? {}) as SizingStatus;
  const target = async (container = 'web'): Promise<Asked | undefined> => {
    const found = (await status()).recommendation?.containerRecommendations?.find((each) => each.containerName === container);
    return found === undefined ? undefined : asked(found.target);
  };
  const said = async (): Promise<string> => {
    const { lastDecision } = await status();
    return [lastDecision?.reason, lastDecision?.message, ...(lastDecision?.holds ?? []).map(({ by, message }) => `${by}: ${message}`)].join(
      '; ',
    );
  };
  const shown = async (): Promise<string> =>
    JSON.stringify({ pods: await pods(), status: await status().catch(() => 'none') }, undefined, 1);
  const self: Scene = {
    namespace,
    key,
    pods,
    status,
    target,
    said,
    setLoad: (totalMilli) => cluster.setLoad(namespace, 'web', totalMilli),
    createPolicy: async (spec = {}, name = 'web') => {
      await client.create(resourceTypes.verticalPolicies, verticalPolicy(namespace, { ...noCooldown, ...spec }, name));
    },
    patchPolicy: async (spec) => {
      await client.patch(resourceTypes.verticalPolicies, key, { type: 'merge', body: { spec } });
    },
    condition: async (type) => {
      const found = findCondition((await status()).conditions ?? [], type);
      return found === undefined ? 'none' : `${found.status}/${found.reason}`;
    },
    writes: async (what) =>
      (await cluster.podWrites(namespace)).filter((write) => write.what === what && write.userAgent.startsWith('concertina/')),
    events: async () =>
      (await client.list(resourceTypes.events, { namespace })).items.map((event) => {
        const { reason, note, message } = event as { readonly reason?: string; readonly note?: string; readonly message?: string };
        return `${reason}: ${note ?? message}`;
      }),
    comes: async (what, condition, limitMs) => {
      const came = await cluster.until(async () => condition(await pods()), limitMs);
      expect(came, came ? '' : `${what}: not within ${limitMs / 1000} s: ${await shown()}`).toBe(true);
    },
    stays: async (what, condition, ms) => {
      const ended = await cluster.until(async () => !(await condition(await pods())), ms);
      expect(ended, ended ? `${what}: no longer: ${await shown()}` : '').toBe(false);
    },
    says: async (text, limitMs) => {
      const came = await cluster.until(async () => text.test(await said()), limitMs);
      expect(came, came ? '' : `says ${JSON.stringify(await said())}, not ${text}: ${await shown()}`).toBe(true);
    },
    recommends: async (limitMs, fits = () => true) => {
      let found: Asked | undefined;
      const came = await cluster.until(async () => {
        found = await target();
        return found !== undefined && fits(found);
      }, limitMs);
      expect(came, came ? '' : `nothing fitting is recommended: ${await shown()}`).toBe(true);
      return found ?? {};
    },
    scale: async (replicas) => {
      await client.setScale(resourceTypes.deployments, key, replicas);
    },
  };
  return self;
}

/** All have what is recommended for their first container now. */
export async function atTarget(web: Scene, pods: readonly SeenPod[]): Promise<boolean> {
  const target = await web.target();
  return target !== undefined && pods.length > 0 && pods.every(({ requests }) => near(requests, target));
}

/** Within a tenth, as far as both say something: a recommendation moves a little all the time. */
export function near(requests: Asked, target: Asked): boolean {
  return (['cpu', 'memory'] as const).every((resource) => {
    const [has, wanted] = [requests[resource], target[resource]];
    return wanted === undefined || (has !== undefined && Math.abs(has - wanted) <= 0.1 * wanted);
  });
}

type RawList = Readonly<Record<string, string>> | undefined;

export function asked(list: RawList): Asked {
  const { cpu, memory } = list ?? {};
  return {
    ...(cpu === undefined ? {} : { cpu: Number(Quantity.parse(cpu).toMilli('up')) }),
    ...(memory === undefined ? {} : { memory: Quantity.parse(memory).toNumber() }),
  };
}

interface RawResources {
  readonly requests?: RawList;
  readonly limits?: RawList;
}

interface RawContainer {
  readonly name: string;
  readonly resources?: RawResources;
}

interface RawPodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly (RawContainer & { readonly restartCount?: number })[];
}

interface RawPod {
  readonly spec?: { readonly containers: readonly RawContainer[] };
  readonly status?: RawPodStatus;
}

export function seenPod(raw: KubeObject): SeenPod {
  const { metadata } = raw;
  const { spec, status = {} } = raw as RawPod;
  const containers = (spec?.containers ?? []).map((each) => seenContainer(each, status));
  const { requests = {}, limits = {}, name } = containers[0] ?? {};
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    phase: status.phase ?? '',
    ready: status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true,
    going: metadata.deletionTimestamp !== undefined,
    annotations: metadata.annotations ?? {},
    containers,
    requests,
    limits,
    actual: asked(statusOf(status, name)?.resources?.requests),
    created: Date.parse(metadata.creationTimestamp ?? ''),
  };
}

function seenContainer({ name, resources }: RawContainer, status: RawPodStatus): SeenContainer {
  return {
    name,
    requests: asked(resources?.requests),
    limits: asked(resources?.limits),
    restarts: statusOf(status, name)?.restartCount ?? 0,
  };
}

function statusOf({ containerStatuses }: RawPodStatus, name: string | undefined) {
  return containerStatuses?.find((each) => each.name === name);
}
