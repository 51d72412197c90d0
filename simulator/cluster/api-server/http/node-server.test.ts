import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { configMap, startTestServer, types } from '../testing/harness.ts';

describe('over HTTP', () => {
  it('serves requests, compresses big answers and streams watches', async () => {
    const { server } = startTestServer();
    const { url } = await server.listen();
    for (let index = 0; index < 300; index++) {
      await server.registry.create(types.configMaps, configMap(`m${index}`, { text: 'x'.repeat(1000) }));
    }
    const path = '/api/v1/namespaces/default/configmaps';
    const zipped = await request(`${url}${path}`, { headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect((await zipped.body.arrayBuffer()).byteLength).toBeLessThan(100_000);
    const abort = new AbortController();
    const watch = await request(`${url}${path}?watch=1&fieldSelector=metadata.name%3Dnew`, { signal: abort.signal });
    await server.registry.create(types.configMaps, configMap('new'));
    const [first] = await watch.body[Symbol.asyncIterator]()
      .next()
      .then((chunk) => [JSON.parse(String(chunk.value)) as { type: string }]);
    expect(first?.type).toBe('ADDED');
    abort.abort();
    server.faults.add({ fault: { kind: 'drop' }, times: 1 });
    await expect(request(`${url}${path}`)).rejects.toThrow('other side closed');
    expect((await request(`${url}/readyz`)).statusCode).toBe(200);
    await server.close();
  });
});
