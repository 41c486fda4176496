// The closed form of an event's time on several GPUs: hand-computed truths, and chunks carried out one by one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pipeline, pipelineNs, Sequence } from '../../../src/engine/parallel/pipeline.js';
import { CostModel } from '../../../src/hardware/cost.js';
import { DEGREES } from '../../../src/system/choices.js';
import { cases } from '../../cases.js';
import { wholeLink, wholeMachine, wholeModel } from '../scenario.js';
import { chunkByChunk } from './reference.js';

// One expert reads 10 bytes in 10 ns, an activation takes 4 ns: up to two are free.
const model = wholeModel([{ experts: 8, bytes: 10, activationNs: 4, denseNs: 0 }], 2, 0);
const cost = new CostModel(model, wholeMachine([wholeLink('h2d', 1)]));
const pipelineOf = (overlap: (typeof DEGREES)[number] | 'adaptive', latencyNs = 0, exchanges = true) =>
  // 4 values of 2 bytes, 1 ns a byte: 8 ns for an activation.
  new Pipeline(cost, { bandwidth: 1e9, latencyNs }, 4, overlap, { exchanges, gathered: null });

function sequence(...members: readonly (readonly [count: number, readyNs: number])[]): Sequence {
  const own = new Sequence(8);
  for (const [count, readyNs] of members) own.add(count, readyNs);
  return own;
}

const worlds = fc.record({
  gpus: fc.array(fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 300 })), { maxLength: 5 }), {
    minLength: 1,
    maxLength: 4,
  }),
  activations: fc.integer({ min: 0, max: 60 }),
  latencyNs: fc.integer({ min: 0, max: 40 }),
  startNs: fc.integer({ min: 0, max: 100 }),
});

describe('Pipeline', () => {
  it('without overlap dispatches, executes as experts arrive, and combines when the slowest GPU is done', () => {
    // Dispatch of 5 activations: 3 + 40 ns. GPU 0: 5 x 4 ns from 143; GPU 1: its expert arrives at 170.
    const pipeline = pipelineOf(1, 3);
    expect(pipeline.allToAllNs(5)).toBe(43);
    expect(pipeline.endNs(0, [sequence([5, 100]), sequence([1, 170])], 5, 100)).toBe(180 + 43);
    expect(pipeline.degree).toBe(1);
  });

  it('with two chunks executes one while the other is on its way', () => {
    // 16 activations, 8 a chunk: 64 ns an exchange, 8 x 4 = 32 ns a chunk. Sent at 64 and 128, executed at 96 and 160; the stream is busy
    // with dispatches until 128, then combines: 192 and 256. In one piece: 128 + 64 + 128 = 320.
    expect(pipelineOf(2).endNs(0, [sequence([16, 0])], 16, 0)).toBe(256);
    expect(pipelineOf(1).endNs(0, [sequence([16, 0])], 16, 0)).toBe(320);
    expect(pipelineNs(2, 64, 96, 160)).toBe(256);
  });

  it('waits for weights in the first chunk only, and for the CPU in the last', () => {
    const late = sequence([16, 1000]);
    // First chunk at 1032, second at 1064; combines at 1096 and 1160... the second behind the first: 1032 + 2 x 64.
    expect(pipelineOf(2).endNs(0, [late], 16, 0)).toBe(1160);
    const beside = sequence([16, 0]);
    beside.cpuNs = 5000;
    expect(pipelineOf(2).endNs(0, [beside], 16, 0)).toBe(5064);
  });

  it('adapts to the event: few activations are not cut, many are', () => {
    const adaptive = pipelineOf('adaptive', 20);
    adaptive.endNs(0, [sequence([1, 0])], 1, 0);
    expect(adaptive.degree).toBe(1);
    adaptive.endNs(0, [sequence([200, 0])], 200, 0);
    expect(adaptive.degree).toBeGreaterThan(1);
  });

  it('has nothing to overlap where nothing is ever sent', () => {
    const pipeline = pipelineOf(8, 20, false);
    expect(pipeline.endNs(0, [sequence([5, 7]), sequence([1, 0])], 0, 7)).toBe(27);
    expect(pipeline.degree).toBe(1);
  });
});

describe('any Pipeline', () => {
  it('is what carrying out every chunk gives, at every degree', () => {
    const property = fc.property(worlds, fc.constantFrom(...DEGREES), ({ activations, gpus, latencyNs, startNs }, degree) => {
      const ordered = gpus.map((members) => [...members].sort((a, b) => a[1] - b[1]));
      const pipeline = pipelineOf(degree, latencyNs);
      const byHand = ordered.map((members) => members.map(([count, readyNs]) => ({ readyNs, ns: cost.expertNs(0, count / degree) })));
      expect(
        pipeline.endNs(
          0,
          ordered.map((members) => sequence(...members)),
          activations,
          startNs,
        ),
      ).toBe(chunkByChunk(degree, pipeline.allToAllNs(activations / degree), startNs, byHand));
    });
    fc.assert(property, { seed: 3, numRuns: cases(500) });
  });

  it('adaptive is never slower than any fixed degree', () => {
    const property = fc.property(worlds, ({ activations, gpus, latencyNs, startNs }) => {
      const sequences = gpus.map((members) => sequence(...[...members].sort((a, b) => a[1] - b[1])));
      const ends = DEGREES.map((degree) => pipelineOf(degree, latencyNs).endNs(0, sequences, activations, startNs));
      expect(pipelineOf('adaptive', latencyNs).endNs(0, sequences, activations, startNs)).toBe(Math.min(...ends));
    });
    fc.assert(property, { seed: 4, numRuns: cases(300) });
  });
});
