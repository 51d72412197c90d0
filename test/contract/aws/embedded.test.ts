import { describe } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { createAwsEndpoint } from '../../../simulator/cluster/aws/index.ts';
import { awsContracts } from './contract.ts';
import { allAbilities, awsSuite, bootMs, reactionMs, shutdownMs } from './suite.ts';

describe('contracts of AWS with the endpoint of the embedded cluster', () => {
  awsContracts(
    awsSuite(async () => {
      // Requests over real HTTP, time by hand: nothing has to be waited for.
      const clock = new VirtualClock();
      const aws = createAwsEndpoint({
        clock,
        random: seededRandom('contract'),
        timing: { reaction: reactionMs, boot: bootMs, shutdown: shutdownMs },
      });
      clock.useSettle(() => aws.settle());
      const { url } = await aws.listen();
      return {
        name: 'embedded',
        url,
        advance: (ms) => clock.advance(ms),
        shortage: ({ type }) => {
          for (const zone of aws.zones) aws.capacity.set({ type, zone }, 0);
          return () => {
            for (const zone of aws.zones) aws.capacity.set({ type, zone }, undefined);
          };
        },
        throttle: (action, times) => void aws.faults.add({ actions: [action], times, answer: { kind: 'throttle' } }),
        stop: () => aws.stop(),
      };
    }, allAbilities),
  );
});
