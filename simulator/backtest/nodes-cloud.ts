import { ConcertinaError } from '../../core/errors.ts';
import { granted, refused, type EffectResult } from './nodes-loop.ts';
import { machineName, numberOf } from './nodes-machines.ts';
import type { CloudIncident, NodesScene, SceneGroup } from './nodes-scene.ts';

/** A machine as the cloud has it. */
export interface CloudInstance {
  readonly name: string;
  readonly group: string;
  /** Registers at the first step from this time on; never: Infinity. */
  readonly bootAt: number;
  /** The cloud lists it from the first step at this time on. */
  readonly listedAt: number;
  state: 'creating' | 'running' | 'stockout';
  listed: boolean;
}

/** What became of machines in a step. */
export interface CloudStep {
  readonly booted: readonly CloudInstance[];
  /** Taken away by the cloud; another one is on its way. */
  readonly lost: readonly string[];
}

/** Node groups with their target sizes and machines; does what it is told, but for the incidents of the scene. Times in seconds. */
export interface NodesCloud {
  readonly targets: ReadonlyMap<string, number>;
  instance(name: string): CloudInstance | undefined;
  /** Names of the instances that the cloud lists now. */
  list(group: string): readonly string[];
  increase(group: string, delta: number, now: number): EffectResult;
  /** Takes back what was asked for and is not listed yet; `delta` is negative. */
  decrease(group: string, delta: number): EffectResult;
  /** All of them or none; the target size shrinks with them. */
  remove(group: string, names: readonly string[]): EffectResult;
  step(now: number, stands: (name: string) => boolean): CloudStep;
}

export function createNodesCloud(scene: NodesScene): NodesCloud {
  const groups = new Map(scene.groups.map((group) => [group.id, group]));
  const instances = new Map<string, CloudInstance>();
  const targets = new Map<string, number>();
  const numbers = new Map<string, number>();
  const losses = scene.cloud.incidents.filter((incident) => incident.what === 'lost');
  let stepped = Number.NEGATIVE_INFINITY;

  const groupOf = (id: string): SceneGroup => {
    const group = groups.get(id);
    if (group === undefined)
      throw new ConcertinaError('CONFIG_INVALID', `Scene ${scene.id}: there is no group ${id}.`, { details: { group: id } });
    return group;
  };
  const mine = (group: string): readonly CloudInstance[] => [...instances.values()].filter((each) => each.group === group);
  const nextName = (group: string): string => {
    const number = (numbers.get(group) ?? 0) + 1;
    numbers.set(group, number);
    return machineName(group, number);
  };
  const launch = (group: string, now: number): void => {
    const name = nextName(group);
    const stockout = meets(scene, 'stockout', { group, now });
    const never = stockout || meets(scene, 'stuck', { group, now });
    const bootAt = never ? Number.POSITIVE_INFINITY : now + bootSeconds(scene, group, name);
    // A stockout is told at once; an instance that never boots is listed like any other of its group.
    const listedAt = groupOf(group).lateInstances && !stockout ? bootAt - scene.cloud.listedBefore : now;
    instances.set(name, { name, group, bootAt, listedAt, state: stockout ? 'stockout' : 'creating', listed: listedAt <= now });
  };
  const drop = (name: string): void => void instances.delete(name);

  for (const { name, group } of scene.start.nodes) {
    groupOf(group);
    instances.set(name, { name, group, bootAt: 0, listedAt: 0, state: 'running', listed: true });
    numbers.set(group, Math.max(numbers.get(group) ?? 0, numberOf(name)));
  }
  for (const { id } of scene.groups) targets.set(id, mine(id).length);

  return {
    targets,
    instance: (name) => instances.get(name),
    list: (group) => mine(group).flatMap(({ name, listed }) => (listed ? [name] : [])),
    increase: (id, delta, now) => {
      const target = (targets.get(id) ?? 0) + delta;
      if (target > groupOf(id).max) return refused(`the maximum size of ${id} would be exceeded`);
      if (meets(scene, 'refuses', { group: id, now })) return refused('the cloud refused');
      targets.set(id, target);
      for (let count = 0; count < delta; count++) launch(id, now);
      return granted;
    },
    decrease: (id, delta) => {
      const target = (targets.get(id) ?? 0) + delta;
      const listed = mine(id).filter((each) => each.listed).length;
      if (target < listed) return refused(`instances of ${id} would have to go`);
      targets.set(id, target);
      // The youngest requests are given up.
      for (const { name } of mine(id)
        .filter((each) => !each.listed)
        .slice(target - listed))
        drop(name);
      return granted;
    },
    remove: (id, names) => {
      const target = (targets.get(id) ?? 0) - names.length;
      if (target < groupOf(id).min) return refused('minimum size reached');
      targets.set(id, target);
      for (const name of names) drop(name);
      return granted;
    },
    step: (now, stands) => {
      const due = losses.filter(({ at }) => at > stepped && at <= now);
      stepped = now;
      const booted: CloudInstance[] = [];
      for (const each of instances.values()) {
        if (each.listedAt <= now) each.listed = true;
        if (each.state !== 'creating' || each.bootAt > now) continue;
        each.state = 'running';
        booted.push(each);
      }
      const lost: string[] = [];
      for (const { group, name } of due) {
        const there = mine(group)
          .map((each) => each.name)
          .filter((each) => stands(each));
        const victim = nearest(name, there);
        if (victim === undefined) continue;
        drop(victim);
        lost.push(victim);
        launch(group, now);
      }
      return { booted, lost };
    },
  };
}

/** The machine of that name, or the one of the group whose number is nearest; the lower one of two. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const distance = (other: string): number => Math.abs(numberOf(other) - numberOf(name));
  return names.toSorted((a, b) => distance(a) - distance(b) || numberOf(a) - numberOf(b))[0];
}

function meets(
  scene: NodesScene,
  what: 'refuses' | 'stockout' | 'stuck',
  { group, now }: { readonly group: string; readonly now: number },
): boolean {
  return scene.cloud.incidents.some(
    (incident: CloudIncident) => incident.what === what && incident.group === group && incident.from <= now && now <= incident.to,
  );
}

function bootSeconds({ cloud }: NodesScene, group: string, name: string): number {
  const pattern = cloud.bootLike.get(group);
  return cloud.bootOf.get(name) ?? pattern?.byRemainder[numberOf(name) % 3] ?? pattern?.any ?? 0;
}
