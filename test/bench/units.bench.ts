import { quantityToScalar } from '@kubernetes/client-node/dist/util.js';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject } from '../../core/model/object.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { projectPod } from '../../core/model/pod.ts';
import { buildClusterView } from '../../core/model/cluster-view.ts';
import { parseSelector } from '../../core/model/selector.ts';
import { parseMilli, Quantity } from '../../core/units/quantity.ts';
import { figureMaker, rounded, type BenchRun, type Figure } from './figure.ts';

const figure = figureMaker('units');

/** Spellings that the baseline can read at all (it throws on `1.5Gi` and misreads exponents), as metrics and pods carry them. */
const spellings = [
  '100m',
  '250m',
  '1',
  '2',
  '500m',
  '128Mi',
  '256Mi',
  '1Gi',
  '512Mi',
  '64Mi',
  '4Gi',
  '123456789n',
  '15023456n',
  '87342Ki',
  '1048576Ki',
  '2000m',
];

const podCount = 150_000;
const templateCount = 200;

/**
 * Quantity parsing against client-node's helper, rounds interleaved; then 150 000 synthetic pods of about 5 kB from 200 templates, each
 * parsed from JSON and dropped again, so that only what a record keeps is counted.
 */
export const run: BenchRun = async () => {
  const figures = quantityFigures();
  const { records, microsPerPod, bytesPerPod } = await projectAll(podCount, syntheticPod);
  const worst = await projectAll(podCount / 3, restartedStatefulPod);
  figures.push(
    figure({ figure: `projectPod, ${podCount} pods of ${templateCount} templates`, value: microsPerPod, unit: 'µs/pod' }),
    figure({
      figure: `retained per pod record, ${podCount} pods of ${templateCount} templates`,
      value: bytesPerPod,
      unit: 'B/pod',
      limit: 600,
    }),
    figure({
      figure: `retained per pod record, ${worst.records.length} StatefulSet pods whose every container was OOM-killed once`,
      value: worst.bytesPerPod,
      unit: 'B/pod',
    }),
    ...viewFigures(records),
  );
  return figures;
};

function quantityFigures(): Figure[] {
  const contestants = {
    client: (text: string) => Number(quantityToScalar(text)),
    exact: (text: string) => (Quantity.parse(text).isZero ? 0 : 1),
    fast: (text: string) => parseMilli(text),
  };
  const best = { client: Infinity, exact: Infinity, fast: Infinity };
  let consumed = 0;
  for (let round = 0; round < 15; round++) {
    for (const name of ['client', 'exact', 'fast'] as const) {
      const parse = contestants[name];
      const operations = 20_000 * spellings.length;
      const start = performance.now();
      for (let turn = 0; turn < 20_000; turn++) for (const text of spellings) consumed += parse(text);
      best[name] = Math.min(best[name], ((performance.now() - start) * 1e6) / operations);
    }
  }
  if (!Number.isFinite(consumed)) throw new Error('the parsers gave no numbers');
  const against = { name: 'client-node quantityToScalar', value: rounded(best.client) };
  return [
    figure({ figure: 'Quantity.parse, 16 common spellings', value: best.exact, unit: 'ns/op', against }),
    figure({ figure: 'parseMilli, 16 common spellings', value: best.fast, unit: 'ns/op', against }),
  ];
}

interface Projection {
  readonly records: PodRecord[];
  readonly microsPerPod: number;
  readonly bytesPerPod: number;
}

async function projectAll(count: number, make: (index: number) => KubeObject): Promise<Projection> {
  const interner = createInterner();
  const records: PodRecord[] = [];
  await collect();
  const before = process.memoryUsage().heapUsed;
  let spent = 0;
  const page = 500;
  for (let first = 0; first < count; first += page) {
    // A page as a list answers it: parsed from text, so that no string is shared before the projector shares it.
    const text = JSON.stringify(Array.from({ length: page }, (_, offset) => make(first + offset)));
    const items = JSON.parse(text) as KubeObject[];
    const start = performance.now();
    for (const raw of items) records.push(projectPod(raw, interner));
    spent += performance.now() - start;
    // WeakRefs are cleared only between turns.
    if (first % 10_000 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await collect();
  const retained = process.memoryUsage().heapUsed - before;
  if (records.some((record) => record.phase !== 'Running')) throw new Error('a record is not what its pod is');
  return { records, microsPerPod: (spent * 1000) / count, bytesPerPod: retained / count };
}

function viewFigures(records: readonly PodRecord[]): Figure[] {
  const start = performance.now();
  const view = buildClusterView({ at: 0, pods: records });
  const built = performance.now() - start;
  const selectors = Array.from({ length: 10_000 }, (_, policy) => ({
    namespace: `team-${policy % 50}`,
    selector: parseSelector(`app=app-${policy % templateCount},tier!=batch`),
  }));
  const queryStart = performance.now();
  let found = 0;
  for (const { namespace, selector } of selectors) found += view.podsMatching(namespace, selector).length;
  const queried = performance.now() - queryStart;
  if (found !== (10_000 / templateCount) * podCount) throw new Error(`the selectors found ${found} pods`);
  return [
    figure({ figure: `buildClusterView, ${podCount} pods`, value: built, unit: 'ms' }),
    figure({ figure: `podsMatching for 10000 policies over ${podCount} pods, 750 pods each`, value: queried, unit: 'ms' }),
  ];
}

async function collect(): Promise<void> {
  // Finalizers run between turns, and free what only they held.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** About 5 kB of JSON with everything that a real pod drags along; pods of one template differ where real ones do. */
export function syntheticPod(index: number): KubeObject {
  const template = index % templateCount;
  const app = `app-${template}`;
  const namespace = `team-${template % 50}`;
  const hash = (template * 7919 + 65_536).toString(36).padStart(9, 'x');
  const suffix = (index * 48_271 + 60_466_176).toString(36).slice(-5);
  const uid = `${index.toString(16).padStart(8, '0')}-1c2d-4e3f-8a9b-${(index * 31 + 7).toString(16).padStart(12, '0')}`;
  const time = (seconds: number): string => new Date(1_780_000_000_000 + seconds * 1000).toISOString().replace('.000Z', 'Z');
  const name = `${app}-${hash}-${suffix}`;
  const containers = Array.from({ length: 1 + (template % 2) }, (_, at) => syntheticContainer(app, at));
  return {
    metadata: {
      name,
      namespace,
      generateName: `${app}-${hash}-`,
      uid,
      resourceVersion: String(10_000_000 + index),
      creationTimestamp: time(index),
      labels: { app, 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/name': app, 'pod-template-hash': hash, tier: 'web' },
      annotations: { 'kubernetes.io/config.seen': time(index), 'prometheus.io/scrape': 'true', checksum: uid.repeat(2) },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-${hash}`,
          uid: `rs-${template}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [{ manager: 'kubelet', operation: 'Update', time: time(index), fieldsV1: { 'f:status': { 'f:conditions': {} } } }],
    },
    spec: {
      nodeName: `node-${index % 5000}`,
      serviceAccountName: app,
      priority: 0,
      schedulerName: 'default-scheduler',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      securityContext: { runAsNonRoot: true, fsGroup: 2000 },
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } } },
          ],
        },
      },
      containers,
      volumes: [
        { name: 'tmp', emptyDir: {} },
        {
          name: `kube-api-access-${suffix}`,
          projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }] },
        },
      ],
    },
    status: {
      phase: 'Running',
      qosClass: 'Burstable',
      hostIP: `10.0.${index % 200}.${index % 250}`,
      podIP: `10.1.${index % 200}.${index % 250}`,
      startTime: time(index),
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type, at) => ({
        type,
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: time(index + at * 3),
      })),
      containerStatuses: containers.map((container, at) => ({
        name: container.name,
        ready: true,
        started: true,
        restartCount: 0,
        image: container.image,
        imageID: `${container.image}@sha256:${uid.replaceAll('-', '').repeat(2)}`,
        containerID: `containerd://${uid.replaceAll('-', '').repeat(2)}${at}`,
        lastState: {},
        state: { running: { startedAt: time(index + 5) } },
        allocatedResources: container.resources.requests,
        resources: container.resources,
      })),
    },
  };
}

/** The same pod as a StatefulSet makes it, with labels and a claim of its own and a termination in every container. */
function restartedStatefulPod(index: number): KubeObject {
  const pod = syntheticPod(index);
  const name = `app-${index % templateCount}-${Math.floor(index / templateCount)}`;
  const { labels } = pod.metadata;
  const spec = pod.spec as { volumes: object[] };
  const status = pod.status as { startTime: string; containerStatuses: object[] };
  const terminated = { reason: 'OOMKilled', exitCode: 137, startedAt: status.startTime, finishedAt: status.startTime };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: {
        ...labels,
        'apps.kubernetes.io/pod-index': String(Math.floor(index / templateCount)),
        'statefulset.kubernetes.io/pod-name': name,
      },
    },
    spec: { ...spec, volumes: [...spec.volumes, { name: 'data', persistentVolumeClaim: { claimName: `data-${name}` } }] },
    status: {
      ...status,
      containerStatuses: status.containerStatuses.map((each) => ({ ...each, restartCount: 1, lastState: { terminated } })),
    },
  };
}

function syntheticContainer(app: string, at: number) {
  return {
    name: at === 0 ? app : `sidecar-${at}`,
    image: `images.example/${app}:v1.${at}`,
    imagePullPolicy: 'IfNotPresent',
    command: ['/usr/local/bin/server', '--port=8080', '--log-format=json', `--name=${app}`],
    env: Array.from({ length: 5 }, (_, variable) => ({ name: `SETTING_${variable}`, value: `value-of-setting-${variable}-of-${app}` })),
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '512Mi' } },
    livenessProbe: { httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
    readinessProbe: { httpGet: { path: '/readyz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  };
}
