import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../e2e/http-api.ts';
import { createPod, deployment, pod } from '../objects.ts';
import { assert, created, field, type ContractSuite } from '../suite.ts';
import { podRefusals, type Cause } from './pod-validation-rows.ts';

/** What the server refuses of pods, of the templates of workloads and of nodes: the whole list of causes, field by field. */
export function podValidationContracts(suite: ContractSuite): void {
  const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

  /** One namespace for all that is refused; its service account must be there, or it is not even validated. */
  let shared: Promise<string> | undefined;
  const ready = (): Promise<string> => {
    shared ??= (async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'first', extra: { schedulerName: 'nobody' } });
      return namespace;
    })();
    return shared;
  };

  const expectCauses = (answer: HttpAnswer, expected: readonly Cause[]): void => {
    assert.refused(answer, { code: 422, reason: 'Invalid' });
    const causes = field<{ reason: string; field: string; message: string }[]>(answer.body, 'details.causes');
    expect(causes.map((cause): Cause => [cause.reason, cause.field, cause.message])).toEqual(expected);
    const said = [...new Set(expected.map(([, at, message]) => `${at}: ${message}`))];
    const [first = ''] = said;
    expect(field(answer.body, 'message')).toContain(`is invalid: ${said.length === 1 ? first : `[${said.join(', ')}]`}`);
  };

  const inTemplate = ([reason, at, message]: Cause): Cause => [reason, at.replace(/^spec\b/u, 'spec.template.spec'), message];

  /** A workload of the kind with the spec in its template. */
  const workload = (kind: string, spec: object): { readonly path: (namespace: string) => string; readonly object: object } => {
    const job = kind === 'Job';
    const base = deployment('w');
    const template = {
      metadata: { labels: { app: 'w' } },
      spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }], ...(job ? { restartPolicy: 'Never' } : {}), ...spec },
    };
    const apiVersion = job ? 'batch/v1' : 'apps/v1';
    const rest = job ? {} : { selector: base.spec['selector'] };
    return {
      path: (namespace) => `/apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s`,
      object: { apiVersion, kind, metadata: { name: 'w' }, spec: { ...rest, template } },
    };
  };

  describe('validation of pods', () => {
    it.each(podRefusals.map((row) => [row.what, row] as const))('%s: 422', async (_what, row) => {
      const namespace = await ready();
      const shape = { name: 'p', labels: { app: 'p', tier: 'web' }, extra: row.spec };
      expectCauses(await suite.api.post(pods(namespace), pod(shape)), row.causes);
      if (row.podOnly === true) return;
      const { path, object } = workload('Deployment', row.spec);
      const causes = row.causes.filter(([, at]) => row.limitsOnly !== true || !at.includes('.requests'));
      expectCauses(await suite.api.post(path(namespace), object), causes.map(inTemplate));
    });

    it.each(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job'])(
      'two equal spread constraints in the template of a %s: 422',
      async (kind) => {
        const constraint = {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'w' } },
        };
        const { path, object } = workload(kind, { topologySpreadConstraints: [constraint, { ...constraint, maxSkew: 2 }] });
        expectCauses(await suite.api.post(path(await ready()), object), [
          [
            'FieldValueDuplicate',
            'spec.template.spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}',
            'Duplicate value: "{zone, DoNotSchedule}"',
          ],
        ]);
      },
    );

    it('of templates: no ephemeral containers, no deadline, and the restart policy that the workload needs', async () => {
      const namespace = await ready();
      const refuse = async (kind: string, spec: object, causes: readonly Cause[]): Promise<void> => {
        const { path, object } = workload(kind, spec);
        expectCauses(await suite.api.post(path(namespace), object), causes);
      };
      await refuse('DaemonSet', { restartPolicy: 'Never', activeDeadlineSeconds: 5 }, [
        ['FieldValueNotSupported', 'spec.template.spec.restartPolicy', 'Unsupported value: "Never": supported values: "Always"'],
        [
          'FieldValueForbidden',
          'spec.template.spec.activeDeadlineSeconds',
          'Forbidden: activeDeadlineSeconds in DaemonSet is not Supported',
        ],
      ]);
      await refuse('Job', { restartPolicy: 'Always' }, [
        ['FieldValueRequired', 'spec.template.spec.restartPolicy', 'Required value: valid values: "OnFailure", "Never"'],
      ]);
      await refuse(
        'Deployment',
        { ephemeralContainers: [{ name: 'e', image: 'registry.example/e:1', terminationMessagePolicy: 'File' }] },
        [['FieldValueForbidden', 'spec.template.spec.ephemeralContainers', 'Forbidden: ephemeral containers not allowed in pod template']],
      );
    });

    it('a label that is none in a template is named without metadata', async () => {
      const { path, object } = workload('Deployment', {});
      const broken = structuredClone(object) as { spec: { template: { metadata: { labels: Record<string, string> } } } };
      broken.spec.template.metadata.labels['x'] = 'a b';
      const answer = await suite.api.post(path(await ready()), broken);
      assert.refused(answer, { code: 422, reason: 'Invalid' });
      expect(field(answer.body, 'details.causes.0')).toMatchObject({
        reason: 'FieldValueInvalid',
        field: 'spec.template.labels',
        message: expect.stringMatching(/^Invalid value: "a b": a valid label must be an empty string/u) as unknown,
      });
    });

    it('matchLabelKeys and mismatchLabelKeys of a pod are merged into its selectors, those of a template are not', async () => {
      const namespace = await ready();
      const labelSelector = { matchLabels: { app: 'm' } };
      const spread = {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector,
        matchLabelKeys: ['tier', 'absent'],
      };
      const term = { topologyKey: 'zone', labelSelector, matchLabelKeys: ['tier'], mismatchLabelKeys: ['app'] };
      const affinity = {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] },
      };
      const spec = { schedulerName: 'nobody', affinity, topologySpreadConstraints: [spread] };
      const body = await createPod(suite, namespace, { name: 'merged', labels: { app: 'm', tier: 'web' }, extra: spec });
      const tier = { key: 'tier', operator: 'In', values: ['web'] };
      const app = { key: 'app', operator: 'NotIn', values: ['m'] };
      const selectors = [
        field(body, 'spec.topologySpreadConstraints.0.labelSelector'),
        field(body, 'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector'),
        field(body, 'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm.labelSelector'),
      ];
      expect(selectors).toEqual([
        { matchLabels: { app: 'm' }, matchExpressions: [tier] },
        { matchLabels: { app: 'm' }, matchExpressions: [tier, app] },
        { matchLabels: { app: 'm' }, matchExpressions: [tier, app] },
      ]);
      const { path, object } = workload('Deployment', { topologySpreadConstraints: [{ ...spread, matchLabelKeys: ['app'] }] });
      const stored = await created(suite.api, `${path(namespace)}?dryRun=All`, object);
      expect(field(stored, 'spec.template.spec.topologySpreadConstraints.0.labelSelector')).toEqual(labelSelector);
    });

    it('a limit is the request too of a pod, and not of a template; of the pod as a whole what its containers ask for comes first', async () => {
      const namespace = await ready();
      const limits = { cpu: '2', memory: '1Gi' };
      const containers = [
        { name: 'c', image: 'registry.example/c:1', resources: { requests: { memory: '256Mi' } } },
        { name: 'd', image: 'registry.example/c:1', resources: { limits: { memory: '0.25Gi' } } },
      ];
      const body = await createPod(suite, namespace, {
        name: 'whole',
        extra: { schedulerName: 'nobody', containers, resources: { limits } },
      });
      expect(field(body, 'spec.containers.1.resources')).toEqual({ limits: { memory: '256Mi' }, requests: { memory: '256Mi' } });
      expect(field(body, 'spec.resources')).toEqual({ limits, requests: { cpu: '2', memory: '512Mi' } });
      const { path, object } = workload('Deployment', { containers, resources: { limits } });
      const stored = await created(suite.api, `${path(namespace)}?dryRun=All`, object);
      expect(field(stored, 'spec.template.spec.containers.1.resources')).toEqual({ limits: { memory: '256Mi' } });
      expect(field(stored, 'spec.template.spec.resources')).toEqual({ limits });
    });

    it('minimum domains, a vendor’s resource with its limit and equal host ports of init containers: accepted', async () => {
      const namespace = await ready();
      const labelSelector = { matchLabels: { app: 'p' } };
      const port = (protocol: string): object => ({ containerPort: 80, hostPort: 80, protocol });
      const gpu = { 'example.com/gpu': '2' };
      const body = await createPod(suite, namespace, {
        name: 'fine',
        extra: {
          schedulerName: 'nobody',
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', minDomains: 2, labelSelector },
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector },
          ],
          containers: [{ name: 'c', image: 'registry.example/c:1', resources: { limits: gpu }, ports: [port('TCP'), port('UDP')] }],
          initContainers: ['i', 'j'].map((name) => ({ name, image: 'registry.example/i:1', ports: [port('TCP')] })),
        },
      });
      expect(field(body, 'spec.containers.0.resources')).toEqual({ limits: gpu, requests: gpu });
    });
  });

  describe('updates of pods', () => {
    /** A pod that nobody schedules, with a gate. */
    const gated = async (): Promise<string> => {
      const namespace = await suite.namespace();
      const requirement = { key: 'zone', operator: 'In', values: ['a'] };
      const extra = {
        schedulingGates: [{ name: 'example.com/wait' }],
        nodeSelector: { disk: 'ssd' },
        activeDeadlineSeconds: 100,
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
        },
        tolerations: [{ key: 'mine', operator: 'Exists' }],
      };
      await createPod(suite, namespace, { name: 'p', extra });
      return `${pods(namespace)}/p`;
    };
    const terms = '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms';

    it('refuse a longer deadline or none, fewer or other tolerations, new gates: 422', async () => {
      const path = await gated();
      const refuse = async (patch: readonly object[], causes: readonly Cause[]): Promise<void> =>
        expectCauses(await suite.api.patch(path, 'json', patch), causes);
      await refuse(
        [{ op: 'replace', path: '/spec/activeDeadlineSeconds', value: 200 }],
        [['FieldValueInvalid', 'spec.activeDeadlineSeconds', 'Invalid value: 200: must be less than or equal to previous value']],
      );
      await refuse(
        [{ op: 'remove', path: '/spec/activeDeadlineSeconds' }],
        [['FieldValueInvalid', 'spec.activeDeadlineSeconds', 'Invalid value: null: must not update from a positive integer to nil value']],
      );
      await refuse(
        [{ op: 'replace', path: '/spec/tolerations/0/key', value: 'other' }],
        [['FieldValueForbidden', 'spec.tolerations', 'Forbidden: existing toleration can not be modified except its tolerationSeconds']],
      );
      await refuse(
        [{ op: 'add', path: '/spec/schedulingGates/-', value: { name: 'example.com/more' } }],
        [
          [
            'FieldValueForbidden',
            'spec.schedulingGates[1].name',
            "Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/more'",
          ],
        ],
      );
    });

    it('of a gated pod narrow its nodes down and never widen them', async () => {
      const path = await gated();
      expectCauses(await suite.api.patch(path, 'json', [{ op: 'replace', path: '/spec/nodeSelector/disk', value: 'hdd' }]), [
        [
          'FieldValueInvalid',
          'spec.nodeSelector',
          'Invalid value: {"disk":"hdd"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
        ],
      ]);
      const wider = await suite.api.patch(path, 'json', [
        { op: 'add', path: `${terms}/-`, value: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } },
      ]);
      assert.refused(wider, {
        code: 422,
        message: /nodeSelectorTerms: Invalid value: .*: no additions\/deletions to non-empty NodeSelectorTerms list are allowed/u,
      });
      const changed = await suite.api.patch(path, 'json', [{ op: 'replace', path: `${terms}/0/matchExpressions/0/values/0`, value: 'b' }]);
      assert.refused(changed, {
        code: 422,
        message: /nodeSelectorTerms\[0\]: Invalid value: .*: only additions are allowed \(no mutations or deletions\)/u,
      });
      const affine = await suite.api.patch(path, 'merge', {
        spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } } },
      });
      assert.refused(affine, { code: 422, message: /spec: Forbidden: pod updates may not change fields other than/u });
      const narrower = await suite.api.patch(path, 'json', [
        { op: 'add', path: '/spec/nodeSelector/size', value: 'big' },
        { op: 'add', path: `${terms}/0/matchExpressions/-`, value: { key: 'a', operator: 'Exists' } },
        { op: 'replace', path: '/spec/activeDeadlineSeconds', value: 50 },
        { op: 'add', path: '/spec/tolerations/-', value: { key: 'more', operator: 'Exists' } },
        { op: 'remove', path: '/spec/schedulingGates' },
      ]);
      assert.code(narrower, 200);
    });

    it('without a gate refuse the node selector, the affinity, the requests and the priority: 422', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', resources: { requests: { cpu: '1' } }, extra: { schedulerName: 'nobody' } });
      const path = `${pods(namespace)}/p`;
      const changes = [
        { nodeSelector: { a: 'b' } },
        { affinity: { nodeAffinity: {} } },
        { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] },
        { containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] },
        { priority: 5 },
        { terminationGracePeriodSeconds: 1 },
      ];
      for (const spec of changes) {
        const answer = await suite.api.patch(path, 'strategic', { spec });
        assert.refused(answer, { code: 422, reason: 'Invalid', message: /spec: Forbidden: pod updates may not change fields other than/u });
      }
    });
  });

  describe('validation of nodes', () => {
    it('taints without key or effect, unknown effects, one taint twice: 422', async () => {
      const taints = [
        { key: 'a', effect: 'NoSchedule' },
        { key: 'a', value: 'b', effect: 'NoSchedule' },
        { key: 'b', effect: 'Never' },
        { key: 'c' },
        { key: 'd', value: 'no value', effect: 'NoExecute' },
      ];
      const answer = await suite.api.post('/api/v1/nodes', { metadata: { name: suite.unique('node') }, spec: { taints } });
      expectCauses(answer, [
        [
          'FieldValueDuplicate',
          'metadata.taints[1]',
          'Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
        ],
        [
          'FieldValueNotSupported',
          'metadata.taints[2].effect',
          'Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        ],
        ['FieldValueRequired', 'metadata.taints[3].effect', 'Required value'],
        [
          'FieldValueInvalid',
          'metadata.taints[4].value',
          "Invalid value: \"no value\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ],
      ]);
    });

    it('capacity below zero or not whole where it is counted: 422', async () => {
      const status = { capacity: { cpu: '-1', pods: '1500m' }, allocatable: {} };
      expectCauses(
        await suite.api.post('/api/v1/nodes', { metadata: { name: suite.unique('node') }, status: { ...status, capacity: { cpu: '-1' } } }),
        [['FieldValueInvalid', 'status.capacity.cpu', 'Invalid value: "-1": must be greater than or equal to 0']],
      );
      expectCauses(
        await suite.api.post('/api/v1/nodes', {
          metadata: { name: suite.unique('node') },
          status: { ...status, capacity: { pods: '1500m' } },
        }),
        [['FieldValueInvalid', 'status.capacity.pods', 'Invalid value: "1500m": must be an integer']],
      );
    });
  });
}
