import type { NodeRecord, PodRecord, ResourceList } from '../../../core/model/index.ts';
import type { DaemonPod, NodeGroup, NodeTemplate } from '../model.ts';
import { isReady } from '../registry/index.ts';
import { copyDevices, type DeviceFacts } from '../scheduling/devices/index.ts';
import { isDaemonPod, missingDaemons, preemptsAsCritical } from './daemons.ts';
import type { TaintOptions } from './sanitize.ts';
import { deletionTaintKey, templateNode, templatePod, withDeprecatedLabels } from './sanitize.ts';

/** A node must have been ready for so long before new ones are imagined after it, milliseconds. */
const stabilizationMs = 60_000;

/** What a template was made of (§5): a good node, an earlier good node, the cloud's description, or a node that is not well. */
export type TemplateOrigin = 'node' | 'cache' | 'provider' | 'unwell-node';

/** Templates of all groups that have one. */
export interface Templates {
  readonly byGroup: ReadonlyMap<string, NodeTemplate>;
  readonly origins: ReadonlyMap<string, TemplateOrigin>;
  /** Why a group has none. */
  readonly problems: ReadonlyMap<string, string>;
  /** Templates made of good nodes, now or earlier; to be handed in again. */
  readonly cache: ReadonlyMap<string, NodeTemplate>;
}

export interface TemplateFacts {
  readonly now: number;
  readonly groups: readonly NodeGroup[];
  /** The first good one of a group is taken. */
  readonly nodes: readonly NodeRecord[];
  readonly groupOf: (node: NodeRecord) => string | undefined;
  readonly podsOn: (node: string) => readonly PodRecord[];
  readonly daemons: readonly DaemonPod[];
  readonly cache: ReadonlyMap<string, NodeTemplate>;
  /** Absent: templates have no devices. */
  readonly devices?: Pick<DeviceFacts, 'slices' | 'claims'> | undefined;
}

export interface TemplateOptions extends TaintOptions {
  /** Every daemon pod that a node should have is counted, not only those that are there (`--force-ds`). */
  readonly forceDaemonSets: boolean;
}

/** Imagines an empty node of every group (§5). */
export function buildTemplates(facts: TemplateFacts, options: TemplateOptions): Templates {
  const byGroup = new Map<string, NodeTemplate>();
  const origins = new Map<string, TemplateOrigin>();
  const problems = new Map<string, string>();
  const cache = new Map<string, NodeTemplate>();
  const groups = new Map(facts.groups.map((group) => [group.id, group]));
  const unwell = new Map<string, NodeRecord>();

  for (const node of facts.nodes) {
    const group = groups.get(facts.groupOf(node) ?? '');
    if (group === undefined || byGroup.has(group.id)) continue;
    if (!isGoodExample(node, facts.now)) {
      if (!unwell.has(group.id)) unwell.set(group.id, node);
      continue;
    }
    const template = fromNode(node, group, facts, options);
    byGroup.set(group.id, template);
    origins.set(group.id, 'node');
    cache.set(group.id, template);
  }
  for (const group of facts.groups) {
    if (byGroup.has(group.id)) continue;
    const cached = facts.cache.get(group.id);
    const example = unwell.get(group.id);
    if (cached !== undefined) {
      byGroup.set(group.id, cached);
      origins.set(group.id, 'cache');
      cache.set(group.id, cached);
    } else if (group.template !== undefined) {
      byGroup.set(group.id, fromProvider(group.template, group, facts, options));
      origins.set(group.id, 'provider');
    } else if (example !== undefined) {
      byGroup.set(group.id, fromNode(example, group, facts, options));
      origins.set(group.id, 'unwell-node');
    } else {
      problems.set(group.id, group.templateProblem ?? 'the cloud describes no node of the group and it has none');
    }
  }
  return { byGroup, origins, problems, cache };
}

/** Up for a while, not cordoned, not on its way out: nothing of it is missing. */
function isGoodExample(node: NodeRecord, now: number): boolean {
  return (
    isReady(node) &&
    !node.unschedulable &&
    (node.readySince ?? 0) + stabilizationMs < now &&
    !node.taints.some(({ key }) => key === deletionTaintKey)
  );
}

/** Of a node: its daemon and mirror pods, and what the cloud knows of its resources and the node does not show yet. */
function fromNode(node: NodeRecord, group: NodeGroup, facts: TemplateFacts, options: TemplateOptions): NodeTemplate {
  const pods = facts.podsOn(node.name).filter((pod) => pod.deleted === undefined && (pod.mirror || isDaemonPod(pod)));
  const known = group.template?.node;
  const completed =
    known === undefined
      ? node
      : { ...node, capacity: filled(node.capacity, known.capacity), allocatable: filled(node.allocatable, known.allocatable) };
  const template = complete({ node: completed, pods }, group, { daemons: facts.daemons, force: options.forceDaemonSets }, options);
  if (facts.devices === undefined) return template;
  const { slices, held } = copyDevices(facts.devices, { node: node.name, pods, copy: template.node.name, suffix: group.id });
  if (slices.length === 0) return template;
  return { ...template, slices, ...(held.length === 0 ? {} : { heldDevices: held }) };
}

/** Of the cloud's description: with all daemon pods that a new node would get, and the labels of old (§27.6). */
function fromProvider(template: NodeTemplate, group: NodeGroup, facts: TemplateFacts, options: TemplateOptions): NodeTemplate {
  const { node, pods } = complete(template, group, { daemons: facts.daemons, force: true }, options);
  return { node: withDeprecatedLabels(node), pods };
}

function complete(
  { node: example, pods }: NodeTemplate,
  group: NodeGroup,
  { daemons, force }: { readonly daemons: readonly DaemonPod[]; readonly force: boolean },
  options: TaintOptions,
): NodeTemplate {
  const node = templateNode(example, `template-node-for-${group.id}`, options);
  const running = new Set(pods.flatMap(({ owner }) => (owner?.kind === 'DaemonSet' ? [owner.uid] : [])));
  const missing = missingDaemons(node, running, daemons).filter((pod) => force || preemptsAsCritical(pod));
  return { node, pods: [...pods, ...missing].map((pod) => templatePod(pod, node.name, group.id)) };
}

function filled(shown: ResourceList, known: ResourceList): ResourceList {
  return Object.keys(known).every((name) => shown[name] !== undefined) ? shown : { ...known, ...shown };
}

/** Name of the node that is on its way and has no name yet: of the template's copies the one of this number, from 0. */
export function upcomingName({ node }: NodeTemplate, number: number): string {
  return `${node.name}-upcoming-${number}`;
}
