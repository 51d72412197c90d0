import type { Hold, KubeObject, ScaleIntent, ScalingHistory } from '../../core/model/index.ts';
import type { GroupDefaults } from '../config.ts';
import type { DeletionProgress, LoopInput } from '../engine/model.ts';
import { assignGroups, type PolicyAssignment } from '../policy-groups.ts';
import type { Provider } from '../providers/provider.ts';
import { deviceFacts } from './devices.ts';
import { resolveGroup, type GroupReading, type ResolvedGroup } from './group-options.ts';
import type { NodesReads } from './ports.ts';
import { volumeFacts, type VolumeFacts } from './volumes.ts';

/** What one loop is made of. */
export interface Observation {
  readonly input: LoopInput;
  readonly volumes: VolumeFacts | undefined;
  /** In the order of the provider. */
  readonly groups: readonly ResolvedGroup[];
  readonly assignment: PolicyAssignment;
}

export interface ObserveOptions {
  readonly now: number;
  readonly reads: Omit<NodesReads, 'policies' | 'ageMs'>;
  readonly policies: readonly KubeObject[];
  readonly provider: Pick<Provider, 'groupOf' | 'hasInstance'>;
  readonly readings: readonly GroupReading[];
  readonly defaults: GroupDefaults;
  readonly historyOf: (group: string) => ScalingHistory;
  readonly hold: Hold | undefined;
  readonly deletions: DeletionProgress;
  readonly priorities: string | undefined;
  readonly intents: readonly ScaleIntent[];
  readonly lastPodAt?: number | undefined;
}

/** Puts together everything that a loop reads. */
export function observe(options: ObserveOptions): Observation {
  const { now, reads, provider, readings, defaults, historyOf, hold } = options;
  const assignment = assignGroups(
    options.policies,
    readings.map(({ group }) => group),
  );
  const groups = readings.map((reading) =>
    resolveGroup(reading, { now, defaults, claim: assignment.claimOf(reading.group.id), history: historyOf(reading.group.id), hold }),
  );
  const nodes = reads.nodes.items();
  const groupOfNode = new Map<string, string>();
  const gone = new Set<string>();
  const unknown = new Set<string>();
  for (const node of nodes) {
    const group = provider.groupOf(node);
    if (group === undefined) continue;
    groupOfNode.set(node.name, group);
    const there = provider.hasInstance(node);
    if (there === undefined) unknown.add(node.name);
    else if (!there) gone.add(node.name);
  }
  const pods = reads.pods.items();
  const input: LoopInput = {
    now,
    nodes,
    pods,
    pdbs: reads.budgets.items(),
    daemonPods: reads.daemonPods.items(),
    controllers: reads.controllers,
    groups: groups.map(({ group }) => group),
    groupOfNode,
    gone: { nodes: gone, unknown },
    namespaces: new Map(reads.namespaces.items().map(({ name, labels }) => [name, labels])),
    deletions: options.deletions,
    ...(options.priorities === undefined ? {} : { priorities: options.priorities }),
    intents: options.intents,
    lastPodAt: options.lastPodAt,
    devices: deviceFacts(reads.devices),
  };
  return {
    input,
    volumes: volumeFacts(
      reads.volumes,
      pods.some(({ claims }) => claims.length > 0),
    ),
    groups,
    assignment,
  };
}
