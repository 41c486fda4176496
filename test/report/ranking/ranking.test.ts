// The ranking of several runs: order, the reason of each difference by hand, and 80 columns whatever the names.
import { describe, expect, it } from 'vitest';
import { renderDocumentPage } from '../../../src/report/document/page.js';
import { rank } from '../../../src/report/ranking/rank.js';
import { rankingDocument, rankingReports } from '../../../src/report/ranking/ranking.js';
import { summarizeResult } from '../../../src/report/summary/summary.js';
import { type KnowingPart, knowledgeOfParts } from '../../../src/result/knowledge.js';
import type { Result } from '../../../src/result/result.js';
import { sampleResult } from '../../result/sample.js';

const MS = 1e6;

/** A run of 100 decoding passes, whose time per token is made of these parts, ms. */
function run(
  system: string,
  parts: { stall: number; experts: number; dense: number; exchange?: number; idle?: number },
  more = {},
): Result {
  const { stall, experts, dense, exchange = 0, idle = 0 } = parts;
  const total = stall + experts + dense + exchange + idle;
  return sampleResult({
    inputs: { system },
    metrics: {
      'workload.tokens': 100,
      'schedule.passes': 100,
      'speed.decode': 1000 / total,
      'time.stall': 100 * stall * MS,
      'time.compute': 100 * experts * MS,
      'time.dense': 100 * dense * MS,
      'time.total': 100 * total * MS,
      'share.stall': stall / total,
      ...(exchange === 0 ? {} : { 'time.all_to_all': 100 * exchange * MS }),
      ...more,
    },
  });
}

const best = run('best', { stall: 1, experts: 2, dense: 3 }, { 'time.cpu': 100 * 2 * MS });

/** Why `other` is slower than `best`. */
function reason(other: Result): string {
  return rank([other, best]).find(({ name }) => name !== 'best')!.reason;
}

describe('rank', () => {
  it('puts the fastest decode first, and keeps the order of those that tie', () => {
    const names = ['slow', 'b', 'a'];
    const results = names.map((name) => run(name, { stall: name === 'slow' ? 9 : 1, experts: 2, dense: 3 }));
    expect(rank(results).map(({ name }) => name)).toEqual(['b', 'a', 'slow']);
    expect(rank(results).map((one) => one.reason)).toEqual(['', 'as fast', expect.stringContaining('+8.00 ms stall a token')]);
  });

  it('L21 goes by decode speed, whatever the whole run takes, and says so; by prefill speed where nothing is decoded', () => {
    const speeds = (system: string, decode: number | null, prefill: number | null, total: number): Result =>
      sampleResult({ inputs: { system }, metrics: { 'speed.decode': decode, 'speed.prefill': prefill, 'time.total': total * MS } });
    // The first decodes faster, the second reads its prompt so much faster that its whole run is shorter.
    const [a, b] = [speeds('a', 33.5, 100, 900), speeds('b', 30, 400, 500)];
    expect(rank([b, a]).map(({ name, decode, prefill }) => [name, decode, prefill])).toEqual([
      ['a', 33.5, 100],
      ['b', 30, 400],
    ]);
    const csv = rankingReports[2].render([b, a], { color: false, width: 80, unicode: true, verbose: false });
    expect(csv.split('\n').map((line) => line.split(',').slice(0, 4).join())).toEqual([
      'system,hardware,speed.decode,speed.prefill',
      'a,rtx-4090,33.5,100',
      'b,rtx-4090,30,400',
      '',
    ]);
    const table = (results: readonly Result[]) =>
      rankingReports[0].render(results, { color: false, width: 80, unicode: true, verbose: false });
    expect(table([b, a])).toContain('fastest decode first (speed.decode, tok/s for each request)');
    const prompts = [speeds('a', null, 100, 900), speeds('b', null, 400, 500)];
    expect(rank(prompts).map(({ name }) => name)).toEqual(['b', 'a']);
    expect(table(prompts).replace(/\s+/g, ' ')).toContain(
      'fastest prefill first (speed.prefill, tok/s for each request), since nothing is decoded',
    );
  });

  it('looks at the passes that only decode where others read prompts: 10 of 2 ms against 10 of 5 ms', () => {
    const phases = (system: string, stall: number): Result =>
      sampleResult({
        inputs: { system },
        metrics: {
          'speed.decode': 1000 / (1 + stall),
          'schedule.passes': 12,
          'schedule.passes.decode': 10,
          'schedule.passes.prefill': 2,
          'time.dense.decode': 10 * MS,
          'time.compute.decode': 0,
          'time.stall.decode': 10 * stall * MS,
          'time.cpu.decode': 0,
          // The prompts of the slower are read faster.
          'time.stall.prefill': stall === 1 ? 900 * MS : 0,
        },
      });
    expect(rank([phases('slow', 4), phases('fast', 1)]).map(({ name, reason }) => [name, reason])).toEqual([
      ['fast', ''],
      ['slow', '+3.00 ms stall a token'],
    ]);
  });
});

describe('the reason for a rank', () => {
  it('counts a pass that verifies drafts for as many tokens as it gives: 8 ms more stall for 4', () => {
    const drafting = (system: string, stall: number): Result =>
      run(
        system,
        { stall: stall / 4, experts: 0.5, dense: 0.75 },
        {
          'schedule.passes': 25,
          'speculation.tokens_per_pass': 4,
        },
      );
    expect(rank([drafting('slow', 12), drafting('fast', 4)]).map((one) => one.reason)).toEqual(['', '+2.00 ms stall a token']);
  });

  it('names the largest part that the best does not spend', () => {
    expect(reason(run('other', { stall: 2, experts: 4, dense: 3 }))).toBe('+2.00 ms experts a token');
    expect(reason(run('other', { stall: 0, experts: 0, dense: 9 }))).toBe('+6.00 ms dense a token');
    expect(reason(run('other', { stall: 1, experts: 2, dense: 3, exchange: 5 }))).toBe('+5.00 ms exchange between GPUs a token');
    expect(reason(run('other', { stall: 1, experts: 2, dense: 3, idle: 4 }))).toBe('+4.00 ms prompts and pauses a token');
  });

  it('says how fast the link of another machine was while it moved something: 50 GB in 2 s against 25 GB in 6 s', () => {
    const moved = (bytes: number, utilization: number) => ({ 'transfer.h2d.bytes': bytes, 'transfer.h2d.utilization': utilization });
    const fast = run('one', { stall: 10, experts: 20, dense: 30 }, moved(50e9, 2 / 6));
    const slow = run('one', { stall: 13, experts: 20, dense: 30 }, moved(25e9, 6 / 6.3));
    const ranked = rank([fast, { ...slow, inputs: { ...slow.inputs, hardware: 't4' } }]);
    expect(ranked.map(({ name, reason }) => [name, reason])).toEqual([
      ['rtx-4090', ''],
      ['t4', '+3.00 ms stall a token: at 4.17 GB/s instead of 25.0 GB/s'],
    ]);
  });

  it('says what lies behind a stall: hits, bytes and the CPU, more or fewer', () => {
    const metrics = {
      'cache.hit_rate.decode': 0.751,
      'transfer.h2d.bytes_per_token': 189_500_000 + 2 ** 20,
      'transfer.ssd.bytes_per_token': 3 * 2 ** 20,
      'time.cpu': 0,
    };
    expect(reason(run('other', { stall: 3, experts: 2, dense: 3 }, metrics))).toBe(
      '+2.00 ms stall a token: -10.0 pp hits, +1.00 MiB a token, +3.00 MiB a token from the SSD, -2.00 ms CPU a token',
    );
    expect(reason(run('other', { stall: 3, experts: 2, dense: 3 }, { 'time.cpu': 100 * 2 * MS }))).toBe('+2.00 ms stall a token');
  });
});

const table = rankingReports[0]!;
const text = (results: readonly Result[], width = 80): string =>
  table.render(results, { color: false, width, unicode: true, verbose: false });

describe('the table', () => {
  it('fits into its columns, whatever the names', () => {
    const long = 'a-system-of-a-very-long-name-that-somebody-gave-to-a-file-of-their-own';
    const results = [best, run(`${long}-1`, { stall: 5, experts: 2, dense: 3 }), run(`${long}-2`, { stall: 6, experts: 2, dense: 3 })];
    for (const width of [60, 80]) {
      const lines = text(results, width).split('\n');
      for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(width);
      // Both ends of a name stay, since the end is where they differ.
      expect(lines.filter((line) => /^a-\S*…\S*-[12] /.test(line))).toHaveLength(2);
    }
  });

  it('says what reaches the GPU where that comes from flash', () => {
    const phone = { 'transfer.h2d.bytes_per_token': null, 'transfer.ssd.bytes_per_token': 5 * 2 ** 20 };
    const rows = text([run('phone', { stall: 1, experts: 2, dense: 3 }, phone)]).split('\n');
    expect(rows.find((row) => row.startsWith('phone  '))).toContain(' 5.00 MiB ');
  });

  it('says what is to be known of a run in words in its row, once where all have it', () => {
    const warning = { code: 'streams-cut', message: 'cut' };
    const warned = (name: string, warnings: Result['warnings']): Result => ({ ...run(name, { stall: 1, experts: 2, dense: 3 }), warnings });
    expect(text([warned('a', [warning]), warned('b', [])])).toContain('\na: long requests were cut into streams\n');
    expect(text([warned('a', [warning]), warned('b', [warning])])).toContain('! all: long requests were cut into streams\n');
  });

  it('puts what does not fit its machine under a line of its own, however fast', () => {
    const large = { ...run('large', { stall: 0, experts: 1, dense: 1 }), warnings: [{ code: 'does-not-fit', message: 'too large' }] };
    const table = text([large, best]);
    expect(rank([large, best]).map(({ name, reason }) => [name, reason])).toEqual([
      ['best', ''],
      ['large', ''],
    ]);
    expect(table.indexOf('\nbest ')).toBeLessThan(table.indexOf('do not fit their machine'));
    expect(table.indexOf('do not fit their machine')).toBeLessThan(table.indexOf('\nlarge '));
  });
});

describe('what a row of the table adds', () => {
  it('says whose runtime each is under where that is not the same for all', () => {
    const under = (system: string, runtime: string): Result => {
      const result = run(system, { stall: 1, experts: 2, dense: 3 });
      return { ...result, inputs: { ...result.inputs, runtime } };
    };
    const said = (results: readonly Result[]): string => text(results).replace(/\s+/g, ' ');
    expect(said([under('a', 'x'), under('b', 'y'), under('c', 'x')])).toContain(
      'runtimes differ, and so do constants that were fitted: x (a, c), y (b); without --runtime own all are under one',
    );
    expect(said([under('a', 'x'), under('b', 'x')])).toContain('all under x; --runtime own gives each system its own');
    expect(said([under('a', 'x'), under('a', 'x')])).not.toContain('runtime');
    // A machine that only one runtime drives is no choice.
    const elsewhere = under('b', 'y');
    const other = { ...elsewhere, inputs: { ...elsewhere.inputs, hardware: 'other' } };
    expect(said([under('a', 'x'), other])).not.toContain('runtime');
  });

  it('names the policy that ran in the place of the system’s own', () => {
    const overrides = { system: [{ path: 'cache.policy', value: 's3-fifo' }] };
    const other = { ...best, config: { ...best.config, overrides } };
    expect(rank([best, other]).map(({ name }) => name)).toEqual(['best', 'best with s3-fifo']);
    expect(summarizeResult(other).title).toMatch(/, best with s3-fifo$/);
  });

  it('tells waiting for the CPU from waiting for the link', () => {
    expect(reason(run('other', { stall: 4, experts: 2, dense: 3 }, { 'time.stall_cpu': 100 * 3 * MS }))).toBe(
      '+3.00 ms waiting for the CPU a token',
    );
    const time = summarizeResult(run('other', { stall: 4, experts: 2, dense: 4 }, { 'time.stall_cpu': 100 * 3 * MS })).time!;
    expect(time.parts.map(({ label, share }) => [label, share])).toEqual([
      ['dense', 0.4],
      ['experts', 0.2],
      ['CPU', 0.3],
      ['stall', 0.1],
    ]);
  });
});

describe('what cannot run', () => {
  const refused = {
    status: 'refused',
    system: 'b',
    hardware: 't4',
    name: 'b with a long name',
    reason: 'needs a CPU; take another machine',
    again: 'moeprof run -s b',
  } as const;
  const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

  it('is a row that says why, in every format', () => {
    const runs = [refused, run('a', { stall: 1, experts: 2, dense: 3 })];
    const table = rankingReports[0].render(runs, OPTIONS);
    expect(table).toMatch(/^cannot run\n +why\n─+\nb with a long name +needs a CPU; take another machine\n/m);
    const [head, ran, not] = rankingReports[2]
      .render(runs, OPTIONS)
      .split('\n')
      .map((line) => line.split(','));
    expect([head!.at(-1), ran![0], ran!.at(-1)]).toEqual(['reason', 'a', '']);
    expect([not![0], not![1], not![2], not!.at(-1)]).toEqual(['b', 't4', '', 'needs a CPU; take another machine']);
    expect(rankingReports[3].render(runs, OPTIONS)).toContain(
      '| b with a long name | needs a CPU; take another machine | moeprof run -s b |',
    );
    const json = JSON.parse(rankingReports[1].render(runs, OPTIONS)) as unknown[];
    expect([json.length, json[1]]).toEqual([2, refused]);
  });
});

describe('L26 what runs may be compared with', () => {
  const lossless = run('lru', { stall: 3, experts: 2, dense: 3 });
  const metric = { value: 0.1, unit: 'ratio', better: 'lower', summary: 'share' } as unknown as Result['metrics'][string];
  const lossy = { ...run('hobbit', { stall: 1, experts: 2, dense: 3 }) };
  const results: Result[] = [
    { ...lossy, metrics: { ...lossy.metrics, 'quality.degraded_rate': metric } },
    lossless,
    { ...run('flexmoe', { stall: 0, experts: 2, dense: 3 }), config: { system: { cache: { capacity: '100%' } } } },
  ];
  const lines = text(results).split('\n');
  const at = (start: string) => lines.findIndex((line) => line.startsWith(start));

  it('puts lossy systems and those with a cache of their own size under lines of their own, whatever their speed', () => {
    const order = ['knows only', 'lru* ', 'have a cache of their own', 'flexmoe* ', 'lossy', 'hobbit '].map(at);
    expect(order.every((line) => line > 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('marks what is lossless beside what is not, and nothing where all are', () => {
    expect(lines).toContain('* lossless: computes what the model computes');
    expect(text(results.slice(1))).not.toContain('lossless');
    expect(text(results.slice(1))).toContain('\nlru ');
  });
});

describe('L17 what runs know', () => {
  const knowing = (system: string, part: KnowingPart | null, stall: number): Result => ({
    ...run(system, { stall, experts: 2, dense: 3 }),
    knowledge: knowledgeOfParts(part === null ? [] : [part]),
  });
  const gate = (recall: number): KnowingPart => ({ part: 'predictor', name: 'gate', knows: 'published', recall, precision: recall });
  const results = [
    knowing('told', { part: 'cache.policy', name: 'belady', knows: 'future' }, 1),
    knowing('mixtral', gate(0.84), 2),
    knowing('fate', gate(0.9715), 3),
    knowing('lru', null, 4),
    knowing('replayed', { part: 'predictor', name: 'gate', knows: 'recorded' }, 5),
  ];
  const render = (index: number) => rankingReports[index]!.render(results, { color: false, width: 80, unicode: true, verbose: false });

  it('stands over the rows in groups, from nothing to the future, in columns that stand under each other', () => {
    const lines = render(0).split('\n');
    const at = (text: string) => lines.findIndex((line) => line.startsWith(text) && !line.includes(' is fastest'));
    const order = ['knows only', 'lru ', 'recorded', 'replayed ', 'stand-in', 'mixtral ', 'fate ', 'sees the future', 'told '].map(at);
    expect(order.every((line) => line > 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(lines[at('stand-in')]).toBe('stand-in: published recall .84 (mixtral); stand-in: published recall .9715');
    expect(new Set(['lru ', 'replayed ', 'mixtral ', 'fate ', 'told '].map((name) => lines[at(name)]!.length)).size).toBe(1);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('is a column of CSV, and a mark of each row that knows something in Markdown and HTML', () => {
    const csv = render(2)
      .split('\n')
      .map((line) => line.split(','));
    expect(csv[0]!.slice(-3)).toEqual(['knowledge', 'footing', 'mark']);
    expect(csv.slice(1, -1).map((line) => [line[0], line.at(-3), line.at(-1)])).toEqual([
      ['told', 'future', 'sees the future'],
      ['mixtral', 'published', 'stand-in: published recall .84'],
      ['fate', 'published', 'stand-in: published recall .9715'],
      ['lru', 'nothing', ''],
      ['replayed', 'recorded', 'recorded look-ahead'],
    ]);
    const markdown = render(3).split('\n');
    expect(markdown.find((line) => line.startsWith('| told'))).toContain('| sees the future |');
    expect(markdown.find((line) => line.startsWith('| fate'))).toContain('| stand-in: published recall .9715 |');
    const page = renderDocumentPage(rankingDocument(results), 'moeprof run');
    expect(page).toMatch(/<caption>knows only what has happened<\/caption>.*\n?.*lru/);
    expect(page).toMatch(/<td [^>]*>stand-in: published recall \.84<\/td>/);
  });

  it('is not spoken of where nobody knows anything ahead', () => {
    expect(rankingReports[0].render([best], { color: false, width: 80, unicode: true, verbose: false })).not.toContain('knows');
  });
});
