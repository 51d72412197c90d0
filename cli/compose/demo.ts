import { stringify } from 'yaml';
import { connectionFromDispatcher } from '../../core/kube/index.ts';
import { Agent } from 'undici';
import { sleep, type Clock } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock, scaledClock } from '../../core/runtime/clock.ts';
import { createLogger } from '../../core/runtime/logging.ts';
import { realRandom, seededRandom } from '../../core/runtime/random.ts';
import { formatDuration } from '../../core/units/duration.ts';
import { parseLoad, startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { concertinaCrds } from './crds.ts';
import { createAwsProvider } from '../../cluster-autoscaler/index.ts';
import { runSettings } from './settings.ts';
import { createSuite } from './suite.ts';

export interface DemoOptions {
  readonly speed: number;
  readonly seed: number;
  readonly port: number;
  /** Cluster time after which it ends by itself; absent: when the signal aborts. */
  readonly lengthMs: number | undefined;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  /** Stores the kubeconfig and answers its path. */
  readonly saveKubeconfig: (text: string) => Promise<string>;
}

const namespace = 'shop';
const name = 'web';
/** Asks for too little memory. */
const sized = 'cache';
/** The Auto Scaling group that the nodes come from. */
const pool = 'shop-nodes';
const discoveryTag = 'k8s.io/cluster-autoscaler/enabled';
const webhook = { namespace: 'default', name: 'concertina-vpa' };

/** The main job on the embedded cluster over HTTP: the program as it runs in a real cluster, only on a faster clock. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { print, speed, signal } = options;
  const clock = scaledClock(speed);
  const started = clock.now();
  const problems = createLogger({ level: 'warn', name: 'demo', clock });
  const cluster = await startEmbeddedCluster({
    clock,
    random: seededRandom(options.seed),
    nodes: [],
    aws: {
      groups: [{ name: pool, minSize: 2, desiredCapacity: 2, maxSize: 6, instanceTypes: ['m5.large'], tags: { [discoveryTag]: 'true' } }],
      nodes: { standard: { joinDelay: { min: 20_000, max: 40_000 } } },
    },
    onProblem: (subject, error) => problems.warn('the embedded cluster met a problem', { subject, error }),
  });
  const url = await cluster.listen({ port: options.port });
  const kubeconfig = await options.saveKubeconfig(kubeconfigOf(url));
  const cloud = (await cluster.aws?.endpoint.listen())?.url;
  introduce(options, { url, kubeconfig, cloud: cloud ?? '' });
  await createObjects(cluster);

  // Requests are answered in real time however fast the cluster's clock runs, so they are timed by the real one.
  const settings = runSettings.parse({
    health: { address: '127.0.0.1:0' },
    admission: { address: '127.0.0.1:0', service: webhook.name },
    log: { level: 'warn' },
    leaderElection: demoLease(speed),
    cloudProvider: 'aws',
    nodeGroupAutoDiscovery: [`asg:tag=${discoveryTag}`],
  });
  const suite = createSuite({
    connection: connectionFromDispatcher({ server: url, dispatcher: new Agent({ connections: 32 }) }),
    clock,
    transportClock: realClock,
    random: realRandom,
    settings,
    identity: 'demo',
    leaseNamespace: webhook.namespace,
    logger: createLogger({ level: 'error', name: 'concertina', clock }),
    onDecision: tell(print, clock, started),
    // The SDK as against AWS, only that its caches go by the cluster's time.
    provider: (parts) =>
      createAwsProvider({
        ...parts,
        clock,
        groups: [],
        discovery: settings.nodeGroupAutoDiscovery,
        region: cluster.aws?.endpoint.region ?? '',
        ...(cloud === undefined ? {} : { endpoint: cloud }),
        credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
      }),
  });
  const health = await suite.start();
  if (health.webhook !== undefined) cluster.api.serveService(webhook, health.webhook);
  print(`  health:      http://${health.host}:${health.port}/readyz  …/metrics`);
  print('');
  await untilEnd(clock, options.lengthMs, signal);
  print('stopping');
  await suite.shutdown.run('the demo ends');
  await cluster.stop();
}

/** A lease of 15 seconds is a quarter of a second at 60 times the speed: the demo's is longer by the speed. */
function demoLease(speed: number): Record<string, string> {
  return { leaseDuration: `${15 * speed}s`, renewDeadline: `${10 * speed}s`, retryPeriod: `${2 * speed}s` };
}

async function untilEnd(clock: Clock, lengthMs: number | undefined, signal: AbortSignal): Promise<void> {
  // An unreferenced timer would let the process end; the servers keep it alive.
  if (lengthMs !== undefined) {
    await sleep(clock, lengthMs, signal);
    return;
  }
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function introduce(
  { print, speed }: DemoOptions,
  place: { readonly url: string; readonly kubeconfig: string; readonly cloud: string },
): void {
  print(`Concertina on an embedded Kubernetes cluster at ${place.url}, time ${speed} times as fast as yours.`);
  print(`Deployment ${namespace}/${name}: 3 replicas of 500m CPU. HorizontalPolicy ${namespace}/${name}: 3 to 12 replicas at 60 % CPU.`);
  print(`Deployment ${namespace}/${sized}: 2 replicas of 64Mi, limit 128Mi, that need 300Mi. VerticalPolicy ${namespace}/${sized}.`);
  print(`Auto Scaling group ${pool}: 2 to 6 m5.large (2 cores), served by an AWS in this process at ${place.cloud}.`);
  print('A flash crowd comes after two minutes of the cluster’s time, more traffic stays after it, and goes after eleven.');
  print('');
  print('Look closer from another terminal:');
  print(`  export KUBECONFIG=${place.kubeconfig}`);
  print(`  kubectl get hpol,vpol,deploy,pods,nodes,npol -n ${namespace} kubectl describe hpol ${name} -n ${namespace}`);
  print(`  kubectl get events -n ${namespace}               kubectl top pods -n ${namespace}`);
  print(`  npm run -s concertina -- recommend --output trace`);
}

/** One line for every decision that changes something, and for the first of a row that does not. */
function tell(print: (line: string) => void, clock: Clock, started: number): (decision: Decision) => void {
  const last = new Map<string, string>();
  return (decision) => {
    const { from, to, reason, holds, message, subject, dimension } = decision;
    const policy = subject.namespace === undefined ? subject.name : `${subject.namespace}/${subject.name}`;
    const kind = `${from}→${to} ${reason} ${holds.map((hold) => hold.by).join(',')}`;
    // Of requests only what is done: what stays has two lines for each container.
    if (dimension === undefined ? kind === last.get(policy) : from === to) return;
    if (dimension === undefined) last.set(policy, kind);
    const at = formatDuration(Math.round((clock.now() - started) / 1000) * 1000).padStart(7);
    print(`[${at}] ${policy}  ${message}`);
  };
}

async function createObjects(cluster: EmbeddedCluster): Promise<void> {
  const client = cluster.client('concertina-demo');
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });
  cluster.workload.define({
    name: `${namespace}/${name}`,
    namespace,
    owner: name,
    load: parseLoad(`step:0s=60,2m=2400,165s=400,5m=620,11m=60,32m=2400,1965s=400,35m=620,41m=60,62m=2400,3765s=400,65m=620,71m=60`),
    // 5 ms of CPU a request: 400 requests a second take 2 cores, 620 take 3.1.
    cpuPerRequest: 5,
    baseCpu: 5,
    // What the nodes cannot serve fails rather than wait.
    maxQueue: 50,
    memory: { base: 120 * 2 ** 20, perRequest: 2 ** 20 },
  });
  await client.create(resourceTypes.services, { metadata: webhook, spec: { ports: [{ port: 443 }] } });
  await client.create(resourceTypes.deployments, sizedDeployment());
  await client.create(resourceTypes.verticalPolicies, sizedPolicy());
  await client.create(resourceTypes.deployments, demoDeployment());
  await client.create(resourceTypes.horizontalPolicies, demoPolicy());
  await client.create(resourceTypes.nodePoolPolicies, { metadata: { name: pool }, spec: { groups: [{ name: pool }] } });
}

function demoDeployment(): KubeObject {
  const labels = { app: name };
  const resources = { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '512Mi' } };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'shop/web:1', resources }] } };
  return { metadata: { name, namespace, labels }, spec: { replicas: 3, selector: { matchLabels: labels }, template } };
}

/** Its memory grows beyond the limit half a minute after each start. */
function sizedDeployment(): KubeObject {
  const labels = { app: sized };
  const annotations = { 'concertina.dev/sim-memory': 'ramp:0s=40Mi,30s=300Mi', 'concertina.dev/sim-cpu': '120m' };
  const resources = { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } };
  const template = { metadata: { labels, annotations }, spec: { containers: [{ name: 'cache', image: 'shop/cache:1', resources }] } };
  return { metadata: { name: sized, namespace, labels }, spec: { replicas: 2, selector: { matchLabels: labels }, template } };
}

function sizedPolicy(): KubeObject {
  return { metadata: { name: sized, namespace }, spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: sized } } };
}

function demoPolicy(): KubeObject {
  return {
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 3,
      maxReplicas: 12,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
      // The API's default rules: four pods or as many again within 15 seconds.
      behavior: {},
    },
  };
}

function kubeconfigOf(server: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'embedded', cluster: { server } }],
    users: [{ name: 'admin', user: {} }],
    contexts: [{ name: 'embedded', context: { cluster: 'embedded', user: 'admin' } }],
    'current-context': 'embedded',
  });
}
