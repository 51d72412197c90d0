import { expect, test } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import type { KnownPolicy } from '../../ports.ts';
import { checkpointStatus, createBench } from './checkpoint.fixture.ts';
import { createCheckpointPort } from './checkpoint-port.ts';

const type = resourceTypes.verticalPolicyCheckpoints;
const never = new AbortController().signal;

function known(name: string, status: unknown = {}, kind = 'VerticalPolicy'): KnownPolicy {
  const key = `${kind}/shop/${name}`;
  const reference = { apiVersion: 'v1', kind, namespace: 'shop', name };
  return { key, raw: { metadata: { name }, status }, policy: { reference }, recommendation: undefined } as unknown as KnownPolicy;
}

test('the loop loads, writes, forgets vanished containers and flushes', async () => {
  const { api, engine, clock, logger } = createBench(['web']);
  const config = { checkpointsPerMinute: 1_200, checkpointsGcMs: 600_000 };
  const port = createCheckpointPort({ client: api.client, clock, logger, engine, existing: () => undefined, config });
  const spec = { vpaObjectName: 'web', containerName: 'old' };
  api.add(type, { metadata: { namespace: 'shop', name: 'web-old' }, spec, status: checkpointStatus(3) });
  expect(await port.loadFor(known('web'), never)).toBe(1);
  expect(await port.loadFor(known('web', {}, 'Other'), never)).toBe(0);
  await port.pass([known('web')], never);
  expect([...api.objects.keys()]).toEqual(['web-old', 'web-app'].map((name) => `${type.plural}/shop/${name}`));
  await port.collectGarbage({ policies: [known('web')], container: (_key, container) => container !== 'old' }, never);
  expect([...api.objects.keys()]).toEqual([`${type.plural}/shop/web-app`]);
  engine.set(known('web').key, { app: 8 });
  await port.flush();
  expect(api.objects.get(`${type.plural}/shop/web-app`)).toMatchObject({ status: checkpointStatus(8) });
});

test('a policy that fetches its history is not written, and loading throws what the API server says', async () => {
  const { api, engine, clock, logger } = createBench(['web']);
  const config = { checkpointsPerMinute: 1_200, checkpointsGcMs: 600_000 };
  const port = createCheckpointPort({ client: api.client, clock, logger, engine, existing: () => undefined, config });
  api.before = () => {
    throw new Error('no connection');
  };
  await expect(port.loadFor(known('web'), never)).rejects.toThrow('no connection');
  api.before = () => undefined;
  await port.loadFor(known('web'), never);
  await port.pass([known('web', { conditions: [{ type: 'FetchingHistory', status: 'True' }] })], never);
  expect(api.objects.size).toBe(0);
});
