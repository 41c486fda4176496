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
import { captureBytes } from '../trace/formats/fixtures.js';
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

/** What a person pastes. */
const TABLE = [
  '  Device 0: NVIDIA GeForce RTX 4080, compute capability 8.9, VMM: yes',
  '| model | size | params | backend | ngl | n_cpu_moe | test | t/s |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
  '| gpt-oss 20B MXFP4 MoE | 11.27 GiB | 20.91 B | CUDA | 99 | 12 | pp512 | 900.1 ± 3.0 |',
  '| gpt-oss 20B MXFP4 MoE | 11.27 GiB | 20.91 B | CUDA | 99 | 12 | tg128 | 43.1 ± 0.2 |',
].join('\n');

/** What reaches beyond the page, or scrolls sideways in it. */
const TOO_WIDE = `[document.documentElement, ...document.querySelectorAll('#answer .scroll, #answer pre')]
  .filter((part) => part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1).map(({ outerHTML }) => outerHTML.slice(0, 80))`;

/** Smallest text of the answer, px. */
const SMALLEST = `Math.min(99, ...[...document.querySelectorAll('#answer *')].filter((part) => part.checkVisibility() && [...part.childNodes]
  .some((node) => node.nodeType === 3 && node.data.trim() !== '')).map((part) => parseFloat(getComputedStyle(part).fontSize)))`;

/** Waits until all figures are final. */
const settled = (): Promise<void> => until(page, `!document.body.classList.contains('busy')`);

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

  it('is at most 440 KB as servers send it, and asks for nothing', () => {
    expect(brotliCompressSync(readFileSync(FILE)).length).toBeLessThan(440e3);
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
    const packed = join(folder, 'packed.parquet');
    writeFileSync(packed, captureBytes('BROTLI', 13));
    await page.setInputFiles('#trace', packed);
    await until(page, `/packed\\.parquet.*not read: Brotli; rewrite it with zstd/.test(document.querySelector('#error')?.textContent)`);
    expect(opened.said).toEqual([]);
  });

  it('refuses a link in a line, and goes on', async () => {
    await page.goto(`file://${FILE}#m=<img src=x>&w=rtx-3060`);
    await until(page, `document.querySelector('#error')?.textContent?.includes('unknown model') === true`);
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060+16GB`);
    await until(page, `(document.querySelector('#error')).hidden`);
  });
});

describe.skipIf(!looked)('the page and a machine', () => {
  it('takes a log as the command does: its machine, its model, and what it teaches', { timeout: 60_000 }, async () => {
    const log = join(folder, 'bench.md');
    writeFileSync(log, `${TABLE}\n`);
    await page.fill('#timing', TABLE);
    await until(page, `location.hash.includes('timing=')`);
    expect(await page.textContent('#read')).toMatch(
      /Read: prompt512 900\.1 tok\/s.*Read: eval128 43\.1 tok\/s.*Machine of the log: rtx-4080/s,
    );
    await until(page, `document.querySelector('#advice').dataset.link?.includes('timing=') === true`);
    expect(await page.textContent('#command')).toBe('moeprof advise gpt-oss-20b -w rtx-4080 --timing log.txt');
    const { stdout } = await moeprof(['advise', 'gpt-oss-20b', '-w', 'rtx-4080', '--timing', log, '--json']);
    expect(JSON.parse((await page.textContent('#advice'))!)).toEqual(JSON.parse(stdout));
    expect(stdout).toContain('Learned from 1 timing of this machine');
    await page.fill('#timing', 'it is fast');
    await until(page, `document.querySelector('#read').textContent.startsWith('Not read: ')`);
    await page.fill('#timing', TABLE);
    await until(page, `location.hash.includes('timing=')`);
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060:4GB+16GB`);
    await until(page, `document.querySelector('#read').className === 'foreign'`);
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060:4GB+16GB&timing=eval%2024.3%20tok/s,%20-ncmoe%206`);
    await until(page, `document.querySelector('#read').textContent.endsWith('name it with Format, e.g. q4_k_m')`);
    await page.fill('#quantizations', 'q4_k_m');
    await page.keyboard.press('Enter');
    await until(page, `document.querySelector('#read').textContent.includes('Read: eval 24.3 tok/s')`);
    await page.fill('#timing', '');
    await until(page, `!location.hash.includes('timing=')`);
  });

  it('lists the models of a machine, and links to their answers', { timeout: 60_000 }, async () => {
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060:4GB+16GB`);
    await settled();
    await page.click('#every');
    await until(page, `document.querySelector('#first table a') !== null`);
    expect(await page.textContent('#command')).toBe('moeprof advise -w rtx-3060:4GB+16GB');
    expect(await page.locator('#first tbody th a[href^="#m="]').count()).toBe(8);
    const model = await page.textContent('#first table a');
    await page.click('#first table a');
    await until(page, `document.querySelector('#command').textContent.startsWith('moeprof advise ${model} -w')`);
    await page.goto(`file://${FILE}#m=gpt-oss-120b&w=rtx-3060+16GB`);
    await until(page, `document.querySelector('h1').textContent.startsWith('Nothing fits')`);
    await until(page, `[...document.querySelectorAll('#first li a')].some(({ textContent }) => textContent.startsWith('Instead '))`);
    expect(await page.locator('#first pre').count()).toBe(0);
    await page.click('#first li a');
    await until(page, `/^[\\d.]+\\stok/.test(document.querySelector('h1').textContent)`);
  });

  it('clears the answer for an unknown model, in words of its own controls', async () => {
    await page.fill('#model', 'gpt-oss-21b');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await until(page, `!document.querySelector('#error').hidden`);
    expect(await page.textContent('#error')).toMatch(
      /^unknown model "gpt-oss-21b": did you mean .*"gpt-oss-20b".* choose one in the list of models$/,
    );
    expect(await page.textContent('h1')).toBe('No answer');
    expect(await page.locator('#first *, #rest *, #hits *').count()).toBe(0);
    expect(await page.locator('.tools').isVisible()).toBe(false);
  });
});

describe.skipIf(!looked)('the page on screens', () => {
  it('keeps the answer in sight while a slider moves at 360 px, and says that its figures are the first', async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    await page.goto(`file://${FILE}#m=olmoe-1b-7b&w=rtx-3060:4GB+16GB`);
    await settled();
    for (const slider of ['ram', 'vram', 'mts', 'context', 'slots']) {
      await page.evaluate(`document.querySelector('#${slider}').scrollIntoView({ block: 'center' })`);
      await page.focus(`#${slider}`);
      await page.keyboard.press(slider === 'mts' ? 'ArrowLeft' : 'ArrowRight');
      expect(await page.evaluate(`getComputedStyle(document.querySelector('h1'), '::after').content`)).toContain('not yet final');
      const inSight = `(({ bottom, top }) => top >= 0 && bottom <= innerHeight)(document.querySelector('h1').getBoundingClientRect())`;
      expect([slider, await page.evaluate(inSight)]).toEqual([slider, true]);
      await settled();
      expect(await page.evaluate(`getComputedStyle(document.querySelector('h1'), '::after').content`)).toBe('none');
    }
  });

  it('fits eight widths, light and dark: MOEPROF_QUESTIONS of them', { timeout: 1_200_000 }, async () => {
    const links = questions(Number(process.env.MOEPROF_QUESTIONS ?? 8)).map(linkOfQuestion);
    for (const [i, link] of [...links, 'm=*&w=rtx-3060+32GB', 'm=gpt-oss-120b&w=rtx-3060+16GB', 'm=none&w=rtx-3060'].entries()) {
      await page.evaluate(`location.hash = ${JSON.stringify(link)}`);
      await until(page, `document.querySelector('#advice').dataset.link === ${JSON.stringify(link)}`);
      await settled();
      for (const width of [360, 400, 768, 1280, 1366, 1400, 1440, 1920]) {
        await page.setViewportSize({ width, height: 900 });
        expect([link, width, await page.evaluate(TOO_WIDE)]).toEqual([link, width, []]);
        if (width === 400) expect([link, await page.evaluate(SMALLEST)]).toEqual([link, expect.toSatisfy((size: number) => size >= 11)]);
        if (i % 4 > 0 || (width !== 360 && width !== 1280)) continue;
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect([link, await barriersOf(page)]).toEqual([link, []]);
        }
      }
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
