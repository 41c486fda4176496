// Continuous batching with chunked prefill: which tokens run together, and that every token runs exactly once.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { staticBatch } from '../../src/schedule/fcfs.js';
import { parseScheduler } from '../../src/schedule/index.js';
import { cases } from '../cases.js';
import { passesOf, traceOf } from './fixtures.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

/** `request:tokens` of every pass. */
function composition(
  lengths: readonly { prefill: number; decode: number }[],
  batch: number,
  maxTokensPerPass: number,
  scheduler = 'fcfs',
): string[] {
  const trace = traceOf(lengths);
  const passes = passesOf(trace, trace.requests, scheduler, batch, maxTokensPerPass);
  const seen: string[] = [];
  while (passes.next(0) >= 0) {
    seen.push(passes.shares.map(({ request, tokens }) => `${request.index}:${tokens}`).join(' '));
    passes.done(0);
  }
  return seen;
}

describe('fcfs', () => {
  it('a prompt runs in one pass, then one token a pass', () => {
    expect(composition([{ prefill: 5, decode: 2 }], 1, 512)).toEqual(['0:5', '0:1', '0:1']);
  });

  it('prompts longer than the budget are cut into chunks', () => {
    expect(composition([{ prefill: 5, decode: 1 }], 1, 2)).toEqual(['0:2', '0:2', '0:1', '0:1']);
  });

  it('decode tokens go first, the rest of the budget to prompts in order of arrival', () => {
    const lengths = [
      { prefill: 3, decode: 3 },
      { prefill: 4, decode: 1 },
      { prefill: 4, decode: 0 },
    ];
    // Budget 4. First 0's prompt and one token of 1's; then 0 decodes and 1 gets 3; then 0 and 1 decode and 2, which waited for nobody
    // (batch 3), gets 2 and, when 1 is done, 2 more beside 0's last token.
    expect(composition(lengths, 3, 4)).toEqual(['0:3 1:1', '0:1 1:3', '0:1 1:1 2:2', '0:1 2:2']);
  });

  it('a place that becomes free is taken in the next pass', () => {
    const lengths = [
      { prefill: 0, decode: 1 },
      { prefill: 0, decode: 3 },
      { prefill: 2, decode: 1 },
    ];
    expect(composition(lengths, 2, 512)).toEqual(['0:1 1:1', '1:1 2:2', '1:1 2:1']);
  });

  it('a budget smaller than the batch lets the later requests wait, and serves them all', () => {
    const lengths = [
      { prefill: 0, decode: 2 },
      { prefill: 0, decode: 1 },
    ];
    expect(composition(lengths, 2, 1)).toEqual(['0:1', '0:1', '1:1']);
  });
});

describe('fcfs with any requests', () => {
  it('every row of every request runs exactly once and in order, within all limits', () => {
    const length = fc.record({ prefill: fc.integer({ min: 0, max: 30 }), decode: fc.integer({ min: 0, max: 12 }) });
    const requests = fc
      .array(length, { minLength: 1, maxLength: 12 })
      .map((all) => all.filter(({ prefill, decode }) => prefill + decode > 0))
      .filter((all) => all.length > 0);
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), (lengths, batch, budget) => {
        const trace = traceOf(lengths);
        const passes = passesOf(trace, trace.requests, 'fcfs', batch, budget);
        const next = lengths.map(() => 0);
        const { pass } = passes;
        while (passes.next(0) >= 0) {
          assert.ok(pass.tokens > 0);
          assert.ok(pass.tokens <= budget);
          assert.ok(pass.sequences <= batch);
          assert.equal(new Set(pass.slot.subarray(0, pass.tokens)).size, pass.sequences);
          assert.ok(pass.slot.subarray(0, pass.tokens).every((slot) => slot < batch));
          let decoded = 0;
          for (let token = 0; token < pass.tokens; token++) {
            const request = pass.request[token]!;
            assert.equal(pass.position[token], next[request]);
            // The row is the right one: token t of the trace chose expert t mod 50.
            assert.equal(pass.choices[token], (trace.requests[request]!.start + next[request]!) % 50);
            if (next[request]! >= lengths[request]!.prefill) decoded++;
            next[request]! += 1;
          }
          assert.equal(pass.decodeTokens, decoded);
          passes.done(0);
        }
        assert.deepEqual(
          next,
          lengths.map(({ prefill, decode }) => prefill + decode),
        );
      }),
      { seed: 3, numRuns: cases(150) },
    );
  });
});

describe('static batches that are gathered', () => {
  const lengths = Array.from({ length: 5 }, () => ({ prefill: 0, decode: 2 }));

  it('share a pass, so many at a time, and nobody joins before they are done', () => {
    expect(composition(lengths, 2, 512, 'static')).toEqual(['0:1 1:1', '0:1 1:1', '2:1 3:1', '2:1 3:1', '4:1', '4:1']);
    const together = ['0:1 1:1 2:1 3:1', '0:1 1:1 2:1 3:1', '4:1', '4:1'];
    expect(composition(lengths, 2, 512, 'static:gather=2')).toEqual(together);
    // A pass holds a token of each.
    expect(composition(lengths, 2, 4, 'static:gather=8')).toEqual(together);
  });

  it('attend batch by batch', () => {
    const { parameters } = parseScheduler('static:gather=3');
    expect(staticBatch.running!({ batch: 2, maxTokensPerPass: 512 }, parameters)).toBe(6);
    expect(staticBatch.attending!({ batch: 2, maxTokensPerPass: 512 }, parameters)).toBe(2);
  });
});
