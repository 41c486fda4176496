// Pages in a real browser, and what is found there. Without a browser such tests say so and skip; with MOEPROF_BROWSER=required (as CI sets)
// `html.test.ts` fails instead.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** Whether there is one. @param what is not looked at otherwise, as the console says it */
export function findBrowser(what: string): boolean {
  const found = existsSync(CHROMIUM);
  if (!found) console.warn(`SKIPPED: ${what} not looked at, there is no ${CHROMIUM}`);
  return found;
}

/** Starts one; whoever does closes it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** Opens a page; `said` and `requests` fill with what it prints and asks for. */
export async function openPage(browser: Browser, file: string, options: BrowserContextOptions) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const said: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { context, page, said, requests };
}

/** What axe finds. */
export async function barriersOf(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
}
