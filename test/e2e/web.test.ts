// One engine (L28): the library on a page computes what it computes in Node, byte for byte.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { webScript } from '../../scripts/web.mjs';
import { bundledFile } from '../../src/base/profiles.js';
import * as library from '../../src/index.js';
import { findBrowser, startBrowser } from './browser.js';
import { temporaryFolder } from './moeprof.js';

type Library = typeof library;

/** What the script of the page defines. */
declare const moeprof: Library & { putFile(path: string, bytes: Uint8Array): void };

const QUICK_START = parse(readFileSync(bundledFile('runs/quickstart.yaml'), 'utf8')) as library.RunInput;
const TRACE = 'mini-mixtral-8x8l';
const FILE = `traces/${TRACE}.safetensors`;
const ON_TRACE: library.RunInput = { hardware: 'rtx-3090', trace: TRACE, memory: { expertCache: '25%' } };
/** The same routing as text, packed, where neither a page nor this machine has anything else. */
const PACKED = join(temporaryFolder(), 'mine.jsonl.gz');
const ON_TEXT: library.RunInput = { ...ON_TRACE, model: 'mini-mixtral-8x8l', trace: PACKED, workload: { tokens: 300 } };
const CURVE = { policies: ['lru', 's3-fifo', 'lfu', 'belady'], capacities: '10%..90%:5' };

/** JSON of a result without what names this machine and the time that it took. */
const told = (result: library.Result): string => JSON.stringify({ ...result, environment: null });

describe.skipIf(!findBrowser('the library on a page was'))('on a page', () => {
  let browser: Browser;
  let page: Page;
  const said: string[] = [];

  /** Puts a file of this machine on the page. */
  const give = (place: string, file: string): Promise<void> =>
    page.evaluate(
      ([path, base64]) =>
        moeprof.putFile(
          path,
          Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)),
        ),
      [place, readFileSync(file).toString('base64')] as const,
    );

  beforeAll(async () => {
    const content = await webScript('iife');
    browser = await startBrowser();
    page = await browser.newPage();
    page.on('pageerror', (error) => said.push(String(error)));
    await page.addScriptTag({ content });
    const trace = await library.openTrace(bundledFile(FILE));
    const plain = PACKED.replace('.gz', '');
    library.writeJsonl(trace, plain);
    trace.close();
    writeFileSync(PACKED, gzipSync(readFileSync(plain)));
    await give(`/moeprof/profiles/${FILE}`, bundledFile(FILE));
    await give(PACKED, PACKED);
  });
  afterAll(() => browser.close());

  it.each([
    ['the quick start', QUICK_START],
    ['a run on a trace', ON_TRACE],
    ['a run on packed text', ON_TEXT],
  ])('%s has the result of Node', async (_, input) => {
    const there = await page.evaluate((own) => moeprof.simulate(own), input);
    expect(there.environment).toMatchObject({ node: 'web', platform: 'web-any' });
    expect(told(there)).toBe(told(await library.simulate(input)));
    expect(said).toEqual([]);
  });

  it('a curve is that of Node', async () => {
    const there = await page.evaluate(([run, settings]) => moeprof.curve(run, settings), [ON_TRACE, CURVE] as const);
    expect(JSON.stringify(there)).toBe(JSON.stringify(await library.curve(ON_TRACE, CURVE)));
  });

  it('what it cannot do is refused in one line', async () => {
    const refusals = await page.evaluate(async (run) => {
      moeprof.putFile('mine.mjs', new TextEncoder().encode('export default {};'));
      const runs = [
        { ...run, system: { name: 'own', cache: { policy: './mine.mjs' } } },
        { ...run, trace: './none.jsonl' },
      ];
      return Promise.all(runs.map((one) => moeprof.simulate(one).then(String, (error: Error) => `${error.name} ${error.message}`)));
    }, ON_TRACE);
    expect(refusals).toEqual([
      "UserError a module of one's own: a page cannot load it; run moeprof where it is installed",
      'UserError none.jsonl: there is no such file',
    ]);
  });
});
