import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../cli/compose/doctor/report.ts';
import type { ExplanationReport } from '../../cli/compose/explain/explanation.ts';
import type { RecommendationReport } from '../../cli/compose/explain/recommendation-report.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createAwsEndpoint, type AwsEndpoint } from '../../simulator/cluster/aws/index.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { eventually, install, startProgram, type Outcome, type Program } from './doctor-support.ts';

/** The bundle, its SDK, a cluster with one full node and an AWS that both listen. */
describe('the command line on node groups of an AWS', () => {
  let program: Program;
  let cluster: EmbeddedCluster;
  let aws: AwsEndpoint;
  let config: string;
  let environment: Record<string, string>;
  const cloud = ['--cloud-provider=aws', '--nodes=0:5:general', '--nodes=0:2:small'];

  beforeAll(async () => {
    const clock = realClock;
    program = await startProgram();
    cluster = await startEmbeddedCluster({
      clock,
      random: seededRandom('nodes-cli'),
      nodes: [{ name: 'node-a', cpu: 2, memory: '8Gi' }],
      fleet: { tickMs: 500, housekeepingMs: 1_000 },
    });
    aws = createAwsEndpoint({
      clock,
      random: seededRandom('aws'),
      groups: [
        { name: 'general', minSize: 0, maxSize: 5, desiredCapacity: 0, instanceTypes: ['m5.large'], zones: ['us-east-1a'] },
        { name: 'small', minSize: 0, maxSize: 2, desiredCapacity: 0, instanceTypes: ['t3.micro'], zones: ['us-east-1a'] },
      ],
    });
    const { url } = await aws.listen();
    environment = { AWS_ENDPOINT_URL: url, AWS_REGION: aws.region, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const client = cluster.client('test');
    config = await program.kubeconfig('admin', await cluster.listen());
    await install(client);
    await client.create(resourceTypes.nodePoolPolicies, {
      metadata: { name: 'general' },
      spec: { groups: [{ name: 'general' }], maxSize: 3 },
    });
    for (const name of ['a', 'b', 'c']) {
      const resources = { requests: { cpu: '1500m', memory: '2Gi' } };
      await client.create(resourceTypes.pods, {
        metadata: { name, namespace: 'default' },
        spec: { containers: [{ name: 'app', image: 'app:1', resources }] },
      });
    }
    await eventually(async () => {
      const { items } = await client.list(resourceTypes.pods, { namespace: 'default' });
      return items.filter(({ status }) => JSON.stringify(status).includes('Unschedulable')).length === 2;
    }, 'two of three pods find no room');
  });
  afterAll(async () => {
    await aws.stop();
    await cluster.stop();
    await program.remove();
  });

  const run = (...words: string[]): Promise<Outcome> => program.run([...words, '--kubeconfig', config], environment);
  const changes = (): string[] =>
    aws
      .calls()
      .map(({ action }) => action)
      .filter((action) => !/^(?:Describe|Get)/.test(action));

  it('recommend has a row for each group, from the cluster and from a snapshot alike', async () => {
    const live = await run('recommend', ...cloud, '-o', 'json');
    expect(live.code, live.stderr).toBe(0);
    const rows = ({ stdout }: Outcome): unknown =>
      (JSON.parse(stdout) as RecommendationReport).items.map(({ subject, target, dimension, from, to, bounds }) => [
        `${subject.kind}/${subject.name}`,
        target.name,
        dimension,
        from,
        to,
        bounds,
      ]);
    expect(rows(live)).toEqual([
      ['NodePoolPolicy/general', 'general', 'nodes', 0, 2, { min: 0, max: 3 }],
      ['NodeGroup/small', 'small', 'nodes', 0, 0, { min: 0, max: 2 }],
    ]);
    const file = path.join(path.dirname(config), 'cluster.json');
    const taken = await run('snapshot', ...cloud, '-o', file);
    expect(taken.code, taken.stderr).toBe(0);
    expect(rows(await program.run(['recommend', '--snapshot', file, '-o', 'json']))).toEqual(rows(live));
    expect(changes()).toEqual([]);
  });

  it('explain says of a pod which group helps, and why the other one does not', async () => {
    const pending = (await cluster.client('test').list(resourceTypes.pods, { namespace: 'default' })).items.find(({ status }) =>
      JSON.stringify(status).includes('Unschedulable'),
    );
    const { stdout, stderr, code } = await run('explain', `pod/${pending?.metadata.name ?? ''}`, '-n', 'default', ...cloud, '-o', 'json');
    expect(code, stderr).toBe(0);
    const [first] = (JSON.parse(stdout) as ExplanationReport).nodes;
    expect(first?.pod).toMatchObject({ state: 'helped', group: 'general' });
  });

  it('recommend tells nodes for pods to come from those for pods that wait', async () => {
    const client = cluster.client('test');
    await client.patch(resourceTypes.nodePoolPolicies, { name: 'general' }, { type: 'merge', body: { spec: { maxSize: 5 } } });
    const labels = { app: 'web' };
    const resources = { requests: { cpu: '1500m', memory: '2Gi' } };
    await client.create(resourceTypes.deployments, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1', resources }] } },
      },
    });
    await client.create(resourceTypes.horizontalPolicies, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 2,
        maxReplicas: 4,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
      },
    });
    await eventually(async () => {
      const { items } = await client.list(resourceTypes.pods, { namespace: 'default' });
      return items.filter(({ status }) => JSON.stringify(status).includes('Unschedulable')).length === 3;
    }, 'the pod of the Deployment finds no room');
    const live = await run('recommend', ...cloud, '-o', 'json');
    expect(live.code, live.stderr).toBe(0);
    const row = (JSON.parse(live.stdout) as RecommendationReport).items.find(({ target }) => target.name === 'general');
    expect([row?.from, row?.to, row?.ahead]).toEqual([0, 4, { pods: 1, targets: ['Deployment default/web'], nodes: 1 }]);
    const explained = await run('explain', 'npol/general', ...cloud);
    expect(explained.code, explained.stderr).toBe(0);
    expect(explained.stdout).toContain('1 of its 4 new nodes is for 1 pod to come (Deployment default/web)');
  });

  it('doctor looks at the cloud too', async () => {
    const { stdout } = await run('doctor', ...cloud, '-o', 'json');
    const { checks } = JSON.parse(stdout) as DoctorReport;
    expect(checks.find(({ check }) => check === 'nodes/cloud')).toMatchObject({
      status: 'OK',
      message: expect.stringContaining('2 node groups') as string,
    });
    expect(checks.find(({ check }) => check === 'nodes/other-autoscaler')?.status).toBe('OK');
    const refused = await program.run(['doctor', ...cloud, '-o', 'json', '--kubeconfig', config], {
      ...environment,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    });
    expect((JSON.parse(refused.stdout) as DoctorReport).checks.find(({ check }) => check === 'nodes/cloud')?.status).toBe('FAIL');
  });
});
