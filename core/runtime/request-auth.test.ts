import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../errors.ts';
import type { KubeClient, RawRequest, RawResponse } from '../kube/api.ts';
import { VirtualClock } from './clock.ts';
import { createHttpServer } from './http-server.ts';
import type { RouteRequest } from './http-server.ts';
import { silentLogger } from './logging.ts';
import { createExpiringCache } from './request-auth-cache.ts';
import { createRequestAuth, type RequestAuthOptions, type UserInfo } from './request-auth.ts';

interface SeenReview {
  readonly path: string;
  readonly spec: Record<string, unknown>;
}

const alice = { username: 'system:serviceaccount:shop:alice', uid: 'u1', groups: ['system:authenticated'], extra: { pod: ['p'] } };

/** An API server that knows one token and lets one user get one path. */
function fakeApi(overrides: { answer?: (review: SeenReview) => unknown; status?: number; fault?: Error; gate?: Promise<void> } = {}) {
  const reviews: SeenReview[] = [];
  const answerOf = (review: SeenReview): unknown => {
    if (overrides.answer !== undefined) return overrides.answer(review);
    if (review.path.endsWith('tokenreviews')) {
      return review.spec['token'] === 'good' ? { status: { authenticated: true, user: alice } } : { status: {} };
    }
    const attributes = review.spec['nonResourceAttributes'] as { path: string; verb: string } | undefined;
    return { status: { allowed: attributes?.path === '/concertina/view' && attributes.verb === 'get' } };
  };
  const raw = async ({ path, body }: RawRequest): Promise<RawResponse> => {
    const review = { path, spec: (JSON.parse(String(body)) as { spec: Record<string, unknown> }).spec };
    reviews.push(review);
    await overrides.gate;
    if (overrides.fault !== undefined) throw overrides.fault;
    const status = overrides.status ?? 201;
    const text =
      status < 300 ? JSON.stringify(answerOf(review)) : JSON.stringify({ kind: 'Status', code: status, message: 'no', reason: 'x' });
    return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
  };
  return { client: { raw } as unknown as KubeClient, reviews, overrides };
}

function make(api = fakeApi(), options: Partial<RequestAuthOptions> = {}) {
  const clock = new VirtualClock();
  const problems: string[] = [];
  const auth = createRequestAuth({ client: api.client, clock, onProblem: (problem) => problems.push(problem), ...options });
  const pass = (authorization: string | undefined, path = '/view', method = 'GET') =>
    auth.guard({ method, path, headers: { authorization } } as unknown as RouteRequest);
  const count = (plural: string): number => api.reviews.filter((review) => review.path.endsWith(plural)).length;
  return {
    auth,
    pass,
    clock,
    problems,
    tokens: () => count('tokenreviews'),
    accesses: () => count('subjectaccessreviews'),
    reviews: api.reviews,
  };
}

describe('createRequestAuth', () => {
  it('lets pass whom the API server knows and allows', async () => {
    const { pass, reviews } = make();
    expect(await pass('Bearer good')).toBeUndefined();
    expect(reviews).toEqual([
      { path: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: 'good' } },
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        spec: {
          user: alice.username,
          uid: 'u1',
          groups: ['system:authenticated'],
          extra: { pod: ['p'] },
          nonResourceAttributes: { path: '/concertina/view', verb: 'get' },
        },
      },
    ]);
  });

  it.each([undefined, '', 'Basic Z29vZA==', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer "x"', `Bearer ${'x'.repeat(16_385)}`])(
    'asks nobody about %j, which holds no token',
    async (authorization) => {
      const { pass, reviews } = make();
      expect(await pass(authorization)).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        body: 'send the token of a ServiceAccount as "Authorization: Bearer …"\n',
      });
      expect(reviews).toEqual([]);
    },
  );

  it('answers 401 for a bad token without repeating it, and remembers that for 30 s', async () => {
    const { pass, tokens, clock } = make();
    const refused = await pass('Bearer stolen-token');
    expect(refused?.status).toBe(401);
    expect(JSON.stringify(refused)).not.toContain('stolen');
    await clock.advance(29_000);
    await pass('Bearer stolen-token');
    expect(tokens()).toBe(1);
    await clock.advance(1000);
    await pass('Bearer stolen-token');
    expect(tokens()).toBe(2);
  });

  it('answers 403 with what to grant, and remembers that for 30 s', async () => {
    const { pass, accesses, clock } = make();
    expect(await pass('Bearer good', '/demands/x', 'PUT')).toMatchObject({
      status: 403,
      body: 'user "system:serviceaccount:shop:alice" may not put /concertina/demands/x: grant verb "put" on nonResourceURL "/concertina/demands/x" in a ClusterRole\n',
    });
    await pass('Bearer good', '/demands/x', 'PUT');
    expect(accesses()).toBe(1);
    await clock.advance(30_000);
    await pass('Bearer good', '/demands/x', 'PUT');
    expect(accesses()).toBe(2);
  });

  it('believes a token for a minute and a permission for five', async () => {
    const { pass, tokens, accesses, clock } = make();
    for (let second = 0; second < 300; second += 30) {
      expect(await pass('Bearer good')).toBeUndefined();
      await clock.advance(30_000);
    }
    expect([tokens(), accesses()]).toEqual([5, 1]);
    await pass('Bearer good');
    expect([tokens(), accesses()]).toEqual([6, 2]);
  });

  it('asks for a path of its own, which no role of Kubernetes grants to everybody', async () => {
    const { pass, reviews } = make();
    await pass('Bearer good', '/api/v1/view');
    await pass('Bearer good', '/metrics');
    const paths = reviews.map(({ spec }) => (spec['nonResourceAttributes'] as { path: string } | undefined)?.path);
    expect(paths).toEqual([undefined, '/concertina/api/v1/view', '/metrics']);
    const other = make(fakeApi(), { rbacPrefix: '/other' });
    await other.pass('Bearer good', '/api/v1/view');
    expect(other.reviews.at(-1)?.spec['nonResourceAttributes']).toEqual({ path: '/other/api/v1/view', verb: 'get' });
  });

  it('takes HEAD for get', async () => {
    const { pass } = make();
    expect(await pass('Bearer good', '/view', 'HEAD')).toBeUndefined();
  });

  it('does not mix up users, paths and verbs', async () => {
    const asked: unknown[] = [];
    const { auth } = make(
      fakeApi({
        answer: ({ spec }) => {
          asked.push(spec);
          return { status: { allowed: true } };
        },
      }),
    );
    const users: UserInfo[] = [
      { username: 'a', groups: [] },
      { username: 'a', groups: ['g'] },
      { username: 'a', groups: [], uid: 'u' },
      { username: 'a', groups: [], extra: { x: ['y'] } },
    ];
    for (const user of users) {
      await auth.authorize(user, { kind: 'path', path: '/a', verb: 'get' });
      await auth.authorize(user, { kind: 'path', path: '/a', verb: 'put' });
      await auth.authorize(user, { kind: 'path', path: '/b', verb: 'get' });
      await auth.authorize(user, { kind: 'resource', group: 'g', version: 'v1', resource: 'r', namespace: 'n', verb: 'list' });
    }
    expect(asked).toHaveLength(16);
    expect(asked.at(-1)).toEqual({
      user: 'a',
      groups: [],
      extra: { x: ['y'] },
      resourceAttributes: { group: 'g', version: 'v1', resource: 'r', namespace: 'n', verb: 'list' },
    });
  });

  it('asks once for requests that come together', async () => {
    let open: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { auth, tokens } = make(fakeApi({ gate }));
    const all = Promise.all(Array.from({ length: 10 }, () => auth.authenticate('Bearer good')));
    open?.();
    expect((await all).every(({ ok }) => ok)).toBe(true);
    expect(tokens()).toBe(1);
  });

  it('does not let a flood of tokens reach the API server', async () => {
    let open: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { auth, tokens, problems } = make(fakeApi({ gate }), { maxReviews: 3 });
    const all = Promise.all(Array.from({ length: 10 }, (_, index) => auth.authenticate(`Bearer t${index}`)));
    open?.();
    const statuses = (await all).map((each) => (each.ok ? 200 : each.status));
    expect([statuses.filter((status) => status === 503).length, tokens()]).toEqual([7, 3]);
    expect(problems).toEqual(['3 reviews wait for the API server already: one more was refused']);
  });

  it('does not let bad tokens drive out good ones', async () => {
    const { auth, tokens } = make(fakeApi(), { maxEntries: 2 });
    await auth.authenticate('Bearer good');
    for (let index = 0; index < 10; index++) await auth.authenticate(`Bearer bad${index}`);
    await auth.authenticate('Bearer good');
    expect(tokens()).toBe(11);
  });

  it('keeps out everybody while the API server is away, says so in the log, and remembers nothing of it', async () => {
    const api = fakeApi({ fault: new ConcertinaError('API_UNREACHABLE', 'no connection to https://api') });
    const { pass, problems, clock } = make(api);
    expect(await pass('Bearer good')).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    await pass('Bearer good');
    expect(problems).toEqual(['a TokenReview failed: no connection to https://api']);
    await clock.advance(30_000);
    await pass('Bearer good');
    expect(problems).toHaveLength(2);
    delete api.overrides.fault;
    expect(await pass('Bearer good')).toBeUndefined();
  });

  it('says which rights this program lacks', async () => {
    const { pass, problems } = make(fakeApi({ status: 403 }));
    expect((await pass('Bearer good'))?.status).toBe(503);
    expect(problems).toEqual(['this program may not create tokenreviews: bind its ServiceAccount to ClusterRole system:auth-delegator']);
  });

  it.each([
    ['a failure', fakeApi({ status: 500 }), 'a TokenReview failed: no (500 x, POST /apis/authentication.k8s.io/v1/tokenreviews)'],
    ['something else', fakeApi({ answer: () => ({ items: [] }) }), 'a TokenReview was answered with something else'],
    [
      'a nameless user',
      fakeApi({ answer: () => ({ status: { authenticated: true, user: {} } }) }),
      'a TokenReview was answered with a user who has no name',
    ],
  ])('lets nobody in when a review is answered with %s', async (_, api, problem) => {
    const { pass, problems } = make(api);
    expect((await pass('Bearer good'))?.status).toBe(503);
    expect(problems).toEqual([problem]);
  });

  it('takes only tokens that are meant for it, when it has an audience', async () => {
    const withAudiences = (audiences: string[] | undefined) =>
      make(fakeApi({ answer: () => ({ status: { authenticated: true, user: alice, audiences } }) }), { audiences: ['concertina'] });
    const meant = withAudiences(['concertina']);
    expect((await meant.auth.authenticate('Bearer good')).ok).toBe(true);
    expect(meant.reviews[0]?.spec).toEqual({ token: 'good', audiences: ['concertina'] });
    expect((await withAudiences(['other']).auth.authenticate('Bearer good')).ok).toBe(false);
    expect((await withAudiences(undefined).auth.authenticate('Bearer good')).ok).toBe(false);
  });

  it('heeds a denial above a permission', async () => {
    const { auth } = make(fakeApi({ answer: () => ({ status: { allowed: true, denied: true } }) }));
    expect(await auth.authorize(alice, { kind: 'path', path: '/view', verb: 'get' })).toMatchObject({ status: 403 });
  });

  it('writes no control characters of a name into a message', async () => {
    const { auth } = make();
    const refused = await auth.authorize({ username: 'a\u001b[31m"\nb', groups: [] }, { kind: 'path', path: '/x', verb: 'get' });
    expect(refused).toMatchObject({ message: expect.stringContaining('user "a?[31m??b" may not get /x') });
  });

  it('guards a route over HTTP', async () => {
    const { auth, clock } = make();
    const server = createHttpServer({ host: '127.0.0.1', port: 0, clock, logger: silentLogger });
    server.route('GET', '/view', async (request) => (await auth.guard(request)) ?? { body: 'seen' });
    const { port } = await server.listen();
    const get = async (token: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/view`, { headers: { authorization: `Bearer ${token}` } });
      return [answer.status, await answer.text()];
    };
    expect(await get('good')).toEqual([200, 'seen']);
    expect((await get('bad'))[0]).toBe(401);
    await Promise.all([server.close(0), clock.advance(1)]);
  });
});

describe('createExpiringCache', () => {
  it('is bounded, and drops what was not looked at for longest', () => {
    const cache = createExpiringCache<number>(new VirtualClock(), 2);
    cache.set('a', 1, 1000);
    cache.set('b', 2, 1000);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3, 1000);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
  });

  it('forgets in time, and forgets what it answered last', async () => {
    const clock = new VirtualClock();
    const cache = createExpiringCache<number>(clock, 2);
    cache.set('a', 1, 1000);
    await clock.advance(999);
    expect(cache.get('a')).toBe(1);
    await clock.advance(1);
    expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
  });
});
