// The HTML report in a real browser. Without one the test says so and skips; with MOEPROF_BROWSER=required (as CI sets) it fails instead.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moeprof, temporaryFolder } from './moeprof.js';

const CHROMIUM = '/usr/bin/chromium';
const found = existsSync(CHROMIUM);
if (!found) console.warn(`SKIPPED: the HTML report was not looked at, there is no ${CHROMIUM}`);

it('has a browser where one is required', () => {
  expect(found || process.env.MOEPROF_BROWSER !== 'required').toBe(true);
});

describe.skipIf(!found)('HTML report in a browser', () => {
  const file = join(temporaryFolder(), 'report.html');
  let browser: Browser;
  beforeAll(async () => {
    expect((await moeprof(['run', '-q', '--html', file])).code).toBe(0);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  it.each([
    [400, 'light', true],
    [1400, 'dark', true],
    [1400, 'light', false],
  ] as const)('is whole at %i px, %s, scripts %s: no error, no request, no serious finding of axe', async (width, colorScheme, scripts) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled: scripts });
    const page = await context.newPage();
    const said: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    const charts = await page.locator('section svg').all();
    expect(charts.length).toBeGreaterThanOrEqual(6);
    for (const chart of charts) expect((await chart.boundingBox())!.height).toBeGreaterThan(50);
    expect(await page.locator('body').evaluate((body) => body.scrollWidth)).toBeLessThanOrEqual(width);
    expect(said).toEqual([]);
    expect(requests).toEqual([pathToFileURL(file).href]);
    if (scripts) {
      await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
      const { violations } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      };
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`)).toEqual([]);
    }
    await context.close();
  });
});
