import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInterner } from './interner.ts';
import type { KubeObject } from './object.ts';
import { projectPod } from './pod.ts';

const quantity = fc.constantFrom('100m', '1', '0.5', '1Gi', '1024Mi', 'lots');
const resourceMap = fc.dictionary(fc.constantFrom('cpu', 'memory', 'nvidia.com/gpu'), quantity, { maxKeys: 3 });
const resources = fc.record({ requests: resourceMap, limits: fc.option(resourceMap) }, { requiredKeys: [] });
const name = fc.constantFrom('main', 'proxy');
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const container = fc.record(
  {
    name,
    image: fc.constantFrom('a:1', 'a:2'),
    resources,
    restartPolicy: fc.constant('Always'),
    ports: fc.array(fc.record({ containerPort: fc.constant(80), hostPort: fc.constantFrom(0, 80) }, { requiredKeys: ['containerPort'] }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ['name'] },
);

const pinned = (node: string): object => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
    },
  },
});

const spec = fc.record(
  {
    containers: fc.array(container, { maxLength: 2 }),
    initContainers: fc.option(fc.array(container, { maxLength: 2 })),
    overhead: resourceMap,
    resources,
    nodeName: fc.constantFrom('n1', 'n2'),
    nodeSelector: fc.dictionary(fc.constantFrom('zone', 'disk'), fc.constantFrom('a', 'b'), { maxKeys: 2 }),
    affinity: fc.constantFrom(pinned('n1'), pinned('n2'), { podAntiAffinity: {} }, null),
    tolerations: fc.array(fc.record({ key: fc.constantFrom('a', 'b'), operator: fc.constant('Exists') }), { maxLength: 2 }),
    priority: fc.constantFrom(0, 10),
    priorityClassName: fc.constantFrom('', 'high'),
    preemptionPolicy: fc.constant('Never'),
    schedulerName: fc.constantFrom('default-scheduler', 'other'),
    schedulingGates: fc.array(fc.record({ name: fc.constantFrom('g', 'h') }), { maxLength: 1 }),
    restartPolicy: fc.constantFrom('Always', 'Never'),
    terminationGracePeriodSeconds: fc.constantFrom(0, 30),
    volumes: fc.array(
      fc.record(
        { name: fc.constantFrom('kube-api-access-x', 'v'), emptyDir: fc.constantFrom({}, { medium: 'Memory' }) },
        { requiredKeys: ['name'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

const ended = { terminated: { reason: 'OOMKilled', exitCode: 137, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-31T00:00:09Z' } };
const containerStatus = fc.record(
  {
    name,
    ready: fc.boolean(),
    restartCount: fc.nat(2),
    state: fc.constantFrom(
      { running: {} },
      { waiting: {} },
      { waiting: { reason: 'Waiting' } },
      { waiting: { reason: 'CrashLoopBackOff' } },
      ended,
    ),
    lastState: fc.constantFrom({}, {}, ended),
    resources,
    allocatedResources: resourceMap,
  },
  { requiredKeys: ['name'] },
);

const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'apps.kubernetes.io/pod-index'), fc.constantFrom('a', 'b'), { maxKeys: 3 });
const annotations = fc.dictionary(
  fc.constantFrom('checksum', 'concertina.dev/x', 'cluster-autoscaler.kubernetes.io/safe-to-evict', 'kubernetes.io/config.mirror'),
  fc.constantFrom('1', '2'),
  { maxKeys: 2 },
);

/** A pod, or one that differs from the one before it in a single part. */
const pods = fc
  .array(
    fc.record({
      spec,
      statuses: fc.array(containerStatus, { maxLength: 2 }),
      labels: maybe(labels),
      annotations: maybe(annotations),
      keep: fc.nat(4),
    }),
    { minLength: 2, maxLength: 12 },
  )
  .map((parts) => {
    let last = parts[0];
    return parts.map((part, index) => {
      const { keep } = part;
      if (last !== undefined && keep > 0) {
        const fields = ['spec', 'statuses', 'labels', 'annotations'] as const;
        const field = fields[keep - 1] ?? 'spec';
        part = { ...last, [field]: part[field] };
      }
      last = part;
      return JSON.stringify(podOf(index, part));
    });
  });

interface Parts {
  readonly spec: object;
  readonly statuses: readonly object[];
  readonly labels: Record<string, string> | undefined;
  readonly annotations: Record<string, string> | undefined;
}

function podOf(index: number, { spec: own, statuses, labels: ownLabels, annotations: ownAnnotations }: Parts): KubeObject {
  return {
    metadata: {
      name: `p${index}`,
      namespace: 'shop',
      uid: `u${index}`,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }],
      ...(ownLabels !== undefined && { labels: ownLabels }),
      ...(ownAnnotations !== undefined && { annotations: ownAnnotations }),
    },
    spec: own,
    status: { phase: 'Running', containerStatuses: statuses },
  };
}

describe('projectPod', () => {
  it('makes the same of a pod whether it knows others of its owner or not, and shares the same parts', () => {
    const shared = ['shape', 'labels', 'statuses'] as const;
    fc.assert(
      fc.property(pods, (texts) => {
        const interner = createInterner();
        const apart = createInterner();
        const known = texts.map((text) => projectPod(JSON.parse(text) as KubeObject, interner));
        const alone = texts.map((text) => {
          const raw = JSON.parse(text) as KubeObject;
          // Without an owner there is nothing to compare with.
          delete raw.metadata.ownerReferences;
          return projectPod(raw, apart);
        });
        for (let a = 0; a < texts.length; a++) {
          expect({ ...known[a], owner: undefined }).toEqual(alone[a]);
          for (let b = 0; b < a; b++) {
            for (const part of shared)
              expect([part, known[a]?.[part] === known[b]?.[part]]).toEqual([part, alone[a]?.[part] === alone[b]?.[part]]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('tells owners apart that claim the same uid', () => {
    const interner = createInterner();
    const owned = (owner: string): KubeObject => ({
      metadata: { name: 'p', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: 'u', controller: true }] },
    });
    const records = ['a', 'b', 'a', 'b'].map((owner) => projectPod(owned(owner), interner));
    expect(records.map(({ owner }) => owner?.name)).toEqual(['a', 'b', 'a', 'b']);
    expect(records[3]?.owner).toBe(records[1]?.owner);
  });
});
