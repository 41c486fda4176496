// The recorded demand and its future, over page boundaries and beyond memory.
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DemandLog, LogCursor, PAGE_WORDS } from '../../src/cache/demand.js';
import { Future } from '../../src/cache/future.js';
import { PageStore } from '../../src/cache/pages.js';
import { NEVER } from '../../src/cache/policy.js';
import { toyModel } from './fixtures.js';
import { recordEvents } from './replaying.js';

describe('Future', () => {
  it.each([false, true])('gives the event of each next use (sequential: %s)', (sequential) => {
    const model = toyModel([3, 4]);
    const event = fc.oneof(
      fc.shuffledSubarray([0, 1, 2], { minLength: 1 }).map((ids) => ({ layer: 0, ids })),
      fc.shuffledSubarray([3, 4, 5, 6], { minLength: 1 }).map((ids) => ({ layer: 1, ids })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const future = new Future(recordEvents(model, events, sequential));
        const steps = sequential ? events.flatMap(({ ids }) => ids.map((id) => [id])) : events.map(({ ids }) => ids);
        const next = new Int32Array(model.experts);
        const use = (id: number, after: number) => {
          const at = steps.findIndex((members, step) => step > after && members.includes(id));
          return at < 0 ? NEVER : at;
        };
        steps.forEach((members, step) => {
          future.advance(next);
          for (const id of members) expect(next[id]).toBe(use(id, step));
          if (step === 0) for (let id = 0; id < model.experts; id++) if (!members.includes(id)) expect(next[id]).toBe(use(id, -1));
        });
      }),
    );
  });

  it('crosses pages: expert 0 every second event, expert i at its own period', () => {
    const model = toyModel([5]);
    const log = new DemandLog(model);
    const events = PAGE_WORDS; // 3 or 4 words each: more than three pages
    for (let event = 0; event < events; event++) log.append(0, Int32Array.of(event % 2 === 0 ? 0 : 1, 2 + (event % 3)), 2);
    expect(log.pages).toBeGreaterThan(3);
    const future = new Future(log);
    const next = new Int32Array(5);
    for (let event = 0; event < events; event++) {
      future.advance(next);
      const [a, b] = [event % 2 === 0 ? 0 : 1, 2 + (event % 3)];
      if (next[a] !== (event + 2 < events ? event + 2 : NEVER)) throw new Error(`event ${event}, expert ${a}: ${next[a]}`);
      if (next[b] !== (event + 3 < events ? event + 3 : NEVER)) throw new Error(`event ${event}, expert ${b}: ${next[b]}`);
    }
    expect(() => future.advance(next)).toThrow('shorter than the run');
    future.close();
    log.close();
  });
});

describe('DemandLog', () => {
  it('is walked by several cursors, the last page included', () => {
    const log = recordEvents(toyModel([2, 3]), [
      { layer: 0, ids: [1, 0] },
      { layer: 1, ids: [4] },
    ]);
    for (let walk = 0; walk < 2; walk++) {
      const cursor = new LogCursor(log);
      const seen: unknown[] = [];
      while (cursor.next()) seen.push([cursor.layer, ...cursor.ids.subarray(0, cursor.count)]);
      expect(seen).toEqual([
        [0, 1, 0],
        [1, 4],
      ]);
    }
  });
});

describe('PageStore', () => {
  it('keeps pages beyond memory in a file that is gone afterwards', () => {
    const store = new PageStore(8, 2);
    const files = () => (existsSync(tmpdir()) ? readdirSync(tmpdir()).filter((name) => name.startsWith(`.moeprof-${process.pid}-`)) : []);
    for (const page of [0, 1, 2, 3, 4]) store.write(page, new Uint8Array(8).fill(page));
    const into = new Uint8Array(8);
    for (const page of [4, 0, 3, 1, 2]) {
      store.read(page, into);
      expect(into).toEqual(new Uint8Array(8).fill(page));
    }
    store.write(3, new Uint8Array(8).fill(9));
    store.read(3, into);
    expect(into[7]).toBe(9);
    expect(() => store.read(7, into)).toThrow('page 7 was never written');
    store.close();
    expect(files()).toEqual([]);
  });
});
