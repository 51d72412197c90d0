import type { Clock, Random } from '../../../../core/model/clock.ts';
import { drawDelay } from '../../kubelet/delay.ts';
import type { InstanceType } from '../instance-types/types.ts';
import type { AwsTiming, InstanceEvent } from '../types.ts';
import { AddressPlan } from './addresses.ts';
import { Capacity } from './capacity.ts';
import { resourceId } from './ids.ts';
import type { Group, Instance, LaunchConfiguration, LaunchTemplate, Subnet } from './model.ts';
import { instanceView } from './views.ts';

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly architecture: InstanceType['arch'];
  readonly createdAt: number;
}

export interface AccountOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly zones: readonly string[];
  readonly instanceTypes: readonly InstanceType[];
  readonly timing: AwsTiming;
}

/** All that one region of an account holds. The rules that move it are in the files beside. */
export class Account {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly zones: readonly string[];
  readonly timing: AwsTiming;
  readonly accountId = '123456789012';
  readonly vpcId: string;
  readonly subnets: readonly Subnet[];
  readonly images: readonly Image[];
  /** In name order. */
  readonly instanceTypes: readonly InstanceType[];
  readonly typesByName: ReadonlyMap<string, InstanceType>;
  readonly groups = new Map<string, Group>();
  readonly templates = new Map<string, LaunchTemplate>();
  readonly configurations = new Map<string, LaunchConfiguration>();
  /** In the order of their launches; terminated ones for a while. */
  readonly instances = new Map<string, Instance>();
  readonly capacity: Capacity;
  readonly addresses = new AddressPlan();
  readonly listeners = new Set<(event: InstanceEvent) => void>();
  /** Has a group looked at after so many milliseconds; set by the group loop, which everything else may call through it. */
  wake: (group: Group, delayMs: number) => void = () => undefined;
  stopped = false;
  #order = 0;

  constructor({ clock, random, region, zones, instanceTypes, timing }: AccountOptions) {
    this.clock = clock;
    this.random = random;
    this.region = region;
    this.zones = zones;
    this.timing = timing;
    this.vpcId = resourceId('vpc', random);
    this.subnets = zones.map((zone, net) => ({ id: resourceId('subnet', random), zone, net }));
    const createdAt = clock.now();
    this.images = (['x86_64', 'arm64'] as const).map((architecture) => ({
      id: resourceId('ami', random),
      name: `concertina-node-${architecture}`,
      architecture,
      createdAt,
    }));
    this.instanceTypes = instanceTypes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.typesByName = new Map(instanceTypes.map((type) => [type.name, type]));
    this.capacity = new Capacity();
  }

  /** Rises by one with each call: what comes later has the higher number. */
  nextOrder(): number {
    return ++this.#order;
  }

  draw(what: keyof AwsTiming): number {
    return Math.max(0, drawDelay(this.timing[what], this.random));
  }

  template(reference: { readonly id?: string | undefined; readonly name?: string | undefined }): LaunchTemplate | undefined {
    if (reference.id !== undefined) return this.templates.get(reference.id);
    return [...this.templates.values()].find(({ name }) => name === reference.name);
  }

  emit(type: InstanceEvent['type'], instance: Instance): void {
    const event = { type, instance: instanceView(instance) };
    for (const listener of this.listeners) listener(event);
  }
}
