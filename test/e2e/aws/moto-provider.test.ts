import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { afterAll, beforeAll } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { bootMs, reactionMs, shutdownMs } from '../../contract/aws/suite.ts';
import { awsProviderContract, type AwsBench } from '../../contract/aws-provider/suite.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { awsAdministrator, credentials, region } from './moto-groups.ts';
import { describeWithMoto, findMoto, startMoto, type Moto } from './moto.ts';

describeWithMoto(await findMoto(), 'the AWS provider with moto behind the fault proxy', (file) => {
  let moto: Moto;
  const requests = watchRequests();
  beforeAll(async () => {
    moto = await startMoto(await file());
  });
  afterAll(async () => {
    requests.end();
    await moto.stop();
  });

  awsProviderContract('moto', async (): Promise<AwsBench> => {
    await moto.reset();
    // Of the provider and of the proxy: time moves on only while no request is under way.
    const clock = new VirtualClock(Date.now());
    clock.useSettle(() => requests.settle());
    const timing = { reaction: reactionMs, boot: bootMs, shutdown: shutdownMs };
    const proxy = await startFaultProxy({ upstream: moto.url, clock, timing });
    const administrator = awsAdministrator(proxy.url);
    const types = new Map<string, string>();
    return {
      connection: { clock, random: seededRandom('provider'), region, credentials, endpoint: proxy.url },
      createGroup: async (group) => {
        types.set(group.name, group.types?.[0] ?? 'm5.large');
        await administrator.createGroup(group);
        await clock.advance(reactionMs + bootMs);
      },
      wait: (promise) => clock.settled(promise, 600_000),
      settle: () => clock.advance(120_000),
      sizeInCloud: async (group) => {
        const { AutoScalingGroups = [] } = await administrator.autoScaling.describeAutoScalingGroups({ AutoScalingGroupNames: [group] });
        return AutoScalingGroups[0]?.DesiredCapacity ?? Number.NaN;
      },
      stockout: async (group) => void proxy.shortage({ group, type: types.get(group) ?? '' }),
      fault: (action, answer, times) => proxy.fault(action, answer, times),
      deleteGroup: async (name) => {
        await administrator.autoScaling.deleteAutoScalingGroup({ AutoScalingGroupName: name, ForceDelete: true });
      },
      lingers: true,
      close: async () => {
        administrator.close();
        await proxy.close();
      },
    };
  });
});

/** Requests of this process over sockets. */
function watchRequests(): { settle(): Promise<void>; end(): void } {
  let open = 0;
  const begun = (message: unknown): void => {
    open += 1;
    (message as { readonly request: ClientRequest }).request.once('close', () => {
      open -= 1;
    });
  };
  subscribe('http.client.request.start', begun);
  return {
    // What an answer sets in motion may send another request some turns later.
    settle: async () => {
      let quiet = 0;
      while (quiet < 20) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        quiet = open === 0 ? quiet + 1 : 0;
      }
    },
    end: () => void unsubscribe('http.client.request.start', begun),
  };
}
