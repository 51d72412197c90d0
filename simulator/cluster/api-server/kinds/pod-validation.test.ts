import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../core/model/object.ts';
import type { FieldError } from '../errors.ts';
import { podObject, startTestServer, types } from '../testing/harness.ts';
import { mergeLabelKeys } from './label-key-merge.ts';
import { defaultPod } from './pod-defaults.ts';
import { validatePod } from './pod-validation.ts';
import type { PodSpec } from './shapes.ts';
import { defaultCronJob, defaultDaemonSet, defaultDeployment, defaultJob, defaultReplicaSet, defaultStatefulSet } from './workloads.ts';
import { validateCronJob, validateDaemonSet, validateJob, validateStatefulSet, validateWorkload } from './workloads.ts';

// What the server says of each single field is in test/contract, where the real one is asked too; here is what templates, updates and copies add.

const labelSelector = { matchLabels: { app: 'p' } };
const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector };
const container = { name: 'c', image: 'registry.example/c:1' };

function pod(spec: PodSpec = {}): KubeObject {
  const object: KubeObject = {
    metadata: { name: 'p', namespace: 'n', labels: { app: 'p' } },
    spec: { containers: [{ ...container }], ...spec },
  };
  defaultPod(object);
  return object;
}

const said = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

describe('validation of pods', () => {
  it('accepts a pod that uses all of what is checked', () => {
    const term = { topologyKey: 'zone', labelSelector, namespaces: ['other'], namespaceSelector: {} };
    const expression = { key: 'zone', operator: 'In', values: ['a'] };
    const errors = validatePod(
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [expression, { key: 'cores', operator: 'Gt', values: ['3'] }] },
                { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] },
              ],
            },
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions: [expression] } }],
          },
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
          podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] },
        },
        topologySpreadConstraints: [
          spread,
          { ...spread, whenUnsatisfiable: 'ScheduleAnyway' },
          { ...spread, topologyKey: 'host', minDomains: 3 },
        ],
        tolerations: [{ operator: 'Exists' }, { key: 'a', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always', readinessProbe: {} }],
        resources: { requests: { cpu: '1' }, limits: { cpu: '2' } },
        overhead: { cpu: '10m' },
      }),
      undefined,
    );
    expect(said(errors)).toEqual([]);
  });

  it('names every pair of spread constraints but the last of its kind, whatever stands between them', () => {
    const other = { ...spread, topologyKey: 'host' };
    const errors = validatePod(pod({ topologySpreadConstraints: [spread, other, { ...spread, maxSkew: 3 }] }), undefined);
    expect(said(errors)).toEqual([
      'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"',
    ]);
  });

  it('checks overhead as the limits of a container', () => {
    expect(said(validatePod(pod({ overhead: { cpu: '-1', gpu: '1' } }), undefined))).toEqual([
      'spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
      'spec.overhead.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
      'spec.overhead.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ]);
  });

  it('counts sidecars and the largest init container against the pod’s own requests', () => {
    const asks = (cpu: string): object => ({ resources: { requests: { cpu } } });
    const spec = (cpu: string): PodSpec => ({
      containers: [{ ...container, ...asks('500m') }],
      initContainers: [
        { ...container, name: 's', restartPolicy: 'Always', ...asks('250m') },
        { ...container, name: 'i', ...asks('1') },
      ],
      resources: { requests: { cpu } },
    });
    expect(said(validatePod(pod(spec('1249m')), undefined))).toEqual([
      'spec.resources.requests[cpu]: Invalid value: "1249m": must be greater than or equal to aggregate container requests of 1250m',
    ]);
    expect(said(validatePod(pod(spec('1250m')), undefined))).toEqual([]);
  });
});

describe('validation of templates', () => {
  const template = { metadata: { labels: { app: 'p' } }, spec: { containers: [container], topologySpreadConstraints: [spread, spread] } };
  const workload = (spec: object = {}): KubeObject =>
    structuredClone({ metadata: { name: 'w' }, spec: { selector: labelSelector, template, ...spec } });
  const duplicate = (path: string): string =>
    `${path}.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"`;

  it.each([
    ['Deployment', defaultDeployment, validateWorkload],
    ['ReplicaSet', defaultReplicaSet, validateWorkload],
    ['StatefulSet', defaultStatefulSet, validateStatefulSet],
    ['DaemonSet', defaultDaemonSet, validateDaemonSet],
  ])('holds for a %s, on creation and on a change of it', (_kind, complete, validate) => {
    const object = workload();
    complete(object);
    expect(said(validate(object, undefined))).toEqual([duplicate('spec.template.spec')]);
    const before = workload({ template: { ...template, spec: { containers: [container] } } });
    complete(before);
    expect(said(validate(before, undefined))).toEqual([]);
    expect(said(validate(object, before))).toEqual([duplicate('spec.template.spec')]);
  });

  it('holds for jobs and the jobs of cron jobs, which need a restart policy of their own', () => {
    const job = workload({ selector: undefined });
    defaultJob(job);
    const restart = 'restartPolicy: Required value: valid values: "OnFailure", "Never"';
    expect(said(validateJob(job, undefined))).toEqual([duplicate('spec.template.spec'), `spec.template.spec.${restart}`]);
    const cron: KubeObject = {
      metadata: { name: 'c' },
      spec: { schedule: '* * * * *', jobTemplate: { spec: structuredClone({ template }) } },
    };
    defaultCronJob(cron);
    const place = 'spec.jobTemplate.spec.template.spec';
    expect(said(validateCronJob(cron))).toEqual([duplicate(place), `${place}.${restart}`]);
  });

  it('refuses negative numbers of a job', () => {
    const fine = { ...template, spec: { containers: [container], restartPolicy: 'Never' } };
    const job = workload({ selector: undefined, parallelism: -1, backoffLimit: -2, template: fine });
    defaultJob(job);
    expect(said(validateJob(job, undefined))).toEqual([
      'spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
      'spec.backoffLimit: Invalid value: -2: must be greater than or equal to 0',
    ]);
  });
});

describe('updates of pods', () => {
  const changed = (before: PodSpec, change: (spec: PodSpec) => void): string[] => {
    const old = pod(before);
    const next = structuredClone(old);
    change(next.spec as PodSpec);
    return said(validatePod(next, old)).map((text) => text.slice(0, 60));
  };
  const refusal = 'spec: Forbidden: pod updates may not change fields other tha';

  it.each<[string, (spec: PodSpec) => void]>([
    ['an image', (spec) => void (spec.containers = [{ ...spec.containers?.[0], image: 'registry.example/c:2' }])],
    ['one more toleration', (spec) => void (spec.tolerations = [...(spec.tolerations ?? []), { key: 'new', operator: 'Exists' }])],
    [
      'the seconds of a toleration',
      (spec) => void (spec.tolerations = [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }]),
    ],
    ['a deadline', (spec) => void (spec.activeDeadlineSeconds = 5)],
  ])('may change %s', (_what, change) => {
    expect(changed({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }] }, change)).toEqual([]);
  });

  it.each<[string, (spec: PodSpec) => void]>([
    ['requests', (spec) => void (spec.containers = [{ ...spec.containers?.[0], resources: { requests: { cpu: '2' } } }])],
    ['the node', (spec) => void (spec.nodeName = 'n')],
    ['the node selector', (spec) => void (spec.nodeSelector = { a: 'b' })],
    ['an affinity', (spec) => void (spec.affinity = { nodeAffinity: {} })],
    ['spreading', (spec) => void (spec.topologySpreadConstraints = [spread])],
    ['overhead', (spec) => void (spec.overhead = { cpu: '1' })],
    ['the grace period', (spec) => void (spec.terminationGracePeriodSeconds = 1)],
  ])('may not change %s', (_what, change) => {
    expect(changed({}, change)).toEqual([refusal]);
  });

  it('a gated pod may lose gates and gain conditions, and its pod affinity stays', () => {
    const gates = { schedulingGates: [{ name: 'a' }, { name: 'b' }] };
    expect(changed(gates, (spec) => void (spec.schedulingGates = [{ name: 'b' }]))).toEqual([]);
    expect(changed(gates, (spec) => void delete spec.schedulingGates)).toEqual([]);
    expect(changed(gates, (spec) => void (spec.nodeSelector = { a: 'b' }))).toEqual([]);
    expect(changed(gates, (spec) => void (spec.affinity = { nodeAffinity: {} }))).toEqual([]);
    expect(changed(gates, (spec) => void (spec.affinity = { podAffinity: {} }))).toEqual([refusal]);
    expect(changed({ ...gates, affinity: { podAffinity: {} } }, (spec) => void delete spec.affinity)).toEqual([refusal]);
  });
});

describe('matchLabelKeys of a new pod', () => {
  it('are merged once, without a change of what was handed in', () => {
    const constraint = { ...spread, matchLabelKeys: ['app', 'absent'] };
    const object = pod({ topologySpreadConstraints: [constraint] });
    const given = structuredClone(constraint);
    mergeLabelKeys(object);
    expect(constraint).toEqual(given);
    const [merged] = (object.spec as PodSpec).topologySpreadConstraints ?? [];
    expect(merged?.labelSelector?.matchExpressions).toEqual([{ key: 'app', operator: 'In', values: ['p'] }]);
    expect(said(validatePod(object, undefined))).toEqual([
      'spec.topologySpreadConstraints[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
    ]);
  });

  it('are in the stored pod, and are not merged again on an update', async () => {
    const { server } = startTestServer();
    const object = podObject('p', {
      metadata: { labels: { app: 'p', tier: 'web' } },
      spec: { topologySpreadConstraints: [{ ...spread, matchLabelKeys: ['tier'] }] },
    });
    const stored = await server.registry.create(types.pods, object);
    const selectorOf = (found: KubeObject | undefined): unknown =>
      (found?.spec as PodSpec | undefined)?.topologySpreadConstraints?.[0]?.labelSelector;
    const merged = { ...labelSelector, matchExpressions: [{ key: 'tier', operator: 'In', values: ['web'] }] };
    expect(selectorOf(stored)).toEqual(merged);
    const updated = await server.registry.mutate(types.pods, 'default', 'p', (now) => ({
      ...now,
      metadata: { ...now.metadata, labels: { app: 'p', tier: 'other' } },
    }));
    expect(selectorOf(updated)).toEqual(merged);
  });
});
