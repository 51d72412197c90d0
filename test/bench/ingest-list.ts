/**
 * Lists of metrics.k8s.io as Metrics Server writes them, as bytes: pods of 3,000 workloads in 60 namespaces, sorted by namespace and name, about 340 bytes
 * each. From poll to poll timestamps and values are new, strings are the same but for pods that were replaced.
 */
export interface ListOptions {
  readonly pods: number;
  /** Number of the poll: 15 s each. */
  readonly poll: number;
  /** Of this many pods one is a new one. */
  readonly replaced?: number | undefined;
}

export const pollMs = 15_000;
export const firstPollAt = Date.UTC(2026, 10, 22, 6, 0, 0);
const podsPerWorkload = 50;
const workloadsPerNamespace = 50;
const services = [
  'checkout-api',
  'cart',
  'catalog-search',
  'payment-gateway',
  'user-profile',
  'ledger-writer',
  'mail-relay',
  'image-resizer',
];
const head = '{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[';

export function podMetricsList(options: ListOptions): Buffer {
  const { pods, poll, replaced = Infinity } = options;
  const bytes = Buffer.allocUnsafe(pods * 400 + 1000);
  let at = bytes.write(head, 'latin1');
  const created = timeOf(poll, 14);
  const workloads = Array.from({ length: Math.ceil(pods / podsPerWorkload) }, (_, index) => workloadOf(index));
  workloads.sort((one, other) => (one.prefix < other.prefix ? -1 : 1));
  let prefix = '';
  let labels = '';
  for (let pod = 0; pod < pods; pod++) {
    if (pod % podsPerWorkload === 0) ({ prefix = '', labels = '' } = workloads[pod / podsPerWorkload] ?? {});
    const [namespace, name] = prefix.split('/');
    const isNew = pod % replaced === replaced - 1;
    const suffix = ((pod % podsPerWorkload) * 900_000 + (isNew ? 400_000 + poll : pod)).toString(36).padStart(5, '0');
    // As of a scrape that is spread over the cycle.
    const timestamp = timeOf(poll, pod % 15);
    const cpu = 3_000_000 + ((pod * 7919 + poll * 104_729) % 950_000_000);
    const memory = 40_000 + ((pod * 31 + poll * 17) % 900_000);
    const metadata = `"name":"${name}-${suffix}","namespace":"${namespace}","creationTimestamp":"${created}","labels":${labels}`;
    const usage = `"usage":{"cpu":"${cpu}n","memory":"${memory}Ki"}`;
    at += bytes.write(
      `${pod === 0 ? '' : ','}{"metadata":{${metadata}},"timestamp":"${timestamp}","window":"15.0${pod % 10}s","containers":[{"name":"app","${usage.slice(1)}}]}`,
      at,
      'latin1',
    );
  }
  at += bytes.write(']}\n', at, 'latin1');
  // Of its own, as a body is: a part would hold what was reserved.
  return Buffer.from(bytes.subarray(0, at));
}

export function nodeMetricsList(nodes: number, poll: number): Buffer {
  const items = Array.from({ length: nodes }, (_, node) => ({
    metadata: { name: `ip-10-164-${node >> 8}-${node & 255}.ec2.internal`, creationTimestamp: timeOf(poll, 14) },
    timestamp: timeOf(poll, node % 15),
    window: '15.03s',
    usage: { cpu: `${4_000_000_000 + node * 1000 + poll}n`, memory: `${40_000_000 + node}Ki` },
  }));
  return Buffer.from(JSON.stringify({ kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items }));
}

function workloadOf(workload: number): { readonly prefix: string; readonly labels: string } {
  const namespace = `team-${String(Math.floor(workload / workloadsPerNamespace)).padStart(2, '0')}`;
  const app = `${services[workload % services.length] ?? ''}-${String(workload % workloadsPerNamespace).padStart(2, '0')}`;
  const hash = (0x1d9f8c6b + workload * 977).toString(16);
  return {
    prefix: `${namespace}/${app}-${hash}`,
    labels: JSON.stringify({ 'app.kubernetes.io/name': app, 'pod-template-hash': hash, tier: 'web' }),
  };
}

function timeOf(poll: number, second: number): string {
  return new Date(firstPollAt + poll * pollMs - second * 1000).toISOString().replace('.000Z', 'Z');
}
