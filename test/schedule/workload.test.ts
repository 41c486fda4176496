// From a trace to requests: whole ones, cut ones, and users who send the next when the last is answered.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ClosedLoop, walksOf } from '../../src/schedule/workload.js';
import { cases } from '../cases.js';
import { traceOf } from './fixtures.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const two = traceOf([
  { prefill: 4, decode: 6 },
  { prefill: 2, decode: 8 },
]);

describe('walksOf', () => {
  it('takes the requests as they are', () => {
    expect(walksOf(two, 20, 2)).toEqual({
      walks: [
        { start: 0, prefill: 4, decode: 6 },
        { start: 10, prefill: 2, decode: 8 },
      ],
      cut: false,
    });
  });

  it('ends where the tokens end, in the middle of a prompt if need be', () => {
    expect(walksOf(two, 11, 1).walks).toEqual([
      { start: 0, prefill: 4, decode: 6 },
      { start: 10, prefill: 1, decode: 0 },
    ]);
  });

  it('cuts a long text into streams at even offsets, so that it can be replayed as a batch', () => {
    const one = traceOf([{ prefill: 3, decode: 9 }]);
    expect(walksOf(one, 12, 4)).toEqual({
      walks: [
        { start: 0, prefill: 3, decode: 0 },
        { start: 3, prefill: 0, decode: 3 },
        { start: 6, prefill: 0, decode: 3 },
        { start: 9, prefill: 0, decode: 3 },
      ],
      cut: true,
    });
    expect(walksOf(one, 12, 5).walks.map(({ start }) => start)).toEqual([0, 2, 4, 7, 9]); // floor(12 i / 5)
  });

  it('cuts the longest first', () => {
    const uneven = traceOf([
      { prefill: 0, decode: 2 },
      { prefill: 0, decode: 9 },
    ]);
    expect(walksOf(uneven, 11, 4).walks.map(({ decode }) => decode)).toEqual([2, 3, 3, 3]);
  });
});

describe('walksOf any requests', () => {
  it('covers every token once, whatever is asked for', () => {
    const length = fc.record({ prefill: fc.integer({ min: 0, max: 9 }), decode: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(
        fc.array(length, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (lengths, asked, streams) => {
          const trace = traceOf(lengths);
          const tokens = Math.min(asked, trace.tokens);
          const { walks, cut } = walksOf(trace, tokens, streams);
          expect(walks.length).toBeGreaterThanOrEqual(Math.min(streams, tokens));
          let at = 0;
          let prompts = 0;
          for (const walk of walks) {
            expect(walk.start).toBe(at);
            expect(walk.prefill + walk.decode).toBeGreaterThan(0);
            at += walk.prefill + walk.decode;
            prompts += walk.prefill;
          }
          expect(at).toBe(tokens);
          const rowsOfPrompts = lengths.flatMap(({ prefill, decode }) => [
            ...new Array<number>(prefill).fill(1),
            ...new Array<number>(decode).fill(0),
          ]);
          expect(prompts).toBe(rowsOfPrompts.slice(0, tokens).reduce((sum, row) => sum + row, 0));
          if (!cut) expect(walks.length).toBe(trace.requests.filter(({ start }) => start < tokens).length);
        },
      ),
      { seed: 5, numRuns: cases(300) },
    );
  });
});

describe('ClosedLoop', () => {
  it('gives each user the next request when the last is answered', () => {
    const walks = [1, 2, 3].map((decode) => ({ start: 0, prefill: 0, decode }));
    const loop = new ClosedLoop(walks, 2);
    expect([loop.requests, loop.tokens, loop.longest]).toEqual([3, 6, 3]);
    expect(loop.poll(0, 0)?.index).toBe(0);
    expect(loop.poll(0, 1)?.index).toBe(1);
    expect(loop.poll(0, 2)).toBe(null); // both users wait
    const third = loop.poll(70, 1);
    expect([third?.index, third?.arrivalNs, third?.decode]).toEqual([2, 70, 3]);
    expect(loop.poll(80, 0)).toBe(null); // there is no more
  });
});
