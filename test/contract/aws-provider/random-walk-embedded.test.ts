import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAwsProvider } from '../../../cluster-autoscaler/providers/aws/index.ts';
import { groupNamed } from '../../../cluster-autoscaler/providers/contract.ts';
import type { Provider } from '../../../cluster-autoscaler/providers/provider.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint, type AwsEndpoint } from '../../../simulator/cluster/aws/index.ts';
import { loadSdk } from '../../journeys/nodes-virtual.ts';

interface World {
  readonly clock: VirtualClock;
  readonly aws: AwsEndpoint;
  readonly provider: Provider;
  /** Ids of instances whose deletion was asked for. */
  readonly asked: Set<string>;
}

/** One thing that happens; plain data, so that a failing walk can be read. */
type Step =
  | { readonly does: 'increase' | 'decrease'; readonly by: number }
  /** Places in the list of instances, from the end where they are negative: that is where placeholders are. */
  | { readonly does: 'delete'; readonly picks: readonly number[] }
  | { readonly does: 'stock'; readonly left: number | undefined }
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'refresh' }
  | { readonly does: 'fault'; readonly action: string; readonly kind: 'throttle' | 'lost' | 'drop' | 'html'; readonly times: number };

const zone = 'us-east-1a';

/** Waits for a promise while time moves. */
function wait<T>({ clock }: World, promise: Promise<T>): Promise<T> {
  return clock.settled(promise, 600_000);
}

const actions = ['SetDesiredCapacity', 'TerminateInstanceInAutoScalingGroup', 'DescribeAutoScalingGroups', 'DescribeScalingActivities'];

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constantFrom('increase' as const, 'decrease' as const), by: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ does: fc.constant('delete' as const), picks: fc.array(fc.integer({ min: -4, max: 3 }), { minLength: 1, maxLength: 3 }) }),
  fc.record({ does: fc.constant('stock' as const), left: fc.constantFrom(0, 1, undefined) }),
  fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 15_000, 70_000) }),
  fc.constant<Step>({ does: 'refresh' }),
  fc.record({
    does: fc.constant('fault' as const),
    action: fc.constantFrom(...actions),
    kind: fc.constantFrom('throttle' as const, 'lost' as const, 'drop' as const, 'html' as const),
    times: fc.integer({ min: 1, max: 7 }),
  }),
);

async function perform(world: World, step: Step): Promise<void> {
  const { aws, clock, provider, asked } = world;
  switch (step.does) {
    case 'increase':
      await wait(world, provider.increaseSize('g', step.by));
      return;
    case 'decrease':
      await wait(world, provider.decreaseTargetSize('g', -step.by));
      return;
    case 'delete': {
      const instances = await provider.instances('g');
      const ids = step.picks.flatMap((pick) => instances.at(pick)?.id ?? []);
      for (const id of ids) asked.add(id.split('/').at(-1) ?? '');
      await wait(world, provider.deleteInstances('g', ids));
      return;
    }
    case 'stock':
      aws.capacity.set({ type: 'm5.large', zone }, step.left);
      return;
    case 'wait':
      await clock.advance(step.ms);
      return;
    case 'refresh':
      await wait(
        world,
        provider.refresh().catch(() => undefined),
      );
      return;
    case 'fault':
      aws.faults.add({ actions: [step.action], times: step.times, answer: { kind: step.kind } });
  }
}

describe('AWS provider under whatever happens', () => {
  beforeAll(() => loadSdk());

  it.each(['none', 'cluster-autoscaler'] as const)(
    'ends nothing that nobody asked for, stays in its bounds, and sees in the end what is there (compat %s)',
    async (compat) => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (walk) => {
          const clock = new VirtualClock();
          const aws = createAwsEndpoint({
            clock,
            random: seededRandom('walk'),
            groups: [{ name: 'g', minSize: 1, maxSize: 8, desiredCapacity: 3, instanceTypes: ['m5.large'], zones: [zone] }],
          });
          clock.useSettle(() => aws.settle());
          const provider = createAwsProvider({
            clock,
            random: seededRandom('provider'),
            region: aws.region,
            credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
            requestHandler: aws.requestHandler(),
            groups: ['1:8:g'],
            discovery: [],
            compat,
          });
          const world: World = { clock, aws, provider, asked: new Set() };
          const ended: string[] = [];
          aws.onInstance(({ type, instance }) => type === 'shutting-down' && ended.push(instance.id));
          await wait(world, provider.refresh());
          for (const step of walk) {
            await perform(world, step);
            const { desiredCapacity = 0 } = aws.group('g') ?? {};
            expect(desiredCapacity).toBeGreaterThanOrEqual(1);
            expect(desiredCapacity).toBeLessThanOrEqual(8);
          }
          aws.faults.clear();
          aws.capacity.set({ type: 'm5.large', zone }, undefined);
          await clock.advance(600_000);
          expect(ended.filter((id) => !world.asked.has(id))).toEqual([]);
          await wait(world, provider.refresh());
          const view = aws.group('g');
          expect(groupNamed(provider, 'g').targetSize).toBe(view?.desiredCapacity);
          const there = view?.instances.filter(({ lifecycle }) => lifecycle === 'InService').map(({ id }) => `aws:///${zone}/${id}`);
          const seen = (await provider.instances('g')).filter(({ state }) => state === 'running').map(({ id }) => id);
          expect(seen).toEqual(there);
          expect(seen).toHaveLength(view?.desiredCapacity ?? Number.NaN);
          await provider.close();
          await aws.stop();
        }),
        { numRuns: 25 },
      );
    },
  );
});
