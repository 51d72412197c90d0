import { createServer, type AddressInfo } from 'node:net';
import type { AuditRecord } from '../../simulator/cluster/api-server/index.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { expect } from 'vitest';
import type { PodWrite, VpaRowsCluster } from './vpa-rows-support.ts';
import {
  startVirtualJourneyCluster,
  type SettingsInput,
  type VirtualClusterParts,
  type VirtualController,
  type VirtualJourneyCluster,
} from './virtual-cluster.ts';

/** The embedded cluster with the program on it: its webhook is called over real TLS while time is virtual. */
export interface VirtualVpaCluster extends VpaRowsCluster {
  readonly virtual: VirtualJourneyCluster;
  /** Every resize and eviction so far, of whoever. */
  readonly allPodWrites: readonly PodWrite[];
  controller(): VirtualController;
  /** Ends the program and starts it anew, as it was started at first; resolves when admission is healthy again. */
  restart(): Promise<VirtualController>;
  /** The settings that it runs with. */
  readonly settings: SettingsInput;
  stop(): Promise<void>;
}

export interface VirtualVpaOptions extends VirtualClusterParts {
  readonly seed?: number;
  /** Serves the webhook; default true. */
  readonly admission?: boolean;
  /** The API server reaches it through a Service, as in an installation; default: by URL. */
  readonly service?: boolean;
  readonly settings?: SettingsInput;
  /** Before the program starts. */
  readonly prepare?: (virtual: VirtualJourneyCluster) => Promise<void>;
}

const day = 86_400_000;

/** Certificates are verified by real time: those that are made in the next virtual days are valid now. Always at the same time of day. */
function aboutNow(): number {
  return Math.floor(Date.now() / day) * day - 10 * day + day / 4;
}

export async function startVirtualVpaCluster(options: VirtualVpaOptions = {}): Promise<VirtualVpaCluster> {
  const { seed = 1, admission = true, service = false, settings: given = {}, prepare, ...parts } = options;
  const virtual = await startVirtualJourneyCluster(seed, {}, { startAt: aboutNow(), ...parts });
  await prepare?.(virtual);
  const port = await freePort();
  const settings: SettingsInput = {
    ...(admission
      ? { admission: { address: `127.0.0.1:${port}`, ...(service ? { service: 'webhook' } : { url: `https://127.0.0.1:${port}` }) } }
      : {}),
    ...given,
    // Rows are minutes long: what they show must not wait for a day of usage.
    vpa: { shrinkAfter: '0', ...(given['vpa'] as object | undefined) },
  };
  if (service) await serveService(virtual, port);
  const writes: PodWrite[] = [];
  virtual.embedded.api.onAudit((record) => {
    const write = podWrite(record, virtual.now());
    if (write !== undefined) writes.push(write);
  });
  let running = await virtual.startController({ settings });
  const cluster: VirtualVpaCluster = {
    ...virtual,
    virtual,
    settings,
    passMs: 60_000,
    allPodWrites: writes,
    controller: () => running,
    podWrites: (namespace) => Promise.resolve(writes.filter((write) => write.namespace === namespace)),
    restart: async () => {
      await running.stop();
      running = await virtual.startController({ settings });
      if (admission) await healthy(virtual);
      return running;
    },
    stop: async () => {
      await running.stop();
      await virtual.stop();
    },
  };
  if (admission) await healthy(virtual);
  return cluster;
}

async function serveService({ client, embedded }: VirtualJourneyCluster, port: number): Promise<void> {
  const key = { namespace: 'default', name: 'webhook' };
  await client.create(resourceTypes.services, { metadata: key, spec: { ports: [{ port: 443 }], selector: { app: 'concertina' } } });
  embedded.api.serveService(key, { host: '127.0.0.1', port });
}

function podWrite({ type, subresource, namespace = '', name = '', userAgent, code }: AuditRecord, at: number): PodWrite | undefined {
  if (type.plural !== 'pods' || (subresource !== 'resize' && subresource !== 'eviction')) return undefined;
  return { at, userAgent, namespace, name, what: subresource, code };
}

/** The Lease that says that admission works has been renewed twice. */
async function healthy(virtual: VirtualJourneyCluster): Promise<void> {
  const { client } = virtual;
  const renewed = async (): Promise<string> => {
    const leases = await client.list(resourceTypes.leases, { namespace: 'default' });
    const lease = leases.items.find(({ metadata }) => metadata.name === 'concertina-vpa-admission');
    return String((lease?.spec as { renewTime?: string } | undefined)?.renewTime ?? '');
  };
  const before = await renewed();
  expect(await virtual.until(async () => (await renewed()) > before, 600_000), 'admission says that it works').toBe(true);
  await virtual.elapse(20_000);
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
