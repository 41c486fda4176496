// What stays and what it is worth: truths counted by hand, laws on the bundled recordings, and what is refused.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/door.js';
import { demandOf, mixed, sumOf, windowsOf } from '../../src/place/demand.js';
import { exllamav3 } from '../../src/place/formats/exllamav3.js';
import { besidePath } from '../../src/place/formats/index.js';
import { balancedHomes, imbalanceOf, linearHomes } from '../../src/place/homes.js';
import { answerPlacement, type PlaceRequest } from '../../src/place/place.js';
import { placeReports } from '../../src/place/report.js';
import { residentBytes, residentsOf, slotsFor } from '../../src/place/residents.js';
import { captureOf, driftOf, scoreOf } from '../../src/place/score.js';
import type { RunWith } from '../../src/place/speed.js';
import { checkRun } from '../../src/system/door.js';
import { openTrace } from '../../src/trace/open/open.js';
import { shapeOf } from '../../src/trace/open/traced-model.js';
import { rowsNamed } from '../../src/trace/selection.js';
import { refusal } from '../support/own-parts.js';
import { fileOf, safetensorsBytes, temporaryFolder } from '../trace/builders.js';

const folder = temporaryFolder();
const MINI = 'mini-finegrained-64x12l';
const model = loadModel(MINI);
const runWith: RunWith = (values) => checkRun({}, 'test', values);
const request: PlaceRequest = {
  parts: [{ named: MINI, weight: 1 }],
  judged: [],
  by: 'counts',
  holdOut: 0.5,
  inSample: false,
  split: 'even',
  slots: '25%',
  engine: null,
  parallel: null,
  priced: false,
};
const ask = (more: Partial<PlaceRequest>) => answerPlacement({ ...request, ...more }, runWith, {}, 'FILE');

/** Two layers of four experts; each token takes two. */
const tiny = shapeOf({ path: 'tiny', expertsPerLayer: [4, 4], topK: 2 });
const windowOf = (demand: readonly number[]) => ({ position: 0, tokens: 10, demand: Float64Array.from(demand) });

describe('a set of experts', () => {
  const demand = Float64Array.from([5, 1, 3, 1, 4, 4, 1, 1]);

  it('has the most wanted of each layer, ties by their number', () => {
    expect([...residentsOf(tiny, demand, [2, 1])]).toEqual([1, 0, 1, 0, 1, 0, 0, 0]);
  });

  it('is divided evenly, by skew, or by layers', () => {
    expect(slotsFor(tiny, demand, 4, 'even')).toEqual([2, 2]);
    // Three slots: 5 + 4 + 4 of demand rather than 5 + 3 + 4.
    expect(slotsFor(tiny, demand, 3, 'skew')).toEqual([1, 2]);
    expect(slotsFor(tiny, demand, 7, 'first-layers')).toEqual([4, 0]);
    expect(slotsFor(tiny, demand, 7, 'last-layers')).toEqual([0, 4]);
    // Both layers have ten; the hotter two of the first have 8, those of the second 8: the first stands first.
    expect(slotsFor(tiny, demand, 4, 'flat-layers')).toEqual([4, 0]);
    expect(slotsFor(tiny, Float64Array.from([9, 1, 0, 0, 4, 3, 2, 1]), 4, 'flat-layers')).toEqual([0, 4]);
    expect(residentBytes(tiny, [1, 2])).toBe(3);
  });

  it('captures what is counted by hand', () => {
    const resident = residentsOf(tiny, demand, [1, 1]);
    const windows = [
      windowOf([4, 0, 0, 0, 0, 4, 0, 0]),
      windowOf([0, 4, 0, 0, 4, 0, 0, 0]),
      windowOf([4, 0, 0, 0, 4, 0, 0, 0]),
      windowOf([4, 0, 0, 0, 0, 4, 0, 0]),
    ];
    // Expert 0 of layer 0: 12 of 16; expert 0 of layer 1: 8 of 16. The best set has 12 and 8; chance a quarter.
    expect(scoreOf(tiny, resident, windows)).toMatchObject({
      tokens: 40,
      windows: 4,
      captured: 20 / 32,
      uniform: 0.25,
      oracle: 20 / 32,
      headroom: 1,
    });
    expect(scoreOf(tiny, residentsOf(tiny, demand, [0, 0]), windows)).toMatchObject({ captured: 0, uniform: 0, oracle: 0, headroom: null });
    // Experts 3 of both layers are never asked for: (0 - 8) / (20 - 8) of the headroom.
    expect(scoreOf(tiny, Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 1]), windows)!.headroom).toBeCloseTo(-2 / 3, 12);
    expect(scoreOf(tiny, resident, windows.slice(1))).toBeNull();
  });

  it('drifts where later text asks for others', () => {
    const early = windowOf([8, 0, 0, 0, 8, 0, 0, 0]);
    const late = windowOf([0, 8, 0, 0, 0, 8, 0, 0]);
    const resident = Uint8Array.from([1, 0, 0, 0, 1, 0, 0, 0]);
    expect(driftOf(tiny, resident, Array(8).fill(early))).toMatchObject({ first: 1, second: 1, rebuilt: 1, gain: 0, rebuild: false });
    expect(driftOf(tiny, resident, Array(8).fill(late))).toMatchObject({ first: 0, second: 0, rebuilt: 1, gain: 1, rebuild: true });
    expect(driftOf(tiny, resident, Array(7).fill(late))).toBeNull();
  });

  it('is mixed by layer, whatever the length of the texts', () => {
    const long = Float64Array.from([100, 0, 0, 0, 0, 100, 0, 0]);
    const short = Float64Array.from([0, 1, 0, 0, 0, 0, 1, 0]);
    expect([
      ...mixed(tiny, [
        { weight: 1, demand: long },
        { weight: 3, demand: short },
      ]),
    ]).toEqual([1, 3, 0, 0, 0, 1, 3, 0]);
    expect(mixed(tiny, [{ weight: 5, demand: long }])).toBe(long);
  });
});

describe('demand', () => {
  it('is that of generated tokens, with gate weights where they are asked for', async () => {
    const experts = Uint8Array.from([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    const weights = Float32Array.from([0.75, 0.25, 0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.875, 0.125, 0.5, 0.5]);
    const columns = {
      experts: { dtype: 'U8', shape: [3, 2, 2], data: experts },
      weights: { dtype: 'F32', shape: [3, 2, 2], data: new Uint8Array(weights.buffer) },
    };
    const phase = { dtype: 'U8', shape: [3], data: Uint8Array.from([0, 1, 1]) };
    const trace = await openTrace(
      fileOf(folder, 'weighed.safetensors', safetensorsBytes({ ...columns, phase }, { format: 'moeprof.trace/1', num_experts: '4' })),
    );
    expect([...demandOf(trace, tiny, 'counts')]).toEqual([2, 2, 0, 0, 0, 0, 2, 2]);
    expect([...demandOf(trace, tiny, 'weights')]).toEqual([1.625, 0.375, 0, 0, 0, 0, 1, 1]);
    expect(windowsOf(trace, tiny).map(({ position, tokens }) => [position, tokens])).toEqual([[1, 2]]);
    trace.close();
  });

  it('is the same in windows as in whole', async () => {
    const trace = await openTrace(`profiles/traces/${MINI}.safetensors`);
    const windows = windowsOf(trace, model);
    expect(sumOf(windows, model.experts)).toEqual(demandOf(trace, model, 'counts'));
    expect(windows.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(3495);
    expect(await refusal(() => demandOf(trace, model, 'weights'))).toMatch(/has no gate weights; record them, or take --by counts/);
    trace.close();
  });
});

describe('homes on several GPUs', () => {
  it('share the work as counted by hand', () => {
    const one = shapeOf({ path: 'one', expertsPerLayer: [4], topK: 1 });
    const demand = Float64Array.from([8, 1, 1, 2]);
    expect(linearHomes(one, 2, 0)).toEqual([
      [
        [0, 1],
        [2, 3],
      ],
    ]);
    // 9 of 12 on the first GPU, whose mean is 6.
    expect(imbalanceOf(one, linearHomes(one, 2, 0), demand)).toBe(1.5);
    // Two further slots: one for expert 0, 4 each; then 2, 1 and 1 of the others, of which expert 3 has a second copy, too.
    expect(balancedHomes(one, demand, 2, 2)).toEqual([
      [
        [0, 1, 3],
        [0, 2, 3],
      ],
    ]);
    expect(imbalanceOf(one, balancedHomes(one, demand, 2, 2), demand)).toBe(1);
  });

  it('are never shared worse on the counted text than by neighbours, and hold each expert', () => {
    const demand = Float64Array.from({ length: model.experts }, (_, id) => ((id * 7919) % 97) ** 2);
    for (const [gpus, redundant] of [
      [2, 0],
      [4, 4],
      [8, 8],
      [8, 24],
    ] as const) {
      const homes = balancedHomes(model, demand, gpus, redundant);
      for (const layer of homes) {
        expect(new Set(layer.flat()).size).toBe(64);
        expect(layer.map((own) => own.length)).toEqual(Array(gpus).fill((64 + redundant) / gpus));
        expect(layer.every((own) => new Set(own).size === own.length)).toBe(true);
      }
      expect(imbalanceOf(model, homes, demand)).toBeLessThanOrEqual(imbalanceOf(model, linearHomes(model, gpus, redundant), demand));
    }
  });
});

describe('a placement of a recording', () => {
  it.each(['even', 'skew'] as const)(
    'lies between nothing and the best set, %s',
    async (split) => {
      for (const slots of ['25%', '100%']) {
        const { placement } = await ask({ split, slots });
        const { captured, oracle, uniform } = placement.score!;
        expect(captured).toBeLessThanOrEqual(oracle + 1e-12);
        expect(uniform).toBeLessThanOrEqual(oracle + 1e-12);
        expect(placement.residents.flat()).toHaveLength(slots === '25%' ? 192 : 768);
        // Belady over as many bytes is above every fixed set.
        expect(placement.domains[0]!.caches!.at(-1)!.hitRate).toBeGreaterThan(0);
        if (slots === '100%') expect(captured).toBe(1);
      }
    },
    60_000,
  );

  it('is at its best on the text that it was counted on, which it says', async () => {
    const { placement } = await ask({ inSample: true });
    expect(placement).toMatchObject({ inSample: true, score: { headroom: 1 } });
    const table = placeReports[0].render(placement, { color: false, unicode: true, width: 80, verbose: true });
    expect(table).toContain('in sample');
    expect(table).toContain('captured');
  });

  it('draws a map of layers by experts, and capture against slots', async () => {
    const { placement } = await ask({});
    const page = placeReports.find(({ name }) => name === 'html') as unknown as { load(): Promise<(value: typeof placement) => string> };
    const text = await (await page.load())(placement);
    expect(text).toContain('Experts that stay: strong if asked for, faint if idle');
    expect(text).toContain('Capture against slots');
    expect(placement.curve.at(-1)).toEqual({ share: 1, captured: 1, uniform: 1, oracle: 1 });
  });

  it('is priced beside other uses of the same bytes', async () => {
    const priced: RunWith = (values) =>
      checkRun({}, 'test', [
        { path: ['hardware'], value: 'rtx-3060+ryzen-5-5600x+2xddr4-3200+64GB', label: 'test' },
        { path: ['workload', 'tokens'], value: 200, label: 'test' },
        ...values,
      ]);
    const { placement } = await answerPlacement({ ...request, priced: true, engine: exllamav3 }, priced, {}, 'FILE.json');
    const ways = placement.ways!;
    expect(ways.map(({ name }) => name)).toEqual([
      'this placement',
      'any experts',
      'the last layers',
      'no experts',
      'LRU cache',
      'cache by frequency',
      'hot cache, CPU for misses',
    ]);
    const by = Object.fromEntries(ways.map((way) => [way.name, way]));
    expect(by['this placement']!.hitRate).toBeGreaterThan(by['any experts']!.hitRate);
    expect(by['no experts']!.hitRate).toBe(0);
    expect(placement.file!.use).toBe('-mcp FILE.json -mcpm static -mcs 48');
  }, 60_000);
});

describe('a file of 4,000 tokens', () => {
  const rows = (from: number, to: number) => ({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), from, to });

  it('is counted on all of them, its figures on the first half, and it holds both', async () => {
    const trace = await openTrace(`profiles/traces/${MINI}.safetensors`);
    const [whole, half] = [`#0:4000`, `#0:2057`].map((named) => demandOf(rowsNamed(trace, named, MINI), model, 'counts'));
    const { placed, placement } = await ask({ parts: [{ named: `${MINI}#0:4000`, weight: 1 }], engine: exllamav3 });
    expect(placed.demand).toEqual(whole);
    expect(placed.fingerprint.counted).toEqual([rows(0, 4000)]);
    const { captured } = placement.score!;
    expect(placed.fingerprint.heldOut).toEqual({ captured, counted: [rows(0, 2057)], judged: [rows(2057, 4000)] });
    const asked = demandOf(rowsNamed(trace, '#2057:4000', MINI), model, 'counts');
    expect(captured).toBe(captureOf(residentsOf(model, half!, placed.slots), asked));
    const [text] = placeReports[0].render(placement, { color: false, unicode: true, width: 400, verbose: false }).split('\n\n');
    expect(text!.replace(/\s+/g, ' ')).toContain(
      'The file is counted on all of that; its figures are those of one counted on the first 51 %, judged by the rest',
    );
    trace.close();
  });

  it('captures of later text what counting all of them captures, and is judged by none of them', async () => {
    const path = join(folder, 'all.json');
    const { placed } = await ask({ parts: [{ named: `${MINI}#0:4000`, weight: 1 }], engine: exllamav3 });
    writeFileSync(path, exllamav3.write(placed, path));
    writeFileSync(besidePath(path), JSON.stringify(placed.fingerprint));
    const judge = (part: string, judged: string) => ask({ parts: [{ named: part, weight: 1 }], judged: [judged], slots: 'auto' });
    const later = (await judge(path, `${MINI}#4000:`)).placement.score!.captured;
    const direct = (slots: string) => ask({ parts: [{ named: slots, weight: 1 }], judged: [`${MINI}#4000:`] });
    expect(later).toBe((await direct(`${MINI}#0:4000`)).placement.score!.captured);
    expect(later).toBeGreaterThan((await direct(`${MINI}#0:2057`)).placement.score!.captured);
    expect(await refusal(() => judge(path, `${MINI}#3000:4000`))).toMatch(/was counted in .*all\.json, whose score on it says nothing/);
  });
});

describe('what is refused', () => {
  const part = (named: string) => [{ named, weight: 1 }];

  it.each<[what: string, more: Partial<PlaceRequest>, message: RegExp]>([
    [
      'counted rows',
      { parts: part(`${MINI}#0:4000`), judged: [`${MINI}#3999:6000`] },
      /was counted in .*#0:4000, whose score on it says nothing; .*--in-sample/,
    ],
    ['drawn text', { parts: part('synthetic') }, /synthetic: a placement is made from a recording/],
    ['GPUs that do not divide', { parallel: { gpus: 7, redundant: 0 } }, /--gpus 7: 64 slots of a layer do not divide; take --redundant 6/],
    [
      'skew where all layers have as many',
      { split: 'skew', engine: exllamav3 },
      /--split skew: exllamav3 keeps as many experts of each layer/,
    ],
    ['layers where experts are known', { split: 'last-layers', engine: exllamav3 }, /exllamav3 knows experts; take --split even/],
    ['a text that is not there', { parts: part(join(folder, 'none.safetensors')) }, /none\.safetensors/],
  ])('%s', async (_, more, message) => {
    expect(await refusal(() => ask(more))).toMatch(message);
  });

  it('a score of fewer than four windows', async () => {
    const { placement } = await ask({ parts: part(`${MINI}#0:600`), judged: [`${MINI}#600:800`] });
    expect(placement.score).toBeNull();
    expect(placeReports[0].render(placement, { color: false, unicode: true, width: 80, verbose: false })).toContain(
      'fewer than 4 windows: no score',
    );
  });
});
