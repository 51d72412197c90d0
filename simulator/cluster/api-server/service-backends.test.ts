import { expect, it } from 'vitest';
import { ServiceBackends } from './service-backends.ts';
import { Store } from './storage/store.ts';

function backends(spec: object): ServiceBackends {
  const store = new Store(10);
  store.put('/services', { metadata: { name: 'hook', namespace: 'apps' }, spec });
  return new ServiceBackends(store);
}
const service = { namespace: 'apps', name: 'hook' };
const address = { host: '127.0.0.1', port: 8443 };

it('leads where somebody has said, as long as it stands', () => {
  const known = backends({ ports: [{ port: 443 }] });
  expect(known.resolve({ ...service, port: 443 })).toBe('no endpoints available for service "hook"');
  const end = known.serve(service, address);
  expect(known.resolve({ ...service, port: 443 })).toEqual(address);
  const other = { host: '127.0.0.1', port: 9443 };
  known.serve(service, other);
  // The first one is over already: its end takes nothing away.
  end();
  expect(known.resolve({ ...service, port: 443 })).toEqual(other);
});

it('needs the Service, and the port in it', () => {
  const known = backends({ ports: [{ port: 443 }] });
  known.serve(service, address);
  known.serve({ namespace: 'apps', name: 'other' }, address);
  expect(known.resolve({ namespace: 'apps', name: 'other', port: 443 })).toBe('service "other" not found');
  expect(known.resolve({ ...service, port: 8080 })).toBe('no service port 8080 found for service "hook"');
});

it('one of type ExternalName leads to its name, with the port that is asked for', () => {
  expect(backends({ type: 'ExternalName', externalName: 'localhost' }).resolve({ ...service, port: 9443 })).toEqual({
    host: 'localhost',
    port: 9443,
  });
});
