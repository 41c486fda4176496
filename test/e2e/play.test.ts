// The page of `moeprof play`: L28, its answers are those of Node, byte for byte; it loads nothing, can be used by keyboard, and fits every screen.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listProfiles } from '../../src/base/profiles.js';
import { advise } from '../../src/index.js';
import type { PlayAnswer } from '../../src/play/answers.js';
import { linkOfQuestion, type PlayQuestion } from '../../src/play/question.js';
import { ADVISED } from '../../src/runtime/index.js';
import { barriersOf, findBrowser, openPage, startBrowser } from './browser.js';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

/** What the script of the page has: the thread that answers whole. */
declare const thorough: { send(message: object): Promise<PlayAnswer & { readonly error?: string }> };

const folder = temporaryFolder();
const FILE = join(folder, 'play.html');
const MACHINES = [
  'rtx-3060+32GB',
  'rtx-4090+64GB',
  '2xrtx-3090+ryzen-9-7950x+128GB',
  'rx-7900-xtx+64GB',
  'apple-m4-max+64GB',
  'ryzen-9-7950x+64GB',
  'h100-80g',
  'rtx-5090:24GB+2xddr5-6000+96GB+pcie4x8+nvme-7GB/s',
];
const WISHES: readonly PlayQuestion['wishes'][] = [
  {},
  { context: 65_536 },
  { goal: 'decode', quantizations: ['q4_k_m'] },
  { users: 4 },
  { slots: 24, quantizations: ['q4_k_m'] },
  { drafts: '2', drafter: 'ngram' },
];

/** Waits until an expression holds on a page, whose policy lets nothing watch it from within. */
const until = (page: Page, expression: string): Promise<void> =>
  vi.waitFor(async () => expect(await page.evaluate(expression), expression).toBe(true), { timeout: 60_000, interval: 50 });

/** Models x machines x engines with their caches, thinned evenly: MOEPROF_QUESTIONS of them. */
function questions(count: number): PlayQuestion[] {
  const models = listProfiles('models').filter((name) => !name.startsWith('mini-'));
  return Array.from({ length: count }, (_, i) => ({
    model: models[(i * 7) % models.length]!,
    machine: MACHINES[(i * 3 + (i >> 3)) % MACHINES.length]!,
    wishes: { ...(i % 3 === 0 ? {} : { runtime: ADVISED[i % ADVISED.length]!.name }), ...WISHES[i % WISHES.length] },
  }));
}

const looked = findBrowser('the page of moeprof play was');
let browser: Browser;
let opened: Awaited<ReturnType<typeof openPage>>;
let page: Page;

const answered = (): Promise<void> =>
  until(page, `document.querySelector('#hits .plot') !== null && !document.body.classList.contains('busy')`);

beforeAll(async () => {
  if (!looked) return;
  expect((await moeprof(['play', 'olmoe-1b-7b', '-w', 'rtx-3060:4GB+16GB', '-o', FILE])).code).toBe(0);
  browser = await startBrowser();
  opened = await openPage(browser, FILE, { viewport: { width: 1400, height: 900 }, permissions: [] });
  page = opened.page;
  await answered();
}, 120_000);
afterAll(() => browser?.close());

describe.skipIf(!looked)('the page', () => {
  it('answers its first question in its heading, and holds it in its address', async () => {
    expect(await page.textContent('h1')).toMatch(/^\d+\stok\/s \(\d+ to \d+\), prompts [\d,]+\stok\/s/);
    expect(page.url()).toMatch(/play\.html#m=olmoe-1b-7b&w=rtx-3060:4GB\+16GB$/);
    expect(await page.textContent('#command')).toBe('moeprof advise olmoe-1b-7b -w rtx-3060:4GB+16GB');
    expect(await page.textContent('#first pre')).toContain('llama-server');
  });

  it('is at most 460 KB as servers send it, and asks for nothing', () => {
    expect(brotliCompressSync(readFileSync(FILE)).length).toBeLessThan(460e3);
    expect(opened.requests.filter((url) => !url.startsWith('blob:') && !url.startsWith('file:'))).toEqual([]);
    expect(opened.requests.filter((url) => url.startsWith('file:'))).toHaveLength(1);
    expect(opened.said).toEqual([]);
  });

  it('answers as Node does, byte for byte', { timeout: 1_200_000 }, async () => {
    for (const question of questions(Number(process.env.MOEPROF_QUESTIONS ?? 8))) {
      const link = linkOfQuestion(question);
      const there = await page.evaluate(async (asked) => {
        const { advice, error } = await thorough.send({ kind: 'whole', link: asked });
        return error ?? JSON.stringify(advice);
      }, link);
      const here = await advise(question.model, question.machine, question.wishes).then(JSON.stringify, (error: Error) => error.message);
      expect(there === here ? '' : `${link}\n${there.slice(0, 300)}\n${here.slice(0, 300)}`).toBe('');
    }
  });
});

describe.skipIf(!looked)('the page in use', () => {
  it('is turned by keyboard: a slider, a choice by typing, the point of the curve', async () => {
    await page.focus('#ram');
    await page.keyboard.press('ArrowRight');
    await until(page, `location.hash.includes('24GB')`);
    await page.focus('#gpu');
    await page.keyboard.type('4060 ti 16');
    await page.keyboard.press('Enter');
    await until(page, `location.hash.includes('rtx-4060-ti-16gb')`);
    await page.focus('#gpu');
    await page.keyboard.type('3060-12');
    await page.keyboard.press('Escape');
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060:4GB+16GB&slots=20&quantizations=q8_0`);
    await until(page, `document.querySelector('.dot[role=slider]')?.getAttribute('aria-valuenow') === '20'`);
    await page.focus('.dot');
    await page.keyboard.press('ArrowRight');
    await until(page, `location.hash.includes('slots=21')`);
    await answered();
    expect(await page.textContent('#command')).toContain('--slots 21');
  });

  it('reads a trace that is dropped on it, and says in a line what is none', { timeout: 60_000 }, async () => {
    const own = join(folder, 'own.jsonl');
    expect((await moeprof(['trace', 'convert', 'mini-mixtral-8x8l#0:2000', '-o', own])).code).toBe(0);
    await page.setInputFiles('#trace', own);
    await until(page, `document.querySelector('#done')?.textContent?.includes('2,000 tokens') === true`);
    await until(page, `(document.querySelector('#model')).value === 'mini-mixtral-8x8l'`);
    const bad = join(folder, 'bad.jsonl');
    writeFileSync(bad, '{"a": <script>alert(1)</script>');
    await page.setInputFiles('#trace', bad);
    await until(page, `document.querySelector('#error')?.textContent?.includes('bad.jsonl') === true`);
    expect(await page.locator('#error').isVisible()).toBe(true);
    expect(opened.said).toEqual([]);
  });

  it('refuses a link in a line, and goes on', async () => {
    await page.goto(`file://${FILE}#m=<img src=x>&w=rtx-3060`);
    await until(page, `document.querySelector('#error')?.textContent?.includes('unknown model') === true`);
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060+16GB`);
    await until(page, `(document.querySelector('#error')).hidden`);
  });

  it.each([400, 768, 1400, 1920])('fits %d px, light and dark, without barriers', { timeout: 120_000 }, async (width) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { context, page: own } = await openPage(browser, `${FILE}`, { viewport: { width, height: 900 }, colorScheme });
      await until(own, `document.querySelector('#hits .plot') !== null`);
      expect(await own.evaluate(`document.documentElement.scrollWidth - innerWidth`)).toBeLessThanOrEqual(0);
      if (width === 400 || width === 1400) expect(await barriersOf(own)).toEqual([]);
      await context.close();
    }
  });
});

describe('moeprof serve', () => {
  const ask = (
    port: string,
    path: string,
    options: { readonly method?: string; readonly host?: string },
  ): Promise<readonly [number, string]> =>
    new Promise((done, fail) => {
      request(
        { host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: { host: options.host ?? 'localhost' } },
        (reply) => {
          let text = '';
          reply.on('data', (part) => {
            text += part;
          });
          reply.on('end', () => done([reply.statusCode!, text]));
        },
      )
        .on('error', fail)
        .end();
    });

  it('serves the page to this machine alone, until it is interrupted', async () => {
    const child = spawn(process.execPath, [BIN, 'serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [, port] = /^http:\/\/127\.0\.0\.1:(\d+)\/\n$/.exec(String(line))!;
    const [status, text] = await ask(port!, '/', {});
    expect([status, text.startsWith('<!doctype html>')]).toEqual([200, true]);
    expect(await ask(port!, '/', { host: 'evil.example' })).toEqual([403, 'this page is for programs of this machine\n']);
    expect(await ask(port!, '/etc/passwd', {})).toEqual([404, 'there is one page: /\n']);
    expect(await ask(port!, '/', { method: 'POST' })).toEqual([405, 'only GET is answered\n']);
    expect((await ask(port!, '/', { method: 'HEAD' }))[1]).toBe('');
    const second = await moeprof(['serve', '--listen', `127.0.0.1:${port}`]);
    expect([second.code, second.stderr]).toEqual([2, expect.stringMatching(/cannot be listened on \(EADDRINUSE\); take another --listen/)]);
    child.kill('SIGINT');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it.each([['nowhere'], ['127.0.0.1:99999'], [':80']])('refuses %s', async (address) => {
    const { code, stderr } = await moeprof(['serve', '--listen', address]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--listen ${address}: is no address; write e.g. 127.0.0.1:8642`)]);
  });
});
