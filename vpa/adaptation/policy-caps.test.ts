import { expect, it } from 'vitest';
import { recommendation, recommended, sizing } from './builders.fixture.ts';
import { capToPolicy } from './policy-caps.ts';

const given = recommendation(
  recommended('app', { cpu: 42, memory: 420 }, { lowerBound: { cpu: 31 }, upperBound: { cpu: 53, memory: 530 } }),
);

it('caps target and bounds, and leaves the uncapped target', () => {
  const [app] = capToPolicy(given, [sizing({ minAllowed: { cpu: 35 }, maxAllowed: { cpu: 40 } })]).containers;
  expect(app).toEqual(
    recommended(
      'app',
      { cpu: 40, memory: 420 },
      { lowerBound: { cpu: 35 }, upperBound: { cpu: 40, memory: 530 }, uncappedTarget: { cpu: 42, memory: 420 } },
    ),
  );
});

it('takes the global maximum for a resource that the policy does not cap', () => {
  const [app] = capToPolicy(given, [sizing({ maxAllowed: { cpu: 50, memory: 0 } })], { cpu: 10, memory: 100 }).containers;
  expect(app).toMatchObject({ target: { cpu: 42, memory: 100 }, upperBound: { cpu: 50, memory: 100 } });
});

it('takes the policy of the very name, not that for all', () => {
  const containers = [sizing({ maxAllowed: { cpu: 1 } }), sizing({ container: 'app', maxAllowed: { memory: 400 } })];
  expect(capToPolicy(given, containers).containers[0]?.target).toEqual({ cpu: 42, memory: 400 });
});
