// Draws every kind of page anew, with the built command and Debian's chromium: `npm run build && node scripts/screenshots.mjs [kinds]`. Each
// page of scripts/pages.txt at four widths, light and dark, goes to build/screens, with one contact sheet a kind; pictures of docs/ to docs/images.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { pageCommands, WIDTHS } from './pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const kinds = process.argv.slice(2);
const screens = join(root, 'build/screens');
const folder = mkdtempSync(join(tmpdir(), 'moeprof-screenshots-'));

/** Most CSS pixels of a page that a screen holds. */
const MOST = 3000;

/** Pictures of docs/images: name, page, width, height, colours, and the part of the page that it starts at (its top where null). */
const PICTURES = [
  ['report-1400.png', 'run', 1400, 1480, 'light', null],
  ['report-400.png', 'run', 400, 1480, 'dark', null],
  ['report-series.png', 'run', 1400, 760, 'light', '#links'],
  ['compare-1400.png', 'compare', 1400, 1240, 'light', '#time'],
  ['compare-400.png', 'compare', 400, 1240, 'dark', null],
  ['page-advise.png', 'advise', 400, 900, 'light', null],
  ['page-search.png', 'search', 400, 900, 'dark', null],
  ['page-curve.png', 'curve', 768, 900, 'dark', null],
  ['page-ranking.png', 'ranking', 1400, 900, 'light', null],
  ['page-play.png', 'play', 1400, 900, 'light', null],
];

cpSync(join(root, 'examples'), folder, { recursive: true });
copyFileSync(join(root, 'test/support/scripted-bench.mjs'), join(folder, 'scripted-bench.mjs'));
/** The page that computes, which says its answer a moment after it is opened. */
const PLAY = { args: ['play', '-o', 'play.html'], kind: 'play', makes: false };
const commands = [...pageCommands(), PLAY];
const isWanted = (kind) => kind !== null && (kinds.length === 0 || kinds.includes(kind));
for (const { args, kind, makes } of commands) {
  if (!makes && !isWanted(kind)) continue;
  console.log(`moeprof ${args.join(' ')}`);
  try {
    execFileSync(process.execPath, [join(root, 'bin/moeprof.js'), ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    // 1: a gate or a check that fails, as its page has it.
    if (error.status !== 1) throw error;
  }
}

mkdirSync(screens, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

/** A page at a width, in light or dark. */
const openPage = async (kind, width, height, colorScheme) => {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(pathToFileURL(join(folder, `${kind}.html`)).href);
  if (kind === PLAY.kind) await page.locator('#hits .plot').waitFor({ timeout: 60_000 });
  return page;
};

for (const { kind } of commands) {
  if (!isWanted(kind)) continue;
  const sheet = [];
  for (const colorScheme of ['light', 'dark']) {
    for (const width of WIDTHS) {
      const page = await openPage(kind, width, 900, colorScheme);
      const height = Math.min(MOST, await page.evaluate('document.documentElement.scrollHeight'));
      const name = `${kind}-${width}-${colorScheme}.png`;
      await page.screenshot({ path: join(screens, name), clip: { x: 0, y: 0, width, height }, fullPage: true });
      await page.close();
      sheet.push(`<figure><img src="${name}" width="${width / 2}"><figcaption>${name}</figcaption></figure>`);
    }
  }
  // A contact sheet is a page of the folder as well.
  writeFileSync(join(screens, `${kind}.html`), `<body style="display:flex;flex-wrap:wrap;gap:1rem;background:#888">${sheet.join('')}`);
  const page = await browser.newPage({ viewport: { width: 2000, height: 900 } });
  await page.goto(pathToFileURL(join(screens, `${kind}.html`)).href);
  await page.screenshot({ path: join(screens, `${kind}.png`), fullPage: true });
  await page.close();
}

if (kinds.length === 0) {
  for (const [picture, kind, width, height, colorScheme, start] of PICTURES) {
    const page = await openPage(kind, width, height, colorScheme);
    if (start !== null) await page.evaluate((part) => document.querySelector(part).scrollIntoView(), start);
    await page.screenshot({ path: join(root, 'docs/images', picture) });
    await page.close();
  }
}
await browser.close();
rmSync(folder, { recursive: true });
