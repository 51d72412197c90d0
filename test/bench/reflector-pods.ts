/**
 * Synthetic pods as bytes: 200 workload templates of about 5 kB, as kube-apiserver writes them (managedFields included). Pods of a template
 * differ where real ones do: names, ids, addresses, times, the volume of the service account, and one in ten was restarted once. All that
 * changes has a fixed width: copying a template and overwriting it costs a few microseconds, so that the server is not what is measured.
 */
export const podCount = 150_000;
export const templateCount = 200;
export const nodeCount = 5_000;
export const listResourceVersion = '200000000';

/** Eight digits: the number of the pod. */
const podToken = '00000PPP';
/** Five digits: the number of the node. */
const nodeToken = '000NN';
const volumeToken = 'x7x9p';
const podIpToken = '10.128.PPP.PPP';
const hostIpToken = '10.164.NNN.NNN';
const clockToken = 'MM:SSZ';

/** What stands in the place of each token, in as many characters. */
const fillers: Readonly<Record<string, (pod: number) => string>> = {
  [podToken]: (pod) => String(pod).padStart(podToken.length, '0'),
  [nodeToken]: (pod) => String(pod % nodeCount).padStart(nodeToken.length, '0'),
  [volumeToken]: (pod) => ((pod * 48_271 + 60_466_176) % 36 ** 5).toString(36).padStart(volumeToken.length, '0'),
  [podIpToken]: (pod) => `10.128.${100 + (Math.floor(pod / 100) % 100)}.${100 + (pod % 100)}`,
  [hostIpToken]: (pod) => `10.164.${100 + (Math.floor((pod % nodeCount) / 100) % 100)}.${100 + (pod % 100)}`,
  [clockToken]: (pod) => `${10 + (Math.floor(pod / 50) % 50)}:${10 + (pod % 50)}Z`,
};

interface Template {
  readonly bytes: Buffer;
  readonly tokens: readonly { readonly fill: (pod: number) => string; readonly offsets: readonly number[] }[];
}

function template(pod: object): Template {
  const bytes = Buffer.from(JSON.stringify(pod));
  return { bytes, tokens: Object.entries(fillers).map(([token, fill]) => ({ fill, offsets: offsetsOf(bytes, token) })) };
}

const templates: readonly Template[] = Array.from({ length: templateCount }, (_, index) => template(templatePod(index, false)));
const restarted: readonly Template[] = Array.from({ length: templateCount }, (_, index) => template(templatePod(index, true)));

/** Bytes of the largest pod. */
export const maxPodBytes = Math.max(...[...templates, ...restarted].map(({ bytes }) => bytes.length));

/** Mean bytes of a pod. */
export const meanPodBytes = templates.reduce((sum, { bytes }) => sum + bytes.length, 0) / templateCount;

/** Writes pod number `pod` into `target` at `offset`; answers the offset behind it. */
export function writePod(target: Buffer, offset: number, pod: number): number {
  const wasRestarted = Math.floor(pod / templateCount) % 10 === 9;
  const chosen = (wasRestarted ? restarted : templates)[pod % templateCount];
  if (chosen === undefined) throw new RangeError('no template');
  chosen.bytes.copy(target, offset);
  for (const { fill, offsets } of chosen.tokens) {
    const text = fill(pod);
    for (const at of offsets) target.write(text, offset + at, 'latin1');
  }
  return offset + chosen.bytes.length;
}

function offsetsOf(bytes: Buffer, token: string): number[] {
  const offsets: number[] = [];
  for (let at = bytes.indexOf(token); at !== -1; at = bytes.indexOf(token, at + 1)) offsets.push(at);
  return offsets;
}

function templatePod(index: number, wasRestarted: boolean): object {
  const app = `workload-${String(index).padStart(3, '0')}`;
  const hash = (0x7d9f8c + index * 977).toString(16);
  const at = `2026-11-${String(1 + (index % 20)).padStart(2, '0')}T0${index % 10}:${clockToken}`;
  const image = `registry.internal/team-${index % 12}/${app}:v1.${index % 30}.4`;
  const condition = (type: string): object => ({
    type,
    observedGeneration: 1,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: at,
  });
  return {
    metadata: {
      name: `${app}-${hash}-${podToken}`,
      generateName: `${app}-${hash}-`,
      namespace: `team-${index % 40}`,
      uid: `4f1c2d3e-8a7b-4c6d-9e0f-1234${podToken}`,
      resourceVersion: `1${podToken}`,
      generation: 1,
      creationTimestamp: at,
      labels: {
        'app.kubernetes.io/name': app,
        'app.kubernetes.io/instance': `${app}-prod`,
        'app.kubernetes.io/part-of': `suite-${index % 9}`,
        'pod-template-hash': hash,
        tier: index % 3 === 0 ? 'backend' : 'frontend',
      },
      annotations: {
        'checksum/config': `9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a${String(index).padStart(3, '0')}`,
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-${hash}`,
          uid: `0a1b2c3d-0000-4000-8000-000000000${String(index).padStart(3, '0')}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: managedFields(at),
    },
    spec: podSpec(app, image, index),
    status: {
      observedGeneration: 1,
      phase: 'Running',
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      hostIP: hostIpToken,
      hostIPs: [{ ip: hostIpToken }],
      podIP: podIpToken,
      podIPs: [{ ip: podIpToken }],
      startTime: at,
      containerStatuses: ['main'].map((name) => ({
        name,
        state: { running: { startedAt: at } },
        lastState: wasRestarted ? { terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: at, finishedAt: at } } : {},
        ready: true,
        restartCount: wasRestarted ? 1 : 0,
        image,
        imageID: `registry.internal/team-${index % 12}/${app}@sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865`,
        containerID: `containerd://b1946ac92492d2347c6235b4d2611184a3d5f1c29c7e6b1f0e2d3c4b${podToken}`,
        started: true,
        resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '512Mi' } },
        allocatedResources: { cpu: '250m', memory: '256Mi' },
      })),
      qosClass: 'Burstable',
    },
  };
}

function podSpec(app: string, image: string, index: number): object {
  const probe = (path: string): object => ({
    httpGet: { path, port: 8080, scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  return {
    volumes: [
      { name: 'config', configMap: { name: `${app}-config`, defaultMode: 420 } },
      {
        name: `kube-api-access-${volumeToken}`,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
          ],
          defaultMode: 420,
        },
      },
    ],
    containers: [
      {
        name: 'main',
        image,
        args: ['--listen=:8080', `--name=${app}`, '--log=json'],
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
        env: [
          { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
          { name: 'REGION', value: 'eu-central-1' },
        ],
        resources: { limits: { memory: '512Mi' }, requests: { cpu: `${100 + (index % 10) * 50}m`, memory: '256Mi' } },
        volumeMounts: [
          { name: 'config', mountPath: '/etc/config' },
          { name: `kube-api-access-${volumeToken}`, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
        ],
        livenessProbe: probe('/healthz'),
        readinessProbe: probe('/readyz'),
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
      },
      {
        name: 'proxy',
        image: 'registry.internal/mesh/proxy:v2.9.1',
        resources: { limits: { memory: '128Mi' }, requests: { cpu: '50m', memory: '64Mi' } },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: app,
    serviceAccount: app,
    nodeName: `node-${nodeToken}`,
    securityContext: { runAsNonRoot: true, fsGroup: 65532 },
    schedulerName: 'default-scheduler',
    tolerations: ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    })),
    priority: 0,
    enableServiceLinks: false,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

function managedFields(time: string): object[] {
  const own = {
    'f:metadata': { 'f:labels': { '.': {}, 'f:app.kubernetes.io/name': {}, 'f:pod-template-hash': {} }, 'f:ownerReferences': { '.': {} } },
    'f:spec': {
      'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': { '.': {} } } },
      'f:dnsPolicy': {},
      'f:restartPolicy': {},
    },
  };
  const kubelet = {
    'f:status': {
      'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:lastTransitionTime': {}, 'f:status': {}, 'f:type': {} } },
      'f:containerStatuses': {},
      'f:phase': {},
      'f:podIP': {},
      'f:startTime': {},
    },
  };
  return [
    { manager: 'kube-controller-manager', operation: 'Update', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1: own },
    { manager: 'kubelet', operation: 'Update', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1: kubelet, subresource: 'status' },
  ];
}
