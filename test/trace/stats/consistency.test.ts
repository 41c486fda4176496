// Segment routing consistency by hand, and against a count of every segment and threshold by the definition.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { openConsistency, SEGMENT } from '../../../src/trace/stats/consistency.js';
import { chunks, type RoutingTrace } from '../../../src/trace/trace.js';
import { cases } from '../../cases.js';
import { contentOf, traceOf } from '../builders.js';

function consistencyOf(trace: RoutingTrace, capacity = 1024) {
  const consistency = openConsistency(trace);
  for (const chunk of chunks(trace, capacity)) consistency.rows(chunk);
  return consistency.result();
}

const rowsOf = (experts: readonly (readonly number[])[], request = 0) => experts.map((list) => ({ request, experts: [list] }));
const repeated = (experts: readonly number[], times: number) => new Array<readonly number[]>(times).fill(experts);

describe('SRP', () => {
  it('is 1 where all tokens choose the same experts', () => {
    expect(consistencyOf(traceOf(rowsOf(repeated([0, 2], 40)), 4)).all).toBe(1);
  });

  it('by hand: one expert for 12 of 16 tokens, four others once each', () => {
    // Held alone, the first expert serves 12 of 16 choices in 16 places: 2 * 12 / (16 + 16). With all five: 2 * 16 / (80 + 16).
    const rows = rowsOf([...repeated([0], 12), [1], [2], [3], [4]]);
    expect(consistencyOf(traceOf(rows, 8)).all).toBeCloseTo(0.75, 12);
  });

  it('by hand: sixteen different experts are best held all, 2 * 16 / (16 * 16 + 16)', () => {
    const rows = rowsOf(Array.from({ length: 16 }, (_, expert) => [expert]));
    expect(consistencyOf(traceOf(rows, 16)).all).toBeCloseTo(2 / 17, 12);
  });

  it('segments start at every token and stay within a request', () => {
    // Request 0: 16 tokens of expert 0, then one of expert 1: segments of 16 and of 15 + 1. Request 1 is too short to have any.
    const rows = [...rowsOf([...repeated([0], 16), [1]]), ...rowsOf(repeated([1], 15), 1)];
    // Threshold 15: held twice (32 places), served 31 of 32 choices.
    expect(consistencyOf(traceOf(rows, 2)).all).toBeCloseTo((2 * 31) / (32 + 32), 12);
  });

  it('layers share a threshold in all, and have their own by layer', () => {
    // Layer 0: one expert always. Layer 1: 16 different ones. Threshold 1 serves all 32 in 16 + 256 places; threshold 2 serves 16 in 16.
    const rows = Array.from({ length: 16 }, (_, expert) => ({ experts: [[0], [expert]] }));
    const { all, byLayer } = consistencyOf(traceOf(rows, 16));
    expect(byLayer[0]).toBe(1);
    expect(byLayer[1]).toBeCloseTo(2 / 17, 12);
    expect(all).toBeCloseTo((2 * 16) / (16 + 32), 12);
  });

  it('is unknown where no request is as long as a segment', () => {
    expect(consistencyOf(traceOf(rowsOf(repeated([0], SEGMENT - 1)), 2))).toEqual({ all: null, byLayer: [null] });
  });

  it('agrees with a count of every segment, expert and threshold, however the rows are cut', () => {
    const shape = fc.record({
      experts: fc.integer({ min: 1, max: 6 }),
      tokens: fc.integer({ min: 1, max: 60 }),
      layers: fc.integer({ min: 1, max: 3 }),
      seed: fc.integer(),
      capacity: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(shape, ({ experts, tokens, layers, seed, capacity }) => {
        const random = new Random(seed, 'consistency');
        const topK = 1 + random.below(experts);
        const choose = () => {
          const first = random.below(experts);
          return Array.from({ length: topK }, (_, k) => (first + k) % experts);
        };
        const rows = Array.from({ length: tokens }, (_, token) => ({
          request: Math.floor(token / 25),
          experts: Array.from({ length: layers }, choose),
        }));
        const trace = traceOf(rows, experts);
        const result = consistencyOf(trace, capacity);
        const expected = counted(trace);
        if (expected === null) expect(result.all).toBeNull();
        else expect(result.all).toBeCloseTo(expected, 12);
      }),
      { numRuns: cases(60) },
    );
  });
});

/** The definition, without a shortcut. */
function counted(trace: RoutingTrace): number | null {
  const { experts } = contentOf(trace).columns;
  const { layers, topK } = trace;
  const counts: number[] = [];
  for (const { start, prefill, decode } of trace.requests) {
    for (let from = start; from + SEGMENT <= start + prefill + decode; from++) {
      for (let layer = 0; layer < layers; layer++) {
        for (let expert = 0; expert < trace.expertsPerLayer[layer]!; expert++) {
          let uses = 0;
          for (let token = from; token < from + SEGMENT; token++) {
            const at = (token * layers + layer) * topK;
            if (experts.slice(at, at + topK).includes(expert)) uses++;
          }
          counts.push(uses);
        }
      }
    }
  }
  const choices = counts.reduce((sum, uses) => sum + uses, 0);
  if (choices === 0) return null;
  return Math.max(
    ...Array.from({ length: SEGMENT + 1 }, (_, threshold) => {
      const held = counts.filter((uses) => uses >= threshold);
      return (2 * held.reduce((sum, uses) => sum + uses, 0)) / (held.length * SEGMENT + choices);
    }),
  );
}
