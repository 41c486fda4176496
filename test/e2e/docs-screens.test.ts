// The pages on workloads, schedulers, plans, faults and advice show what moeprof prints today, where a reader has all that the command needs.
import { describe, expect, it } from 'vitest';
import { moeprof } from './moeprof.js';
import { argumentsOf, screensOf } from './screens.js';

/** Commands of pages that show what stands there if nothing fits. */
const NOTHING_FITS = ['moeprof advise deepseek-v3 -w rtx-3060+32GB'];

describe.each(['workloads.md', 'schedulers.md', 'plan.md', 'place.md', 'parallel.md', 'faults.md', 'advise.md'])('docs/%s', (name) => {
  const screens = screensOf(`docs/${name}`).filter(({ command }) => !/ \.\/|\.safetensors| -o | --tune /.test(command));

  it('shows commands, and what some of them print', () => {
    expect(screens.length).toBeGreaterThan(1);
    expect(screens.filter(({ screen }) => screen !== '').length).toBeGreaterThan(0);
  });

  it.each(screens)('$command', async ({ command, screen }) => {
    const { code, stderr, stdout } = await moeprof(argumentsOf(command));
    expect([code, stderr]).toEqual([NOTHING_FITS.includes(command) ? 1 : 0, '']);
    expect(stdout).toContain(screen.trim());
  });
});
