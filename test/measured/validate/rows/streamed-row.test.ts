// What colibri does unasked, as rows are read: drafts, a card that only caches, and reads before computing.
import { describe, expect, it } from 'vitest';
import { systemOf } from '../../../../src/measured/validate/rows/specify.js';
import { asStreamed, lookAheadOf, readsAhead } from '../../../../src/measured/validate/rows/streamed-row.js';
import { BOX, measurement } from '../rows.js';

const colibri = (placement: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  measurement({ engine: 'colibri', placement: { kind: 'ssd-stream', where: 'cpu', ...placement }, ...more });
const draftsOf = (speculative: Record<string, unknown>) => asStreamed(colibri({}, { run: { speculative } })).run.speculative;

describe('drafts', () => {
  it('are three tokens, 43 % of them right, where MTP is on and a row says no more', () => {
    expect(draftsOf({ kind: 'mtp' })).toEqual({ kind: 'mtp', draft: 3, acceptance: 0.43 });
    expect(draftsOf({ kind: 'mtp', acceptance: 0.57 })).toEqual({ kind: 'mtp', draft: 3, acceptance: 0.57 });
    expect(draftsOf({ kind: 'mtp', draft: 1, acceptance: 0.76 })).toEqual({ kind: 'mtp', draft: 1, acceptance: 0.76 });
  });

  it('are those that a row says of any other program, and of any other kind', () => {
    expect(draftsOf({ kind: 'lookup' })).toEqual({ kind: 'lookup' });
    const other = measurement({ run: { speculative: { kind: 'mtp' } } });
    expect(asStreamed(other)).toBe(other);
  });
});

describe('a card', () => {
  const read = (...given: Parameters<typeof colibri>) => {
    const { machine, placement } = asStreamed(colibri(...given));
    return [machine.gpus.length, placement.cache_gb];
  };

  it('that holds experts alone is so much more of a cache', () => {
    expect(read({ cache_gb: 20 })).toEqual([0, 20]);
    expect(read({ cache_gb: 20, note: 'GPU expert tier of 12.5 GB' })).toEqual([0, 32.5]);
    // The RAM of the box is 64 GB, of which 0.72 cache experts where nothing says how much.
    expect(read({ cache_gb: 30, note: 'GPU expert tier of 30 GB; SATA SSD' })).toEqual([0, 64 * 0.72 + 30]);
    expect(read({ note: 'GPU expert tier of 30 GB' })).toEqual([0, 64 * 0.72 + 30]);
    // 2.3 of the card's 24 GB stay free where the program fills it.
    expect(read({ cache_gb: 20, note: 'pinned in RAM, and a GPU expert tier of the size the engine chose' })).toEqual([0, 20 + 21.7]);
  });

  it('whose size and RAM nobody says leaves the cache unknown', () => {
    const machine = { ...BOX, ram: {} };
    expect(read({}, { machine })).toEqual([0, undefined]);
    expect(read({ note: 'GPU expert tier of 30 GB' }, { machine })).toEqual([0, undefined]);
  });

  it('stays where dense weights lie on it, where it shares the memory, and where no SSD is read', () => {
    expect(read({ cache_gb: 20 }, { flags: 'PIN_GB=20 CUDA_DENSE=1' })).toEqual([1, 20]);
    expect(read({ cache_gb: 20 }, { machine: { ...BOX, unified: true } })).toEqual([1, 20]);
    expect(read({ cache_gb: 20, where: 'gpu' })).toEqual([1, 20]);
    expect(read({ kind: 'cpu-share', gpu_expert_share: 0.5 })).toEqual([1, undefined]);
  });
});

describe('reads', () => {
  it.each([
    ['DIRECT=1 PIPE=1', true],
    ['URING=1', true],
    ['DIRECT=1', false],
    ['COLI_CUDA_PIPE=1', false],
    [undefined, false],
  ])('of %s go on beside computing: %s', (flags, ahead) => {
    expect(readsAhead(colibri({}, { flags }))).toBe(ahead);
    expect(readsAhead(measurement({ flags }))).toBe(false);
  });
});

describe('a layer ahead', () => {
  it('is loaded by the next gate under PILOT_REAL=1 alone', () => {
    const system = { predictor: { kind: 'gate', recall: 0.736, horizon: 1 }, prefetch: { minProbability: 0.3 } };
    expect(lookAheadOf(colibri({}, { flags: 'PIPE=1 PILOT_REAL=1 PILOT_TWO=1' }))).toMatchObject(system);
    expect(lookAheadOf(colibri({}, { flags: 'PILOT=1' }))).toEqual({});
    expect(lookAheadOf(measurement({ flags: 'PILOT_REAL=1' }))).toEqual({});
  });

  it('is part of the system of a row', () => {
    const row = colibri({ cache_gb: 20 }, { flags: 'PILOT_REAL=1' });
    expect(systemOf(row, 24, false)).toMatchObject({
      system: { cache: { policy: 'lru' }, predictor: { kind: 'gate' } },
      expertCache: '20 GB',
    });
    expect(systemOf(colibri({ cache_gb: 20 }), 24, false)).toMatchObject({
      system: { name: 'lru', cache: { policy: 'lru', scope: 'layer' } },
    });
  });
});
