import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // unit: laws, truths and properties. claims: what papers, pages and recordings say of results, which takes longer to measure.
      // A limit is there for what hangs; what only takes long, on a machine that is busy, passes.
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{claims,e2e}/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'claims', include: ['test/claims/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 300_000 } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 240_000 } },
    ],
  },
});
