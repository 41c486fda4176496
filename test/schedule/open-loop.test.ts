// Requests that arrive by themselves: the rows that they walk, and the objectives that they are held against.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.js';
import { meets, parseObjectives } from '../../src/schedule/objective.js';
import { Request } from '../../src/schedule/request.js';
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
    expect([...parseObjectives('ttft=2s,tpot=100ms').limits]).toEqual([['', { ttft: 2e9, tpot: 1e8 }]]);
    expect([...parseObjectives('chat:ttft=1s; batch:request=1min').limits.keys()]).toEqual(['chat', 'batch']);
  });

  it.each([
    ['ttft', "'ttft' is no limit"],
    ['ttfs=1s', 'did you mean'],
    ['ttft=soon', 'ttft: "soon" is not a duration'],
    ['a:ttft=1s;a:ttft=2s', 'stands twice'],
  ])('refuses %s', (text, message) => {
    expect(() => parseObjectives(text)).toThrow(message);
  });
});

/** What can be limited, as the answer to a name that cannot be tells. */
function limits(): string[] {
  try {
    parseObjectives('anything=1s').limits;
  } catch (error) {
    return /known: (.*)$/.exec(messageOf(error))![1]!.split(', ');
  }
  return [];
}

describe('objectives', () => {
  const page = readFileSync(new URL('../../docs/workloads.md', import.meta.url), 'utf8');
  // Arrives at 0, first token after 2 s, 4 more until 10 s: 2 s a token.
  const request = new Request({ index: 0, start: 0, prefill: 3, decode: 4, arrivalNs: 0 });
  request.firstTokenNs = 2e9;
  const taken: Record<string, string> = { ttft: '2s', tpot: '2s', request: '10s' };

  it.each(limits())('%s: is on the page, is kept at the limit and missed above it', (name) => {
    expect(page).toContain(`${name}=`);
    expect(meets(parseObjectives(`${name}=${taken[name]}`).limits, request, 10e9)).toBe(true);
    expect(meets(parseObjectives(`${name}=1.9s`).limits, request, 10e9)).toBe(false);
  });

  it('time per output token does not limit a request without any', () => {
    const prompt = new Request({ index: 0, start: 0, prefill: 3, decode: 0, arrivalNs: 0 });
    expect(meets(parseObjectives('tpot=1ns').limits, prompt, 10e9)).toBe(true);
  });

  it('are those of the class, else those for all', () => {
    const chat = new Request({ index: 0, start: 0, prefill: 3, decode: 4, arrivalNs: 0, requestClass: 'chat' });
    expect(meets(parseObjectives('chat:request=20s;request=1s').limits, chat, 10e9)).toBe(true);
    expect(meets(parseObjectives('batch:request=1s;request=20s').limits, chat, 10e9)).toBe(true);
    expect(meets(parseObjectives('batch:request=20s;request=1s').limits, chat, 10e9)).toBe(false);
    expect(meets(parseObjectives('batch:request=1s').limits, chat, 10e9)).toBe(true);
  });
});
