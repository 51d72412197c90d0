import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../core/model/object.ts';
import { ageText, podSummary, printTable } from './index.ts';
import { findAll, parseJsonPath } from './json-path.ts';

const now = Date.UTC(2026, 0, 10);
const at = (ageMs: number): string => new Date(now - ageMs).toISOString();
const minute = 60_000;

describe('ageText', () => {
  it.each<[number, string]>([
    [-5000, '<invalid>'],
    [-500, '0s'],
    [0, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [310_000, '5m10s'],
    [600_000, '10m'],
    [179 * minute, '179m'],
    [180 * minute, '3h'],
    [200 * minute, '3h20m'],
    [8 * 60 * minute, '8h'],
    [47 * 60 * minute, '47h'],
    [52 * 60 * minute, '2d4h'],
    [8 * 24 * 60 * minute, '8d'],
    [729 * 24 * 60 * minute, '729d'],
    [740 * 24 * 60 * minute, '2y10d'],
    [9 * 365 * 24 * 60 * minute, '9y'],
  ])('%i ms is %s', (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });
});

describe('JSON paths of printer columns', () => {
  const object = {
    a: { b: 1, 'c.d/e': 2 },
    list: [
      { type: 'Ready', status: 'True', n: 5 },
      { type: 'Other', status: 'False', n: 7, ok: true },
    ],
  };
  it.each<[string, unknown[]]>([
    ['.a.b', [1]],
    ['{.a.b}', [1]],
    ['$.a.b', [1]],
    ["['a']['b']", [1]],
    ['.a.c\\.d/e', [2]],
    [".a['c.d/e']", [2]],
    ['.list[0].type', ['Ready']],
    ['.list[-1].type', ['Other']],
    ['.list[*].type', ['Ready', 'Other']],
    ['.list[?(@.type=="Ready")].status', ['True']],
    [".list[?(@.type=='Other')].status", ['False']],
    ['.list[?(@.n>5)].type', ['Other']],
    ['.list[?(@.ok)].type', ['Other']],
    ['.list[?(@.ok == true)].type', ['Other']],
    ['..status', ['True', 'False']],
    ['.missing.x', []],
    ['.list[9]', []],
  ])('%s', (path, expected) => {
    expect(findAll(parseJsonPath(path) ?? [], object)).toEqual(expected);
  });

  it('refuses what it does not know', () => {
    expect(parseJsonPath('.a[')).toBeUndefined();
    expect(parseJsonPath('.a[(@.length-1)]')).toBeUndefined();
  });
});

function pod(status: object, more: { spec?: object; metadata?: object } = {}): KubeObject {
  return {
    metadata: { name: 'web', creationTimestamp: at(5 * minute), ...more.metadata },
    spec: { containers: [{ name: 'a' }, { name: 'b' }], ...more.spec },
    status,
  };
}
const running = { ready: true, restartCount: 0, state: { running: {} } };

describe('pods', () => {
  it.each<[string, KubeObject, string]>([
    ['running', pod({ phase: 'Running', containerStatuses: [running, running] }), '2/2 Running 0'],
    ['pending', pod({ phase: 'Pending' }), '0/2 Pending 0'],
    [
      'gated',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      '0/2 SchedulingGated 0',
    ],
    [
      'creating',
      pod({ phase: 'Pending', containerStatuses: [{ restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } }] }),
      '0/2 ContainerCreating 0',
    ],
    [
      'crash loop',
      pod({
        phase: 'Running',
        containerStatuses: [
          running,
          { restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { finishedAt: at(150_000) } } },
        ],
      }),
      '1/2 CrashLoopBackOff 4 (2m30s ago)',
    ],
    [
      'out of memory',
      pod({
        phase: 'Running',
        containerStatuses: [{ restartCount: 1, state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }, running],
      }),
      '1/2 OOMKilled 1',
    ],
    [
      'exit code',
      pod({ phase: 'Failed', containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 3 } } }] }),
      '0/2 ExitCode:3 0',
    ],
    [
      'signal',
      pod({ phase: 'Failed', containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 0, signal: 9 } } }] }),
      '0/2 Signal:9 0',
    ],
    [
      'completed',
      pod({ phase: 'Succeeded', containerStatuses: [{ restartCount: 0, state: { terminated: { reason: 'Completed', exitCode: 0 } } }] }),
      '0/2 Completed 0',
    ],
    [
      'half completed',
      pod({
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [{ restartCount: 0, state: { terminated: { reason: 'Completed', exitCode: 0 } } }, running],
      }),
      '1/2 NotReady 0',
    ],
    ['evicted', pod({ phase: 'Failed', reason: 'Evicted' }), '0/2 Evicted 0'],
    [
      'terminating',
      pod({ phase: 'Running', containerStatuses: [running, running] }, { metadata: { deletionTimestamp: at(0) } }),
      '2/2 Terminating 0',
    ],
    ['lost node', pod({ phase: 'Running', reason: 'NodeLost' }, { metadata: { deletionTimestamp: at(0) } }), '0/2 Unknown 0'],
    [
      'initializing',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i', restartCount: 0, state: { terminated: { exitCode: 0 } } },
            { name: 'j', restartCount: 0, state: { running: {} } },
          ],
        },
        { spec: { initContainers: [{ name: 'i' }, { name: 'j' }] } },
      ),
      '0/2 Init:1/2 0',
    ],
    [
      'failing init',
      pod(
        { phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
        { spec: { initContainers: [{ name: 'i' }] } },
      ),
      '0/2 Init:CrashLoopBackOff 2',
    ],
    [
      'sidecar counts',
      pod(
        {
          phase: 'Running',
          initContainerStatuses: [{ name: 's', restartCount: 1, ready: true, started: true, state: { running: {} } }],
          containerStatuses: [running, running],
        },
        { spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] } },
      ),
      '3/3 Running 1',
    ],
  ])('%s', (_, object, expected) => {
    const { ready, status, restarts } = podSummary(object, now);
    expect(`${ready} ${status} ${restarts}`).toBe(expected);
  });
});

function row(group: string, plural: string, object: object, wideToo = false): Record<string, unknown> {
  const table = printTable(
    { type: { group, plural } },
    [
      {
        metadata: { name: 'x', creationTimestamp: at(5 * minute), ...(object as { metadata?: object }).metadata },
        ...withoutMetadata(object),
      },
    ],
    { now, includeObject: 'None' },
  );
  const columns = table['columnDefinitions'] as { name: string; priority: number }[];
  const [first] = table['rows'] as { cells: unknown[] }[];
  return Object.fromEntries(
    columns.flatMap((column, index) => (column.priority === 0 || wideToo ? [[column.name, first!.cells[index]]] : [])),
  );
}

function withoutMetadata(object: object): object {
  const { metadata: _, ...rest } = object as { metadata?: unknown };
  return rest;
}

describe('builtin tables', () => {
  it.each<[string, string, object, object]>([
    [
      'deployment',
      'apps/deployments',
      { spec: { replicas: 3 }, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 } },
      { Name: 'x', Ready: '2/3', 'Up-to-date': 3, Available: 2, Age: '5m' },
    ],
    [
      'replica set',
      'apps/replicasets',
      { spec: { replicas: 3 }, status: { replicas: 3, readyReplicas: 1 } },
      { Name: 'x', Desired: 3, Current: 3, Ready: 1, Age: '5m' },
    ],
    ['stateful set', 'apps/statefulsets', { spec: { replicas: 1 }, status: {} }, { Name: 'x', Ready: '0/1', Age: '5m' }],
    [
      'daemon set',
      'apps/daemonsets',
      {
        spec: { template: { spec: { nodeSelector: { b: '1', a: '2' } } } },
        status: { desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 2, numberAvailable: 1 },
      },
      { Name: 'x', Desired: 2, Current: 2, Ready: 1, 'Up-to-date': 2, Available: 1, 'Node Selector': 'a=2,b=1', Age: '5m' },
    ],
    [
      'job',
      'batch/jobs',
      { spec: { completions: 3 }, status: { succeeded: 1, startTime: at(90_000) } },
      { Name: 'x', Status: 'Running', Completions: '1/3', Duration: '90s', Age: '5m' },
    ],
    [
      'finished job',
      'batch/jobs',
      {
        spec: {},
        status: { succeeded: 1, startTime: at(90_000), completionTime: at(30_000), conditions: [{ type: 'Complete', status: 'True' }] },
      },
      { Name: 'x', Status: 'Complete', Completions: '1/1', Duration: '60s', Age: '5m' },
    ],
    [
      'cron job',
      'batch/cronjobs',
      { spec: { schedule: '* * * * *' }, status: { active: [{}], lastScheduleTime: at(30_000) } },
      { Name: 'x', Schedule: '* * * * *', Timezone: '<none>', Suspend: 'False', Active: 1, 'Last Schedule': '30s', Age: '5m' },
    ],
    [
      'service',
      '/services',
      {
        spec: {
          type: 'NodePort',
          clusterIP: '10.0.0.1',
          ports: [
            { port: 80, protocol: 'TCP', nodePort: 30080 },
            { port: 443, protocol: 'TCP' },
          ],
        },
      },
      { Name: 'x', Type: 'NodePort', 'Cluster-IP': '10.0.0.1', 'External-IP': '<none>', 'Port(s)': '80:30080/TCP,443/TCP', Age: '5m' },
    ],
    [
      'load balancer',
      '/services',
      { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' } },
      { Name: 'x', Type: 'LoadBalancer', 'Cluster-IP': '10.0.0.1', 'External-IP': '<pending>', 'Port(s)': '<none>', Age: '5m' },
    ],
    [
      'node',
      '/nodes',
      {
        metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/gpu': '' } },
        spec: { unschedulable: true },
        status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.36.3' } },
      },
      { Name: 'x', Status: 'Ready,SchedulingDisabled', Roles: 'gpu,worker', Age: '5m', Version: 'v1.36.3' },
    ],
    [
      'silent node',
      '/nodes',
      { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      { Name: 'x', Status: 'NotReady', Roles: '<none>', Age: '5m', Version: '' },
    ],
    [
      'budget',
      'policy/poddisruptionbudgets',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
      { Name: 'x', 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 1, Age: '5m' },
    ],
    ['lease', 'coordination.k8s.io/leases', { spec: { holderIdentity: 'me' } }, { Name: 'x', Holder: 'me', Age: '5m' }],
    ['namespace', '/namespaces', { status: { phase: 'Active' } }, { Name: 'x', Status: 'Active', Age: '5m' }],
    ['config map', '/configmaps', { data: { a: '1' }, binaryData: { b: '' } }, { Name: 'x', Data: 2, Age: '5m' }],
    ['secret', '/secrets', { type: 'Opaque', data: { a: '' } }, { Name: 'x', Type: 'Opaque', Data: 1, Age: '5m' }],
    [
      'priority class',
      'scheduling.k8s.io/priorityclasses',
      { value: 5 },
      { Name: 'x', Value: 5, 'Global-Default': false, Age: '5m', PreemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      'webhooks',
      'admissionregistration.k8s.io/mutatingwebhookconfigurations',
      { webhooks: [{}, {}] },
      { Name: 'x', Webhooks: 2, Age: '5m' },
    ],
    ['CRD', 'apiextensions.k8s.io/customresourcedefinitions', {}, { Name: 'x', 'Created At': at(5 * minute) }],
    [
      'API service',
      'apiregistration.k8s.io/apiservices',
      {
        spec: { service: { namespace: 'kube-system', name: 'metrics-server' } },
        status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] },
      },
      { Name: 'x', Service: 'kube-system/metrics-server', Available: 'False (MissingEndpoints)', Age: '5m' },
    ],
    [
      'claim',
      '/persistentvolumeclaims',
      {
        spec: { volumeName: 'v', storageClassName: 'fast' },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
      },
      {
        Name: 'x',
        Status: 'Bound',
        Volume: 'v',
        Capacity: '1Gi',
        'Access Modes': 'RWO',
        StorageClass: 'fast',
        VolumeAttributesClass: '<unset>',
        Age: '5m',
      },
    ],
    ['something else', 'example.dev/things', {}, { Name: 'x', Age: '5m' }],
    [
      'core event',
      '/events',
      {
        type: 'Normal',
        reason: 'Scaled',
        involvedObject: { kind: 'Deployment', name: 'web' },
        message: 'up\n',
        firstTimestamp: at(10 * minute),
        lastTimestamp: at(minute),
        count: 3,
      },
      { 'Last Seen': '60s', Type: 'Normal', Reason: 'Scaled', Object: 'deployment/web', Message: 'up' },
    ],
    [
      'event with series',
      'events.k8s.io/events',
      {
        type: 'Warning',
        reason: 'R',
        regarding: { kind: 'Pod', name: 'p' },
        note: 'n',
        eventTime: at(10 * minute),
        series: { count: 4, lastObservedTime: at(5000) },
      },
      { 'Last Seen': '5s', Type: 'Warning', Reason: 'R', Object: 'pod/p', Message: 'n' },
    ],
  ])('%s', (_, resource, object, expected) => {
    const [group = '', plural = ''] = resource.split('/');
    expect(row(group, plural, object)).toEqual(expected);
  });

  it('tells HPA targets, two at most', () => {
    const resource = (name: string, target: object) => ({ type: 'Resource', resource: { name, target } });
    const spec = {
      scaleTargetRef: { kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        resource('cpu', { type: 'Utilization', averageUtilization: 80 }),
        resource('memory', { type: 'AverageValue', averageValue: '1Gi' }),
        { type: 'External', external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } } },
      ],
    };
    const status = {
      currentReplicas: 2,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } }],
    };
    expect(row('autoscaling', 'horizontalpodautoscalers', { spec, status })).toEqual({
      Name: 'x',
      Reference: 'Deployment/web',
      Targets: 'cpu: 40%/80%, memory: <unknown>/1Gi + 1 more...',
      MinPods: '1',
      MaxPods: 5,
      Replicas: 2,
      Age: '5m',
    });
    const external = row('autoscaling', 'horizontalpodautoscalers', { spec: { ...spec, metrics: spec.metrics.slice(2) }, status: {} });
    expect(external['Targets']).toBe('<unknown>/10 (avg)');
  });

  it('adds wide columns', () => {
    const object = {
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: {
          spec: {
            containers: [
              { name: 'a', image: 'i:1' },
              { name: 'b', image: 'j' },
            ],
          },
        },
      },
    };
    expect(row('apps', 'deployments', object, true)).toMatchObject({ Containers: 'a,b', Images: 'i:1,j', Selector: 'app=web' });
    expect(row('', 'pods', { spec: { nodeName: 'n1', containers: [] }, status: { podIP: '10.1.1.1' } }, true)).toMatchObject({
      IP: '10.1.1.1',
      Node: 'n1',
      'Nominated Node': '<none>',
      'Readiness Gates': '<none>',
    });
  });
});

describe('custom columns', () => {
  const kind = {
    type: { group: 'example.dev', plural: 'things' },
    printerColumns: [
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
      { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Wrong', type: 'integer', jsonPath: '.spec.text', priority: 1 },
      { name: 'Missing', type: 'string', jsonPath: '.spec.nope' },
    ],
  } as const;
  const object = {
    metadata: { name: 't', creationTimestamp: at(minute) },
    spec: { size: 3, text: 'x' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };

  it('shows what the paths lead to', () => {
    const table = printTable(kind, [object], { now, includeObject: 'Metadata' });
    expect(table).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [
        { name: 'Name', format: 'name' },
        { name: 'Ready' },
        { name: 'Size', type: 'integer' },
        { name: 'Since' },
        { name: 'Wrong', priority: 1 },
        { name: 'Missing' },
      ],
      rows: [{ cells: ['t', 'True', 3, '60s', null, null], object: { kind: 'PartialObjectMetadata', metadata: { name: 't' } } }],
    });
  });

  it('carries what was asked for beside a row', () => {
    expect((printTable(kind, [object], { now, includeObject: 'Object' })['rows'] as object[])[0]).toMatchObject({ object });
    expect((printTable(kind, [object], { now, includeObject: 'None' })['rows'] as object[])[0]).not.toHaveProperty('object');
  });

  it('marks finished pods', () => {
    const table = printTable({ type: { group: '', plural: 'pods' } }, [pod({ phase: 'Succeeded' })], { now, includeObject: 'None' });
    expect((table['rows'] as object[])[0]).toMatchObject({ conditions: [{ type: 'Completed', reason: 'Succeeded' }] });
  });
});
