// Every command of the tutorial works as it is written, one after another in one folder, and prints what the page shows.
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './moeprof.js';
import { screensOf, typed } from './screens.js';

describe('docs/tutorial.md', () => {
  const screens = screensOf('docs/tutorial.md');
  const folder = temporaryFolder();

  it('shows most of what its commands print', () => {
    expect(screens.length).toBeGreaterThan(8);
    expect(screens.filter(({ screen }) => screen !== '').length).toBeGreaterThan(4);
  });

  it.each(screens)('$command', async ({ command, screen }) => {
    const { code, stdout, stderr } = await typed(command, folder);
    expect([code, stderr]).toEqual([/^Failed: /m.test(screen) ? 1 : 0, '']);
    // What stands between lines that are left out stands there whole, in this order, at the end where nothing is left out after it.
    const lines = `\n${stdout.trimEnd()}\n`;
    let from = 0;
    for (const part of `\n${screen}\n`.split('\n...\n').filter((shown) => shown.trim() !== '')) {
      const whole = `\n${part.replace(/^\n|\n$/g, '')}\n`;
      const at = lines.indexOf(whole, from);
      expect(at >= 0 ? whole : lines, `paste what \`${command}\` prints into docs/tutorial.md`).toBe(whole);
      from = at + whole.length - 1;
    }
  });
});
