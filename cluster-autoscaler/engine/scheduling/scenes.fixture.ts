import fc from 'fast-check';
import { createInterner, projectNode, projectPod, type KubeObject, type NodeRecord, type PodRecord } from '../../../core/model/index.ts';
import type { ClaimFacts, SchedulingFacts } from './snapshot.ts';

/** Random nodes and pods whose labels, taints, terms and amounts meet often. */

const interner = createInterner();

export const hostname = 'kubernetes.io/hostname';
export const zone = 'topology.kubernetes.io/zone';

interface NodeParts {
  readonly zone?: string | undefined;
  readonly rack?: string | undefined;
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
  readonly gpu: number;
  readonly taint?: string | undefined;
  readonly unschedulable: boolean;
}

export function makeNode(name: string, parts: NodeParts): NodeRecord {
  const labels: Record<string, string> = { [hostname]: name };
  if (parts.zone !== undefined) labels[zone] = parts.zone;
  if (parts.rack !== undefined) labels['rack'] = parts.rack;
  const taints = parts.taint === undefined ? undefined : [{ key: parts.taint, value: 'x', effect: 'NoSchedule' }];
  const resources = { cpu: `${parts.cpu}`, memory: `${parts.memory}Gi`, pods: `${parts.pods}`, 'example.com/gpu': `${parts.gpu}` };
  return projectNode(
    {
      metadata: { name, labels },
      spec: { taints, unschedulable: parts.unschedulable },
      status: { capacity: resources, allocatable: resources },
    } as KubeObject,
    interner,
  );
}

/** Pods from a Kubernetes spec; labels and shapes are shared or not, as the caller likes. */
export function makePod(name: string, { namespace = 'one', labels = {}, spec = {} }: PodParts): PodRecord {
  const raw = { metadata: { name, namespace, uid: name, labels }, spec: { containers: [{ name: 'c' }], ...spec } };
  return projectPod(raw as KubeObject, interner);
}

export interface PodParts {
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly spec?: Readonly<Record<string, unknown>> | undefined;
}

export const nodeParts: fc.Arbitrary<NodeParts> = fc.record({
  zone: fc.option(fc.constantFrom('z1', 'z2', 'z3'), { nil: undefined, freq: 8 }),
  rack: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
  cpu: fc.integer({ min: 1, max: 6 }),
  memory: fc.integer({ min: 1, max: 8 }),
  pods: fc.integer({ min: 1, max: 8 }),
  gpu: fc.constantFrom(0, 0, 0, 2),
  taint: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 2 }),
  unschedulable: fc.nat(9).map((n) => n === 0),
});

const labels = fc.record({ app: fc.constantFrom('web', 'db', 'job'), tier: fc.constantFrom('x', 'y') }, { requiredKeys: ['app'] });

const labelSelector = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('web', 'db', 'job').map((app) => ({ matchLabels: { app } })) },
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant({ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }) },
  { weight: 1, arbitrary: fc.constant({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] }) },
);

const topologyKey = fc.constantFrom(hostname, zone, 'rack');

const term = fc.record(
  {
    topologyKey,
    labelSelector,
    namespaces: fc.constantFrom(['two'], ['one', 'two']),
    namespaceSelector: fc.constantFrom(
      {},
      { matchLabels: { team: 'a' } },
      { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] },
    ),
    matchLabelKeys: fc.constant(['tier']),
    mismatchLabelKeys: fc.constant(['tier']),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);

const constraint = fc.record(
  {
    topologyKey,
    labelSelector,
    maxSkew: fc.integer({ min: 1, max: 2 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'DoNotSchedule', 'DoNotSchedule', 'ScheduleAnyway'),
    minDomains: fc.integer({ min: 1, max: 4 }),
    nodeAffinityPolicy: fc.constantFrom('Ignore', 'Honor'),
    nodeTaintsPolicy: fc.constantFrom('Ignore', 'Honor'),
    matchLabelKeys: fc.constant(['tier']),
  },
  { requiredKeys: ['topologyKey', 'labelSelector', 'maxSkew', 'whenUnsatisfiable'] },
);

const required = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.array(arbitrary, { minLength: 1, maxLength: 2 }).map((terms) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms }));

const nodeTerm = fc.constantFrom(
  { matchExpressions: [{ key: zone, operator: 'In', values: ['z1', 'z2'] }] },
  { matchExpressions: [{ key: 'rack', operator: 'Exists' }] },
  { matchExpressions: [{ key: hostname, operator: 'NotIn', values: ['n0', 'n3'] }] },
  { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
  { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1', 'n2'] }] },
  { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n0'] }], matchExpressions: [{ key: zone, operator: 'Exists' }] },
);

const affinity = fc.record(
  {
    podAffinity: required(term),
    podAntiAffinity: required(term),
    nodeAffinity: fc
      .array(nodeTerm, { minLength: 1, maxLength: 2 })
      .map((nodeSelectorTerms) => ({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } })),
  },
  { requiredKeys: [] },
);

const requests = fc.record(
  {
    cpu: fc.constantFrom('0', '250m', '500m', '1', '2500m'),
    memory: fc.constantFrom('0', '512Mi', '1Gi', '1500m', '3Gi'),
    'example.com/gpu': fc.constantFrom('0', '1'),
  },
  { requiredKeys: ['cpu'] },
);

const hostPort = fc.record({
  hostPort: fc.constantFrom(80, 81),
  protocol: fc.constantFrom('TCP', 'UDP'),
  hostIP: fc.constantFrom('', '10.0.0.1', '0.0.0.0'),
});

const claims = fc.oneof(
  { weight: 9, arbitrary: fc.subarray(['data', 'logs', 'local'], { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(['missing', 'data'], ['waiting']) },
);

/** Plain specs are as frequent as those with rules about others. */
export const podParts: fc.Arbitrary<PodParts> = fc
  .record({
    namespace: fc.constantFrom('one', 'one', 'two', 'unknown'),
    labels,
    requests,
    ports: fc.option(fc.array(hostPort, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
    affinity: fc.option(affinity, { nil: undefined, freq: 2 }),
    spread: fc.option(fc.array(constraint, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
    tolerations: fc.option(fc.constantFrom([{ operator: 'Exists' }], [{ key: 'a', operator: 'Exists' }]), { nil: undefined, freq: 2 }),
    nodeSelector: fc.option(fc.constantFrom({ rack: 'r1' }, { [zone]: 'z1' }), { nil: undefined, freq: 1 }),
    claims: fc.option(claims, { nil: undefined, freq: 1 }),
    initCpu: fc.option(fc.constantFrom('2', '4'), { nil: undefined, freq: 1 }),
  })
  .map((parts) => ({
    namespace: parts.namespace,
    labels: parts.labels,
    spec: {
      containers: [{ name: 'c', resources: { requests: parts.requests }, ports: parts.ports }],
      initContainers: parts.initCpu === undefined ? undefined : [{ name: 'i', resources: { requests: { cpu: parts.initCpu } } }],
      affinity: parts.affinity,
      topologySpreadConstraints: parts.spread,
      tolerations: parts.tolerations,
      nodeSelector: parts.nodeSelector,
      volumes: parts.claims?.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    },
  }));

/** Pods whose classes are independent: resources, tolerations and node rules only. */
export const plainParts: fc.Arbitrary<PodParts> = podParts.map(({ spec = {}, ...parts }) => ({
  ...parts,
  spec: {
    ...spec,
    containers: (spec['containers'] as Record<string, unknown>[]).map((container) => ({ ...container, ports: undefined })),
    affinity: undefined,
    topologySpreadConstraints: undefined,
    volumes: undefined,
  },
}));

/** Nodes on which there is nearly always room. */
export const roomyNodeParts: fc.Arbitrary<NodeParts> = nodeParts.map((parts) => ({ ...parts, cpu: 99, memory: 99, pods: 99, gpu: 9 }));

/** Pods that have rules about others, and little else to fail by. */
export const sociableParts: fc.Arbitrary<PodParts> = fc
  .record({
    namespace: fc.constantFrom('one', 'one', 'one', 'two', 'unknown'),
    labels,
    affinity: fc.option(affinity, { nil: undefined, freq: 1 }),
    spread: fc.option(fc.array(constraint, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 1 }),
    tolerations: fc.option(fc.constantFrom([{ operator: 'Exists' }], [{ key: 'a', operator: 'Exists' }]), { nil: undefined, freq: 1 }),
    claims: fc.option(claims, { nil: undefined, freq: 3 }),
  })
  .map((parts) => ({
    namespace: parts.namespace,
    labels: parts.labels,
    spec: {
      affinity: parts.affinity,
      topologySpreadConstraints: parts.spread,
      tolerations: parts.tolerations,
      volumes: parts.claims?.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    },
  }));

const claim = (facts: Partial<ClaimFacts>): ClaimFacts => ({ bound: true, ...facts });

function claimFacts(): Map<string, ClaimFacts> {
  const facts = new Map<string, ClaimFacts>();
  for (const namespace of ['one', 'two', 'unknown']) {
    facts.set(`${namespace}/data`, claim({ zones: ['z1', 'z2'], driver: 'disk', exclusive: namespace === 'one' }));
    facts.set(`${namespace}/logs`, claim({ driver: 'disk', regions: namespace === 'two' ? ['here'] : undefined }));
    const local = { nodeSelectorTerms: [{ matchExpressions: [{ key: hostname, operator: 'In', values: ['n0', 'n1'] }] }] };
    facts.set(
      `${namespace}/local`,
      namespace === 'one' ? claim({ nodeAffinity: local }) : claim({ bound: false, allowedTopologies: local }),
    );
    facts.set(`${namespace}/waiting`, claim({ bound: false, waitsForBinder: namespace === 'two' }));
  }
  return facts;
}

export const sceneFacts: SchedulingFacts = {
  namespaces: new Map([
    ['one', { team: 'a' }],
    ['two', {}],
  ]),
  claims: claimFacts(),
  attachLimits: new Map(['n0', 'n1', 'n2', 'e-0'].map((name) => [name, new Map([['disk', name === 'n0' ? 2 : 1]])])),
};
