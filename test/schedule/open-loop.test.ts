// Requests that arrive by themselves: nobody is lost or served twice, whatever the rate, the batch and the room for KV caches.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { resolveParameters } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import type { Arrivals } from '../../src/schedule/arrivals/arrivals.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { KvRoom } from '../../src/schedule/kv-room.js';
import { parseObjectives } from '../../src/schedule/objective.js';
import { OpenLoop } from '../../src/schedule/open-loop.js';
import { Pass } from '../../src/schedule/pass.js';
import { Passes } from '../../src/schedule/passes.js';
import { PathView } from '../../src/schedule/paths.js';
import { PassRecord, RecordedScheduler } from '../../src/schedule/recorded.js';
import { RoutingWalks, type Segment } from '../../src/schedule/routing-walk.js';
import { traceOf } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 });

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

describe.each(SCHEDULERS.map((definition) => [definition.name, definition] as const))('%s over an open loop', (_, definition) => {
  const request = fc.record({
    gap: fc.integer({ min: 0, max: 40 }),
    prompt: fc.integer({ min: 1, max: 20 }),
    output: fc.integer({ min: 1, max: 9 }),
  });

  it('serves every token of every request once and in order, and never takes more KV room than there is', () => {
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 29, max: 80 }),
        (requests, batch, budget, room) => {
          const trace = traceOf([
            { prefill: 6, decode: 9 },
            { prefill: 4, decode: 12 },
          ]);
          let now = 0;
          const arrivals: Arrivals = {
            count: requests.length,
            arrivalNs: Float64Array.from(requests, ({ gap }) => (now += gap)),
            prompt: Int32Array.from(requests, ({ prompt }) => prompt),
            output: Int32Array.from(requests, ({ output }) => output),
            requestClass: null,
          };
          const workload = () => new OpenLoop(arrivals, new RoutingWalks(trace.requests, trace.tokens, 1));
          const kv = new KvRoom(room);
          const parameters = resolveParameters(definition.name, definition.parameters, {});
          const limits = { batch, maxTokensPerPass: budget };
          const running = definition.running?.(limits, parameters) ?? batch;
          const context = {
            kv,
            paths: new PathView(trace, [50], 2),
            residency: { holds: (id: number) => id % 3 === 0 },
            random: new Random(1, 'test'),
          };
          const passes = new Passes(workload(), definition.create(limits, parameters, context), new Pass(trace, running), kv);
          const record = new PassRecord();
          const next = requests.map(() => 0);
          const seen: string[] = [];
          const { pass } = passes;
          let time = 0;
          for (let start = passes.next(0); start >= 0; start = passes.next(time)) {
            expect(start).toBeGreaterThanOrEqual(time);
            expect(pass.tokens).toBeGreaterThan(0);
            expect(pass.tokens).toBeLessThanOrEqual(budget);
            expect(pass.sequences).toBeLessThanOrEqual(batch);
            expect(pass.slots).toBeLessThanOrEqual(running);
            expect(kv.usedTokens).toBeLessThanOrEqual(room);
            expect(new Set(passes.shares.map((share) => share.request.index)).size).toBe(pass.sequences);
            for (const share of passes.shares) expect(share.request.arrivalNs).toBeLessThanOrEqual(start);
            for (let token = 0; token < pass.tokens; token++) {
              const index = pass.request[token]!;
              expect(pass.position[token]).toBe(next[index]);
              next[index]! += 1;
            }
            seen.push(`${pass.request.subarray(0, pass.tokens).join()} ${pass.choices.subarray(0, pass.tokens).join()}`);
            record.append(passes.shares, passes.costNs);
            time = start + 3 + pass.tokens;
            passes.done(time);
          }
          expect(next).toEqual(requests.map(({ prompt, output }) => prompt + output - 1));
          expect(kv.usedTokens).toBe(0);
          expect(kv.peakTokens).toBeLessThanOrEqual(room);

          // A record gives the same passes again, on a clock that stands still.
          const again = new Passes(workload(), new RecordedScheduler(record), new Pass(trace, running), new KvRoom(room));
          const replayed: string[] = [];
          while (again.next(0) >= 0) {
            const { choices, request: of, tokens } = again.pass;
            replayed.push(`${of.subarray(0, tokens).join()} ${choices.subarray(0, tokens).join()}`);
            again.done(0);
          }
          expect(replayed).toEqual(seen);
        },
      ),
      { seed: 11, numRuns: 60 },
    );
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
