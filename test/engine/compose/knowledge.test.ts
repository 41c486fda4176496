// L17: what a run knew beyond what had happened stands in its result, whichever part knew it, and marks its row in every table.
import { describe, expect, it, vi } from 'vitest';
import { POLICIES } from '../../../src/cache/policies/index.js';
import { simulate } from '../../../src/engine/simulate.js';
import { PREDICTORS } from '../../../src/predict/predictors/index.js';
import { rankingReports } from '../../../src/report/ranking/ranking.js';
import { tableReport } from '../../../src/report/summary/run.js';
import { markOf } from '../../../src/result/knowledge.js';
import { parseResult } from '../../../src/result/read.js';
import type { Result } from '../../../src/result/result.js';
import { SCHEDULERS } from '../../../src/schedule/index.js';
import type { RunInput } from '../../../src/system/run.js';
import { describedSystems } from '../../system/page.js';

vi.setConfig({ testTimeout: 120_000 });

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };
const run = (more: RunInput): Promise<Result> =>
  simulate({ trace: 'mini-mixtral-8x8l', hardware: 't4', workload: { tokens: 24 }, bounds: false, audit: 'off', ...more });
const withCache = { memory: { expertCache: '25%' } };

/** What the bundled systems are told that no system can know; all others know what has happened, and no more. */
const TOLD: Readonly<Record<string, 'published' | 'future'>> = {
  adapmoe: 'published',
  buddymoe: 'published',
  dali: 'published',
  'expertflow-shen': 'published',
  fate: 'published',
  hobbit: 'published',
  hybrimoe: 'published',
  'mixtral-offloading': 'published',
  'moe-speq': 'published',
  'moe-beyond': 'published',
  'od-moe': 'published',
  'pre-attention': 'published',
  promoe: 'published',
  'sp-moe': 'published',
  specmd: 'published',
  'pre-gated-moe': 'future',
  'read-me': 'future',
  sida: 'future',
};

describe('L17 a row with truth in any part is marked', () => {
  it('of every bundled system', async () => {
    const results: Result[] = [];
    for (const { name, spec } of describedSystems()) {
      // Choosing among candidates needs a wider trace.
      const routing: RunInput = spec.rerank === undefined ? {} : { model: 'mini-mixtral-8x8l', trace: 'synthetic' };
      results.push(await run({ ...routing, system: name, ...(spec.cache.capacity === undefined ? withCache : {}) }));
    }
    for (const result of results)
      expect([result.inputs.system, result.knowledge!.most]).toEqual([result.inputs.system, TOLD[result.inputs.system] ?? 'nothing']);
    const markdown = rankingReports[3].render(results, OPTIONS).split('\n');
    for (const result of results.filter(({ knowledge }) => knowledge!.most !== 'nothing')) {
      const { system } = result.inputs;
      const mark = markOf(result)!;
      expect(mark).toMatch(/^(sees the future|stand-in: published recall \.\d+)$/);
      expect(
        markdown.find((line) => line.startsWith(`| ${system} |`) || line.startsWith(`| ${system}\\* |`)),
        system,
      ).toContain(`| ${mark} |`);
      expect(tableReport.render(result, OPTIONS).replace(/\s+/g, ' '), system).toContain(`knows ${mark}`);
    }
  });

  it('of every predictor that is told the truth', async () => {
    const workload = { tokens: 24, speculation: { draft: 2, acceptance: 0.5 } };
    for (const { knows, name } of PREDICTORS.filter(({ needs, name }) => name !== 'onnx' && !needs?.includes('predicted'))) {
      const { knowledge } = await run({ system: { name: 'x', predictor: name }, workload, ...withCache });
      // That these are told the truth, and no others, is what the tests of the family find.
      const told = { draft: 'published', gate: 'published', oracle: 'future', 'pre-gated': 'future' }[name as string];
      expect([name, knowledge!.most], String(knows)).toEqual([name, told ?? 'nothing']);
    }
  });

  it('of every policy and scheduler that is told the future', async () => {
    for (const { name, needs } of POLICIES.filter(
      (policy) => !policy.needs?.includes('weights') && !policy.needs?.includes('popularity'),
    )) {
      const result = await run({ system: { name: 'x', cache: { policy: name } }, ...withCache });
      expect([name, result.knowledge!.most]).toEqual([name, needs?.includes('future') ? 'future' : 'nothing']);
    }
    const workload = { tokens: 24, batch: 2 };
    for (const { name, needs, parameters } of SCHEDULERS) {
      const result = await run({ system: { name: 'x', scheduler: name }, workload, ...withCache });
      const told = needs?.includes('paths') && parameters?.paths?.default === 'next';
      expect([name, result.knowledge!.most]).toEqual([name, told ? 'future' : 'nothing']);
    }
    const told = await run({ system: { name: 'x', scheduler: 'expertflow:paths=next' }, workload, ...withCache });
    expect(told.knowledge!.parts).toEqual([{ part: 'scheduler', name: 'expertflow', knows: 'future' }]);
  });
});

describe('L17 a row is marked', () => {
  it('of counts of the very tokens that are replayed, or of later ones, not of earlier ones', async () => {
    const trace = 'mini-mixtral-8x8l#200:400';
    expect((await run({ trace, system: 'fiddler', workload: {}, ...withCache })).knowledge!.most).toBe('nothing');
    const countedOn = async (popularity: string) => {
      const system = { name: 'x', cache: { policy: 'static', popularity } };
      return (await run({ trace, system, workload: {}, ...withCache })).knowledge!.parts;
    };
    const future = [{ part: 'cache.popularity', name: 'of the replayed tokens or later ones', knows: 'future' }];
    expect(await countedOn(trace)).toEqual(future);
    expect(await countedOn('mini-mixtral-8x8l#400:500')).toEqual(future);
    expect(await countedOn('mini-mixtral-8x8l#199:201')).toEqual(future);
    expect(await countedOn('mini-mixtral-8x8l#0:200')).toEqual([]);
  });

  it('of a predictor that was trained on the very tokens that are replayed, or on later ones', async () => {
    const trace = 'mini-mixtral-8x8l#200:400';
    const trainedOn = async (train: string) => {
      const system = { name: 'x', predictor: { kind: 'transition', train: [train] } };
      return (await run({ trace, system, workload: {}, ...withCache })).knowledge!.most;
    };
    expect(await trainedOn('mini-mixtral-8x8l#0:200')).toBe('nothing');
    expect(await trainedOn('mini-mixtral-8x8l#300:400')).toBe('future');
    expect(await trainedOn('mini-mixtral-8x8l#400:500')).toBe('future');
  });
});

describe('L17 the mark of a row begins', () => {
  it('with the part that knows most first, in the file too', async () => {
    const system = { name: 'x', predictor: 'gate:recall=0.9', cache: { policy: 'belady' } };
    const result = await run({ system, ...withCache });
    expect(result.knowledge).toEqual({
      most: 'future',
      parts: [
        { part: 'cache.policy', name: 'belady', knows: 'future' },
        { part: 'predictor', name: 'gate', knows: 'published', recall: 0.9, precision: 0.9, source: 'arXiv 2501.10375' },
      ],
    });
    expect(parseResult(JSON.stringify(result), 'x.json').knowledge).toEqual(result.knowledge);
  });
});
