import { expect } from 'vitest';
import { nodePoolStatusOf } from '../../cluster-autoscaler/index.ts';
import type { KubeClient } from '../../core/kube/api.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { AwsCall, AwsEndpoint, GroupDefinition, GroupNodes, InstanceView } from '../../simulator/cluster/aws/index.ts';
import type { KubeletFleet } from '../../simulator/index.ts';
import { seenEvent, seenNode, seenPod, type SeenEvent, type SeenNode, type SeenPod } from './nodes-rows-seen.ts';

export type PolicyStatus = ReturnType<typeof nodePoolStatusOf>;

/** Durations in milliseconds of the cluster's clock. */
export interface NodesTiming {
  /** How long a node has to be unneeded. */
  readonly unneeded: number;
  readonly scaleUpCooldown: number;
  readonly scaleDownCooldown: number;
  /** By then a loop has seen a change of the cluster and acted. */
  readonly reaction: number;
  /** What has not happened in so long is not going to happen by itself: many loops. */
  readonly quiet: number;
  /** By then the program has read its groups anew. */
  readonly refresh: number;
  /** From a changed size until pods run on the new node. */
  readonly boot: number;
  /** By then a node that could not go is looked at again. */
  readonly recheck: number;
  /** From the moment when a node is due until its Node is gone, if nothing refuses. */
  readonly removal: number;
}

/** What the rows of the node controller (metrics-and-cli §F.7) need of a cluster. Its nodes are instances of an AWS, the program scales its groups. */
export interface NodesCluster {
  readonly name: string;
  /** As an administrator. */
  readonly client: KubeClient;
  readonly aws: AwsEndpoint;
  readonly fleet: Pick<KubeletFleet, 'failNode' | 'recoverNode'>;
  readonly timing: NodesTiming;
  /** Where the program runs, with its ConfigMaps. */
  readonly programNamespace: string;
  now(): number;
  /** Lets `ms` of the cluster's time pass. */
  elapse(ms: number): Promise<void>;
  /** Lets time pass until the condition holds; answers false after `limitMs`. */
  until(condition: () => Promise<boolean>, limitMs: number): Promise<boolean>;
  /** A namespace of its own for one row. */
  namespace(): Promise<string>;
  /** What becomes of a group's instances from now on. */
  setMachines(group: string, nodes: GroupNodes): void;
  /** What `concertina explain` prints. */
  explain(subject: string, namespace?: string): Promise<string>;
}

/** A group of a row. Its nodes have the label `pool`, with the row's id. */
export interface RowGroup {
  /** Added to the row's id; absent: the group is named as the row. */
  readonly name?: string;
  /** Default 0. */
  readonly min?: number;
  readonly max: number;
  /** Default `min`; they run when the row begins. */
  readonly desired?: number;
  /** Default `m5.large`: 2 CPU, 8 GiB. */
  readonly type?: string;
  /** Letter of a zone of us-east-1; default `a`. */
  readonly zone?: string;
  /** Beside those of every group. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** One row of the checklist. */
export interface NodesRow {
  /** Value of the label `pool` and beginning of the groups' names. */
  readonly id: string;
  readonly name: string;
  readonly groups: readonly RowGroup[];
  /** What it shows depends on a real scheduler, on its workload and disruption controllers or on evictions: it runs there too. */
  readonly real?: boolean;
  readonly run: (pool: Pool) => Promise<void>;
}

const tagPrefix = 'k8s.io/cluster-autoscaler/node-template/';

/** The tag by which the program finds groups. */
export const discoveryTag = 'k8s.io/cluster-autoscaler/enabled';

/** Nodes that carry it stay. Where all rows run at the same time it keeps their nodes until their scenes are set. */
export const keptAnnotation = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

/** The groups of a row as the AWS endpoint takes them. */
export function groupDefinitions({ id, groups }: Pick<NodesRow, 'id' | 'groups'>): GroupDefinition[] {
  return groups.map(({ name, min = 0, max, desired = min, type = 'm5.large', zone = 'a', tags }) => ({
    name: groupName(id, name),
    minSize: min,
    maxSize: max,
    desiredCapacity: desired,
    instanceTypes: [type],
    zones: [`us-east-1${zone}`],
    tags: { [discoveryTag]: 'true', [`${tagPrefix}label/pool`]: id, ...tags },
  }));
}

function groupName(id: string, name: string | undefined): string {
  return name === undefined ? id : `${id}-${name}`;
}

/** What a Deployment of a row is like. */
export interface Workload {
  readonly replicas: number;
  /** Default `800m`: two fit on an m5.large. */
  readonly cpu?: string;
  /** Default 1. */
  readonly graceSeconds?: number;
  /** Of the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields of the pods' spec, beside the selector of the pool. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Fields of the container. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** Default: the row's. */
  readonly namespace?: string;
}

/** Groups, nodes and workloads of one row. */
export interface Pool {
  readonly id: string;
  readonly cluster: NodesCluster;
  readonly namespace: string;
  /** Full name of a group; without a name the one that is named as the row. */
  group(name?: string): string;
  /** Desired capacity in AWS. */
  size(name?: string): number;
  /** Instances that are not on their way out. */
  instances(name?: string): readonly InstanceView[];
  /** Calls of the program that set the desired capacity. */
  sizeCalls(name?: string): readonly AwsCall[];
  /** What they set. */
  sizes(name?: string): readonly number[];
  /** Calls of the program that ended an instance of the row. */
  terminations(): readonly AwsCall[];
  /** Somebody sets the desired capacity. */
  setByHand(size: number, name?: string): Promise<void>;
  /** Somebody ends an instance and leaves the group to replace it. */
  terminateByHand(instance: string): Promise<void>;
  /** Of the row, the oldest first. */
  nodes(): Promise<readonly SeenNode[]>;
  deploy(name: string, workload: Workload): Promise<void>;
  /** The same, with all of its pods on one node: the others are cordoned meanwhile. Resolves when they run. */
  place(name: string, node: string, workload: Workload): Promise<void>;
  scale(name: string, replicas: number): Promise<void>;
  /** Of a Deployment, or all of the namespace; the oldest first. */
  pods(name?: string, namespace?: string): Promise<readonly SeenPod[]>;
  /** The scene is set: nodes that are not needed may go from now on. */
  release(): Promise<void>;
  /** A PodDisruptionBudget for the pods of a Deployment. */
  budget(name: string, spec: Readonly<Record<string, unknown>>, namespace?: string): Promise<void>;
  /** Events about an object, by its name. */
  events(name?: string): Promise<readonly SeenEvent[]>;
  /** A NodePoolPolicy for a group. Without cooldowns, unless the spec has some. */
  policy(spec: Readonly<Record<string, unknown>>, options?: PolicyOptions): Promise<void>;
  patchPolicy(spec: Readonly<Record<string, unknown>>, name?: string): Promise<void>;
  deletePolicy(name?: string): Promise<void>;
  status(name?: string): Promise<PolicyStatus>;
  /** `Status/Reason` of a condition of a policy; `none` when it is not there. */
  condition(type: string, name?: string): Promise<string>;
  /** Becomes true within `limitMs`; fails otherwise, with what is there. */
  comes(what: string, condition: () => boolean | Promise<boolean>, limitMs: number): Promise<void>;
  /** Stays true for so long. */
  stays(what: string, condition: () => boolean | Promise<boolean>, ms: number): Promise<void>;
  /** So many pods of a Deployment come to run, and nothing else is there of it. */
  runs(name: string, replicas: number, limitMs: number, namespace?: string): Promise<void>;
  /** So many nodes come to be there, Ready and not on their way out. */
  ready(count: number, limitMs: number): Promise<void>;
}

export interface PolicyOptions {
  /** Default: the row's id. */
  readonly name?: string;
  /** Group that it selects; default the one that is named as the row. */
  readonly group?: string;
}

/** `policy` fields that switch the cooldowns off, so that what is seen is not their doing. */
export const noCooldown = { cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } };

export function deployment(pool: Pick<Pool, 'id' | 'namespace'>, name: string, workload: Workload): KubeObject {
  const { replicas, cpu = '800m', graceSeconds = 1, annotations, spec, container, namespace = pool.namespace } = workload;
  const labels = { app: name, pool: pool.id };
  const resources = { requests: { cpu, memory: '64Mi' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...(annotations === undefined ? {} : { annotations }) },
        spec: {
          terminationGracePeriodSeconds: graceSeconds,
          nodeSelector: { pool: pool.id },
          containers: [{ name: 'main', image: 'main:1', resources, ...container }],
          ...spec,
        },
      },
    },
  };
}

/** The endpoint looks only for whom a request is signed. */
const signedBySomebody = {
  'content-type': 'application/x-www-form-urlencoded',
  authorization: 'AWS4-HMAC-SHA256 Credential=hand/20260101/us-east-1/autoscaling/aws4_request, SignedHeaders=host, Signature=0',
};

/** The row's view of its cluster; its namespace is made. */
export async function poolOf(cluster: NodesCluster, { id, groups }: Pick<NodesRow, 'id' | 'groups'>): Promise<Pool> {
  const { client, aws } = cluster;
  const namespace = await cluster.namespace();
  const own = new Set(groups.map(({ name }) => groupName(id, name)));
  const byHand = new WeakSet<AwsCall>();
  const group = (name?: string): string => groupName(id, name);
  const ask = async (action: string, parameters: Readonly<Record<string, string>>): Promise<void> => {
    const body = new URLSearchParams({ Action: action, Version: '2011-01-01', ...parameters }).toString();
    const { status, body: text } = await aws.handle({ method: 'POST', target: '/', headers: signedBySomebody, body });
    expect(status, text).toBe(200);
    const call = aws
      .calls()
      .findLast((each) => each.action === action && Object.entries(parameters).every(([key, value]) => each.parameters[key] === value));
    if (call !== undefined) byHand.add(call);
  };
  const calls = (action: string): readonly AwsCall[] =>
    aws.calls().filter((call) => call.action === action && call.error === undefined && !byHand.has(call));
  const pods = async (name?: string, of = namespace): Promise<readonly SeenPod[]> =>
    (await client.list(resourceTypes.pods, { namespace: of, ...(name === undefined ? {} : { labelSelector: `app=${name}` }) })).items
      .map(seenPod)
      .toSorted((a, b) => a.created - b.created || (a.name < b.name ? -1 : 1));
  const nodes = async (): Promise<readonly SeenNode[]> =>
    (await client.list(resourceTypes.nodes, { labelSelector: `pool=${id}` })).items
      .map(seenNode)
      .toSorted((a, b) => a.created - b.created || (a.name < b.name ? -1 : 1));
  const status = async (name = id): Promise<PolicyStatus> => nodePoolStatusOf(await client.get(resourceTypes.nodePoolPolicies, { name }));
  const shown = async (): Promise<string> => {
    const policies = (await client.list(resourceTypes.nodePoolPolicies)).items.filter(({ metadata }) => metadata.name.startsWith(id));
    return JSON.stringify(
      {
        sizes: [...own].map((name) => [name, aws.group(name)?.desiredCapacity]),
        nodes: await nodes(),
        pods: await pods(),
        policies: policies.map((each) => each.status),
      },
      undefined,
      1,
    );
  };
  const self: Pool = {
    id,
    cluster,
    namespace,
    group,
    size: (name) => aws.group(group(name))?.desiredCapacity ?? Number.NaN,
    instances: (name) =>
      (aws.group(group(name))?.instances ?? []).filter(({ lifecycle }) => lifecycle === 'Pending' || lifecycle === 'InService'),
    sizeCalls: (name) => calls('SetDesiredCapacity').filter(({ parameters }) => parameters['AutoScalingGroupName'] === group(name)),
    sizes: (name) => self.sizeCalls(name).map(({ parameters }) => Number(parameters['DesiredCapacity'])),
    terminations: () =>
      calls('TerminateInstanceInAutoScalingGroup').filter(({ parameters }) =>
        own.has(aws.instance(parameters['InstanceId'] ?? '')?.group ?? ''),
      ),
    setByHand: (size, name) => ask('SetDesiredCapacity', { AutoScalingGroupName: group(name), DesiredCapacity: String(size) }),
    terminateByHand: (instance) =>
      ask('TerminateInstanceInAutoScalingGroup', { InstanceId: instance, ShouldDecrementDesiredCapacity: 'false' }),
    nodes,
    deploy: async (name, workload) => {
      await client.create(resourceTypes.deployments, deployment(self, name, workload));
    },
    place: async (name, node, workload) => {
      const others = (await nodes()).filter((each) => each.name !== node);
      const cordon = (unschedulable: boolean): Promise<unknown> =>
        Promise.all(
          others.map((each) =>
            client.patch(resourceTypes.nodes, { name: each.name }, { type: 'merge', body: { spec: { unschedulable } } }),
          ),
        );
      await cordon(true);
      await self.deploy(name, workload);
      await self.runs(name, workload.replicas, cluster.timing.reaction, workload.namespace);
      await cordon(false);
    },
    scale: async (name, replicas) => {
      await client.setScale(resourceTypes.deployments, { namespace, name }, replicas);
    },
    pods,
    release: async () => {
      for (const { name } of await nodes()) {
        await client.patch(
          resourceTypes.nodes,
          { name },
          { type: 'merge', body: { metadata: { annotations: { [keptAnnotation]: null } } } },
        );
      }
    },
    budget: async (name, spec, of = namespace) => {
      const selector = { matchLabels: { app: name, pool: id } };
      await client.create(resourceTypes.podDisruptionBudgets, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name, namespace: of },
        spec: { selector, ...spec },
      });
    },
    events: async (name) =>
      (await client.list(resourceTypes.coreEvents)).items.map(seenEvent).filter((event) => name === undefined || event.name === name),
    policy: async (spec, { name = id, group: of } = {}) => {
      await client.create(resourceTypes.nodePoolPolicies, {
        apiVersion: 'concertina.dev/v1alpha1',
        kind: 'NodePoolPolicy',
        metadata: { name },
        spec: { groups: [{ name: group(of) }], ...noCooldown, ...spec },
      });
    },
    patchPolicy: async (spec, name = id) => {
      await client.patch(resourceTypes.nodePoolPolicies, { name }, { type: 'merge', body: { spec } });
    },
    deletePolicy: (name = id) => client.delete(resourceTypes.nodePoolPolicies, { name }),
    status,
    condition: async (type, name) => {
      const found = (await status(name)).conditions?.find((each) => each.type === type);
      return found === undefined ? 'none' : `${found.status}/${found.reason}`;
    },
    comes: async (what, condition, limitMs) => {
      const came = await cluster.until(async () => condition(), limitMs);
      expect(came, came ? '' : `${what}: not within ${limitMs / 1000} s: ${await shown()}`).toBe(true);
    },
    stays: async (what, condition, ms) => {
      const ended = await cluster.until(async () => !(await condition()), ms);
      expect(ended, ended ? `${what}: no longer: ${await shown()}` : '').toBe(false);
    },
    runs: (name, replicas, limitMs, of) =>
      self.comes(
        `${replicas} pods of ${name} run`,
        async () => {
          const found = await pods(name, of);
          return found.length === replicas && found.every(({ ready, going }) => ready && !going);
        },
        limitMs,
      ),
    ready: (count, limitMs) =>
      self.comes(
        `there are ${count} nodes`,
        async () => {
          const found = await nodes();
          return found.length === count && found.every(({ ready, unschedulable }) => ready && !unschedulable);
        },
        limitMs,
      ),
  };
  await self.ready(
    groups.reduce((sum, { min = 0, desired = min }) => sum + desired, 0),
    cluster.timing.boot,
  );
  return self;
}
