import { defineConfig } from 'vitest/config';
export default defineConfig({ root: '/work/main', test: { name: 'moto', include: ['test/e2e/aws/**/*.test.ts'], pool: 'forks', testTimeout: 60000, hookTimeout: 300000 } });
