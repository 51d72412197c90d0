import { connectionFromDispatcher, createKubeClient, type KubeClient } from '../../../core/kube/index.ts';
import { resourceTypes, type KubeObject, type ResourceType } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createApiServer, type ApiServer } from '../../../simulator/cluster/api-server/index.ts';

/** A management cluster with the objects of Cluster API and somebody who makes machines of replicas, when told to. */
export interface CapiCluster {
  readonly clock: VirtualClock;
  readonly api: ApiServer;
  readonly client: KubeClient;
  readonly types: Readonly<Record<'MachineDeployment' | 'MachineSet' | 'MachinePool' | 'Machine' | 'Template', ResourceType>>;
  readonly create: (type: keyof CapiCluster['types'], object: KubeObject) => Promise<KubeObject>;
  /** A deployment with its set; its machines come with `react`. */
  readonly deployment: (options: DeploymentOptions) => Promise<void>;
  /** Makes Machines of replicas and takes away what is too much, marked ones first. */
  readonly react: () => Promise<void>;
  /** Reacts, and lets machines come up that can. */
  readonly settle: () => Promise<void>;
  /** Machines of this deployment that are made from now on fail. */
  readonly failing: Set<string>;
  readonly close: () => Promise<void>;
}

export interface DeploymentOptions {
  readonly name: string;
  readonly replicas: number;
  readonly min?: string;
  readonly max?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of an infrastructure template. */
  readonly template?: string;
  readonly machineLabels?: Readonly<Record<string, string>>;
}

export const namespace = 'machines';
const sizes = 'cluster.x-k8s.io/cluster-api-autoscaler-node-group';

interface CapiOptions {
  readonly group?: string;
  readonly pools?: boolean;
}

export async function startCapiCluster({ group = 'cluster.x-k8s.io', pools = true }: CapiOptions = {}): Promise<CapiCluster> {
  const clock = new VirtualClock();
  const api = createApiServer({ clock, random: seededRandom('capi') });
  clock.useSettle(() => api.settle());
  const connection = connectionFromDispatcher({ server: 'http://management.local', dispatcher: api.dispatcher() });
  const client = createKubeClient({ connection, clock, random: seededRandom('client'), userAgent: 'test' });
  const version = 'v1beta2';
  const type = (plural: string, kind: string, of = group): ResourceType => ({ group: of, version, plural, kind, namespaced: true });
  const types = {
    MachineDeployment: type('machinedeployments', 'MachineDeployment'),
    MachineSet: type('machinesets', 'MachineSet'),
    MachinePool: type('machinepools', 'MachinePool'),
    Machine: type('machines', 'Machine'),
    Template: type('simmachinetemplates', 'SimMachineTemplate', `infrastructure.${group}`),
  };
  for (const [name, each] of Object.entries(types)) {
    if (name === 'MachinePool' && !pools) continue;
    await client.create(resourceTypes.customResourceDefinitions, definition(each, name.startsWith('Machine') && name !== 'Machine'));
  }
  await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });

  const failing = new Set<string>();
  let machines = 0;
  const create = (of: keyof typeof types, object: KubeObject): Promise<KubeObject> =>
    client.create(types[of], { ...object, metadata: { namespace, ...object.metadata } });

  const addMachine = async (deployment: string, set: KubeObject): Promise<void> => {
    const name = `${deployment}-${machines++}`;
    const owner = {
      apiVersion: `${group}/${version}`,
      kind: 'MachineSet',
      name: set.metadata.name,
      uid: set.metadata.uid ?? '',
      controller: true,
    };
    await create('Machine', { metadata: { name, ownerReferences: [owner] }, spec: {}, status: {} });
    const status = failing.has(deployment)
      ? { phase: 'Failed', failureReason: 'CreateError', failureMessage: 'InsufficientInstanceCapacity' }
      : { phase: 'Provisioning' };
    await client.patch(types.Machine, { namespace, name }, { type: 'merge', body: { status } }, { subresource: 'status' });
  };

  const react = async (): Promise<void> => {
    const { items: deployments } = await client.list(types.MachineDeployment);
    for (const deployment of deployments) {
      const { replicas = 0 } = deployment.spec as { replicas?: number };
      const set = await client.get<KubeObject>(types.MachineSet, { namespace, name: `${deployment.metadata.name}-set` });
      const { items } = await client.list(types.Machine);
      const own = items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === set.metadata.name);
      for (let index = own.length; index < replicas; index++) await addMachine(deployment.metadata.name, set);
      const marked = (machine: KubeObject): number =>
        machine.metadata.annotations?.['cluster.x-k8s.io/delete-machine'] === undefined ? 1 : 0;
      const first = own.toSorted((a, b) => marked(a) - marked(b));
      for (const { metadata } of first.slice(0, Math.max(0, own.length - replicas))) {
        await client.delete(types.Machine, { namespace, name: metadata.name });
      }
    }
  };

  return {
    clock,
    api,
    client,
    types,
    create,
    failing,
    react,
    deployment: async ({ name, replicas, min, max, annotations = {}, labels = {}, template, machineLabels = {} }) => {
      const bounds = {
        ...(min === undefined ? {} : { [`${sizes}-min-size`]: min }),
        ...(max === undefined ? {} : { [`${sizes}-max-size`]: max }),
      };
      const reference = { apiGroup: types.Template.group, kind: 'SimMachineTemplate', name: template };
      const made = await create('MachineDeployment', {
        metadata: { name, annotations: { ...bounds, ...annotations }, labels: { ...labels } },
        spec: {
          replicas,
          clusterName: 'main',
          template: { metadata: { labels: machineLabels }, spec: template === undefined ? {} : { infrastructureRef: reference } },
        },
      });
      const owner = {
        apiVersion: `${group}/${version}`,
        kind: 'MachineDeployment',
        name,
        uid: made.metadata.uid ?? '',
        controller: true,
      };
      // As Cluster API does, the deployment's annotations stand on its set too.
      await create('MachineSet', { metadata: { name: `${name}-set`, annotations: bounds, ownerReferences: [owner] }, spec: { replicas } });
    },
    settle: async () => {
      await react();
      const { items } = await client.list(types.Machine);
      for (const { metadata, status } of items) {
        if ((status as { phase?: string }).phase !== 'Provisioning') continue;
        const key = { namespace, name: metadata.name };
        await client.patch(types.Machine, key, { type: 'merge', body: { spec: { providerID: `sim:///${metadata.name}` } } });
        const running = { phase: 'Running', nodeRef: { name: `node-${metadata.name}` } };
        await client.patch(types.Machine, key, { type: 'merge', body: { status: running } }, { subresource: 'status' });
      }
      await clock.advance(60_000);
    },
    close: async () => {
      await client.close();
      await api.close();
    },
  };
}

function definition({ group, version, plural, kind }: ResourceType, scalable: boolean): KubeObject {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { ...open, properties: { replicas: { type: 'integer' } } },
                status: { ...open, properties: { replicas: { type: 'integer' } } },
              },
            },
          },
          subresources: { status: {}, ...(scalable ? { scale } : {}) },
        },
      ],
    },
  };
}
