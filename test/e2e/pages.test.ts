// Every kind of page in a real browser: the answer on top, no sideways scroll at any width, nothing that axe finds, light and dark. The pages,
// and the commands that write them, are those of scripts/pages.txt.
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageCommands, WIDTHS } from '../../scripts/pages.mjs';
import { barriersOf, findBrowser, openPage, startBrowser } from './browser.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const found = findBrowser('pages were');
const commands = pageCommands();
const kinds = commands.flatMap(({ kind }) => kind ?? []);

/** Most height of a page at 1400 px before anything is unfolded, CSS pixels. */
const HIGHEST = 7000;

const folder = temporaryFolder();
let browser: Browser;

describe.skipIf(!found)('a page in a browser', () => {
  beforeAll(async () => {
    cpSync(fileURLToPath(new URL('../../examples', import.meta.url)), folder, { recursive: true });
    copyFileSync(fileURLToPath(new URL('../support/scripted-bench.mjs', import.meta.url)), join(folder, 'scripted-bench.mjs'));
    browser = await startBrowser();
    /** Runs commands in their order, so many at a time. */
    const runAll = async (wanted: boolean, atATime: number): Promise<void> => {
      const own = commands.filter(({ makes }) => makes === wanted).values();
      const work = async (): Promise<void> => {
        for (const { args } of own) {
          const { code, stderr } = await inTurn(args, { cwd: folder });
          // 1: a check that fails, as its page has it.
          expect([0, 1], `${args.join(' ')}: ${stderr}`).toContain(code);
        }
      };
      await Promise.all(Array.from({ length: atATime }, work));
    };
    await runAll(true, 1);
    await runAll(false, 2);
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each(kinds)('of %s begins with its answer, fits every width, and keeps nobody out', async (kind) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { context, page, requests, said } = await openPage(browser, join(folder, `${kind}.html`), { colorScheme });
      const heading = page.locator('h1');
      expect(await heading.count()).toBe(1);
      expect(await heading.getAttribute('class')).toBe('answer');
      expect((await heading.textContent())!).toMatch(/\d|nothing was found|slower|as fast/);
      // What fits does not depend on colours.
      for (const width of colorScheme === 'light' ? WIDTHS : []) {
        await page.setViewportSize({ width, height: 900 });
        // Figures follow a new width one frame later, or more on a busy machine.
        await expect.poll(() => page.evaluate('document.scrollingElement.scrollWidth'), { timeout: 5000 }).toBeLessThanOrEqual(width);
        const cut = await page
          .locator('.scroll:visible')
          .evaluateAll((tables) => tables.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent!.slice(0, 60)));
        expect({ width, cut }).toEqual({ width, cut: [] });
        if (width === 1400) expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(HIGHEST);
      }
      expect(await barriersOf(page)).toEqual([]);
      // A button for each command, and nothing that moves.
      expect(await page.locator('pre.copy + button').count()).toBe(await page.locator('pre.copy').count());
      expect(await page.evaluate('document.getAnimations().length')).toBe(0);
      expect(said).toEqual([]);
      expect(requests).toHaveLength(1);
      await context.close();
    }
  });
});
