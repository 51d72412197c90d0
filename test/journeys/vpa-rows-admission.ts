import { connect } from 'node:tls';
import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { near, passes, scene, type SeenPod, type VpaRow, type VpaRowsCluster } from './vpa-rows-support.ts';

/** New pods by the webhook, over TLS. */
export const admissionRows: readonly VpaRow[] = [
  {
    name: "webhook: a Deployment's new pods come with the recommended requests and limits in proportion",
    real: true,
    run: async (cluster) => {
      const web = await scene(cluster, {
        replicas: 2,
        load: 600,
        requests: { cpu: '400m', memory: '300Mi' },
        limits: { cpu: '800m', memory: '600Mi' },
        policy: { updatePolicy: { updateMode: 'Initial' } },
      });
      const target = await web.recommends(passes(cluster, 3));
      const before = (await web.pods()).map(({ uid }) => uid);
      await web.scale(4);
      await web.comes('four pods run', (pods) => pods.length === 4 && pods.every(({ ready }) => ready), 60_000);
      const added = (await web.pods()).filter(({ uid }) => !before.includes(uid));
      expect(added).toHaveLength(2);
      for (const { requests, limits, annotations } of added) {
        expect(near(requests, target), JSON.stringify({ requests, target })).toBe(true);
        expect(limits).toEqual({ cpu: 2 * (requests.cpu ?? NaN), memory: 2 * (requests.memory ?? NaN) });
        expect(annotations['vpaObservedContainers']).toBe('web');
        expect(annotations['vpaUpdates']).toMatch(
          /^Pod resources updated by web: container 0: .*cpu request, memory request, cpu limit, memory limit$/u,
        );
      }
      // The two that ran already are as they were.
      expect((await web.pods()).filter(({ uid }) => before.includes(uid)).map(({ requests }) => requests.cpu)).toEqual([400, 400]);
    },
  },
  {
    name: 'webhook certificates: CA and leaf are replaced while pods are created all the time; none is refused, none comes unsized',
    real: true,
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 3, load: 300, policy: { updatePolicy: { updateMode: 'Initial' } } });
      await web.recommends(passes(cluster, 3));
      const first = await registeredBundle(cluster);
      const served = await servedCertificate(cluster);
      const old = new Set((await web.pods()).map(({ uid }) => uid));
      const seen = new Map<string, SeenPod>();
      const note = async (): Promise<void> => {
        for (const pod of await web.pods()) if (!old.has(pod.uid)) seen.set(pod.uid, pod);
      };
      const secret = await certificateSecret(cluster);
      await cluster.client.delete(resourceTypes.secrets, secret);
      // A new CA stands in the webhook object for a minute before anything that it signed is served.
      const end = cluster.now() + 90_000;
      let fresh = false;
      while (cluster.now() < end) {
        const [oldest] = await web.pods();
        if (oldest !== undefined) {
          await cluster.client.delete(resourceTypes.pods, { namespace: web.namespace, name: oldest.name }, { gracePeriodSeconds: 0 });
        }
        await cluster.elapse(700);
        await note();
        fresh ||= (await registeredBundle(cluster)) !== first;
      }
      await note();
      expect(fresh, 'there is another CA').toBe(true);
      expect(await servedCertificate(cluster), 'another certificate is served').not.toBe(served);
      expect(seen.size).toBeGreaterThan(50);
      const unsized = [...seen.values()].filter(({ annotations }) => annotations['vpaObservedContainers'] === undefined);
      expect(unsized.map(({ name }) => name)).toEqual([]);
      expect((await web.events()).filter((each) => each.startsWith('FailedCreate'))).toEqual([]);
      console.log(`certificates on ${cluster.name}: ${seen.size} pods created in 90 s, all sized`);
    },
  },
];

interface ClientConfig {
  readonly caBundle?: string;
  readonly url?: string;
}

async function clientConfig({ client }: VpaRowsCluster): Promise<ClientConfig> {
  const object = (await client.get(resourceTypes.mutatingWebhookConfigurations, { name: 'concertina-vpa' })) as KubeObject & {
    readonly webhooks: readonly { readonly clientConfig: ClientConfig }[];
  };
  return object.webhooks[0]?.clientConfig ?? {};
}

async function registeredBundle(cluster: VpaRowsCluster): Promise<string> {
  return (await clientConfig(cluster)).caBundle ?? '';
}

/** Fingerprint of the certificate that the webhook shows now. */
async function servedCertificate(cluster: VpaRowsCluster): Promise<string> {
  const { hostname, port } = new URL((await clientConfig(cluster)).url ?? '');
  return new Promise((resolve, reject) => {
    // Only looked at: nothing is said over the connection.
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      resolve(fingerprint256);
    });
    socket.once('error', reject);
  });
}

/** Wherever the program runs. */
async function certificateSecret({ client }: VpaRowsCluster): Promise<{ readonly namespace: string; readonly name: string }> {
  for (const namespace of ['concertina-system', 'default']) {
    const { items } = await client.list(resourceTypes.secrets, { namespace });
    if (items.some(({ metadata }) => metadata.name === 'concertina-vpa-admission')) return { namespace, name: 'concertina-vpa-admission' };
  }
  throw new Error('the program has no Secret with certificates');
}
