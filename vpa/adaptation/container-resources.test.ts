import { describe, expect, it } from 'vitest';
import { podJson, recommended, sizing } from './builders.fixture.ts';
import { containerResources, type ContainerResourcesInput } from './container-resources.ts';
import { podStateOfJson } from './pod-resources.ts';
import { boundaryRequest, proportionalLimit } from './proportional-limit.ts';

describe('proportionalLimit', () => {
  const question = { resource: 'memory', originalLimit: 200, originalRequest: 150, request: 100 };

  it('keeps the proportion, rounded down', () => {
    expect(proportionalLimit(question)).toEqual({ limit: 133 });
  });

  it('takes the default for a container without a limit', () => {
    expect(proportionalLimit({ ...question, originalLimit: undefined, defaultLimit: 300 })).toEqual({ limit: 200 });
  });

  it('is the request where limit and request were equal, or there was no request', () => {
    expect(proportionalLimit({ ...question, originalRequest: 200 })).toEqual({ limit: 100 });
    expect(proportionalLimit({ ...question, originalRequest: undefined })).toEqual({ limit: 100 });
  });

  it('says why there is none', () => {
    expect(proportionalLimit({ ...question, originalLimit: 0 })).toEqual({
      limit: undefined,
      note: 'memory: limit NOT set since originalLimit is nil or 0',
    });
    expect(proportionalLimit({ ...question, request: 0 })).toEqual({
      limit: undefined,
      note: 'memory: limit NOT set since recommendedRequest is nil or 0',
    });
  });

  it('is capped at int64', () => {
    expect(proportionalLimit({ resource: 'cpu', originalLimit: 1e13, originalRequest: 1, request: 1e13 })).toEqual({
      limit: 2 ** 63,
      note: 'cpu: failed to keep limit to request ratio; capping limit to int64',
    });
  });
});

describe('boundaryRequest', () => {
  it.each([
    ['no limit at all', { originalLimit: undefined, originalRequest: 10, defaultLimit: undefined }, 0],
    ['the default as limit', { originalLimit: undefined, originalRequest: 10, defaultLimit: 30 }, 33],
    ['a limit without request', { originalLimit: 20, originalRequest: undefined, defaultLimit: undefined }, 100],
    ['both, rounded down', { originalLimit: 30, originalRequest: 20, defaultLimit: undefined }, 66],
  ])('%s', (_, fields, request) => {
    expect(boundaryRequest({ ...fields, boundary: 100 })).toBe(request);
  });
});

describe('containerResources', () => {
  const pod = podStateOfJson(
    podJson([
      { name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '2' } },
      { name: 'proxy', requests: { cpu: '1' } },
    ]),
  );

  function resources(fields: Partial<ContainerResourcesInput>) {
    return containerResources({ pod, recommendation: [], containers: [], limits: undefined, ...fields });
  }

  it('touches only what is recommended', () => {
    expect(resources({ recommendation: [recommended('proxy', { cpu: 5, '': 666 })] })).toEqual([
      undefined,
      { container: 'proxy', requests: { cpu: 5 }, limits: {}, notes: [] },
    ]);
  });

  it('gives limits in proportion, and tells why one is missing once there is one', () => {
    const [app] = resources({
      recommendation: [recommended('app', { cpu: 500, memory: 50 })],
      notes: new Map([['app', ['cpu capped to maxAllowed']]]),
    });
    expect(app).toEqual({
      container: 'app',
      requests: { cpu: 500, memory: 50 },
      limits: { cpu: 1000 },
      notes: ['cpu capped to maxAllowed', 'memory: limit NOT set since originalLimit is nil or 0'],
    });
  });

  it('takes the default limit of the LimitRange', () => {
    const container = { min: undefined, max: undefined, default: { cpu: 3000 } };
    const [, proxy] = resources({ recommendation: [recommended('proxy', { cpu: 500 })], limits: { container, pod: undefined } });
    expect(proxy?.limits).toEqual({ cpu: 1500 });
  });

  it('leaves limits alone where only requests are controlled', () => {
    const [app] = resources({
      recommendation: [recommended('app', { cpu: 500 })],
      containers: [sizing({ controlledValues: 'RequestsOnly' })],
    });
    expect(app).toMatchObject({ requests: { cpu: 500 }, limits: {} });
  });

  it('keeps what is not recommended when asked for all', () => {
    const all = resources({ recommendation: [recommended('app', { cpu: 500 })], addAll: true });
    expect(all).toMatchObject([
      { requests: { cpu: 500, memory: 100 }, limits: { cpu: 1000 } },
      { requests: { cpu: 1000 }, limits: {} },
    ]);
  });
});
