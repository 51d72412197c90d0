import type { Clock } from '../../../core/model/clock.ts';
import { setText, textAt, type XmlNode } from './xml-tree.ts';

/** What the proxy lets time do to groups that moto changes at once. Milliseconds. */
export interface ProxyTiming {
  readonly reaction: number;
  readonly boot: number;
  readonly shutdown: number;
}

export interface ProxyActivity {
  readonly id: string;
  readonly group: string;
  readonly description: string;
  readonly cause: string;
  readonly zone: string;
  /** Not shown before. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** A failure; absent: it succeeds. */
  readonly message?: string;
}

interface Present {
  /** When it is listed first, as Pending. */
  readonly from: number;
  /** Its element of the group, as moto showed it last. */
  node: XmlNode;
}

interface Leaving {
  readonly node: XmlNode;
  /** Until then it is what it was: AWS takes a while to react. */
  readonly from: number;
  readonly until: number;
  readonly activity: string;
}

/** One group as AWS would show it, kept beside moto's. */
export class GroupMemory {
  readonly name: string;
  readonly present = new Map<string, Present>();
  readonly leaving = new Map<string, Leaving>();
  readonly activities: ProxyActivity[] = [];
  /** The desired capacity that was asked for and not given, for want of capacity. */
  wanted: number | undefined;
  readonly #clock: Clock;
  readonly #timing: ProxyTiming;
  #count = 0;

  constructor(name: string, clock: Clock, timing: ProxyTiming) {
    this.name = name;
    this.#clock = clock;
    this.#timing = timing;
  }

  /** Compares with what moto shows: what is new comes late, what is missing goes slowly. `named`: it was taken out by name, without a delay. */
  note(instances: readonly XmlNode[], named?: string): void {
    const now = this.#clock.now();
    const { reaction, boot, shutdown } = this.#timing;
    const shown = new Set<string>();
    for (const node of instances) {
      const id = textAt(node, 'InstanceId');
      shown.add(id);
      const known = this.present.get(id);
      if (known !== undefined) {
        known.node = node;
        continue;
      }
      const from = now + reaction;
      this.present.set(id, { from, node });
      this.add({
        description: `Launching a new EC2 instance: ${id}`,
        cause: `${when(from)} an instance was started in response to a difference between desired and actual capacity.`,
        zone: textAt(node, 'AvailabilityZone'),
        startsAt: from,
        endsAt: from + boot,
      });
    }
    for (const [id, { node }] of this.present) {
      if (shown.has(id)) continue;
      this.present.delete(id);
      const from = id === named ? now : now + reaction;
      const activity = this.add({
        description: `Terminating EC2 instance: ${id}`,
        cause: `${when(from)} instance ${id} was taken out of service in response to ${id === named ? 'a user request' : 'a difference between desired and actual capacity'}.`,
        zone: textAt(node, 'AvailabilityZone'),
        startsAt: from,
        endsAt: from + shutdown,
      });
      this.leaving.set(id, { node, from, until: from + shutdown, activity });
    }
  }

  add(activity: Omit<ProxyActivity, 'id' | 'group'>): string {
    this.#count += 1;
    const id = `${this.name}-activity-${String(this.#count).padStart(6, '0')}`;
    this.activities.push({ ...activity, id, group: this.name });
    return id;
  }

  /** The instances as AWS lists them now. */
  instances(): readonly XmlNode[] {
    const now = this.#clock.now();
    const listed = [...this.present.values()].flatMap(({ from, node }) =>
      now < from ? [] : [inState(node, now < from + this.#timing.boot ? 'Pending' : 'InService')],
    );
    for (const [id, { node, from, until }] of this.leaving) {
      if (now >= until) this.leaving.delete(id);
      else listed.push(inState(node, now < from ? 'InService' : 'Terminating'));
    }
    return listed;
  }

  /** Activities that have begun, newest first. */
  begun(): readonly ProxyActivity[] {
    const now = this.#clock.now();
    return this.activities
      .map((activity, index) => ({ activity, index }))
      .filter(({ activity }) => activity.startsAt <= now)
      .toSorted((a, b) => b.activity.startsAt - a.activity.startsAt || b.index - a.index)
      .map(({ activity }) => activity);
  }
}

function inState(node: XmlNode, state: string): XmlNode {
  const copy = structuredClone(node);
  setText(copy, 'LifecycleState', state);
  return copy;
}

export function when(time: number): string {
  return `At ${new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')}`;
}
