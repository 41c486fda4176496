// Makes the pictures in docs/images/ anew: `npm run build && node scripts/screenshots.mjs`, where Debian's chromium is installed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs/images');
const folder = mkdtempSync(join(tmpdir(), 'moeprof-screenshots-'));
const moeprof = (...args) => execFileSync(process.execPath, [join(root, 'bin/moeprof.js'), ...args, '-q'], { cwd: folder });

const run = ['run', '-t', 'mini-finegrained-64x12l', '-w', 't4', '--runtime', 'llama.cpp', '--cache', '50%', '--details'];
moeprof(...run, '-s', 'on-demand-lru', '-o', 'lru.json');
moeprof(...run, '-s', 'mixtral-offloading', '-o', 'offloading.json', '--html', 'report.html');
moeprof('compare', 'lru.json', 'offloading.json', '--html', 'diff.html');

/** Picture, page, its width and the height that is shown, and the part of the page that it starts at (its top unless said). */
const PICTURES = [
  ['report-1400.png', 'report.html', 1400, 1480, 'light', null],
  ['report-400.png', 'report.html', 400, 1480, 'dark', null],
  ['report-series.png', 'report.html', 1400, 760, 'light', '#links'],
  ['compare-1400.png', 'diff.html', 1400, 1240, 'light', '#time'],
  ['compare-400.png', 'diff.html', 400, 1240, 'dark', null],
];

mkdirSync(images, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [picture, file, width, height, colorScheme, start] of PICTURES) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(pathToFileURL(join(folder, file)).href);
  if (start !== null) await page.evaluate((part) => document.querySelector(part).scrollIntoView(), start);
  await page.screenshot({ path: join(images, picture) });
  await page.close();
}
await browser.close();
rmSync(folder, { recursive: true });
