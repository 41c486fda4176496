// The ranking of a layer's experts, against a plain sort, over predictions that follow one another.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { it } from 'vitest';
import { Ranking } from '../../src/engine/prefetch/ranking.js';
import { cases } from '../cases.js';
import { modelOf } from '../trace/builders.js';

it('is what sorting all experts by score gives, ties by id, whatever was ranked before', () => {
  const model = modelOf([
    { experts: 3, topK: 1 },
    { experts: 40, topK: 2 },
  ]);
  const score = fc.oneof(fc.constant(0), fc.constantFrom(0.25, 0.5, 1, 2 ** -14), fc.float({ min: 0, max: 1, noNaN: true }));
  const predictions = fc.array(fc.record({ layer: fc.nat(1), scores: fc.array(score, { minLength: 43, maxLength: 43 }) }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(predictions, fc.integer({ min: 1, max: 12 }), (all, width) => {
      const scores = new Float32Array(model.experts);
      const ranking = new Ranking(model, width, scores);
      for (const { layer, scores: given } of all) {
        scores.set(given);
        const { offset, experts } = model.layers[layer]!;
        const ids = Array.from({ length: experts }, (_, e) => offset + e).filter((id) => scores[id]! > 0);
        const best = ids.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, width);
        assert.equal(ranking.rank(layer), best.length);
        assert.deepEqual([...ranking.ids.subarray(layer * width, layer * width + best.length)], best);
        for (let e = 0; e < experts; e++) assert.equal(ranking.placeOf(offset + e), best.indexOf(offset + e));
      }
    }),
    { seed: 3, numRuns: cases(400) },
  );
});
