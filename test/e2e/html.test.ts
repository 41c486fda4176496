// HTML reports in a real browser. Without one the test says so and skips; with MOEPROF_BROWSER=required (as CI sets) it fails instead.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { barriersOf, findBrowser, openPage, startBrowser } from './browser.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const found = findBrowser('the HTML reports were');

it('has a browser where one is required', () => {
  expect(found || process.env.MOEPROF_BROWSER !== 'required').toBe(true);
});

const folder = temporaryFolder();
/** Path of a page, and the charts that it has at least. */
const pages = { run: join(folder, 'report.html'), comparison: join(folder, 'diff.html') };
let browser: Browser;
beforeAll(async () => {
  if (!found) return;
  const run = ['run', '-q', '-t', 'mini-finegrained-64x12l', '-w', 't4', '--runtime', 'llama.cpp', '--cache', '50%', '--details'];
  expect((await inTurn([...run, '-s', 'mixtral-offloading', '--html', pages.run, '-o', join(folder, 'b.json')])).code).toBe(0);
  expect((await inTurn([...run, '-s', 'on-demand-lru', '-o', join(folder, 'a.json')])).code).toBe(0);
  const compared = await inTurn(
    ['compare', 'a.json', 'b.json', '--allow-different-inputs', '--explain', '-q', '--html', pages.comparison],
    { cwd: folder },
  );
  expect([compared.stdout, compared.code]).toEqual(['', 0]);
  browser = await startBrowser();
});
afterAll(() => (found ? browser.close() : undefined));

describe.skipIf(!found)('HTML reports in a browser', () => {
  describe.each([
    ['run', 9],
    ['comparison', 10],
  ] as const)('of a %s', (kind, charts) => {
    it.each([
      [400, 'light', true],
      [400, 'dark', true],
      [1400, 'light', true],
      [1400, 'dark', true],
      [400, 'dark', false],
      [1400, 'light', false],
    ] as const)(
      'is whole at %i px, %s, scripts %s: no error, no request, no serious finding of axe',
      async (width, colorScheme, scripts) => {
        const { context, page, said, requests } = await openPage(browser, pages[kind], {
          viewport: { width, height: 900 },
          colorScheme,
          javaScriptEnabled: scripts,
        });
        // Pictures, and what scripts put in the place of some of them.
        const shown = await page.locator('.area > svg:visible, .live canvas').all();
        expect(shown.length).toBeGreaterThanOrEqual(charts);
        for (const chart of shown) expect((await chart.boundingBox())!.height).toBeGreaterThan(50);
        expect(await page.locator('.live canvas').count()).toBe(scripts && kind === 'run' ? 2 : 0);
        expect(await page.locator('body').evaluate((body) => body.scrollWidth)).toBeLessThanOrEqual(width);
        if (scripts) expect(await barriersOf(page)).toEqual([]);
        expect(said).toEqual([]);
        expect(requests).toEqual([pathToFileURL(pages[kind]).href]);
        await context.close();
      },
    );
  });

  it('hides no column of a comparison on a phone, and has no screen without anything on it', async () => {
    const { context, page } = await openPage(browser, pages.comparison, { viewport: { width: 400, height: 900 } });
    const cut = await page
      .locator('.scroll:visible')
      .evaluateAll((tables) => tables.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.getAttribute('aria-label')));
    expect(cut).toEqual([]);
    // Halves of a screen on which no text and no picture stands.
    const empty = await page.evaluate(`(() => {
      const parts = document.querySelectorAll('p, li, td, th, dd, dt, h2, h3, summary, figcaption, svg, .bar');
      const shown = [...parts].map((one) => one.getBoundingClientRect()).filter(({ height, width }) => height > 0 && width > 0);
      const halves = [...Array(Math.floor(document.documentElement.scrollHeight / 450)).keys()].map((half) => half * 450);
      return halves.filter((top) => !shown.some((box) => box.top < top + 450 && box.bottom > top));
    })()`);
    expect(empty).toEqual([]);
    await context.close();
  });
});

describe.skipIf(!found)('scripts of HTML reports in a browser', () => {
  it('zooms all series by dragging, by buttons and by keys, and shows the whole run again', async () => {
    const { context, page, said } = await openPage(browser, pages.run, { viewport: { width: 1400, height: 900 } });
    const [first, second] = [page.locator('.live').nth(0), page.locator('.live').nth(1)];
    const readout = page.locator('.readout').nth(1);
    /** Simulated time at the left and the right edge of the second chart, s. */
    const view = async (): Promise<[number, number]> => {
      await second.focus();
      const read = async (x: number): Promise<number> => {
        const over = (await second.locator('.u-over').boundingBox())!;
        await page.mouse.move(over.x + x * (over.width - 1), over.y + 20);
        const [, value, unit] = /^([\d.]+) (m?s):/.exec((await readout.textContent())!)!;
        return Number(value) / (unit === 'ms' ? 1000 : 1);
      };
      return [await read(0), await read(1)];
    };
    const whole = await view();
    expect(whole[0]).toBe(0);

    await first.scrollIntoViewIfNeeded();
    const over = (await first.locator('.u-over').boundingBox())!;
    await page.mouse.move(over.x + over.width * 0.25, over.y + 40);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width * 0.5, over.y + 40, { steps: 5 });
    await page.mouse.up();
    const dragged = await view();
    expect(dragged[0] / whole[1]).toBeCloseTo(0.25, 1);
    expect(dragged[1] / whole[1]).toBeCloseTo(0.5, 1);

    await page.getByRole('button', { name: 'Zoom in' }).click();
    const closer = await view();
    expect(closer[1] - closer[0]).toBeCloseTo((dragged[1] - dragged[0]) / 2, 1);
    const box = (await second.locator('.u-over').boundingBox())!;
    await page.mouse.dblclick(box.x + box.width / 2, box.y + 40);
    expect(await view()).toEqual(whole);

    await second.focus();
    await page.keyboard.press('+');
    const keyed = await view();
    expect(keyed[1] - keyed[0]).toBeCloseTo(whole[1] / 2, 1);
    await page.keyboard.press('Escape');
    expect(await view()).toEqual(whole);
    await page.keyboard.press('End');
    await expect.poll(() => readout.textContent()).toMatch(/hit rate .*, waiting .* %/);
    expect(await readout.getAttribute('aria-live')).toBe('polite');
    expect(said).toEqual([]);
    await context.close();
  });

  it('reads single experts of a heatmap by arrow keys', async () => {
    const { context, page, said } = await openPage(browser, pages.comparison, { viewport: { width: 1400, height: 900 } });
    const { loads } = JSON.parse(await readFile(join(folder, 'b.json'), 'utf8')).details as { loads: number[][] };
    await page.locator('.area:has(.tip)').nth(1).focus();
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
    expect(await page.locator('.tip:visible').textContent()).toBe(`layer 1, expert 1: ${loads[1]![1]} loads`);
    expect(said).toEqual([]);
    await context.close();
  });

  it('prints the pictures rather than what scripts put in their place', async () => {
    const { context, page } = await openPage(browser, pages.run, { viewport: { width: 800, height: 900 }, colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    expect(await page.locator('.live:visible, .tools:visible, nav:visible').count()).toBe(0);
    for (const plot of await page.locator('[data-live] .area > svg').all()) expect((await plot.boundingBox())!.width).toBeGreaterThan(400);
    await context.close();
  });
});
