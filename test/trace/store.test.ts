// The paged store: rows in any order, memory that does not grow with them, and the same rows when pages were spilled.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { Pages } from '../../src/trace/pages.js';
import { TraceStore } from '../../src/trace/store.js';
import { chunks, NULL_EXPERT, type TraceMeta } from '../../src/trace/trace.js';
import { contentOf } from './builders.js';

const meta: TraceMeta = { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} };

describe('Pages', () => {
  it('keeps what was written in any order, with two pages in memory', () => {
    const pages = new Pages(new Uint8Array(16).fill(7), 0);
    const random = new Random(1, 'test/pages');
    const expected = new Map<number, number>();
    for (let i = 0; i < 500; i++) {
      const page = random.below(20);
      const value = random.below(256);
      expect(new Uint8Array(pages.page(page, false))[3]).toBe(expected.get(page) ?? 7);
      new Uint8Array(pages.page(page, true))[3] = value;
      expected.set(page, value);
    }
    expect(pages.spilled).toBe(true);
    pages.close();
  });

  it('writes no file while the pages fit', () => {
    const pages = new Pages(new Uint8Array(16), 160);
    for (let page = 0; page < 10; page++) pages.page(page, true);
    expect(pages.spilled).toBe(false);
  });
});

describe('TraceStore', () => {
  /** 40,000 rows of 64 cells: 5 MB. */
  function filled(memoryBytes: number, order: 'forward' | 'backward') {
    const store = new TraceStore({ path: 'test', layers: 8, topK: 8, tokenIds: true, memoryBytes });
    const rows = 40_000;
    for (let i = 0; i < rows; i++) {
      const row = order === 'forward' ? i : rows - 1 - i;
      store.seek(row);
      for (let cell = 0; cell < 64; cell++) store.ids[store.idsAt + cell] = (cell + row) % 64;
      store.tokenIds[store.tokenAt] = row;
    }
    for (let row = 0; row < rows; row++) store.addRow(Math.floor(row / 100), row % 100, row % 100 < 10 ? 0 : 1);
    return store.finish(null, meta);
  }

  it('gives the same trace from memory and from the temporary file, written forward or backward', () => {
    const inMemory = filled(32 * 2 ** 20, 'forward');
    const spilled = filled(1 << 20, 'forward');
    const backward = filled(1 << 20, 'backward');
    expect(spilled.sha256()).toBe(inMemory.sha256());
    expect(backward.sha256()).toBe(inMemory.sha256());
    let row = 0;
    for (const chunk of chunks(spilled, 777)) {
      for (let i = 0; i < chunk.tokens; i++, row++) {
        const found = [chunk.tokenId![i]!, chunk.experts[i * 64 + 63]!, chunk.request[i]!];
        if (found.join() !== [row, (63 + row) % 64, Math.floor(row / 100)].join()) expect.fail(`row ${row} holds ${found}`);
      }
    }
    expect(row).toBe(40_000);
    expect(spilled.expertsPerLayer).toEqual(new Array(8).fill(64));
    for (const trace of [inMemory, spilled, backward]) trace.close();
  });

  it('holds no more than its bound in memory', () => {
    const before = process.memoryUsage().arrayBuffers;
    const trace = filled(1 << 20, 'forward');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
    trace.close();
  });

  it('leaves cells that nobody wrote without a choice', () => {
    const store = new TraceStore({ path: 'test', layers: 2, topK: 2 });
    store.seek(0);
    store.ids[store.idsAt] = 5;
    store.addRow(0, 0, 1);
    expect(contentOf(store.finish([6, 6], meta)).columns.experts).toEqual([5, NULL_EXPERT, NULL_EXPERT, NULL_EXPERT]);
  });

  it('checks all rows at the end, and names the row', () => {
    const store = new TraceStore({ path: 'x.csv', layers: 1, topK: 2 });
    for (let row = 0; row < 3; row++) {
      store.seek(row);
      store.ids.set([row, 2], store.idsAt);
      store.addRow(0, -1, 1);
    }
    expect(() => store.finish([3], meta)).toThrow(
      new UserError('x.csv: token 2, layer 0: expert 2 stands twice; a token chooses an expert once, so the layout or the offset is wrong'),
    );
    expect(() => store.finish([2], meta)).toThrow('x.csv: token 0, layer 0: expert 2 is out of range, the model has 2');
  });

  it('refuses a trace without rows', () => {
    expect(() => new TraceStore({ path: 'x', layers: 1, topK: 1 }).finish(null, meta)).toThrow('x: no token chooses any expert');
  });
});
