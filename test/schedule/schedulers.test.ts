// What every scheduler owes to every request, for all members of the family: each token runs once and in order, within all limits, nobody
// waits beyond the bound that the scheduler promises, and the same requests give the same passes.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Parameters, resolveParameters } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { KvRoom } from '../../src/schedule/kv-room.js';
import { OpenLoop } from '../../src/schedule/open-loop.js';
import { Pass } from '../../src/schedule/pass.js';
import { Passes } from '../../src/schedule/passes.js';
import { PathView } from '../../src/schedule/paths.js';
import { PassRecord, RecordedScheduler } from '../../src/schedule/recorded.js';
import { RoutingWalks } from '../../src/schedule/routing-walk.js';
import type { SchedulerDefinition, SchedulerLimits } from '../../src/schedule/scheduler.js';
import { ROLLBACKS, Speculation, type SpeculationSpec } from '../../src/schedule/speculation.js';
import { ClosedLoop, type Workload } from '../../src/schedule/workload.js';
import type { RoutingTrace } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { traceOf } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 });

/** One pass as it was seen from outside. */
interface Seen {
  /** When it was composed. */
  readonly atNs: number;
  /** Requests and tokens of each. */
  readonly shares: readonly (readonly [index: number, tokens: number])[];
  /** Requests and experts of all tokens, in pass order. */
  readonly text: string;
}

interface Served {
  readonly passes: Passes;
  readonly seen: readonly Seen[];
  readonly record: PassRecord;
  /** Arrival of each request, ns. */
  readonly arrivalNs: readonly number[];
}

interface Case {
  readonly trace: RoutingTrace;
  readonly limits: SchedulerLimits;
  readonly parameters: Parameters;
  readonly running: number;
  readonly room: number;
  workload(): Workload;
  /** Rows of each request. */
  readonly tokens: readonly number[];
  /** Null: nothing is drafted. */
  readonly drafts: SpeculationSpec | null;
}

const speculationOf = ({ drafts }: Case): Speculation | null => (drafts === null ? null : new Speculation(drafts, 1));

/** Checks the limits of the pass that was composed at `start`. */
function checkLimits({ pass, shares }: Passes, kv: KvRoom, { limits, room, running }: Case, start: number): void {
  assert.ok(pass.tokens > 0);
  assert.ok(pass.tokens <= limits.maxTokensPerPass);
  assert.ok(pass.sequences <= limits.batch);
  assert.ok(pass.slot.subarray(0, pass.tokens).every((slot) => slot < running));
  assert.ok(kv.usedTokens <= room);
  assert.equal(new Set(shares.map((share) => share.request.index)).size, pass.sequences);
  for (const { request } of shares) assert.ok(request.arrivalNs <= start);
}

/** Checks the rows of the pass that is composed, and advances `next`, the next row of each request. */
function checkRows(passes: Passes, tokens: readonly number[], next: number[]): void {
  const { pass } = passes;
  let token = 0;
  for (const { again = false, rejected = 0, request, tokens: fed } of passes.shares) {
    assert.equal(again, passes.again);
    if (again) assert.equal(rejected, fed);
    else assert.ok(rejected < (request.inPrefill ? 1 : fed));
    const from = next[request.index]! - (again ? fed : 0);
    for (let k = 0; k < fed; k++, token++) {
      assert.equal(pass.request[token], request.index);
      assert.equal(pass.position[token], from + k);
      // The trace has the id of a row for a choice, modulo 50.
      if (again) assert.equal(pass.choices[token], request.placeOf(from + k).row % 50);
    }
    next[request.index]! += fed - rejected;
    if (again) continue;
    // Drafted tokens never run beyond the end of a request.
    assert.ok(next[request.index]! + rejected <= tokens[request.index]!);
  }
  assert.equal(token, pass.tokens);
}

/** A pass takes 3 ns and one more a token. Checks every limit on the way. */
function serve(definition: SchedulerDefinition, one: Case): Served {
  const { limits, parameters, room, running, tokens, trace, workload } = one;
  const drafts = speculationOf(one);
  const kv = new KvRoom(room);
  kv.admitted = [];
  const context = {
    kv,
    paths: new PathView(trace, [50], 2),
    residency: { holds: (id: number) => id % 3 === 0 },
    random: new Random(1, 'test'),
    drafts,
  };
  const scheduler = definition.create(limits, parameters, context);
  const passes = new Passes(workload(), scheduler, new Pass(trace, running), kv, drafts);
  const { pass } = passes;
  const next = tokens.map(() => 0);
  const arrivalNs: number[] = [];
  const seen: Seen[] = [];
  const record = new PassRecord();
  let time = 0;
  for (let start = passes.next(0); start >= 0; start = passes.next(time)) {
    assert.ok(start >= time);
    checkLimits(passes, kv, one, start);
    for (const { request } of passes.shares) arrivalNs[request.index] = request.arrivalNs;
    checkRows(passes, tokens, next);
    if (passes.again) {
      time = start + 3 + pass.tokens;
      passes.done(time);
      continue;
    }
    // Begun and not finished: what runs at once.
    assert.ok(next.filter((done, index) => done > 0 && done < tokens[index]!).length <= running);
    seen.push({
      atNs: start - passes.costNs,
      shares: passes.shares.map((share) => [share.request.index, share.tokens]),
      text: `${pass.request.subarray(0, pass.tokens).join()} ${pass.choices.subarray(0, pass.tokens).join()}`,
    });
    record.append(passes.shares, passes.costNs, kv.admitted ?? []);
    kv.admitted = [];
    time = start + 3 + pass.tokens;
    passes.done(time);
  }
  assert.deepEqual(next, tokens);
  assert.equal(scheduler.pending, 0);
  assert.equal(kv.usedTokens, 0);
  assert.ok(kv.peakTokens <= room);
  return { passes, seen, record, arrivalNs };
}

/** Waits in passes, counted from what was seen by looking at every request in every pass. */
function waitsOf({ arrivalNs, seen }: Served): { longestWait: number; overtaken: number; passedOver: number } {
  const inPass = seen.map(({ shares }) => new Set(shares.map(([index]) => index)));
  const first = arrivalNs.map((_, index) => inPass.findIndex((pass) => pass.has(index)));
  const last = arrivalNs.map((_, index) => inPass.findLastIndex((pass) => pass.has(index)));
  const arrivedBefore = arrivalNs.map((arrival) => seen.findIndex(({ atNs }) => atNs >= arrival));
  let [longestWait, overtaken, passedOver] = [0, 0, 0];
  for (const index of arrivalNs.keys()) {
    longestWait = Math.max(longestWait, first[index]! - arrivedBefore[index]!);
    let row = 0;
    for (let pass = first[index]!; pass <= last[index]!; pass++) {
      row = inPass[pass]!.has(index) ? 0 : row + 1;
      passedOver = Math.max(passedOver, row);
    }
    for (let later = index + 1; later < arrivalNs.length; later++) {
      if (first[later]! < first[index]!) overtaken = Math.max(overtaken, first[later]! - arrivedBefore[index]!);
    }
  }
  return { longestWait, overtaken, passedOver };
}

const length = fc.record({
  gap: fc.integer({ min: 0, max: 40 }),
  prompt: fc.integer({ min: 1, max: 20 }),
  output: fc.integer({ min: 1, max: 9 }),
});

const drawn = fc.record({
  requests: fc.array(length, { minLength: 1, maxLength: 25 }),
  batch: fc.integer({ min: 1, max: 5 }),
  budget: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 24 })),
  room: fc.integer({ min: 29, max: 80 }),
  maxWait: fc.integer({ min: 0, max: 12 }),
  batches: fc.integer({ min: 1, max: 4 }),
  drafts: fc.option(
    fc.record({
      draft: fc.integer({ min: 1, max: 5 }),
      acceptances: fc.constantFrom([0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0.75, 0.5, 0.25, 0.25, 0]),
      drafterNs: fc.constantFrom(0, 2),
      rollback: fc.constantFrom(...ROLLBACKS),
    }),
    { nil: null },
  ),
});

const trace = traceOf([
  { prefill: 6, decode: 9 },
  { prefill: 4, decode: 12 },
]);

/** Limits, and parameters as drawn where a scheduler has them. */
function configured(
  definition: SchedulerDefinition,
  { batch, batches, budget, maxWait }: { batch: number; batches: number; budget: number; maxWait: number },
) {
  const table = definition.parameters ?? {};
  const given = {
    ...('maxWait' in table ? { maxWait: Math.max(maxWait, table.maxWait!.min ?? 0) } : {}),
    ...('batches' in table ? { batches } : {}),
  };
  const parameters = resolveParameters(definition.name, table, given);
  const limits = { batch, maxTokensPerPass: budget };
  return { limits, parameters, running: definition.running?.(limits, parameters) ?? batch };
}

const DEFINITIONS = SCHEDULERS.map((definition) => [definition.name, definition] as const);

describe.each(DEFINITIONS)('%s, as requests arrive,', (_, definition) => {
  it('serves requests that arrive by themselves whole, once and in order, and keeps its bounds', () => {
    fc.assert(
      fc.property(drawn, ({ drafts, requests, room, ...given }) => {
        const config = configured(definition, given);
        let now = 0;
        const arrivals = {
          count: requests.length,
          arrivalNs: Float64Array.from(requests, ({ gap }) => (now += gap)),
          prompt: Int32Array.from(requests, ({ prompt }) => prompt),
          output: Int32Array.from(requests, ({ output }) => output),
          requestClass: null,
        };
        const one: Case = {
          trace,
          room,
          ...config,
          workload: () => new OpenLoop(arrivals, new RoutingWalks(trace.requests, trace.tokens, 1)),
          tokens: requests.map(({ prompt, output }) => prompt + output - 1),
          drafts,
        };
        const served = serve(definition, one);
        const { longestWait, overtaken, passedOver } = served.passes;
        expect({ longestWait, overtaken, passedOver }).toEqual(waitsOf(served));
        const bound = definition.fairness(config.limits, config.parameters);
        expect(passedOver).toBeLessThanOrEqual(bound.passedOver);
        expect(overtaken).toBeLessThanOrEqual(bound.overtaken);

        expect(serve(definition, one).seen).toEqual(served.seen);
        // A record gives the same passes again, on a clock that stands still.
        const kv = new KvRoom(room);
        const composer = new RecordedScheduler(served.record, kv);
        const again = new Passes(one.workload(), composer, new Pass(trace, one.running), kv, speculationOf(one));
        const replayed: string[] = [];
        while (again.next(0) >= 0) {
          const { choices, request: of, tokens } = again.pass;
          if (!again.again) replayed.push(`${of.subarray(0, tokens).join()} ${choices.subarray(0, tokens).join()}`);
          again.done(0);
        }
        expect(replayed).toEqual(served.seen.map(({ text }) => text));
        // Who arrives later than then holds its room for as much shorter.
        expect(kv.usedTokens).toBe(0);
        expect(kv.peakTokens).toBeGreaterThan(0);
        expect(kv.peakTokens).toBeLessThanOrEqual(served.passes.kv.peakTokens);
      }),
      { seed: 11, numRuns: cases(150) },
    );
  });
});

describe.each(DEFINITIONS)('%s, all requests there,', (_, definition) => {
  it('serves a closed loop, with and without prompts, and passes nobody over beyond its bound', () => {
    fc.assert(
      fc.property(drawn, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), ({ drafts, requests, room, ...given }, prompts) => {
        const config = configured(definition, given);
        const lengths = requests.map(({ prompt, output }, i) => ({ prefill: prompts[i] === true ? prompt : 0, decode: output }));
        const own = traceOf(lengths);
        const served = serve(definition, {
          trace: own,
          room,
          ...config,
          workload: () => new ClosedLoop(own.requests, config.running),
          tokens: lengths.map(({ prefill, decode }) => prefill + decode),
          drafts,
        });
        const { longestWait, overtaken, passedOver } = served.passes;
        expect({ longestWait, overtaken, passedOver }).toEqual(waitsOf(served));
        expect(passedOver).toBeLessThanOrEqual(definition.fairness(config.limits, config.parameters).passedOver);
      }),
      { seed: 12, numRuns: cases(100) },
    );
  });
});
