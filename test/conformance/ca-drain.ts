import type { PodRecord } from '../../core/model/index.ts';
import { createDisruptionTracker } from '../../cluster-autoscaler/engine/scale-down/disruption-tracker.ts';
import { controllerLookup, drainOf } from '../../cluster-autoscaler/engine/scale-down/drain.ts';
import type { DrainContext, DrainOutcome, DrainRule } from '../../cluster-autoscaler/engine/scale-down/drain-rule.ts';
import { decide } from '../../cluster-autoscaler/engine/scale-down/drain-rule.ts';
import { noHints } from '../../cluster-autoscaler/engine/scale-down/moved-pods.ts';
import { createRemovalSimulator } from '../../cluster-autoscaler/engine/scale-down/removal.ts';
import type { ControllerFacts } from '../../cluster-autoscaler/engine/model.ts';
import { createSchedulingSnapshot } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import type { Json } from './ca-scale-down-objects.ts';
import { compare, listOf, nodeOf, now, numberOf, objectOf, optionsOf, pdbOf, podOf, textOf } from './ca-scale-down-objects.ts';
import type { VectorCase } from './runners.ts';

/** ca-drain: drain rules, budgets, overrides of rules, simulation of one removal. */
export function caDrainRunner(vector: VectorCase): readonly string[] {
  const raw = vector as unknown as Json;
  const expected = objectOf(raw['expected']);
  switch (vector.kind) {
    case 'node':
      return node(raw, expected);
    case 'pdb-tracker':
      return tracker(raw, expected);
    case 'rule-overrides':
      return overrides(raw, expected);
    case 'removal-simulation':
      return removal(raw, expected);
    default:
      return [`unknown kind "${vector.kind}"`];
  }
}

function node(raw: Json, expected: Json): readonly string[] {
  const pods = listOf(raw['pods']).map((pod) =>
    podOf({
      name: textOf(pod['name']) ?? '',
      namespace: textOf(pod['namespace']),
      labels: pod['labels'],
      annotations: pod['annotations'],
      owner: pod['owner'] === undefined || pod['owner'] === null ? undefined : objectOf(pod['owner']),
      phase: textOf(pod['phase']),
      deletedSecondsAgo: numberOf(pod['deletedSecondsAgo']),
      ageSeconds: numberOf(pod['ageSeconds']),
      spec: {
        containers: [{ name: 'c' }],
        volumes: listOf(pod['volumes']).map(volume),
        ...(pod['restartPolicy'] === undefined ? {} : { restartPolicy: pod['restartPolicy'] }),
        ...(pod['gracePeriodSeconds'] === undefined ? {} : { terminationGracePeriodSeconds: pod['gracePeriodSeconds'] }),
      },
    }),
  );
  const { evict, daemons, waitFor, blocking } = drainOf(pods, {
    now,
    options: optionsOf(objectOf(raw['options'])),
    budgets: createDisruptionTracker(listOf(raw['pdbs']).map(pdbOf)),
    controllerOf: raw['controllers'] === null ? undefined : controllerLookup(controllersOf(listOf(raw['controllers']))),
  });
  const names = (list: readonly PodRecord[]): string[] => list.map(({ name }) => name);
  return [
    ...compare('blockingPod', expected['blockingPod'] ?? null, blocking?.name ?? null),
    ...compare('reason', expected['reason'] ?? null, blocking?.reason ?? null),
    ...compare('evict', expected['evict'], names(evict)),
    ...compare('daemonSet', expected['daemonSet'], names(daemons)),
    ...compare('waitForCompletion', expected['waitForCompletion'], names(waitFor)),
  ];
}

function volume({ name, type, medium }: Json): Json {
  const kind = textOf(type) ?? '';
  return { name, [kind]: kind === 'emptyDir' && medium !== undefined ? { medium } : {} };
}

function controllersOf(list: readonly Json[]): ReadonlyMap<string, ControllerFacts> {
  return new Map(
    list.map((each) => {
      const [kind = '', namespace = '', name = ''] = [textOf(each['kind']), textOf(each['namespace']), textOf(each['name'])];
      const replicas = numberOf(each['replicas']);
      return [
        `${kind}/${namespace}/${name}`,
        { kind, namespace, name, uid: `uid-${name}`, specReplicas: replicas, statusReplicas: replicas },
      ];
    }),
  );
}

function tracker(raw: Json, expected: Json): readonly string[] {
  const budgets = listOf(raw['budgets']).map(({ label, allowed }, index) =>
    pdbOf({ namespace: 'default', selector: { [textOf(label) ?? '']: 'true' }, disruptionsAllowed: allowed }, index),
  );
  const pods = (raw['pods'] as readonly (readonly string[])[]).map((labels, index) =>
    podOf({ name: `p${index}`, labels: Object.fromEntries(labels.map((label) => [label, 'true'])), spec: {} }),
  );
  const left = createDisruptionTracker(budgets);
  const { canRemove, inParallel } = left.check(pods);
  left.take(pods);
  const got: Json = { canRemove, inParallel, remaining: left.remaining() };
  return Object.keys(expected).flatMap((key) => compare(key, expected[key], got[key]));
}

function overrides(raw: Json, expected: Json): readonly string[] {
  const outcomeOf = (text: unknown): DrainOutcome | undefined => (text === 'undefined' ? undefined : (text as DrainOutcome));
  const rules = listOf(raw['rules']).map(({ outcome, overrides: replaced }, index): DrainRule => ({
    name: `rule-${index}`,
    decide: () => {
      const list = Array.isArray(replaced) ? replaced.map(outcomeOf) : undefined;
      if (outcome === 'undefined' && list === undefined) return undefined;
      return { outcome: outcomeOf(outcome), ...(list === undefined ? {} : { overrides: list }) };
    },
  }));
  const verdict = decide(rules, podOf({ name: 'p', spec: {} }), contextOf({}));
  return compare('outcome', expected['outcome'], verdict.outcome ?? 'undefined');
}

function contextOf(options: Json): DrainContext {
  return { now, options: optionsOf(options), budgets: createDisruptionTracker([]) };
}

function removal(raw: Json, expected: Json): readonly string[] {
  const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
  for (const each of listOf(raw['nodes'])) {
    const name = textOf(each['name']) ?? '';
    snapshot.addNode(
      nodeOf(name, each),
      listOf(each['pods']).map((pod) => simulatedPod(pod, name)),
    );
  }
  const candidate = snapshot.find(textOf(raw['candidate']) ?? '');
  if (candidate === undefined) {
    return [...compare('removable', expected['removable'], false), ...compare('reason', expected['reason'], 'NoNodeInfo')];
  }
  const before = snapshot.nodeIds().map((id) => snapshot.podCount(id));
  snapshot.fork();
  const simulator = createRemovalSimulator({
    snapshot,
    drain: contextOf({}),
    hints: noHints,
    asUpstream: true,
    destinations: new Set(snapshot.nodeIds()),
    kept: new Set(),
  });
  const result = simulator.simulate(candidate);
  snapshot.revert();
  const same = compare(
    'snapshot',
    before,
    snapshot.nodeIds().map((id) => snapshot.podCount(id)),
  );
  if (!result.removable)
    return [...same, ...compare('removable', expected['removable'], false), ...compare('reason', expected['reason'], result.reason)];
  return [
    ...same,
    ...compare('removable', expected['removable'], true),
    ...compare(
      'podsToReschedule',
      expected['podsToReschedule'],
      result.evict.map(({ name }) => name),
    ),
  ];
}

function simulatedPod(pod: Json, node: string): PodRecord {
  const owner = textOf(pod['owner']);
  return podOf({
    name: textOf(pod['name']) ?? '',
    labels: pod['labels'],
    owner: owner === undefined ? undefined : { kind: owner, name: `owner-of-${textOf(pod['name']) ?? ''}` },
    node,
    spec: {
      containers: [{ name: 'c', resources: { requests: { cpu: pod['cpu'], memory: pod['memory'] } } }],
      topologySpreadConstraints: listOf(pod['spread']).map(({ matchLabels, ...constraint }) => ({
        ...constraint,
        labelSelector: { matchLabels },
      })),
    },
  });
}
