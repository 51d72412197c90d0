import { VirtualClock } from '../../../core/runtime/clock.ts';
import { awsContracts } from '../../contract/aws/contract.ts';
import { awsSuite, bootMs, reactionMs, shutdownMs } from '../../contract/aws/suite.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { describeWithMoto, findMoto, startMoto } from './moto.ts';

describeWithMoto(await findMoto(), 'contracts of AWS with moto behind the fault proxy', (file) => {
  awsContracts(
    awsSuite(
      async () => {
        const moto = await startMoto(await file());
        // moto knows no time of its own: that of the proxy is moved by hand.
        const clock = new VirtualClock(Date.now());
        const proxy = await startFaultProxy({
          upstream: moto.url,
          clock,
          timing: { reaction: reactionMs, boot: bootMs, shutdown: shutdownMs },
        });
        return {
          name: 'moto',
          url: proxy.url,
          advance: (ms) => clock.advance(ms),
          shortage: (of) => proxy.shortage(of),
          throttle: (action, times) => proxy.throttle(action, times),
          stop: async () => {
            await proxy.close();
            await moto.stop();
          },
        };
      },
      // moto 5.2.1 has none of these abilities; each was tried.
      [],
    ),
  );
});
