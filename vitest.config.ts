import { defineConfig } from 'vitest/config';

// unit: beside the code, no sockets of consequence, one shared worker pool.
// embedded: contracts and journeys against the cluster in process.
// e2e: the same contracts and the real-cluster journeys; needs binaries (see CONTRIBUTING.md), so it is never part of `npm test`.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{core,metrics-aggregator,hpa,vpa,cluster-autoscaler,simulator,cli,deploy,docs}/**/*.test.ts',
            'test/{conformance,regression,unit}/**/*.test.ts',
          ],
          pool: 'threads',
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'embedded',
          include: ['test/contract/**/*embedded.test.ts', 'test/integration/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/contract/real.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/global-setup.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
