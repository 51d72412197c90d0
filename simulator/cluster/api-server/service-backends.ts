import type { ServiceAddress } from './admission/index.ts';
import { objectOf, textOf } from './json.ts';
import type { Store } from './storage/store.ts';

/** A port of a Service, as a webhook configuration names it. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/**
 * What stands behind the cluster's Services on this machine. There is no pod network: a Service leads somewhere when somebody in the process has said where, or when
 * it is of type ExternalName, which works on a real control plane too.
 */
export class ServiceBackends {
  readonly #store: Store;
  readonly #backends = new Map<string, ServiceAddress>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Answers the function that takes it away again. One backend answers for all ports of its Service. */
  serve(service: { readonly namespace: string; readonly name: string }, address: ServiceAddress): () => void {
    const key = `${service.namespace}/${service.name}`;
    this.#backends.set(key, address);
    return () => {
      if (this.#backends.get(key) === address) this.#backends.delete(key);
    };
  }

  /** The address to dial; a text says why there is none. */
  resolve({ namespace, name, port }: ServicePort): ServiceAddress | string {
    const service = this.#store.get('/services', namespace, name)?.object;
    if (service === undefined) return `service ${JSON.stringify(name)} not found`;
    const spec = objectOf(service.spec);
    if (spec['type'] === 'ExternalName') return { host: textOf(spec['externalName']), port };
    if (!ports(spec).includes(port)) return `no service port ${port} found for service ${JSON.stringify(name)}`;
    return this.#backends.get(`${namespace}/${name}`) ?? `no endpoints available for service ${JSON.stringify(name)}`;
  }
}

function ports(spec: Readonly<Record<string, unknown>>): unknown[] {
  return Array.isArray(spec['ports']) ? spec['ports'].map((entry) => objectOf(entry)['port']) : [];
}
