// The weights of `recency-frequency` are what a fit to the first fifths of the bundled recordings gives. On the rest they hit more than recency
// or frequency alone.
import { expect, it } from 'vitest';
import { LogisticFit } from '../../../src/base/logistic-fit.js';
import { findProfile } from '../../../src/base/profiles.js';
import { Random } from '../../../src/base/random.js';
import { curveFor } from '../../../src/capacity/curve-request.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { heldOutRows } from '../../../src/trace/selection.js';
import { chunks } from '../../../src/trace/trace.js';

const TRACES = ['mini-finegrained-64x12l', 'mini-mixtral-8x8l'];
const HALF_LIFE = 128;
/** Pairs of a step, and rows before the first: before them hardly any expert has been used. */
const PAIRS = 32;

/** Uses of the experts of each layer: `uses[layer][row]`, of the rows before those that runs replay. */
async function usesOf(name: string): Promise<{ uses: number[][][]; experts: number }> {
  const trace = await openTrace(findProfile('traces', name));
  const uses: number[][][] = Array.from({ length: trace.layers }, () => []);
  for (const { experts, tokens } of chunks(trace, 256, 0, heldOutRows(trace, 0.2))) {
    for (let at = 0, row = 0; row < tokens; row++) for (const layer of uses) layer.push([...experts.subarray(at, (at += trace.topK))]);
  }
  trace.close();
  return { uses, experts: trace.expertsPerLayer[0]! };
}

/** Logistic regression of which of two experts of a layer is used sooner: its ratio of the weights of recency and frequency. */
async function ratioOf(name: string): Promise<number> {
  const { uses, experts } = await usesOf(name);
  const fit = new LogisticFit([0, 0]);
  const random = new Random(1, 'eviction');
  const draw = (of: number): number => Math.floor(random.next() * of);
  const states = uses.map(() => ({ last: new Array<number>(experts).fill(-1), count: new Array<number>(experts).fill(0) }));
  for (let row = 0; row < uses[0]!.length; row++) {
    for (const [layer, { count, last }] of states.entries()) {
      for (let expert = 0; expert < experts; expert++) count[expert]! *= 2 ** (-1 / HALF_LIFE);
      for (const expert of uses[layer]![row]!) [last[expert], count[expert]] = [row, count[expert]! + 1];
    }
    if (row < PAIRS) continue;
    const layer = draw(states.length);
    const { count, last } = states[layer]!;
    const later = uses[layer]!.slice(row + 1);
    const next = last.map((_, expert) => later.findIndex((one) => one.includes(expert))).map((at) => (at < 0 ? later.length : at));
    const columns = [new Float64Array(PAIRS), new Float64Array(PAIRS)];
    const sooner = new Uint8Array(PAIRS);
    let pair = 0;
    for (let tries = 0; tries < 8 * PAIRS && pair < PAIRS; tries++) {
      const [a, b] = [draw(experts), draw(experts)];
      // Both have been used before, and one of them is used sooner.
      if (last[a]! < 0 || last[b]! < 0 || next[a] === next[b]) continue;
      columns[0]![pair] = Math.log2((1 + row - last[a]!) / (1 + row - last[b]!));
      columns[1]![pair] = Math.log2((1 + count[a]!) / (1 + count[b]!));
      sooner[pair++] = Number(next[a]! < next[b]!);
    }
    fit.step(columns, sooner, pair);
  }
  return -fit.weights[0]! / fit.weights[1]!;
}

it.each(TRACES)('%s gives a ratio near the default', { timeout: 300_000 }, async (name) => {
  const ratio = await ratioOf(name);
  expect(ratio).toBeGreaterThan(0.2);
  expect(ratio).toBeLessThan(0.5);
});

it('hits more than recency or frequency alone, on rows that it was not fitted on', { timeout: 300_000 }, async () => {
  const policies = ['lru', 'lfu', 'lfu-decay', 'lecar', 'recency-frequency'];
  const run = { trace: 'mini-finegrained-64x12l', workload: { tokens: 2000, holdOut: '20%' } };
  const { policies: curves } = await curveFor(run, { policies, capacities: '12.5%,25%,50%', scope: 'layer', threads: 0 });
  const learned = curves.find(({ name }) => name === 'recency-frequency')!.points;
  for (const { name, points } of curves) {
    if (name === 'recency-frequency') continue;
    for (const [at, { hitRate }] of points.entries()) expect(learned[at]!.hitRate, `${name}, size ${at}`).toBeGreaterThan(hitRate);
  }
});
