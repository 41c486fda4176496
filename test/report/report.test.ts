// Reports of the sample run: what they say, that they fit, and that hostile names stay text. The golden files were read by a person;
// after a deliberate change: MOEPROF_UPDATE=1 npx vitest run --project unit test/report

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { standInTexts } from '../../src/report/document/stand-ins.js';
import type { Format, ReportOptions } from '../../src/report/format.js';
import { reports } from '../../src/report/formats/index.js';
import { parseResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';

const plain: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };
const WARNING = {
  code: 'below-token-cycle',
  message:
    'The expert cache holds 0.80 GiB, one token touches 1.00 GiB of experts: LRU, FIFO, CLOCK and in-cache LFU hit nothing at batch 1. Use --cache 1.1GiB or more.',
};

function render(name: string, result: Result, options: Partial<ReportOptions> = {}): string {
  const format = reports.find((one: Format<Result>) => one.name === name)!;
  return format.render(result, { ...plain, ...options });
}

/** Compares with a file under golden/; rewrites it when asked to. */
function expectGolden(file: string, text: string): void {
  const path = new URL(`golden/${file}`, import.meta.url);
  if (process.env.MOEPROF_UPDATE === '1') writeFileSync(path, text);
  expect(text, 'after a deliberate change: MOEPROF_UPDATE=1 npx vitest run --project unit test/report').toBe(readFileSync(path, 'utf8'));
}

const synthetic = { code: 'synthetic-routing', message: 'Said a second time.' };
const full = sampleResult({ synthetic: true, metrics: { 'time.cpu': 3e9 }, warnings: [synthetic, WARNING] });

describe('a report of a machine whose parts were taken', () => {
  it('names them below the title, wherever it is shown', () => {
    const stands = ['CPU not given: a (8 cores).', 'Memory not given: b.', 'PCIe not given: c.'];
    const taken = sampleResult({ warnings: [...stands.map((message) => ({ code: 'machine-stand-in', message })), WARNING] });
    expect(render('table', taken).split('\n').slice(4, 7)).toEqual(stands);
    for (const name of ['markdown', 'html']) {
      const text = render(name, taken);
      for (const stand of stands) expect(text.indexOf(stand)).toBeGreaterThan(0);
      expect(text.indexOf(stands[2]!)).toBeLessThan(text.indexOf('TTFT'));
    }
    expect(JSON.parse(render('json', taken)).warnings).toHaveLength(4);
    const other = sampleResult({ warnings: [{ code: 'machine-stand-in', message: 'PCIe not given: d.' }] });
    expect(standInTexts([taken, taken])).toEqual(stands);
    expect(standInTexts([taken, other])).toEqual([
      'Of these machines not all parts were given: a usual CPU, its memory or PCIe was taken.',
    ]);
  });
});

describe('table report', () => {
  it('answers at a glance', () => {
    expectGolden('table.txt', render('table', full));
  });

  it('has a twin in ASCII', () => {
    const text = render('table', full, { unicode: false });
    expectGolden('table-ascii.txt', text);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it('fits 80 columns, and the width of a narrower terminal for its paragraphs', () => {
    const long = sampleResult({ inputs: { model: 'a-model-with-a-rather-long-name'.repeat(4) }, warnings: [WARNING] });
    for (const options of [{}, { verbose: true }, { width: 200, verbose: true }]) {
      const widest = Math.max(
        ...render('table', long, options)
          .split('\n')
          .map((line) => [...line].length),
      );
      expect(widest).toBeLessThanOrEqual(80);
    }
    const narrow = render('table', full, { width: 60 }).split('\n');
    expect(Math.max(...narrow.filter((line) => !line.includes('─')).map((line) => [...line].length))).toBeLessThanOrEqual(70);
  });

  it('colours only when asked, and says the same', () => {
    const text = render('table', full);
    const colored = render('table', full, { color: true });
    const escapes = /\u001b\[[\d;]*m/gu;
    expect(text).not.toContain('\u001b');
    expect(colored).toContain('\u001b[1m');
    expect(colored.replace(escapes, '').replace(/[ \t]+$/gm, '')).toBe(text);
  });

  it('leaves out what a run does not have', () => {
    const decode = sampleResult({
      metrics: Object.fromEntries(
        [
          'cache.hit_rate.prefill',
          'speed.prefill',
          'latency.ttft.mean',
          'latency.ttft.p50',
          'latency.ttft.p95',
          'latency.ttft.p99',
          'headroom.hit_rate',
          'bound.belady.hit_rate',
        ].map((name) => [name, null]),
      ),
    });
    const text = render('table', decode);
    expect(text).not.toMatch(/TTFT|prefill|with prompts|Belady|synthetic/);
    expect(text).toMatch(/TPOT/);
    const silent = sampleResult({ metrics: Object.fromEntries(Object.keys(decode.metrics).map((name) => [name, null])) });
    expect(render('table', silent)).toMatch(/^46\.1 tok\/s prefill; no token[\s\S]*\nqwen3-30b-a3b q4_k_m on rtx-4090/);
  });
});

describe('lines of the table that few runs need', () => {
  it('says that nothing was generated where it has no speed of decoding', () => {
    const text = render('table', sampleResult({ metrics: { 'speed.decode': null } }));
    expect(text.replace(/\s+/g, ' ')).toContain('46.1 tok/s prefill; no token was generated: prompts took all, use --tokens');
    expect(render('table', sampleResult())).not.toContain('no token');
  });

  it('says what copies on the GPU served, where some stay', () => {
    const copies = { 'cache.copy_hit_rate': 0.125, 'transfer.copies.count': 1200, 'memory.gpu.copies': 2 ** 29 };
    const text = render('table', sampleResult({ metrics: copies }));
    expect(text).toMatch(/^copies +12\.5 % of the demands served, 1,200 brought, 512 MiB of the cache$/m);
    expect(render('table', full)).not.toContain('copies');
  });

  it('lists every metric and every layer when verbose', () => {
    const text = render('table', full, { verbose: true });
    for (const name of Object.keys(full.metrics)) expect(text).toContain(name);
    expect(text).toMatch(/\n47 +83\.9 +2\.1 +14\.0 +2,540 /);
  });

  it('keeps control characters of names away from the terminal', () => {
    const hostile = sampleResult({
      inputs: { model: 'm\u001b]0;owned\u0007\nodel' },
      warnings: [{ code: 'x', message: 'a\u009b31mb\rc' }],
    });
    expect(render('table', hostile)).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('json report', () => {
  it('is read back as the same result', () => {
    const result = sampleResult({ warnings: [WARNING] });
    expect(parseResult(render('json', result), 'r.json')).toEqual(result);
  });

  it('is the same for the same result in another key order', () => {
    const result = sampleResult();
    const backwards = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).reverse()) as T;
    const other: Result = {
      ...result,
      metrics: backwards(result.metrics),
      config: backwards(result.config),
      environment: backwards(result.environment),
    };
    expect(render('json', other)).toBe(render('json', result));
  });

  it('refuses numbers that JSON cannot hold', () => {
    const broken = { ...sampleResult(), seed: Number.NaN };
    expect(() => render('json', broken)).toThrow(/NaN/);
  });

  it('keeps one counter of all layers on one line and ends with a newline', () => {
    const text = render('json', sampleResult());
    expect(text).toMatch(/\n {4}"late": \[336(, 336){47}\],\n/);
    expect(text.endsWith('}\n')).toBe(true);
  });
});

describe('markdown report', () => {
  it('gives the answer first and folds the rest', () => {
    expectGolden('report.md', render('markdown', sampleResult({ synthetic: true, warnings: [WARNING] })));
  });

  it('shows hostile names as text', () => {
    const text = render('markdown', sampleResult({ inputs: { model: '<img src=x>|`a`\n# [b](c) *d* __e__', system: 'q4_k_m' } }));
    expect(text).toContain('\n&lt;img src=x&gt;\\|\\`a\\` \\# \\[b\\](c) \\*d\\* \\_\\_e\\_\\_ q4_k_m on');
    expect(text).not.toContain('<img');
  });
});

describe('csv report', () => {
  it('has a row per metric that pandas and spreadsheets read', () => {
    const text = render('csv', sampleResult({ inputs: { system: 'a "quoted", system' } }));
    const lines = text.split('\n');
    expect(lines[0]).toBe('model,quantization,hardware,system,seed,metric,value,unit,better,kind');
    expect(lines[1]).toBe('qwen3-30b-a3b,q4_k_m,rtx-4090,"a ""quoted"", system",1,cache.hit_rate,0.839,ratio,higher,exact');
    expect(lines).toHaveLength(Object.keys(sampleResult().metrics).length + 2);
  });
});
