import { expect, test } from 'vitest';
import { defaultContainerSizing, type Amounts, type ContainerRecommendation, type ContainerSizing } from '../../model.ts';
import {
  annotatedContainer,
  capToNodes,
  capToPolicy,
  integerCpuContainers,
  postProcess,
  roundToCores,
  roundToSteps,
  roundUpTo,
} from './post-processors.ts';

const gi = 2 ** 30;

function container(name: string, target: Amounts, bounds: Partial<ContainerRecommendation> = {}): ContainerRecommendation {
  return { container: name, target, lowerBound: target, upperBound: target, uncappedTarget: target, ...bounds };
}

function sizing(name: string, more: Partial<ContainerSizing>): ContainerSizing {
  return { ...defaultContainerSizing, container: name, ...more };
}

test.each([
  [1234, 1, 1234],
  [1234, 0, 1234],
  [1234, -5, 1234],
  [0, 100, 0],
  [1, 100, 100],
  [100, 100, 100],
  [101, 100, 200],
  [1e14, 128 * 1024 * 1024, 100_000_126_205_952],
])('%d rounded up to steps of %d is %d', (value, step, rounded) => {
  expect(roundUpTo(value, step)).toBe(rounded);
});

test('rounding goes over all four fields and notes what is acted upon', () => {
  const { recommendation, clamps } = roundToSteps({ containers: [container('a', { cpu: 101, memory: 1000 })] }, { cpu: 50, memory: 1 });
  expect(recommendation.containers).toEqual([container('a', { cpu: 150, memory: 1000 })]);
  expect(clamps.map(({ field, from, to, by }) => [field, from, to, by])).toEqual([
    ['target', 101, 150, 'rounding'],
    ['lowerBound', 101, 150, 'rounding'],
    ['upperBound', 101, 150, 'rounding'],
  ]);
  expect(clamps[0]?.message).toBe('target cpu of container a rounded up from 101m to 150m, to a multiple of 50m');
});

test('annotations name containers for whole cores', () => {
  expect([
    ...integerCpuContainers({
      'vpa-post-processor.kubernetes.io/kafka_integerCPU': 'true',
      'vpa-post-processor.kubernetes.io/zoo_integerCPU': 'yes',
      'vpa-post-processor.kubernetes.io/_integerCPU': 'true',
      'other/log_integerCPU': 'true',
    }),
  ]).toEqual(['kafka']);
  expect(integerCpuContainers(undefined).size).toBe(0);
  expect(annotatedContainer('ab', 'ab', 'b')).toBe('');
  const given = { containers: [container('kafka', { cpu: 8001, memory: 5 }), container('log', { cpu: 8001 })] };
  expect(roundToCores(given, new Set(['kafka'])).recommendation.containers).toEqual([
    container('kafka', { cpu: 9000, memory: 5 }),
    container('log', { cpu: 8001 }),
  ]);
  expect(roundToCores(given, new Set()).recommendation).toBe(given);
});

test('minAllowed raises, maxAllowed then lowers and wins, the global maximum stands in, a zero is no bound', () => {
  const policy = {
    containers: [
      sizing('a', { minAllowed: { cpu: 500 }, maxAllowed: { cpu: 300 } }),
      sizing('*', { minAllowed: { cpu: 50, memory: 0 }, maxAllowed: { memory: 0 } }),
    ],
  };
  const given = { containers: [container('a', { cpu: 100, memory: 900 }), container('b', { cpu: 10, memory: 900 })] };
  const { recommendation, clamps } = capToPolicy(given, policy, { memory: 800 });
  expect(recommendation.containers).toEqual([
    { ...container('a', { cpu: 300, memory: 800 }), uncappedTarget: { cpu: 100, memory: 900 } },
    { ...container('b', { cpu: 50, memory: 800 }), uncappedTarget: { cpu: 10, memory: 900 } },
  ]);
  expect(
    clamps.filter(({ field }) => field === 'target').map(({ container: name, resource, from, to, by }) => [name, resource, from, to, by]),
  ).toEqual([
    ['a', 'cpu', 100, 500, 'min-allowed'],
    ['a', 'cpu', 500, 300, 'max-allowed'],
    ['a', 'memory', 900, 800, 'global-max-allowed'],
    ['b', 'cpu', 10, 50, 'min-allowed'],
    ['b', 'memory', 900, 800, 'global-max-allowed'],
  ]);
  expect(clamps[0]?.message).toBe('target cpu of container a raised from 100m to minAllowed, 500m');
});

test('a recommendation that no rule touches stays the same object', () => {
  const given = { containers: [container('a', { cpu: 100 })] };
  expect(capToPolicy(given, { containers: [] }, {}).recommendation).toBe(given);
  expect(capToNodes(given, { nodes: [{ cpu: 100 }], others: {} }, { containers: [] }).recommendation).toBe(given);
  expect(capToNodes(given, { nodes: [], others: {} }, { containers: [] }).recommendation).toBe(given);
});

test('a pod that some node holds for both resources together is left alone', () => {
  const given = { containers: [container('a', { cpu: 4000, memory: 4 * gi })] };
  const nodes = [
    { cpu: 8000, memory: 2 * gi },
    { cpu: 4000, memory: 4 * gi },
  ];
  expect(capToNodes(given, { nodes, others: {} }, { containers: [] }).clamps).toEqual([]);
});

test('a pod that only two nodes together could hold is capped to the one where it keeps most, in the resource that does not fit', () => {
  const given = { containers: [container('a', { cpu: 3000, memory: 6 * gi }), container('b', { cpu: 1000, memory: 2 * gi })] };
  const nodes = [
    { cpu: 16000, memory: 2 * gi },
    { cpu: 2100, memory: 16 * gi },
  ];
  const { recommendation, clamps, warnings } = capToNodes(given, { nodes, others: { cpu: 100 } }, { containers: [] });
  expect(recommendation.containers.map(({ target }) => target)).toEqual([
    { cpu: 1500, memory: 6 * gi },
    { cpu: 500, memory: 2 * gi },
  ]);
  expect(clamps.map(({ by, resource, from, to }) => [by, resource, from, to])).toEqual([
    ['node-size', 'cpu', 3000, 1500],
    ['node-size', 'cpu', 1000, 500],
  ]);
  expect(clamps[0]?.message).toBe(
    'target cpu of container a capped from 3 to 1500m: the largest node that the pod may run on has 2 for its containers; a larger node lifts this',
  );
  expect(warnings).toEqual([]);
});

test('bounds follow the target, the uncapped target tells of what was wished', () => {
  const given = { containers: [container('a', { memory: 8 * gi }, { lowerBound: { memory: 6 * gi }, upperBound: { memory: 20 * gi } })] };
  const { recommendation } = capToNodes(given, { nodes: [{ cpu: 1000, memory: 4 * gi }], others: {} }, { containers: [] });
  expect(recommendation.containers).toEqual([
    {
      container: 'a',
      target: { memory: 4 * gi },
      lowerBound: { memory: 4 * gi },
      upperBound: { memory: 4 * gi },
      uncappedTarget: { memory: 8 * gi },
    },
  ]);
});

test('minAllowed holds, the others give more; where they alone are too much it is said', () => {
  const policy = { containers: [sizing('a', { minAllowed: { cpu: 900 } })] };
  const given = { containers: [container('a', { cpu: 1000 }), container('b', { cpu: 1000 })] };
  const fits = capToNodes(given, { nodes: [{ cpu: 1000 }], others: {} }, policy);
  expect(fits.recommendation.containers.map(({ target }) => target['cpu'])).toEqual([900, 100]);
  expect(fits.warnings).toEqual([]);
  const tight = capToNodes(given, { nodes: [{ cpu: 500 }], others: {} }, policy);
  expect(tight.recommendation.containers.map(({ target }) => target['cpu'])).toEqual([900, 1]);
  expect(tight.warnings).toEqual([
    'the pod asks for 901m of cpu at the least (minAllowed), but the largest node that it may run on has 500m of its 500m for these containers: lower minAllowed or add a larger node',
  ]);
});

test('where the rest of the pod fills every node nothing is capped, and that is said', () => {
  const given = { containers: [container('a', { cpu: 1000, memory: gi })] };
  const { recommendation, clamps, warnings } = capToNodes(
    given,
    { nodes: [{ cpu: 2000, memory: 4 * gi }], others: { cpu: 2000 } },
    { containers: [] },
  );
  expect(recommendation).toBe(given);
  expect(clamps).toEqual([]);
  expect(warnings[0]).toContain('the pod asks for 2 of cpu besides the 1 that are recommended');
});

test('containers that are not in the pod, and resources that a node does not tell, count for nothing', () => {
  const given = { containers: [container('a', { cpu: 1000 }), container('gone', { cpu: 5000 })] };
  const room = { nodes: [{ cpu: 1000 }], others: {}, containers: new Set(['a']) };
  expect(capToNodes(given, room, { containers: [] }).clamps).toEqual([]);
  expect(
    capToNodes({ containers: [container('a', { memory: gi })] }, { nodes: [{ cpu: 1 }], others: {} }, { containers: [] }).clamps,
  ).toEqual([]);
});

test('post-processors run in order: steps, cores, policy, nodes', () => {
  const policy = { containers: [sizing('a', { maxAllowed: { cpu: 2500 } })], integerCpu: new Set(['a']) };
  const { recommendation, clamps } = postProcess([container('a', { cpu: 2010 })], {
    policy,
    estimation: { rounding: { cpu: 100, memory: 1 }, maxAllowed: {} },
    nodes: { nodes: [{ cpu: 2000 }], others: {} },
  });
  expect(recommendation.containers[0]).toMatchObject({ target: { cpu: 2000 }, uncappedTarget: { cpu: 3000 } });
  expect(clamps.filter(({ field }) => field === 'target').map(({ by, from, to }) => [by, from, to])).toEqual([
    ['rounding', 2010, 2100],
    ['integer-cpu', 2100, 3000],
    ['max-allowed', 3000, 2500],
    ['node-size', 2500, 2000],
  ]);
});
