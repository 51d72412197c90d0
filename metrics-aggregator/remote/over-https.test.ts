import { afterEach, describe, expect, it } from 'vitest';
import type { KubeClient, RawRequest, RawResponse } from '../../core/kube/api.ts';
import { eventually, makeCertificate } from '../../core/kube/test-support.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import { createHttpServer, realClock, recordingLogger } from '../../core/runtime/index.ts';
import { createRequestAuth } from '../../core/runtime/request-auth.ts';
import { addAggregatorRoutes } from '../serving/routes.ts';
import { external, fakeAggregator, podUsage, usageOf } from '../serving/test-support.ts';
import { createRemoteAggregator, type RemoteAggregatorOptions } from './remote-aggregator.ts';

const ca = makeCertificate({ cn: 'ca' });
const serving = makeCertificate({ cn: 'aggregator', issuer: ca });

/** Knows one token, whose owner may read the view and demand as `hpa-0`. */
async function raw({ path, body }: RawRequest): Promise<RawResponse> {
  const { spec } = JSON.parse(String(body)) as { spec: { token?: string; nonResourceAttributes?: { path: string; verb: string } } };
  const { path: wanted, verb } = spec.nonResourceAttributes ?? {};
  const status = path.endsWith('tokenreviews')
    ? { authenticated: spec.token === 'good', user: { username: 'system:serviceaccount:concertina:hpa', groups: [] } }
    : { allowed: `${verb} ${wanted}` === 'get /concertina/api/v1/view' || `${verb} ${wanted}` === 'put /concertina/api/v1/demands/hpa-0' };
  return { status: 201, headers: {}, body: Buffer.from(JSON.stringify({ status })) };
}

const opened: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function serve(options: Partial<RemoteAggregatorOptions> = {}) {
  const logger = recordingLogger();
  const server = createHttpServer({ host: '127.0.0.1', port: 0, clock: realClock, logger, tls: { cert: serving.cert, key: serving.key } });
  const aggregator = fakeAggregator({ usage: usageOf([podUsage('a')]), at: realClock.now() });
  const auth = createRequestAuth({ client: { raw } as unknown as KubeClient, clock: realClock });
  const routes = addAggregatorRoutes(server, { aggregator, facts: aggregator.facts, clock: realClock, authorize: auth.guard });
  const { port } = await server.listen();
  opened.push(() => server.close(0));
  const problems: string[] = [];
  const remote = createRemoteAggregator({
    url: `https://127.0.0.1:${port}`,
    ca: ca.cert,
    token: () => 'good',
    clock: realClock,
    random: Math.random,
    pollIntervalMs: 15_000,
    maxAgeMs: 10 ** 12,
    onProblem: (problem) => problems.push(problem),
    client: 'hpa-0',
    ...options,
  });
  opened.push(() => {
    remote.stop();
    routes.close();
  });
  return { aggregator, remote, problems, logger };
}

describe('over HTTPS, with tokens', () => {
  it('views and demands go to and fro', async () => {
    const { aggregator, remote, problems } = await serve();
    const depth = external('depth');
    remote.demand('shop/web', [depth]);
    remote.start();
    await eventually(() => remote.view().podCount === 1, 'the first view');
    await eventually(() => Object.keys(aggregator.wanted()).length === 1, 'the demand');
    const key = queryKey(depth);
    const answer = { known: false, reason: 'missing', detail: 'none', since: 1, source: 'external.metrics.k8s.io' } as const;
    const many = Array.from({ length: 3000 }, (_, index) => podUsage(`p${index}`));
    aggregator.publish({ at: realClock.now(), usage: usageOf(many), queries: new Map([[key, answer]]) });
    await eventually(() => remote.view().podCount === 3000, 'the second view');
    expect(remote.view().query(depth)).toEqual(answer);
    expect(problems).toEqual([]);
  });

  it.each<readonly [string, Partial<RemoteAggregatorOptions>, RegExp]>([
    ['a bad token', { token: () => 'bad' }, /answered 401: it does not accept the token of this ServiceAccount$/],
    ['no token', { token: () => undefined }, /answered 401/],
    ['the CA of somebody else', { ca: makeCertificate({ cn: 'other' }).cert }, /did not answer: [A-Z_]+$/],
    ['no CA', { ca: undefined }, /did not answer: [A-Z_]+$/],
  ])('nothing is known with %s', async (_, options, problem) => {
    const { remote, problems, logger } = await serve(options);
    expect((await remote.refresh()).resourceSource.healthy).toBe(false);
    expect(problems[0]).toMatch(problem);
    expect(JSON.stringify([problems, logger.lines])).not.toMatch(/good|bad/);
  });

  it('demands need a right of their own', async () => {
    const { remote, problems, aggregator } = await serve({ client: 'somebody-else' });
    remote.demand('shop/web', [external('depth')]);
    expect((await remote.refresh()).podCount).toBe(1);
    expect(problems[0]).toMatch(/^what is wanted could not be told: .* answered 403: grant verbs get on nonResourceURL/);
    expect(aggregator.demands).toEqual([]);
  });
});
