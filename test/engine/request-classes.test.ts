// Classes of requests with budgets: a run tells what each class waited and what was left out of its choices.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { resultText } from '../../src/report/json.js';
import { summarizeResult } from '../../src/report/summary/summary.js';
import { parseResult } from '../../src/result/read.js';
import type { RunInput } from '../../src/system/run.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const arrivals = join(folder, 'arrivals.csv');
writeFileSync(
  arrivals,
  `arrival,prompt,output,class\n${Array.from({ length: 12 }, (_, i) => `${i},16,9,${['chat', 'batch', ''][i % 3]}`).join('\n')}\n`,
);

const run = (workload: RunInput['workload'], more: RunInput = {}) =>
  simulate({
    trace: 'mini-mixtral-8x8l',
    hardware: 't4',
    memory: { expertCache: '50%' },
    workload: { arrivals, batch: 1, slo: 'tpot=1s', ...workload },
    found: 'none',
    audit: 'off',
    ...more,
  });

describe('classes of requests', () => {
  it('without a budget are told by what they waited', async () => {
    const { classes, metrics } = await run({});
    expect(
      classes!.map(({ attained, budget, choicesLost, generated, name, requests }) => [
        name,
        requests,
        generated,
        budget,
        choicesLost,
        attained,
      ]),
    ).toEqual(['', 'batch', 'chat'].map((name) => [name, 4, 32, null, 0, 1]));
    // Requests that never wait for one another: the mean over all is that of the classes.
    const mean = classes!.reduce((sum, { tpotNs }) => sum + tpotNs!.mean / 3, 0);
    expect(mean).toBeCloseTo(metrics['latency.tpot.mean']!.value, 3);
  });

  it('with a budget make fewer choices, and the others as many', async () => {
    const full = await run({});
    const cut = await run({ classes: { batch: { budget: 'top-k=1' } } });
    expect(cut.classes!.map(({ budget, choicesLost, name }) => [name, budget, choicesLost])).toEqual([
      ['', null, 0],
      ['batch', 'top-k=1', 0.5],
      ['chat', null, 0],
    ]);
    // A third of the tokens makes half of its choices.
    const activations = (result: typeof full) => result.metrics['experts.activations']!.value;
    expect(activations(cut)).toBe((5 / 6) * activations(full));
    const tpot = (result: typeof full) => result.classes!.map(({ tpotNs }) => tpotNs!.mean);
    expect(tpot(cut)[1]).toBeLessThan(0.8 * tpot(full)[1]!);
    expect(cut.fingerprint).not.toBe(full.fingerprint);
    const text = resultText(cut);
    expect(parseResult(text, 'a.json').classes).toEqual(cut.classes);
    expect(() => parseResult(text.replace('"choicesLost": 0.5', '"choicesLost": 0.4'), 'a.json')).toThrow(/digest/);
    expect(summarizeResult(cut).classes!.rows.map((row) => row.map((cell) => cell.text).slice(0, 4))).toEqual([
      ['none', 'all', '4', '0.0 %'],
      ['batch', 'top-k=1', '4', '50.0 %'],
      ['chat', 'all', '4', '0.0 %'],
    ]);
  });
});

describe('classes of requests by what they are content with', () => {
  it('content with copies are served from them, and the others are not', async () => {
    const full = await run({});
    const low = await run({ classes: { batch: { budget: 'copy=0.25' } } });
    expect(full.classes!.some((one) => 'degraded' in one)).toBe(false);
    const [none, batch, chat] = low.classes!;
    expect([none!.degraded, chat!.degraded]).toEqual([0, 0]);
    expect(batch).toMatchObject({ budget: 'copy=0.25', choicesLost: 0 });
    // Classes never meet in a pass, and have as many tokens each: the share of all is a third of theirs.
    expect(batch!.degraded!).toBeGreaterThan(0.1);
    expect(low.metrics['quality.degraded_rate']!.value).toBeCloseTo(batch!.degraded! / 3, 12);
    expect(parseResult(resultText(low), 'a.json').classes).toEqual(low.classes);
    const { columns, rows } = summarizeResult(low).classes!;
    expect(rows.map((row) => row[columns.findIndex(({ head }) => head === 'degraded')]!.text)[0]).toBe('0.0 %');
    // The budget is the run's: the system is as it was written.
    expect(low.config.system).toEqual(full.config.system);
  });

  it('find copies that stay where the system keeps some', async () => {
    const system = { name: 'keeps', cache: { policy: 'lru', copies: { share: 0.25 } } };
    const low = await run({ classes: { batch: { budget: 'copy=0.25' } } }, { system });
    expect(low.metrics['cache.copy_hits']!.value).toBeGreaterThan(0);
    await expect(run({ classes: { batch: { budget: 'top-k=1' } } }, { system })).rejects.toThrow(
      /keeps copies that no rule of onMiss makes/,
    );
  });

  it('are not content with copies where none could be loaded, or nobody would know for whom', async () => {
    const copy = { classes: { batch: { budget: 'copy=0.25' } } };
    const cpu = { system: 'fiddler', hardware: 'rtx-3090', runtime: 'llama.cpp' };
    await expect(run(copy, cpu)).rejects.toThrow(
      /workload\.classes\.batch\.budget: copy=0\.25 is of misses that are loaded, and under fiddler the CPU computes some; take a system whose/,
    );
    await expect(run(copy, { replay: 'sequential' })).rejects.toThrow(/needs all choices of a layer at once; take replay: atomic/);
    await expect(run(copy, { hardware: '8x-h100-80g' })).rejects.toThrow(/is of experts on one GPU, and here several share them/);
  });
});

describe('classes of requests in policies and budgets', () => {
  it('are known to policies that know the future', async () => {
    const result = await run({ classes: { batch: { budget: 'skip=0.5' } } }, { system: { name: 'b', cache: { policy: 'belady' } } });
    const [, batch] = result.classes!;
    expect(batch!.choicesLost).toBeGreaterThan(0.4);
    expect(batch!.choicesLost).toBeLessThan(0.6);
    expect(result.metrics['cache.hit_rate']!.value).toBeLessThanOrEqual(result.bounds.beladyHitRate!);
  });

  it('are asked for where there are some', async () => {
    const budget = { classes: { slow: { budget: 'top-k=1' } } };
    await expect(run(budget)).rejects.toThrow('workload.classes.slow: no request is of this class; there are chat, batch');
    await expect(run({ ...budget, arrivals: 'poisson:rate=1' })).rejects.toThrow('workload.classes: no request has a class');
    await expect(run({ ...budget, arrivals: undefined, slo: undefined })).rejects.toThrow('workload.classes: no request has a class');
    await expect(run({ classes: { chat: { budget: 'top-k=0' } } })).rejects.toThrow(/workload\.classes\.chat\.budget: 'top-k=0'/);
  });
});
