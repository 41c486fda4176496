// L32 on the page: whatever a link asks for, and whatever became of a thread, the next question is answered.
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findBrowser, openPage, startBrowser } from './browser.js';
import { moeprof, temporaryFolder } from './moeprof.js';

const FILE = join(temporaryFolder(), 'play.html');
const looked = findBrowser('what hostile links do to the page was');
let browser: Browser;

beforeAll(async () => {
  if (!looked) return;
  expect((await moeprof(['play', 'olmoe-1b-7b', '-w', 'rtx-3060:4GB+16GB', '-o', FILE])).code).toBe(0);
  browser = await startBrowser();
}, 120_000);
afterAll(() => browser?.close());

type Opened = Awaited<ReturnType<typeof openPage>>['page'];

const ANY_MEMORY = 'rtx-3060+9007199254740993GB';
const MODELS = [
  'olmoe-1b-7b',
  'qwen3.6-35b-a3b',
  'kimi-k3',
  'deepseek-v3',
  '__proto__',
  'constructor',
  '<img src=x onerror=alert(1)>',
  '../x',
  'hf:a/b',
];
const MACHINES = [
  ...['rtx-3060+32GB', ANY_MEMORY, '8xh100-80g+1024GB', '999999xrtx-3060+32GB', '0xrtx-3060+32GB', 'rtx-3060:0GB+0GB', '+'],
  ...['rtx-3060+1e9GB', 'rtx-3060+NaNGB', 'rtx-3060+32GB'.repeat(20), '__proto__+32GB', '/moeprof/profiles/x', 'rtx-3060+1xddr4-0+32GB'],
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '1e3',
  '1e4',
  '1e5',
  '1e6',
  '1e9',
  '1e15',
  '1e300',
  '1e999',
  'NaN',
  '9007199254740993',
  '4.5',
  '0x10',
  '100k',
  '9'.repeat(299),
];
const FIELDS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ...['prompt', 'users', 'context', 'slots'].map((name) => [name, NUMBERS] as const),
  ['drafts', ['0..1e9', '9007199254740993', '0..15', '-1', '4..0']],
  ['accepted', ['100%', '1e9%', '-1%', 'NaN']],
  ['drafter', ['ngram', 'mtp', '__proto__']],
  ['runtime', ['vllm', 'ktransformers', 'constructor', 'any']],
  ['goal', ['decode', 'ttft=1e-300s', 'tpot=0s,ttft=0s', 'x'.repeat(299)]],
  ['quantizations', ['q4_k_m,q4_k_m', 'q8_0,q4_k_m,ud-iq1_s', ','.repeat(100), '__proto__']],
  ['__proto__', ['1']],
];

/** Links that once hung both threads of the page for good. */
const HUNG = ['goal=decode&prompt=1e15', 'prompt=1e9', 'users=1000000'].map((asked) => `m=qwen3.6-35b-a3b&w=rtx-3060+32GB&${asked}`);

/** A link of values that nobody means, the same in every run. */
function hostileLink(number: number): string {
  if (number < HUNG.length) return HUNG[number]!;
  let state = number * 2654435761 + 1;
  const below = (count: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return (state >>> 8) % count;
  };
  const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
  // Most links are about a real model, so that what lies behind the names is reached.
  const [model, machine] = [below(4) > 0 ? MODELS[below(4)] : one(MODELS), below(4) > 0 ? MACHINES[below(3)] : one(MACHINES)];
  const fields = Array.from({ length: 1 + below(3) }, () => one(FIELDS)).map(
    ([name, values]) => `${name}=${encodeURIComponent(one(values))}`,
  );
  return [`m=${encodeURIComponent(model!)}`, `w=${encodeURIComponent(machine!)}`, ...fields].join('&');
}

/** Goes to a link on a page that is open. */
const go = (page: Opened, link: string): Promise<void> => page.evaluate(`location.hash = ${JSON.stringify(link)}`);

/** Waits until the page shows the answer to a question of so much context. @returns ms that it took */
async function answered(page: Opened, context: number, timeout: number): Promise<number> {
  const from = performance.now();
  const shown = `document.querySelector('#command').textContent.endsWith('--context ${context}') && document.querySelector('#error').hidden`;
  await vi.waitFor(async () => expect(await page.evaluate(shown), `context ${context}`).toBe(true), { timeout, interval: 20 });
  return performance.now() - from;
}

/** The first threads of a page, of which the first answers at a glance and the second whole, never say a word. */
const mute = (count: number): string => `{
  const Real = Worker;
  let left = ${count};
  Worker = class { constructor(address) { return new Real(left-- > 0 ? URL.createObjectURL(new Blob(['for (;;);'])) : address); } };
}`;

const question = (context: number): string => `m=olmoe-1b-7b&w=rtx-3060:4GB+16GB&context=${context}`;

describe.skipIf(!looked)('L32: the page', () => {
  it('answers the next question after each hostile link: MOEPROF_LINKS of them', { timeout: 1_200_000 }, async () => {
    const { context, page, said } = await openPage(browser, FILE, {});
    const waits: number[] = [];
    for (let i = 0; i < Number(process.env.MOEPROF_LINKS ?? 12); i++) {
      await go(page, hostileLink(i));
      // Every third link is left before its answer, and every other one when the thread that answers whole is at work.
      await page.waitForTimeout([0, 700, 1500][i % 3]!);
      await go(page, question(2048 + i));
      waits.push(await answered(page, 2048 + i, 30_000));
    }
    const sorted = waits.toSorted((a, b) => a - b);
    console.info(
      `after ${waits.length} links: median ${sorted[waits.length >> 1]!.toFixed(0)} ms, longest ${sorted.at(-1)!.toFixed(0)} ms`,
    );
    expect(said).toEqual([]);
    await context.close();
  });

  it('ends an older question for a newer one', { timeout: 120_000 }, async () => {
    const { context, page } = await openPage(browser, FILE, {});
    // 10,000 users of a machine that holds them take a minute.
    await go(page, `m=qwen3.6-35b-a3b&w=${ANY_MEMORY}&users=10000&context=2048`);
    await page.waitForTimeout(4000);
    await go(page, question(4096));
    await answered(page, 4096, 20_000);
    const whole = `document.querySelector('#advice').dataset.link?.endsWith('context=4096') === true`;
    await vi.waitFor(async () => expect(await page.evaluate(whole)).toBe(true), { timeout: 30_000, interval: 50 });
    await context.close();
  });

  it('ends a thread that says nothing of a question that was left, and answers the next', { timeout: 60_000 }, async () => {
    const page = await browser.newPage();
    await page.addInitScript(mute(1));
    await page.goto(`file://${FILE}`);
    await go(page, question(4096));
    expect(await answered(page, 4096, 30_000)).toBeLessThan(10_000);
    await page.close();
  });

  it('gives up a thread that has been silent for 10 s, and starts another one', { timeout: 120_000 }, async () => {
    const page = await browser.newPage();
    await page.addInitScript(mute(2));
    await page.goto(`file://${FILE}`);
    const said = `document.querySelector('#error').textContent`;
    const from = performance.now();
    await vi.waitFor(async () => expect(await page.evaluate(said)).toMatch(/^nothing was heard of this answer for 10 s/), {
      timeout: 30_000,
    });
    expect(performance.now() - from).toBeGreaterThan(8000);
    await go(page, question(4096));
    await answered(page, 4096, 30_000);
    await page.close();
  });
});
