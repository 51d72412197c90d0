import { assert, created, need, waitFor, type ContractSuite } from './suite.ts';

/** Objects that several contracts use. */

export function configMap(
  name: string,
  data: Readonly<Record<string, string>> = { a: '1' },
  labels?: Readonly<Record<string, string>>,
): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(labels === undefined ? {} : { labels }) }, data };
}

export function deployment(
  name: string,
  replicas = 0,
): { [field: string]: unknown; metadata: Record<string, unknown>; spec: Record<string, unknown> } {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            { name: 'a', image: 'registry.example/a:1', ports: [{ containerPort: 80 }], env: [{ name: 'E1', value: '1' }] },
            { name: 'b', image: 'registry.example/b:1' },
          ],
          tolerations: [{ key: 'x', operator: 'Exists', effect: 'NoSchedule' }],
        },
      },
    },
  };
}

export interface PodShape {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly resources?: object;
  readonly extra?: object;
}

export function pod(shape: PodShape): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: shape.name, labels: shape.labels ?? { app: shape.name } },
    spec: {
      containers: [{ name: 'c', image: 'registry.example/c:1', ...(shape.resources === undefined ? {} : { resources: shape.resources }) }],
      ...(shape.nodeName === undefined ? {} : { nodeName: shape.nodeName }),
      ...shape.extra,
    },
  };
}

/** Creates a pod; on a new namespace of the real cluster that is refused until its default ServiceAccount is there. */
export async function createPod(suite: ContractSuite, namespace: string, shape: PodShape): Promise<unknown> {
  return waitFor(`pod ${shape.name} can be created`, async () => {
    const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/pods`, pod(shape));
    if (answer.status === 403 && /error looking up service account/u.test(answer.text)) return undefined;
    assert.code(answer, 201);
    return answer.body;
  });
}

/** A Ready node of 4 CPUs and 8 GiB that no kubelet looks after: pods on it run when a contract says so. Tainted, so that the scheduler leaves it alone. */
export async function createNode(
  suite: ContractSuite,
  options: { readonly schedulable?: boolean; readonly labels?: object } = {},
): Promise<string> {
  const name = suite.unique('node');
  const now = new Date().toISOString().replace(/\.\d+Z$/u, 'Z');
  const amounts = { cpu: '4', memory: '8Gi', pods: '110' };
  await created(suite.api, '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...options.labels } },
    spec: options.schedulable === true ? {} : { taints: [{ key: 'contract', value: 'yes', effect: 'NoSchedule' }] },
    status: {
      capacity: amounts,
      allocatable: amounts,
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      conditions: [
        { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready', lastHeartbeatTime: now, lastTransitionTime: now },
      ],
    },
  });
  suite.cleanup(`/api/v1/nodes/${name}`);
  return name;
}

/** A pod bound to the node with the status that a kubelet writes when everything runs; answers its newest state. */
export async function runningPod(
  suite: ContractSuite,
  namespace: string,
  shape: PodShape & { readonly nodeName: string },
): Promise<unknown> {
  const body = await createPod(suite, namespace, shape);
  return reportRunning(suite, namespace, shape.name, { resources: shape.resources, uid: need(body, 'metadata.uid') });
}

export async function reportRunning(
  suite: ContractSuite,
  namespace: string,
  name: string,
  facts: { readonly uid: string; readonly resources?: object | undefined },
): Promise<unknown> {
  const now = new Date().toISOString().replace(/\.\d+Z$/u, 'Z');
  const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: now });
  const requests = (facts.resources as { requests?: object } | undefined)?.requests;
  const answer = await suite.api.patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, 'strategic', {
    metadata: { uid: facts.uid },
    status: {
      phase: 'Running',
      startTime: now,
      conditions: ['Initialized', 'Ready', 'ContainersReady'].map(condition),
      containerStatuses: [
        {
          name: 'c',
          image: 'registry.example/c:1',
          imageID: 'id',
          containerID: 'sim://1',
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: now } },
          ...(facts.resources === undefined ? {} : { resources: facts.resources }),
          ...(requests === undefined ? {} : { allocatedResources: requests }),
        },
      ],
    },
  });
  assert.code(answer, 200);
  return answer.body;
}
