import type { LoopInput, NodeGroup } from '../model.ts';
import { createRegistry, statusEvent, type Registry } from '../registry/index.ts';
import { buildTemplates, type Templates } from '../templates/index.ts';
import { withBegun } from './begun-deletions.ts';
import type { LoopEvent, LoopOptions } from './model.ts';
import { breathe, type Pace, type Pausing } from './pace.ts';
import type { CarriedState, GroupScaling } from './state.ts';
import { viewOf, type LoopView } from './view.ts';

/** What the steps of one loop share. Sizes and events change while it runs. */
export interface LoopContext {
  readonly input: LoopInput;
  readonly before: CarriedState;
  readonly options: LoopOptions;
  readonly pace: Pace;
  readonly view: LoopView;
  readonly templates: Templates;
  readonly registry: Registry;
  readonly events: LoopEvent[];
  /** Target sizes as this loop has changed them. */
  readonly targets: Map<string, number>;
  /** Groups from which instances without a node were deleted. */
  readonly emptied: Set<string>;
  /** Groups as they are now, in the cloud's order. */
  readonly groups: () => readonly NodeGroup[];
  readonly warn: (reason: string, message: string) => void;
  readonly note: (reason: string, message: string) => void;
}

export function* contextOf(
  input: LoopInput,
  before: CarriedState,
  { options, pace }: Pick<LoopContext, 'options' | 'pace'>,
): Pausing<LoopContext> {
  const view = yield* viewOf(input, options, { pace, templates: before.templates });
  const scalings = withBegun(before);
  const known = input.groups.map((group) => withScalings(group, scalings.get(group.id)));
  const templates = buildTemplates(
    {
      now: input.now,
      groups: known,
      nodes: view.nodes,
      groupOf: view.groupOf,
      podsOn: (node) => view.podsByNode.get(node) ?? [],
      daemons: input.daemonPods,
      cache: before.templates,
      devices: input.devices,
    },
    options,
  );
  yield* breathe(pace);
  const registry = createRegistry(
    before.registry,
    {
      now: input.now,
      nodes: view.nodes,
      resourceUnready: view.resourceUnready,
      groups: known,
      groupOf: view.groupOf,
      isGone: view.isGone,
      hasTemplate: (group) => templates.byGroup.has(group),
    },
    options,
  );
  const targets = new Map(known.map(({ id, targetSize }) => [id, targetSize]));
  const events: LoopEvent[] = [...registry.events];
  return {
    input,
    before,
    options,
    pace,
    view,
    templates,
    registry,
    events,
    targets,
    emptied: new Set(),
    groups: () => known.map((group) => resized(group, targets.get(group.id) ?? group.targetSize)),
    warn: (reason, message) => events.push(statusEvent('Warning', reason, message)),
    note: (reason, message) => events.push(statusEvent('Normal', reason, message)),
  };
}

/** A disruption budget counts from the size: what was given back without being a node is not taken from it. */
function resized(group: NodeGroup, targetSize: number): NodeGroup {
  const { minSize, leastSize } = group;
  if (leastSize === undefined) return { ...group, targetSize };
  const givenBack = Math.max(0, group.targetSize - targetSize);
  return { ...group, targetSize, minSize: Math.max(leastSize, minSize - givenBack) };
}

/** The later of what the input says of the last scalings and what this process did itself. */
function withScalings(group: NodeGroup, own: GroupScaling | undefined): NodeGroup {
  if (own === undefined) return group;
  return {
    ...group,
    lastScaleUp: latest(group.lastScaleUp, own.lastScaleUp),
    lastScaleDown: latest(group.lastScaleDown, own.lastScaleDown),
  };
}

export function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
