// Room for KV caches that grow: blocks, preemption by recomputation, and every request served all the same.
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

/** Serves requests; a pass takes 1 ns a token. Checks every row and every limit on the way. */
function serve(
  lengths: readonly { prefill: number; decode: number }[],
  name: string,
  batch: number,
  budget: number,
  room: number,
  growth: KvGrowth,
) {
  const trace = traceOf(lengths);
  const definition = SCHEDULERS.find((scheduler) => scheduler.name === name)!;
  const limits = { batch, maxTokensPerPass: budget };
  const parameters = resolveParameters(name, definition.parameters, {});
  const running = definition.running?.(limits, parameters) ?? batch;
  const kv = new KvRoom(room, growth);
  kv.admitted = [];
  const context = {
    kv,
    paths: new PathView(trace, [50], 2),
    residency: { holds: (id: number) => id % 3 === 0 },
    random: new Random(1, 'test'),
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
    expect(pass.slots).toBeLessThanOrEqual(running);
    expect(kv.usedTokens).toBeLessThanOrEqual(room);
    let at = 0;
    let again = 0;
    for (const share of shares) {
      const { index } = share.request;
      if (share.request.done === 0) position[index] = 0; // begins, or begins again
      expect(growth === 'static' ? share.request.tokens : inBlocks(share.request.done + share.tokens)).toBeLessThanOrEqual(
        share.request.kvTokens,
      );
      for (let k = 0; k < share.tokens; k++, at++) {
        expect(pass.position[at]).toBe(position[index]);
        expect(pass.choices[at]).toBe((trace.requests[index]!.start + position[index]!) % 50);
        position[index]! += 1;
        if (position[index]! <= computed[index]!) again++;
      }
      computed[index] = Math.max(computed[index]!, position[index]!);
    }
    expect(at).toBe(pass.tokens);
    expect(passes.recomputed).toBe(again);
    generated += passes.generated;
    seen.push(shares.map(({ request: { index }, tokens }) => `${index}:${tokens}`).join(' '));
    record.append(shares, passes.costNs, kv.admitted ?? []);
    kv.admitted = [];
    time = start + pass.tokens;
    passes.done(time);
  }
  // Everybody was served, to the last row, and nothing is set aside any more.
  expect(computed).toEqual(lengths.map(({ prefill, decode }) => prefill + decode));
  expect(generated).toBe(lengths.reduce((sum, { decode }) => sum + decode, 0));
  expect(kv.usedTokens).toBe(0);

  // A record of it gives the same passes, with the same requests thrown out.
  const room2 = new KvRoom(room, growth);
  const again = compose(new RecordedScheduler(record, room2), room2);
  const replayed: string[] = [];
  for (let start = again.next(0), now = 0; start >= 0; start = again.next(now)) {
    replayed.push(again.shares.map(({ request: { index }, tokens }) => `${index}:${tokens}`).join(' '));
    now = start + again.pass.tokens;
    again.done(now);
  }
  expect(replayed).toEqual(seen);
  expect([room2.preemptions, room2.peakTokens]).toEqual([kv.preemptions, kv.peakTokens]);
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
        (lengths, batch, budget, blocks, grows) => {
          const longest = Math.max(...lengths.map(({ prefill, decode }) => prefill + decode));
          preemptions += serve(lengths, name, batch, budget, inBlocks(longest) + 16 * blocks, grows).kv.preemptions;
        },
      ),
      { seed: 8, numRuns: 60 },
    );
    expect(preemptions).toBeGreaterThan(0);
  });
});
