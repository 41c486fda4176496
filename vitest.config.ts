import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // A limit is there for what hangs; what only takes long, on a machine that is busy, passes.
      {
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 60_000, hookTimeout: 120_000 },
      },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 240_000 } },
    ],
  },
});
