// Figures in a real browser: a page that zooms, and drawings in which no word touches another. Without a browser the test says so and
// skips; with MOEPROF_BROWSER=required (as CI sets) `html.test.ts` fails instead.
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawFigures } from '../../src/figure/draw.js';
import { FIGURE_KINDS, type PaperFigure } from '../../src/figure/figure.js';
import { barriersOf, findBrowser, openPage, startBrowser } from './browser.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const found = findBrowser('figures were');

const STUDY = `
set: { trace: mini-mixtral-8x8l, workload.tokens: 150, bounds: false }
axes: { system: [on-demand-lru, fiddler], memory.expertCache: [25%, 50%], seed: [1, 2] }
metrics: [speed.decode]
`;

const cwd = temporaryFolder();
const file = join(cwd, 'figure.html');
let browser: Browser;
beforeAll(async () => {
  writeFileSync(join(cwd, 'study.yaml'), STUDY);
  const swept = await inTurn(['sweep', 'study.yaml', '-q', '-o', 'runs.jsonl', '--svg', 'study.svg', '--html', 'study.html'], { cwd });
  expect([swept.code, swept.stderr]).toEqual([0, '']);
  expect(await readFile(join(cwd, 'study.svg'), 'utf8')).toContain('speed.decode, tok/s');
  const ask = ['--x', 'memory.expertCache', '--series', 'system', '--html', 'figure.html'];
  expect((await inTurn(['plot', 'runs.jsonl', '-q', ...ask], { cwd })).code).toBe(0);
  browser = await startBrowser();
});
afterAll(() => browser.close());

const viewOf = async (page: Page): Promise<number[]> =>
  (await page.locator('.drawing svg').getAttribute('viewBox'))!.split(' ').map(Number);

describe.skipIf(!found)('figures in a browser', () => {
  it.each([
    [400, 'light', true, 'figure.html'],
    [1400, 'dark', true, 'study.html'],
    [1400, 'light', false, 'figure.html'],
  ] as const)(
    'are whole at %i px, %s, scripts %s: no error, no request, nothing that keeps people out',
    async (width, colorScheme, scripts, name) => {
      const { context, page, said, requests } = await openPage(browser, join(cwd, name), {
        viewport: { width, height: 900 },
        colorScheme,
        javaScriptEnabled: scripts,
      });
      const drawing = (await page.locator('.drawing svg').first().boundingBox())!;
      expect(drawing.width).toBeGreaterThan(Math.min(width - 80, 700));
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await page.locator('.drawing svg text').filter({ hasText: 'fiddler' }).first().isVisible()).toBe(true);
      expect(await page.locator('.tools button').count()).toBe(scripts ? 7 : 0);
      if (scripts) expect(await barriersOf(page)).toEqual([]);
      expect(said).toEqual([]);
      expect(requests).toEqual([pathToFileURL(join(cwd, name)).href]);
      await context.close();
    },
  );

  it('zoom by keys, buttons and mouse, read their points, and come back', async () => {
    const { context, page, said, requests } = await openPage(browser, file, { viewport: { width: 1000, height: 900 } });
    const whole = await viewOf(page);
    const focused = () => page.evaluate('document.activeElement.className');
    for (let tab = 0; tab < 9 && (await focused()) !== 'drawing ready'; tab++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('drawing ready');
    await page.keyboard.press('ArrowRight');
    const told = page.locator('.told');
    expect(await told.textContent()).toMatch(/^on-demand-lru, expertCache 25 %: speed\.decode [\d.]+ tok\/s/);
    expect(await told.getAttribute('aria-live')).toBe('polite');
    await page.keyboard.press('+');
    const closer = await viewOf(page);
    expect(closer[2]! / whole[2]!).toBeCloseTo(0.5, 6);
    // The point that was read is still there.
    const [point, drawing] = await Promise.all(
      ['.chosen', '.drawing svg'].map(async (one) => (await page.locator(one).first().boundingBox())!),
    );
    expect(point!.x > drawing!.x && point!.x < drawing!.x + drawing!.width && point!.y > drawing!.y).toBe(true);
    await page.keyboard.press('Shift+ArrowRight');
    expect((await viewOf(page))[0]).toBeGreaterThan(closer[0]!);
    await page.keyboard.press('Escape');
    expect(await viewOf(page)).toEqual(whole);
    await page.keyboard.press('End');
    expect(await told.textContent()).toMatch(/^fiddler, expertCache 50 %/);

    await page.getByRole('button', { name: 'Zoom in' }).click();
    expect((await viewOf(page))[2]! / whole[2]!).toBeCloseTo(0.5, 6);
    await page.getByRole('button', { name: 'Whole figure' }).click();
    const { height, width, x, y } = (await page.locator('.drawing svg').boundingBox())!;
    await page.mouse.move(x + width * 0.5, y + height * 0.5);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.75, y + height * 0.75, { steps: 4 });
    await page.mouse.up();
    const dragged = await viewOf(page);
    for (const [at, share] of [0.5, 0.5, 0.25, 0.25].entries()) expect(dragged[at]! / whole[2 + (at % 2)]!).toBeCloseTo(share, 1);
    await page.mouse.dblclick(x + width / 2, y + height / 2);
    expect(await viewOf(page)).toEqual(whole);
    expect(said).toEqual([]);
    expect(requests).toEqual([pathToFileURL(file).href]);
    await context.close();
  });
});

describe.skipIf(!found)('drawings in a browser', () => {
  it('have no word that touches another or leaves the drawing, at 90 mm', async () => {
    const page = await browser.newPage({ viewport: { width: 800, height: 2000 } });
    for (const kind of FIGURE_KINDS) {
      for (const panels of [1, 2]) {
        const name = `${kind}, ${panels} panels`;
        await page.setContent(drawFigures([crowded(kind, panels)]));
        const boxes = (await page.evaluate(`[...document.querySelectorAll('text')].filter((text) => text.textContent !== '').map((text) => {
          const { x, y, width, height } = text.getBoundingClientRect();
          return { text: text.textContent, leans: /rotate/.test(text.getAttribute('transform')), x, y, width, height };
        })`)) as { text: string; leans: boolean; x: number; y: number; width: number; height: number }[];
        expect(boxes.length, name).toBeGreaterThan(0);
        const frame = (await page.locator('svg').boundingBox())!;
        for (const { height, text, width, x, y } of boxes) {
          expect(x >= frame.x - 0.5 && x + width <= frame.x + frame.width + 0.5, `${name}: ${text} leaves`).toBe(true);
          expect(y >= frame.y - 0.5 && y + height <= frame.y + frame.height + 0.5, `${name}: ${text} leaves`).toBe(true);
        }
        const upright = boxes.filter(({ leans }) => !leans);
        for (const [i, a] of upright.entries()) {
          for (const b of upright.slice(0, i)) {
            const apart =
              a.x + a.width <= b.x + 0.5 || b.x + b.width <= a.x + 0.5 || a.y + a.height <= b.y + 3 || b.y + b.height <= a.y + 3;
            expect(apart, `${name}: ${a.text} touches ${b.text}`).toBe(true);
          }
        }
      }
    }
    await page.close();
  });
});

/** Eight long names, large numbers, and as many panels as are asked for. */
function crowded(kind: PaperFigure['kind'], panels: number): PaperFigure {
  const seriesNames = [
    'on-demand-lru',
    'llama.cpp-op-offload',
    'mixtral-offloading',
    'ktransformers-dynamic',
    'pre-gated-moe',
    'W',
    '100%',
    'm',
  ];
  const numbers = kind === 'line' || kind === 'scatter' || kind === 'pareto';
  const facets = Array.from({ length: kind === 'rank' ? 1 : panels }, (_, i) => `rtx-3090+ryzen-9-5950x-${i}`);
  return {
    ...{ kind, x: 'memory.expertCache', y: 'speed.decode', series: kind === 'rank' && panels > 1 ? null : 'system', statistic: 'median' },
    facet: 'hardware',
    xAxis: { name: 'expertCache', unit: numbers ? '%' : '', continuous: numbers },
    yAxis: { name: 'speed.decode', unit: 'tok/s', continuous: true },
    ...{ seriesNames, facets },
    points: facets.flatMap((facet) =>
      seriesNames.flatMap((series, s) =>
        [10, 25, 50, 100].map((x, i) => {
          const y = 1000 * s + 400 * i + 100;
          return { x: numbers ? x : `mini-mixtral-${x}`, y, low: y, high: y + 50, series, facet, runs: 2, front: i > 2 };
        }),
      ),
    ),
  };
}
