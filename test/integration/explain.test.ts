import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Explanation, ExplanationReport } from '../../cli/compose/explain/explanation.ts';
import type { RecommendationReport } from '../../cli/compose/explain/recommendation-report.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import type { EmbeddedCluster } from '../../simulator/index.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import {
  clusterRoles,
  controlCharacter,
  install,
  recordWrites,
  startProgram,
  startSmallCluster,
  tokenOf,
  untilMeasured,
  type Outcome,
  type Program,
} from './doctor-support.ts';

let program: Program;
let cluster: EmbeddedCluster;
let client: KubeClient;
let server: string;
let config: string;
let saved: string;
let written: readonly string[] = [];
/** Until when the counter of requests has samples, epoch milliseconds, and what it stands at. */
let fedUntil = 0;
let requests = 0;

const promql = 'sum(rate(http_requests_total[1m]))';
const average = (value: string) => ({ type: 'AverageValue', averageValue: value });
const metrics = [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  { type: 'Pods', pods: { metric: { name: 'qps' }, target: average('10') } },
  {
    type: 'Object',
    object: { describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' }, metric: { name: 'hits' }, target: average('100') },
  },
  { type: 'External', external: { metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } }, target: average('10') } },
  { type: 'Prometheus', prometheus: { source: 'main', query: promql, name: 'rate', target: { type: 'Value', value: '1000' } } },
];

/** Counts 20 requests a second up to now, a sample every fifteen seconds. */
function feed(): void {
  const started = realClock.now();
  while (fedUntil + 15_000 <= started) {
    fedUntil += 15_000;
    requests += 300;
    cluster.prometheus?.ingest(`http_requests_total{namespace="shop"} ${requests}\nhttp_requests_total{namespace="blog"} 5\n`, fedUntil);
  }
}

beforeAll(async () => {
  program = await startProgram();
  saved = program.file('cluster.json');
  cluster = await startSmallCluster('explain', { adapter: true, prometheus: 600_000 });
  client = cluster.client('test');
  server = await cluster.listen();
  config = await program.kubeconfig('admin', server);
  const { prometheus } = cluster;
  if (prometheus === undefined) throw new Error('the cluster has no Prometheus');
  const { url } = await prometheus.listen();
  await install(client);
  await client.create(resourceTypes.metricSources, {
    metadata: { name: 'main' },
    spec: { url, plainHttp: true, network: { allowLoopback: true }, allowedNamespaces: { names: ['shop'] } },
  });
  fedUntil = realClock.now() - 60_000;
  feed();
  for (const namespace of ['shop', 'blog']) {
    await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });
    await client.create(resourceTypes.deployments, deployment(namespace, 2));
    setCpuLoad(cluster.workload, { namespace, milli: 180 });
  }
  await client.create(resourceTypes.services, { metadata: { name: 'web', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } });
  // A pod of nobody that has the labels of another's.
  await client.create(resourceTypes.pods, {
    metadata: { name: 'stray', namespace: 'shop', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu: '100m' } } }] },
  });
  cluster.adapter.setPods({ namespace: 'shop', selector: '', metric: 'qps' }, 12);
  cluster.adapter.setObject({ type: resourceTypes.services, namespace: 'shop', name: 'web', metric: 'hits', labels: {} }, 350);
  cluster.adapter.setExternal({ namespace: 'shop', metric: 'queue', labels: { q: 'a' } }, 25);
  const labelled = policy('shop', { metrics });
  await client.create(resourceTypes.horizontalPolicies, { ...labelled, metadata: { ...labelled.metadata, labels: { team: 'blue' } } });
  await client.create(resourceTypes.horizontalPolicies, policy('blog'));
  await untilMeasured(client, 5);
  written = recordWrites(cluster);
});
// However long the tests take, the last minute has its samples.
beforeEach(() => feed());
afterAll(async () => {
  await cluster.stop();
  await program.remove();
});

const run = (...words: string[]): Promise<Outcome> => program.run([...words, '--kubeconfig', config]);

async function explained(...words: string[]): Promise<{ readonly report: ExplanationReport; readonly first: Explanation }> {
  const { stdout, stderr, code } = await run('explain', ...words, '-o', 'json');
  expect([code, stderr], stdout).toEqual([0, '']);
  const report = JSON.parse(stdout) as ExplanationReport;
  expect([report.kind, report.version, report.problem]).toEqual(['ConcertinaExplanation', 1, null]);
  return { report, first: report.explanations[0]! };
}

async function setStatus(status: object): Promise<void> {
  const key = { namespace: 'shop', name: 'web' };
  await client.patch(resourceTypes.horizontalPolicies, key, { type: 'merge', body: { status } }, { subresource: 'status' });
}

describe('concertina explain', () => {
  it('tells every source with what was really sent, and what came', async () => {
    const { report, first } = await explained('deployment/web', '-n', 'shop');
    expect(report).toMatchObject({ origin: 'cluster', server });
    expect(first).toMatchObject({ policy: { kind: 'HorizontalPolicy', namespace: 'shop', name: 'web', native: false } });
    expect(first.target).toMatchObject({ kind: 'Deployment', name: 'web', specReplicas: 2, statusReplicas: 2, selector: 'app=web' });
    expect(first.sources.map(({ metrics: names, source, request, known }) => [names, source, request, known])).toEqual([
      [['cpu'], 'metrics.k8s.io', '/apis/metrics.k8s.io/v1beta1/pods', true],
      [
        ['qps'],
        'custom.metrics.k8s.io',
        expect.stringMatching(/^\/apis\/custom\.metrics\.k8s\.io\/v1beta[12]\/namespaces\/shop\/pods\/%2A\/qps\?labelSelector=app%3Dweb$/),
        true,
      ],
      [
        ['hits of Service/web'],
        'custom.metrics.k8s.io',
        expect.stringMatching(/^\/apis\/custom\.metrics\.k8s\.io\/v1beta[12]\/namespaces\/shop\/services\/web\/hits$/),
        true,
      ],
      [['queue'], 'external.metrics.k8s.io', '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue?labelSelector=q%3Da', true],
      [['rate'], 'prometheus/main', 'sum(rate(http_requests_total{namespace="shop"}[1m]))', true],
    ]);
    const [cpu, , hits, queue, rate] = first.sources;
    expect(cpu).toMatchObject({ samples: 2, pods: 2, value: null });
    expect(cpu?.newestAgeSeconds).toBeLessThan(30);
    expect(cpu?.latencyMs).toBeGreaterThanOrEqual(0);
    expect([hits?.value, queue?.value, queue?.samples]).toEqual(['350', '25', 1]);
    expect([rate?.expression, Number(rate?.valueMilli) > 10_000]).toEqual([promql, true]);
  });

  it('tells whose the pods are, what each metric asks for, which wins, and what would have to change', async () => {
    const { first } = await explained('hpol/web', '-n', 'shop');
    expect(first.pods).toMatchObject({ matched: 3, counted: 2, foreign: ['stray'] });
    expect(first.pods?.groups[0]?.ready).toHaveLength(2);
    expect(first.metrics.map(({ name, replicas, wins }) => [name, replicas, wins])).toEqual([
      ['cpu', 4, true],
      ['qps', 3, false],
      ['hits of Service/web', 4, false],
      ['queue', 3, false],
      ['rate', 1, false],
    ]);
    expect(first.result).toMatchObject({ from: 2, to: 4, wanted: 4, reason: 'AboveTarget' });
    expect(first.rules.map(({ rule, held }) => [rule, held])).toEqual([
      ['conflict', false],
      ['missing-data', false],
      ['cooldown-up', false],
      ['cooldown-down', false],
      ['pause', false],
      ['mode', false],
      ['fallback', false],
    ]);
    expect(first.change?.lines[0]).toBe('cpu asks for 4 replicas now');
    expect(first.stored.differences.map(({ field }) => field)).toEqual(['lastDecision']);
  });

  it('prints numbered steps without a control character', async () => {
    const { stdout, stderr, code } = await run('explain', 'web', '-n', 'shop');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^HorizontalPolicy shop\/web scales Deployment\/web\n {2}2 → 4 replicas: /);
    expect(stdout.match(/^\d+\. .+$/gm)).toEqual([
      '1. Sources asked',
      '2. Pods',
      '3. What each metric asks for',
      '4. Stabilization',
      '5. Rate policies',
      '6. Bounds',
      '7. House rules',
      '8. Result',
      '9. What would have to change',
      '10. What is stored in status',
    ]);
    expect(stdout).not.toMatch(controlCharacter);
  });

  it('tells the same from a snapshot, again and again', async () => {
    expect((await run('snapshot', '-o', saved)).code).toBe(0);
    const fromFile = (...words: string[]): Promise<Outcome> => program.run(['explain', 'web', '-n', 'shop', '--snapshot', saved, ...words]);
    const [json, again, text] = [await fromFile('-o', 'json'), await fromFile('-o', 'json'), await fromFile()];
    expect(json).toEqual(again);
    const { origin, explanations } = JSON.parse(json.stdout) as ExplanationReport;
    expect(origin).toBe('snapshot');
    const { first } = await explained('web', '-n', 'shop');
    const told = (explanation: Explanation | undefined) => [
      explanation?.sources.map(({ request }) => request),
      explanation?.metrics.map(({ name, replicas, wins }) => [name, replicas, wins]),
      explanation?.pods?.foreign,
    ];
    expect(told(explanations[0])).toEqual(told(first));
    expect(text.stdout).toContain(`from snapshot ${saved}`);
  });

  it('shows what is stored beside it, and points out the difference', async () => {
    const at = new Date(Math.floor(realClock.now() / 1000) * 1000 - 600_000).toISOString().replace('.000Z', 'Z');
    await setStatus({
      observedGeneration: 1,
      currentReplicas: 2,
      desiredReplicas: 2,
      lastDecision: { from: 2, to: 2, wanted: 2, reason: 'WithinTarget', message: 'stays at 2 replicas', at },
    });
    const { first } = await explained('web', '-n', 'shop');
    expect(first.stored.lastDecision).toMatchObject({ from: 2, to: 2, wanted: 2, reason: 'WithinTarget' });
    expect(first.stored.differences.map(({ field, stored, now }) => [field, stored, now])).toEqual([
      ['to', 2, 4],
      ['wanted', 2, 4],
      ['at', expect.any(String), expect.any(String)],
    ]);
    const { stdout } = await run('explain', 'web', '-n', 'shop');
    expect(stdout).toMatch(/DIFFERS: 2 was to be set then, 4 would be set now/);
    expect(stdout).toMatch(/DIFFERS: what is stored is 10m( \d+s)? old, although a policy is evaluated every 15s/);
  });

  it('knows the annotations and cooldowns of a policy, live and from a file', async () => {
    const key = { namespace: 'shop', name: 'web' };
    const annotate = (value: string | null) =>
      client.patch(resourceTypes.horizontalPolicies, key, {
        type: 'merge',
        body: { metadata: { annotations: { 'concertina.dev/paused': value, 'example.com/note': 'hush' } } },
      });
    await annotate('out');
    const soon = new Date(Math.ceil(realClock.now() / 1000) * 1000).toISOString().replace('.000Z', 'Z');
    await setStatus({ lastScaleUpTime: soon });
    try {
      const { first } = await explained('web', '-n', 'shop');
      expect(first.result).toMatchObject({ from: 2, to: 2, wanted: 4, reason: 'Paused' });
      expect(first.rules.filter(({ held }) => held).map(({ rule }) => rule)).toEqual(['cooldown-up', 'pause']);
      const cooldown = first.rules.find(({ rule }) => rule === 'cooldown-up');
      expect(cooldown?.remainingSeconds).toBeGreaterThan(100);
      expect((await run('snapshot', '-o', saved)).code).toBe(0);
      const { stdout } = await program.run(['explain', 'web', '-n', 'shop', '--snapshot', saved, '-o', 'json']);
      expect((JSON.parse(stdout) as ExplanationReport).explanations[0]?.result.reason).toBe('Paused');
      expect(await readFile(saved, 'utf8')).not.toContain('hush');
    } finally {
      await annotate(null);
      await setStatus({ lastScaleUpTime: null });
    }
  });

  it('says of several that scale one workload that they do', async () => {
    const hpa: KubeObject = {
      metadata: { name: 'legacy', namespace: 'shop' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 },
    };
    await client.create(resourceTypes.horizontalPodAutoscalers, hpa);
    try {
      const { report } = await explained('deploy/web', '-n', 'shop');
      expect(report.explanations.map(({ policy: { kind, name }, result }) => [kind, name, result.reason])).toEqual([
        ['HorizontalPodAutoscaler', 'legacy', 'Conflict'],
        ['HorizontalPolicy', 'web', 'Conflict'],
      ]);
      expect((await explained('hpa/legacy', '-n', 'shop')).report.explanations).toHaveLength(1);
    } finally {
      await client.delete(resourceTypes.horizontalPodAutoscalers, { namespace: 'shop', name: 'legacy' });
    }
  });

  it('tells pods by their labels where the owners may not be read, and says so', async () => {
    await client.create(clusterRoles, {
      metadata: { name: 'few-rights' },
      rules: [
        { apiGroups: ['', 'metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] },
        { apiGroups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'], resources: ['*'], verbs: ['get', 'list'] },
        { apiGroups: ['concertina.dev'], resources: ['horizontalpolicies', 'metricsources'], verbs: ['get', 'list'] },
        { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['get', 'list'] },
        { apiGroups: ['apiregistration.k8s.io'], resources: ['apiservices'], verbs: ['get'] },
        { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get'] },
      ],
    } as KubeObject);
    const token = await tokenOf(client, 'shop', 'few');
    await client.create(
      { ...clusterRoles, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding' },
      {
        metadata: { name: 'few-rights' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'few-rights' },
        subjects: [{ kind: 'ServiceAccount', name: 'few', namespace: 'shop' }],
      },
    );
    const few = await program.kubeconfig('few', server, { token });
    const { stdout, stderr, code } = await program.run(['explain', 'web', '-n', 'shop', '-o', 'json', '--kubeconfig', few]);
    const unread = 'not allowed to list verticalpodautoscalers, verticalpolicies: what they say of requests is not known\n';
    expect([code, stderr]).toEqual([0, unread]);
    const recommended = await program.run(['recommend', '-n', 'shop', '--kubeconfig', few]);
    expect(recommended.stderr).toBe(
      `the owners of pods are not known (list on replicasets.apps): pods are told by their labels\n${unread}`,
    );
    const [only] = (JSON.parse(stdout) as ExplanationReport).explanations;
    expect(only?.pods).toMatchObject({
      matched: 3,
      counted: 3,
      foreign: [],
      note: expect.stringContaining('owners of the pods are not known'),
    });
  });

  const wrong: [string, string[], number, RegExp][] = [
    ['no name', [], 2, /^concertina: name a policy or what it scales, such as deployment\/web; `concertina explain --help` tells more\n$/],
    ['too many slashes', ['apps/deployment/web'], 2, /^concertina: "apps\/deployment\/web" is not NAME or KIND\/NAME/],
    ['a name that is none', ['We b'], 2, /^concertina: "We b" is not NAME or KIND\/NAME/],
    ['a name in two namespaces', ['web'], 2, /^concertina: "web" is in 2 namespaces \(blog, shop\); name one with --namespace\n$/],
    ['another output', ['web', '-o', 'yaml'], 2, /^concertina: --output "yaml" is not one of "text", "json"/],
    [
      'a name with a slip',
      ['wbe', '-n', 'shop'],
      1,
      /^concertina: there is no policy and no scaled workload "wbe" in namespace shop; did you mean HorizontalPolicy shop\/web\?\n$/,
    ],
    [
      'another kind',
      ['sts/web', '-n', 'shop'],
      1,
      /no policy and no native autoscaler scales or sizes "sts\/web" in namespace shop; did you mean/,
    ],
  ];

  it.each(wrong)('%s', async (_, words, code, sentence) => {
    const outcome = await run('explain', ...words);
    expect([outcome.code, outcome.stdout]).toEqual([code, '']);
    expect(outcome.stderr).toMatch(sentence);
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('gives a machine its output on every exit', async () => {
    for (const [words, code] of [
      [['wbe', '-n', 'shop'], 1],
      [['web'], 2],
      [['web', '--snapshot', '/no/such.json'], 1],
      [['web', '--hpa-tolerance', 'much'], 2],
    ] as const) {
      const outcome = await run('explain', ...words, '-o', 'json');
      expect(outcome.code).toBe(code);
      expect(JSON.parse(outcome.stdout)).toMatchObject({ version: 1, problem: expect.any(String), explanations: [] });
      expect(outcome.stderr).toMatch(/^concertina: .+\n$/);
    }
  });
});

describe('concertina recommend', () => {
  it('ends with 3 and the reason when --fail-on finds something, with the output all the same', async () => {
    const outcome = await run('recommend', '-n', 'shop', '-o', 'json', '--fail-on', 'held,change');
    expect([outcome.code, outcome.stderr]).toEqual([
      3,
      'concertina: --fail-on change: HorizontalPolicy shop/web would go from 2 to 4 replicas\n',
    ]);
    const report = JSON.parse(outcome.stdout) as RecommendationReport;
    expect(report.failOn).toMatchObject({ conditions: ['held', 'change'], failed: true, reasons: [{ condition: 'change' }] });
    expect(report.items).toHaveLength(1);
    expect(report.items[0]).toMatchObject({ decidedBy: expect.stringMatching(/^cpu \d+%\/50%$/), bounds: { min: 1, max: 20 } });
    const calm = await run('recommend', '-n', 'shop', '--fail-on=missing-data');
    expect([calm.code, calm.stderr]).toEqual([0, '']);
    expect((await run('recommend', '-n', 'shop', '--fail-on', 'change')).stdout).toMatch(/^NAMESPACE +POLICY/);
  });

  it('takes only the policies with some labels, and asks their sources only', async () => {
    const blue = await run('recommend', '-A', '-l', 'team=blue', '-o', 'csv');
    expect(blue.code, blue.stderr).toBe(0);
    const rows = blue.stdout.trimEnd().split('\r\n');
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatch(/^shop,HorizontalPolicy,web,Deployment,web,Auto,1,20,2,4,4,cpu,/);
    expect((await run('recommend', '-l', 'team notin (blue)', '-o', 'markdown')).stdout).toMatch(/\n\| blog \| hpol\/web \|[^\n]+\n$/);
    expect((await run('recommend', '-l', 'team=green')).stdout).toMatch(/^There is no HorizontalPolicy/);
    expect((await run('recommend', '-o', 'wide')).stdout).toMatch(
      /^NAMESPACE +POLICY +TARGET +MODE +MIN +MAX +NOW +SET +WANTED +METRIC +ASKS +/,
    );
  });

  it.each([
    [['-A', '-n', 'shop'], '--namespace "shop" and --all-namespaces contradict each other'],
    [['-l', 'a b'], '--selector: '],
    [['--fail-on', 'held,often'], '--fail-on "often" is not one of held, change, missing-data'],
    [['--all-namespaces=yes'], '--all-namespaces "yes" is not true or false'],
  ])('refuses %j', async (words, sentence) => {
    const outcome = await run('recommend', ...words);
    expect([outcome.code, outcome.stdout]).toEqual([2, '']);
    expect(outcome.stderr).toContain(`concertina: ${sentence}`);
  });

  it('gives a machine its output also when there is no cluster', async () => {
    const json = await program.run(['recommend', '-o', 'json', '--kubeconfig', '/no/such/kubeconfig']);
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
      1,
      { version: 1, items: [], problem: expect.stringContaining('/no/such') },
    ]);
    expect(json.stderr).toMatch(/^concertina: .+\[KUBECONFIG_INVALID\]\n$/);
    const csv = await program.run(['recommend', '-o', 'csv', '--kubeconfig', '/no/such/kubeconfig']);
    expect([csv.code, csv.stdout.split('\r\n').length]).toEqual([1, 3]);
    const markdown = await program.run(['recommend', '-o', 'markdown', '--kubeconfig', '/no/such/kubeconfig']);
    expect(markdown.stdout).toMatch(/^\| PROBLEM \|/);
  });
});

it('none of it writes anything', () => {
  expect(written).toEqual([]);
});
