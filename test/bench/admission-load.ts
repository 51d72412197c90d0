import { Agent, request } from 'node:https';

/** What the load process is told, as JSON in its only argument. */
export interface LoadRequest {
  readonly port: number;
  readonly path: string;
  /** Requests a second, whatever becomes of those before. */
  readonly rate: number;
  readonly seconds: number;
  /** Deployments `app-0`… in namespaces `team-0`…`team-99`. */
  readonly workloads: number;
  /** The first so many of them are under a policy. */
  readonly managed: number;
}

export interface LoadReport {
  readonly answered: number;
  readonly patched: number;
  readonly failed: number;
  /** Milliseconds, from the moment a request was due. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Median over the seconds of the p99 within one: what a machine does that stands still now and then is not in it. */
  readonly p99OfSeconds: number;
}

const connections = 64;

/** One pod as a ReplicaSet posts it, with what service meshes and defaults add: some 4 kB. */
function reviewOf(index: number): string {
  const namespace = `team-${index % 100}`;
  const app = `app-${index}`;
  const container = (name: string): object => ({
    name,
    image: `registry.example/${name}:1.2.3`,
    env: Array.from({ length: 12 }, (_, each) => ({ name: `SETTING_${each}`, value: `value-${each}-of-some-length` })),
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
    volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
    livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 10 },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  });
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace,
      operation: 'CREATE',
      userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          generateName: `${app}-5d8-`,
          namespace,
          labels: { app, 'pod-template-hash': '5d8' },
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: `${app}-5d8`,
              uid: `r-${index}`,
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        spec: {
          containers: [container('app'), container('proxy')],
          restartPolicy: 'Always',
          serviceAccountName: 'default',
          tolerations: [],
        },
      },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  });
}

async function main(load: LoadRequest): Promise<LoadReport> {
  // What is measured is the server: whom the certificate is from does not matter here.
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  // The first second opens connections and warms both ends; an API server has done so long ago.
  const unmeasured = load.rate;
  const total = load.rate * load.seconds + unmeasured;
  // Nine of ten under a policy, spread over all.
  const bodies = Array.from({ length: 500 }, (_, index) =>
    reviewOf(index % 10 === 0 ? load.managed + ((index * 7) % (load.workloads - load.managed)) : (index * 7919) % load.managed),
  );
  const latencies = new Float64Array(total);
  let answered = 0;
  let patched = 0;
  let failed = 0;
  const start = performance.now();
  const send = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const due = start + (index * 1000) / load.rate;
      const body = bodies[index % bodies.length] ?? '';
      const sent = request(
        {
          host: '127.0.0.1',
          port: load.port,
          path: load.path,
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
          response.on('end', () => {
            if (index >= unmeasured) latencies[answered++] = performance.now() - due;
            if (response.statusCode !== 200 || !text.includes('"allowed":true')) failed++;
            else if (index >= unmeasured && text.includes('"patch":')) patched++;
            resolve();
          });
        },
      );
      sent.on('error', () => {
        failed++;
        resolve();
      });
      sent.end(body);
    });
  const pending: Promise<void>[] = [];
  for (let index = 0; index < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - start) * load.rate) / 1000) + 1);
    while (index < due) pending.push(send(index++));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  agent.destroy();
  const sorted = latencies.subarray(0, answered).toSorted();
  const at = (share: number): number => sorted[Math.min(answered - 1, Math.floor(answered * share))] ?? Number.NaN;
  const seconds = Array.from({ length: load.seconds }, (_, second) => {
    const within = latencies.subarray(second * load.rate, (second + 1) * load.rate).toSorted();
    return within[Math.floor(within.length * 0.99)] ?? Number.NaN;
  }).toSorted((a, b) => a - b);
  const p99OfSeconds = seconds[Math.floor(seconds.length / 2)] ?? Number.NaN;
  return { answered, patched, failed, p50: at(0.5), p99: at(0.99), p999: at(0.999), p99OfSeconds };
}

const [, , told = '{}'] = process.argv;
const report = await main(JSON.parse(told) as LoadRequest);
process.send?.(report);
process.disconnect();
