// Runs one after another: each gives signals their turn, however short it is, and so does one that is settled already.
import { describe, expect, it } from 'vitest';
import { runEach } from '../../src/cli/run-pool.js';
import { checkRun } from '../../src/system/load-run.js';

describe('runs of few passes', () => {
  it('let signals be handled before each of them', async () => {
    let turns = 0;
    const context = {
      progress: () => ({ update: () => undefined, finish: () => undefined }),
      breathe: async () => void turns++,
    };
    const run = checkRun({ model: 'mini-mixtral-8x8l', workload: { tokens: 2 }, bounds: false }, 'short.yaml');
    const ended: string[] = [];
    await runEach(5, [run, null, null, null, run], context, { threads: 1 }, (index, { status }) => {
      ended.push(`${index} ${status}`);
      return false;
    });
    expect(ended).toEqual(['0 done', '4 done']);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
