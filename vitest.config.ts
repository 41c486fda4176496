import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

/** A law that a run breaks ends it, in tests and in what they start. */
const env = { MOEPROF_LAWS: 'throw' };

/** Cleans up behind the tests. */
const TEMPORARY = 'test/support/temporary-files.ts';

/**
 * Most functions run for milliseconds: the optimizing compiler took more time than its code saved, and gets what is fifteen times hotter. Node
 * 22 has another compiler before it, and no such flag.
 */
const LESS_OPTIMIZED = process.versions.node.startsWith('20.') ? ['--interrupt-budget=1000000'] : [];

/** Both processors are busy with tests: threads that collect garbage beside them, of small nurseries, cost a tenth of all. */
const ONE_THREAD = ['--max-semi-space-size=64', '--min-semi-space-size=16', '--single-threaded-gc'];

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Transformed files are kept by their content: projects and later runs share them.
    experimental: { fsModuleCache: true },
    projects: [
      // unit: laws, truths and properties. claims: what papers, pages and recordings say of results, and what is large: both take longer.
      // A limit is there for what hangs; what only takes long, on a machine that is busy, passes.
      {
        test: {
          name: 'unit',
          env,
          include: ['test/**/*.test.ts'],
          exclude: ['test/{claims,e2e}/**'],
          globalSetup: TEMPORARY,
          // A process serves many files: each would load most of src again, which took longer than the tests. Tests put back what they
          // change of the process.
          isolate: false,
          execArgv: [...ONE_THREAD, ...LESS_OPTIMIZED],
          maxWorkers: 2,
          setupFiles: ['test/support/lean-checks.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      // Two files at a time even on two processors: much of their time is spent waiting for what starts.
      {
        test: {
          name: 'claims',
          env,
          include: ['test/claims/**/*.test.ts'],
          globalSetup: TEMPORARY,
          isolate: false,
          execArgv: ONE_THREAD,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          env,
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: TEMPORARY,
          testTimeout: 180_000,
          hookTimeout: 240_000,
          // One more: of these, some wait for a network, a server or a limit that they set. Projects that differ in it run in turns.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
