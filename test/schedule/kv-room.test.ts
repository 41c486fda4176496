// Room for KV caches that grow: blocks, preemption by recomputation, and every request served all the same.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { resolveParameters } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { inBlocks, type KvGrowth, KvRoom } from '../../src/schedule/kv-room.js';
import { Pass } from '../../src/schedule/pass.js';
import { Passes } from '../../src/schedule/passes.js';
import { PathView } from '../../src/schedule/paths.js';
import { PassRecord, RecordedScheduler } from '../../src/schedule/recorded.js';
import { Request } from '../../src/schedule/request.js';
import { ClosedLoop } from '../../src/schedule/workload.js';
import type { RoutingTrace } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { traceOf } from './fixtures.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const request = (prefill: number, decode: number, index = 0) => new Request({ index, start: 0, prefill, decode, arrivalNs: 0 });

describe('KvRoom', () => {
  it('static: the full length, to the token', () => {
    const kv = new KvRoom(100);
    expect(kv.admit(request(30, 40))).toBe(true);
    expect(kv.usedTokens).toBe(70);
    expect(kv.admit(request(30, 1))).toBe(false);
  });

  it('reserve: the full length, in blocks of 16', () => {
    const kv = new KvRoom(100, 'reserve');
    const one = request(30, 40);
    expect(kv.admit(one)).toBe(true);
    expect([kv.usedTokens, one.kvTokens]).toEqual([80, 80]);
    expect(kv.admit(request(20, 1))).toBe(false);
    kv.release(one);
    expect([kv.usedTokens, kv.peakTokens]).toEqual([0, 80]);
  });

  it('grow: the prompt at first, then a block when the next token needs one', () => {
    const kv = new KvRoom(48, 'grow');
    const one = request(30, 40);
    expect(kv.admit(one)).toBe(true);
    expect(kv.usedTokens).toBe(32);
    one.done = 31;
    expect([kv.extend(one), kv.usedTokens]).toEqual([true, 32]); // the 32nd token has its place
    one.done = 32;
    expect([kv.extend(one), kv.usedTokens]).toEqual([true, 48]);
    one.done = 48;
    expect([kv.extend(one), kv.usedTokens]).toEqual([false, 48]);
  });

  it('a request that is thrown out starts again with all that it had computed, and its last token, as prompt', () => {
    const kv = new KvRoom(100, 'grow');
    const one = request(30, 40);
    kv.admit(one);
    one.done = one.computed = 35;
    kv.preempt(one);
    expect([one.done, one.promptRows, one.inPrefill, one.kvTokens, kv.usedTokens, kv.preemptions]).toEqual([0, 36, true, 0, 0, 1]);
    kv.admit(one);
    expect(kv.usedTokens).toBe(48);
    // Thrown out again half-way through: nothing new has been computed.
    one.done = 16;
    kv.preempt(one);
    expect([one.promptRows, one.computed]).toEqual([30 + 6, 35]);
  });
});

describe('KvRoom of several GPUs', () => {
  it('on several GPUs: room where most is left, and from the first token on where the fewest run, of those with room', () => {
    const kv = new KvRoom([100, 60, 100]);
    const all = [50, 50, 20].map((tokens) => request(tokens, 0));
    expect(all.map((one) => kv.admit(one) && one.gpu)).toEqual([0, 2, 1]);
    for (const one of all.toReversed()) kv.begin(one);
    // The third goes to GPU 0; the second fits on GPU 1 since, and the first finds nobody on GPU 2.
    expect(all.map(({ gpu }) => gpu)).toEqual([2, 1, 0]);
    expect(kv.admit(request(81, 0))).toBe(false); // 80, 10 and 50 are left
    const last = request(45, 0);
    expect([kv.admit(last), last.gpu]).toEqual([true, 0]);
    kv.begin(last);
    expect(last.gpu).toBe(0); // one runs on each
    expect(kv.gpus.map(({ requests, usedTokens }) => [requests, usedTokens])).toEqual([
      [2, 65],
      [1, 50],
      [1, 50],
    ]);
    kv.release(all[1]!);
    expect([kv.usedTokens, kv.peakTokens, ...kv.gpus.map(({ requests }) => requests)]).toEqual([115, 165, 2, 0, 1]);
  });

  it('on several GPUs: one that begins changes places with one that has not, where nothing else is left', () => {
    const kv = new KvRoom([50, 50]);
    const [one, two, three] = [request(50, 0), request(30, 0), request(20, 0)];
    expect([one, two, three].map((each) => kv.admit(each) && each.gpu)).toEqual([0, 1, 1]);
    kv.begin(two); // nobody runs anywhere, but 20 tokens more do not fit beside the third
    kv.begin(three);
    expect([one, two, three].map(({ gpu }) => gpu)).toEqual([0, 1, 1]);
    for (const each of [two, three]) kv.release(each);
    const four = request(40, 0);
    kv.admit(four);
    kv.begin(one);
    kv.release(four);
    // Two of one size, both set aside where one of them runs already: the other goes where none does.
    const [five, six] = [request(50, 0, 5), request(50, 0, 6)];
    expect([kv.admit(five), five.gpu, kv.admit(six)]).toEqual([true, 1, false]);
    kv.release(one);
    expect([kv.admit(six), six.gpu]).toEqual([true, 0]);
    kv.begin(five);
    expect([five.gpu, six.gpu]).toEqual([0, 1]);
    expect(kv.gpus.map(({ peakTokens, requests, usedTokens, waiting }) => [peakTokens, requests, usedTokens, waiting.length])).toEqual([
      [50, 1, 50, 0],
      [50, 0, 50, 1],
    ]);
  });

  it('on several GPUs: a request grows on its own, whatever room the others have', () => {
    const kv = new KvRoom([16, 48], 'grow');
    const [one, two] = [request(16, 40), request(16, 40)];
    expect([kv.admit(one), kv.admit(two)]).toEqual([true, true]);
    kv.begin(one);
    kv.begin(two);
    expect([one.gpu, two.gpu]).toEqual([0, 1]);
    one.done = two.done = 16;
    expect([kv.extend(one), kv.extend(two)]).toEqual([false, true]);
    one.computed = 16;
    kv.preempt(one);
    // It comes back with 17 rows, which only the other GPU has two blocks for when the first request there has gone.
    expect(kv.admit(one)).toBe(false);
    kv.release(two);
    expect([kv.admit(one), one.gpu, kv.gpus[1]!.usedTokens]).toEqual([true, 1, 32]);
  });
});

/** A pass as text: each request with its tokens. */
const textOf = (shares: Passes['shares']): string => shares.map(({ request: { index }, tokens }) => `${index}:${tokens}`).join(' ');

/**
 * Checks the rows of the pass that is composed.
 * @param position next row of each request, which this advances
 * @param computed rows of each request that have ever run, which this advances
 * @returns rows that ran before
 */
function checkRows({ pass, shares }: Passes, trace: RoutingTrace, growth: KvGrowth, position: number[], computed: number[]): number {
  let at = 0;
  let again = 0;
  for (const share of shares) {
    const { index } = share.request;
    if (share.request.done === 0) position[index] = 0; // begins, or begins again
    expect(growth === 'static' ? share.request.tokens : inBlocks(share.request.done + share.tokens)).toBeLessThanOrEqual(
      share.request.kvTokens,
    );
    for (let k = 0; k < share.tokens; k++, at++) {
      assert.equal(pass.position[at], position[index]);
      assert.equal(pass.gpu[at], share.request.gpu);
      assert.equal(pass.choices[at], (trace.requests[index]!.start + position[index]!) % 50);
      position[index]! += 1;
      if (position[index]! <= computed[index]!) again++;
    }
    computed[index] = Math.max(computed[index]!, position[index]!);
  }
  assert.equal(at, pass.tokens);
  return again;
}

/** Runs all passes, 1 ns a token; @returns the text of each */
function runAll(passes: Passes): string[] {
  const texts: string[] = [];
  for (let start = passes.next(0), now = 0; start >= 0; start = passes.next(now)) {
    texts.push(textOf(passes.shares));
    now = start + passes.pass.tokens;
    passes.done(now);
  }
  return texts;
}

/** Serves requests; a pass takes 1 ns a token. Checks every row and every limit on the way. */
function serve(
  lengths: readonly { prefill: number; decode: number }[],
  name: string,
  batch: number,
  budget: number,
  room: number,
  growth: KvGrowth,
  gpus = 1,
) {
  const trace = traceOf(lengths);
  const definition = SCHEDULERS.find((scheduler) => scheduler.name === name)!;
  const limits = { batch, maxTokensPerPass: budget };
  const parameters = resolveParameters(name, definition.parameters, {});
  const running = definition.running?.(limits, parameters) ?? batch;
  const rooms = new Array<number>(gpus).fill(room);
  const kv = new KvRoom(rooms, growth);
  kv.admitted = [];
  const context = {
    kv,
    paths: new PathView(trace, [50], 2),
    residency: { holds: (id: number) => id % 3 === 0 },
    random: new Random(1, 'test'),
    drafts: null,
  };
  const compose = (scheduler: ReturnType<typeof definition.create>, own: KvRoom) =>
    new Passes(new ClosedLoop(trace.requests, running), scheduler, new Pass(trace, running), own);
  const passes = compose(definition.create(limits, parameters, context), kv);
  const record = new PassRecord();
  const position = lengths.map(() => 0);
  const computed = lengths.map(() => 0);
  const seen: string[] = [];
  let time = 0;
  let generated = 0;
  for (let start = passes.next(0); start >= 0; start = passes.next(time)) {
    const { pass, shares } = passes;
    assert.ok(pass.slot.subarray(0, pass.tokens).every((slot) => slot < running));
    for (const one of kv.gpus) assert.ok(one.usedTokens <= room);
    assert.equal(
      kv.gpus.reduce((sum, { usedTokens }) => sum + usedTokens, 0),
      kv.usedTokens,
    );
    assert.equal(passes.recomputed, checkRows(passes, trace, growth, position, computed));
    generated += passes.generated;
    seen.push(textOf(shares));
    record.append(shares, passes.costNs, kv.admitted ?? []);
    kv.admitted = [];
    time = start + pass.tokens;
    passes.done(time);
  }
  // Everybody was served, to the last row, and nothing is set aside any more.
  assert.deepEqual(
    computed,
    lengths.map(({ prefill, decode }) => prefill + decode),
  );
  assert.equal(
    generated,
    lengths.reduce((sum, { decode }) => sum + decode, 0),
  );
  assert.deepEqual([kv.usedTokens, ...kv.gpus.map(({ requests }) => requests)], new Array(gpus + 1).fill(0));

  // A record of it gives the same passes, with the same requests thrown out.
  const room2 = new KvRoom(rooms, growth);
  assert.deepEqual(runAll(compose(new RecordedScheduler(record, room2), room2)), seen);
  assert.deepEqual([room2.preemptions, room2.peakTokens, room2.gpus], [kv.preemptions, kv.peakTokens, kv.gpus]);
  return { kv, seen, passes };
}

describe('fcfs with room that grows', () => {
  it('throws out the youngest where a running request finds no block, and computes it again', () => {
    // Two requests of 16 + 20 tokens, three blocks: both start, with a block each. After the prompts the first takes the third block for
    // its 17th token; the second finds none and is thrown out with 16 rows. When the first is done, it comes back with 17 rows to compute.
    const lengths = [
      { prefill: 16, decode: 20 },
      { prefill: 16, decode: 20 },
    ];
    const { kv, passes, seen } = serve(lengths, 'fcfs', 2, 512, 48, 'grow');
    expect(seen.slice(0, 2)).toEqual(['0:16 1:16', '0:1']);
    expect(seen[21]).toBe('1:17');
    expect(seen).toHaveLength(1 + 20 + 1 + 19);
    expect([kv.preemptions, passes.totalRecomputed, kv.peakTokens]).toEqual([1, 16, 48]);
  });

  it('on several GPUs, throws out the youngest of the GPU that lacks the block', () => {
    // Requests 0 and 2 go to GPU 0, 1 and 3 to GPU 1, each of three blocks: on both the later one finds no block for its 17th token.
    const lengths = [20, 2, 20, 20].map((decode) => ({ prefill: 16, decode }));
    const { kv, seen } = serve(lengths, 'fcfs', 4, 512, 48, 'grow', 2);
    expect(seen.slice(0, 2)).toEqual(['0:16 1:16 2:16 3:16', '0:1 1:1']);
    // Request 1 ends on GPU 1 with its 18th token, and there is room there for both.
    expect(seen[3]).toBe('0:1 2:17');
    expect(kv.preemptions).toBeGreaterThanOrEqual(2);
    expect(kv.gpus.map(({ peakTokens }) => peakTokens)).toEqual([48, 48]);
  });

  it('reserve never throws anybody out: the second waits', () => {
    const lengths = [
      { prefill: 16, decode: 20 },
      { prefill: 16, decode: 20 },
    ];
    const { kv, seen } = serve(lengths, 'fcfs', 2, 512, 48, 'reserve');
    expect(seen.slice(0, 2)).toEqual(['0:16', '0:1']);
    expect(kv.preemptions).toBe(0);
  });
});

describe('a record of passes', () => {
  /** A first pass of request 0 alone, before which request 1 was admitted too; a second pass of both. */
  const replay = (growth: KvGrowth) => {
    const [first, second] = [request(4, 0), request(8, 0, 1)];
    const record = new PassRecord();
    record.append([{ request: first, tokens: 2 }], 0, [0, 1]);
    record.append(
      [
        { request: first, tokens: 2 },
        { request: second, tokens: 8 },
      ],
      0,
      [],
    );
    const kv = new KvRoom(100, growth);
    const scheduler = new RecordedScheduler(record, kv);
    scheduler.add(first);
    return { kv, scheduler, second };
  };

  it('sets the room of a request aside when it has arrived, and keeps no pass waiting for one that it does not hold', () => {
    const { kv, scheduler, second } = replay('static');
    expect(scheduler.next()).toHaveLength(1);
    expect(kv.usedTokens).toBe(4);
    scheduler.finished([]);
    expect(scheduler.next()).toHaveLength(0);
    scheduler.add(second);
    expect(scheduler.next()).toHaveLength(2);
    expect(kv.usedTokens).toBe(12);
  });

  it('waits for all that were admitted where one of them may be thrown out', () => {
    const { kv, scheduler, second } = replay('grow');
    expect(scheduler.next()).toHaveLength(0);
    scheduler.add(second);
    expect(scheduler.next()).toHaveLength(1);
    expect(kv.usedTokens).toBe(32);
  });
});

describe.each(SCHEDULERS.map(({ name }) => name))('%s', (name) => {
  it('serves every request whole, within any room that holds the longest, whatever is thrown out', () => {
    let preemptions = 0;
    const length = fc.record({ prefill: fc.integer({ min: 0, max: 60 }), decode: fc.integer({ min: 0, max: 60 }) });
    const requests = fc
      .array(length, { minLength: 1, maxLength: 8 })
      .map((all) => all.filter(({ prefill, decode }) => prefill + decode > 0))
      .filter((all) => all.length > 0);
    const growth = fc.constantFrom<KvGrowth>('grow', 'grow', 'reserve', 'static');
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 5, max: 90 }),
        fc.integer({ min: 0, max: 6 }),
        growth,
        fc.constantFrom(1, 1, 2, 3),
        (lengths, batch, budget, blocks, grows, gpus) => {
          const longest = Math.max(...lengths.map(({ prefill, decode }) => prefill + decode));
          preemptions += serve(lengths, name, batch, budget, inBlocks(longest) + 16 * blocks, grows, gpus).kv.preemptions;
        },
      ),
      { seed: 8, numRuns: cases(60, 12) },
    );
    expect(preemptions).toBeGreaterThan(0);
  });
});
