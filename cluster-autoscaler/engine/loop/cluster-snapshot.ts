import { createSchedulingSnapshot, type SchedulingSnapshot } from '../scheduling/index.ts';
import { upcomingName } from '../templates/index.ts';
import type { LoopContext } from './context.ts';
import type { VolumeFacts } from './model.ts';
import { breathe, type Pausing } from './pace.ts';

/** Nodes that are put in between two places where the loop may pause. */
const nodesAtOnce = 32;

/** The cluster for simulation: nodes by name, with the pods that are on them or promised to them (§3.6). */
export function* clusterSnapshot({ input, view, pace }: LoopContext, volumes: VolumeFacts = {}): Pausing<SchedulingSnapshot> {
  const snapshot = createSchedulingSnapshot({ namespaces: input.namespaces, devices: input.devices, ...volumes });
  for (const node of view.nodes) {
    snapshot.addNode(node, view.podsByNode.get(node.name) ?? []);
    if (snapshot.nodeCount % nodesAtOnce === 0) yield* breathe(pace);
  }
  return snapshot;
}

/**
 * Puts nodes that are on their way into the snapshot as copies of their templates, and takes out those that have registered and are not
 * started (§3.13). Answers the names of the latter: they are no candidates for removal either.
 */
export function injectUpcoming(snapshot: SchedulingSnapshot, { registry, templates }: LoopContext): ReadonlySet<string> {
  const replaced = new Set<string>();
  for (const { group, count, notStarted } of registry.upcoming()) {
    const template = templates.byGroup.get(group.id);
    if (template !== undefined) {
      for (let index = 0; index < count; index++) snapshot.addCopy(template, upcomingName(template, index));
    }
    for (const name of notStarted) replaced.add(name);
  }
  for (const name of replaced) {
    const node = snapshot.find(name);
    if (node !== undefined) snapshot.removeNode(node);
  }
  return replaced;
}
