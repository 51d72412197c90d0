import { describe } from 'vitest';
import { connectionFromKubeConfig, createKubeClient } from '../../core/kube/index.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { realRandom, seededRandom } from '../../core/runtime/random.ts';
import { createApiServer } from '../../simulator/cluster/api-server/index.ts';
import { startControllers } from '../../simulator/cluster/controllers/index.ts';
import { startScheduler } from '../../simulator/cluster/scheduler/index.ts';
import { createHttpApi } from '../e2e/http-api.ts';
import { temporaryKubeconfig } from '../e2e/kubeconfig-file.ts';
import { allContracts } from './contracts/index.ts';
import { contractSuite, tokenOfFirstRevision } from './suite.ts';

describe('contracts of the embedded cluster', () => {
  allContracts(
    contractSuite(async () => {
      const clock = realClock;
      // Over real HTTP and on the real clock: what a client across a process border meets.
      const server = createApiServer({ clock, random: seededRandom('contract'), authorization: 'RBAC' });
      const parts = { registry: server.registry, clock, random: seededRandom('controllers') };
      const running = [startControllers(parts), startScheduler(parts)];
      const { url } = await server.listen();
      const kubeconfig = await temporaryKubeconfig({ server: url });
      const connection = await connectionFromKubeConfig({ file: kubeconfig.file, environment: {}, clock });
      const client = createKubeClient({ connection, clock, random: realRandom, userAgent: 'concertina-contract' });
      const api = createHttpApi({ server: url });
      return {
        name: 'embedded',
        api,
        client,
        disposable: true,
        expire: async (token) => {
          server.compact();
          return tokenOfFirstRevision(token);
        },
        stop: async () => {
          await client.close();
          api.close();
          for (const part of running) part.stop();
          await server.close();
          await kubeconfig.remove();
        },
      };
    }),
  );
});
