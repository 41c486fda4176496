// Requests that arrive by themselves: the rows that they walk, and the objectives that they are held against.
import { describe, expect, it } from 'vitest';
import { parseObjectives } from '../../src/schedule/objective.js';
import { RoutingWalks, type Segment } from '../../src/schedule/routing-walk.js';
import { traceOf } from './fixtures.js';

const rowsOf = (segments: readonly Segment[]) => segments.flatMap(({ row, tokens }) => Array.from({ length: tokens }, (_, i) => row + i));

describe('RoutingWalks', () => {
  const trace = traceOf([
    { prefill: 3, decode: 4 },
    { prefill: 2, decode: 5 },
  ]);

  it('the first requests take those of the trace, prompt rows for the prompt and generated rows for the output', () => {
    const walks = new RoutingWalks(trace.requests, 14, 1);
    expect(walks.plan(3, 2)).toEqual([{ row: 0, tokens: 5 }]);
    expect(walks.plan(1, 5)).toEqual([
      { row: 7, tokens: 1 },
      { row: 9, tokens: 5 },
    ]);
    expect(walks.use).toEqual({ tokens: 11, reused: 0, borrowed: null });
  });

  it('prompt tokens never take generated rows where the trace has both, however long the request', () => {
    const walks = new RoutingWalks(trace.requests, 14, 1);
    const prompts = new Set([0, 1, 2, 7, 8]);
    const rows = rowsOf(walks.plan(40, 60));
    expect(rows.length).toBe(100);
    expect(rows.map((row) => prompts.has(row))).toEqual(rows.map((_, at) => at < 40));
    // 5 prompt rows and 9 generated ones exist.
    expect(walks.use.reused).toBeGreaterThanOrEqual(86);
  });

  it('a trace of one phase lends its rows to the other, and says so', () => {
    const decodeOnly = traceOf([{ prefill: 0, decode: 8 }]);
    const walks = new RoutingWalks(decodeOnly.requests, 8, 1);
    expect(walks.plan(2, 3)).toEqual([{ row: 0, tokens: 5 }]);
    expect(walks.use.borrowed).toBe('prompt');
  });

  it('stays within the rows that it is given, and draws the same for the same seed', () => {
    const plan = (seed: number) => {
      const walks = new RoutingWalks(trace.requests, 6, seed);
      return Array.from({ length: 20 }, () => rowsOf(walks.plan(2, 3)));
    };
    expect(Math.max(...plan(1).flat())).toBeLessThan(6);
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });
});

describe('parseObjectives', () => {
  it('reads limits, by class where classes differ', () => {
    expect([...parseObjectives('ttft=2s,tpot=100ms')]).toEqual([['', { ttft: 2e9, tpot: 1e8 }]]);
    expect([...parseObjectives('chat:ttft=1s; batch:request=1min').keys()]).toEqual(['chat', 'batch']);
  });

  it.each([
    ['ttft', "'ttft' is no limit"],
    ['ttfs=1s', 'did you mean'],
    ['ttft=soon', 'slo: ttft'],
    ['a:ttft=1s;a:ttft=2s', 'stands twice'],
  ])('refuses %s', (text, message) => {
    expect(() => parseObjectives(text)).toThrow(message);
  });
});
