// The pages on workloads, plans, several GPUs and advice show what moeprof prints today, if a reader has all that the command needs. Searches, which
// keep a store, have a test of their own.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { docsPage } from '../support/pages.js';
import { inTurn } from './moeprof.js';
import { argumentsOf, screensOf } from './screens.js';

/** Commands of pages that show what stands there if nothing fits. */
const NOTHING_FITS = ['moeprof advise deepseek-v3 -w rtx-3060+32GB'];

/** Commands whose screens test/cli/advise.test.ts holds to the page. */
const HELD = [...docsPage('advise.md').matchAll(/^<!-- (?:screen|models) -->\n\n {4}(moeprof advise .*)/gm)].map(([, command]) => command);

describe.each(['workloads.md', 'plan.md', 'parallel.md', 'advise.md'])('docs/%s', (name) => {
  const screens = screensOf(`docs/${name}`).filter(
    ({ command }) => !/ \.\/|\.safetensors| -o | --tune |^moeprof serve |search\.yaml|front\//.test(command) && !HELD.includes(command),
  );

  it('shows commands, and what some of them print', () => {
    expect(screens.length).toBeGreaterThan(1);
    expect(screens.filter(({ screen }) => screen !== '').length).toBeGreaterThan(0);
  });

  it.each(screens)('$command', async ({ command, screen }) => {
    const { code, stderr, stdout } = await inTurn(argumentsOf(command));
    expect([code, stderr]).toEqual([NOTHING_FITS.includes(command) ? 1 : 0, '']);
    expect(stdout).toContain(screen.trim());
  });
});

it('docs/machines.md shows the check of a log with an expert cache', async () => {
  const { command, screen } = screensOf('docs/machines.md').find((one) => one.command.includes(' cached.log '))!;
  const { code, stdout } = await inTurn(argumentsOf(command), { cwd: fileURLToPath(new URL('../../examples', import.meta.url)) });
  expect([code, stdout]).toEqual([1, `${screen.trim()}\n`]);
});
