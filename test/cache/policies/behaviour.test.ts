// What single policies are for, on traces small enough to follow by hand.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { POLICIES, parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import { Pins, UNPINNED } from '../../../src/cache/policy.js';
import { toyModel } from '../fixtures.js';
import type { Event } from '../reference.js';
import { recordEvents, replayLog, stepper } from '../replaying.js';

/** Single-expert events of one layer. */
function accesses(...ids: number[]): Event[] {
  return ids.map((id) => ({ layer: 0, ids: [id] }));
}

async function hits(spec: string, experts: number, slots: number, ...ids: number[]): Promise<number> {
  return (await replayLog(recordEvents(toyModel([experts]), accesses(...ids), true), spec, 'global', slots)).hits;
}

describe('below the token cycle (L15)', () => {
  // 6 layers x 2 experts, every token the same path: 12 experts in a cycle, 11 slots.
  const cycle = Array.from({ length: 50 }, () => Array.from({ length: 12 }, (_, id) => id)).flat();

  it.each(['lru', 'fifo', 'clock', 'arc', 'sieve', 'lfu-resident'])('%s hits nothing on a cyclic trace', async (spec) => {
    expect(await hits(spec, 12, 11, ...cycle)).toBe(0);
  });

  it('belady and mru hit nearly everything on it', async () => {
    // MIN keeps 10 of the 12 from round to round: 49 rounds x 10, and at most one more each.
    expect(await hits('belady', 12, 11, ...cycle)).toBeGreaterThanOrEqual(490);
    expect(await hits('mru', 12, 11, ...cycle)).toBeGreaterThanOrEqual(490);
  });
});

describe('policies that count uses or bytes', () => {
  it('slru: a scan does not flush what was used twice', async () => {
    expect(await hits('slru:protected=0.5', 9, 4, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1)).toBe(4);
    expect(await hits('lru', 9, 4, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1)).toBe(2);
  });

  it('lfu-decay forgets: with a short half-life the old favourite goes, with a long one it stays', async () => {
    const tokens = [0, 0, 0, 0, 0, 1, 1, 2, 1, 2, 0];
    expect(await hits('lfu-decay:halfLife=1000', 3, 2, ...tokens)).toBeGreaterThan(
      await hits('lfu-decay:halfLife=0.1', 3, 2, 0, 0, 0, 0, 0, 1, 2, 0),
    );
    const { caches, replay, cursor } = await stepper(
      recordEvents(toyModel([3]), accesses(0, 0, 0, 0, 1, 1, 2), true),
      'lfu-decay:halfLife=0.2',
      'global',
      2,
    );
    replay.run(cursor);
    expect(Array.from(caches.caches[0]!.resident)).toEqual([0, 1, 1]);
  });

  it('gdsf: keeps the many small rather than the one large, unless a miss costs its bytes', async () => {
    const model = toyModel([1, 4], [4, 1]);
    const events = [0, 0, 1, 2, 3, 4, 1, 2, 3, 4].map((id): Event => ({ layer: id === 0 ? 0 : 1, ids: [id] }));
    const small = await replayLog(recordEvents(model, events), 'gdsf', 'global', 5);
    const bytes = await replayLog(recordEvents(model, events), 'gdsf:cost=bytes', 'global', 5);
    expect(small.hits).toBe(5);
    expect(bytes.hits).toBe(4);
  });
});

describe('policies that know layers and passes', () => {
  it('layer-position: takes the victim from the layer that ran last', async () => {
    const model = toyModel([2, 2, 2]);
    const events: Event[] = [
      { layer: 0, ids: [0] },
      { layer: 1, ids: [2] },
      { layer: 2, ids: [4] },
      { layer: 0, ids: [1] },
    ];
    const { caches, replay, cursor } = await stepper(recordEvents(model, events), 'layer-position', 'global', 3);
    replay.run(cursor);
    // At layer 0 the resident of layer 0 comes round last of all.
    expect(Array.from(caches.caches[0]!.resident)).toEqual([0, 1, 1, 0, 1, 0]);
  });

  it('least-stale: protects what the running pass has used, though it came first', async () => {
    const model = toyModel([2, 2]);
    const events: Event[] = [
      { layer: 0, ids: [0] },
      { layer: 1, ids: [2] },
      { layer: 0, ids: [0] },
      { layer: 1, ids: [3] },
    ];
    const { caches, replay, cursor } = await stepper(recordEvents(model, events), 'least-stale', 'global', 2);
    replay.run(cursor);
    expect(Array.from(caches.caches[0]!.resident)).toEqual([1, 0, 0, 1]);
  });

  it('moe-infinity: of two equally used experts the one whose layer comes round later goes', async () => {
    const model = toyModel([1, 1, 2]);
    const events: Event[] = [
      { layer: 0, ids: [0] },
      { layer: 1, ids: [1] },
      { layer: 2, ids: [2] },
      { layer: 2, ids: [3] },
    ];
    const { caches, replay, cursor } = await stepper(recordEvents(model, events.slice(0, 3)), 'moe-infinity', 'global', 3);
    replay.run(cursor);
    expect(caches.caches[0]!.policy.victim(3, caches.caches[0]!.pins)).toBe(2);
  });
});

describe('policies to compare with', () => {
  it('belady-window: with no window it is LRU, with a wide one Belady', async () => {
    const ids = Array.from({ length: 400 }, (_, i) => (i * i * 7 + i) % 11);
    expect(await hits('belady-window:window=0', 11, 5, ...ids)).toBe(await hits('lru', 11, 5, ...ids));
    expect(await hits('belady-window:window=1000', 11, 5, ...ids)).toBe(await hits('belady', 11, 5, ...ids));
  });

  it('random: draws among all unpinned residents', async () => {
    const { definition } = await resolvePolicy(parsePolicy('random'));
    const policy = definition.create({ experts: 40, random: new Random(3, 'test') } as never, {});
    for (let id = 0; id < 40; id++) policy.insert(id, true);
    const pins = new Pins(new Int32Array(40).fill(-1));
    expect(policy.victim(0, pins)).toBe(-1);
    pins.rank.set([UNPINNED, UNPINNED], 17);
    const drawn = new Set(Array.from({ length: 60 }, () => policy.victim(0, pins)));
    expect([...drawn].sort()).toEqual([17, 18]);
  });
});

describe('static placement', () => {
  const model = toyModel([2, 2, 2]);
  const events = [0, 3, 5, 1, 3, 5, 0, 2, 5].map((id, i): Event => ({ layer: i % 3, ids: [id] }));
  const resident = async (spec: string, slots: number) => {
    const { caches, replay, cursor, counts } = await stepper(recordEvents(model, events), spec, 'global', slots);
    replay.run(cursor);
    return { ids: Array.from(caches.caches[0]!.resident.entries()).flatMap(([id, owns]) => (owns === 1 ? [id] : [])), counts: counts() };
  };

  it('keeps the most popular, ties by id, and streams the rest', async () => {
    const { ids, counts } = await resident('static', 3);
    expect(ids).toEqual([0, 3, 5]);
    expect(counts).toMatchObject({ hits: 7, streamed: 2, evictions: 0, insertions: 0 });
  });

  it('fills from the last layer backwards, or leaves the first layers on the CPU', async () => {
    expect((await resident('static:by=layer', 3)).ids).toEqual([2, 4, 5]);
    expect((await resident('static:by=layer,cpuLayers=2', 6)).ids).toEqual([4, 5]);
  });

  it('without preload loads the chosen at their first use, and only them', async () => {
    const { ids, counts } = await resident('static:preload=off', 3);
    expect(ids).toEqual([0, 3, 5]);
    expect(counts).toMatchObject({ hits: 4, insertions: 3, streamed: 2 });
  });
});

/** Parameters with which two slots suffice to see it. */
const PARAMETERS: Readonly<Record<string, string>> = { lirs: ':hir=0.5', 's3-fifo': ':promoteAt=1' };

describe('a prefetch is not a use', () => {
  // Expert 0 is prefetched, then used once; expert 1 is demanded, then used once more. Both resident, one must go: 0 has fewer uses.
  const counting = POLICIES.map((policy) => policy.name).filter((name) =>
    ['clock', 'sieve', 'slru', 's3-fifo', 'arc', 'lfu', 'lfu-resident', 'lfu-decay', 'gdsf', 'lirs'].includes(name),
  );

  it.each(counting)('%s', async (spec) => {
    const { caches } = await stepper(recordEvents(toyModel([3]), accesses(0)), `${spec}${PARAMETERS[spec] ?? ''}`, 'global', 2);
    const cache = caches.caches[0]!;
    cache.admit(1, true);
    cache.admit(0, false);
    cache.touch(1);
    cache.touch(0);
    expect(cache.policy.victim(2, cache.pins)).toBe(0);
  });
});

describe('lfu-decay over thousands of half-lives', () => {
  it('is LRU where a use outweighs all before it, through many rescalings', async () => {
    // Half-life a tenth of a pass: each use is worth 2^10 times the one before, 1,600 uses 2^16000, some thirty rescalings of 2^512.
    const ids = Array.from({ length: 200 }, () => [0, 1, 0, 2, 3, 0, 1, 3]).flat();
    const log = recordEvents(toyModel([4]), accesses(...ids));
    const { hits, evictions } = await replayLog(log, 'lru', 'global', 2);
    expect(await replayLog(log, 'lfu-decay:halfLife=0.1', 'global', 2)).toMatchObject({ hits, evictions });
    expect(hits).toBeGreaterThan(0);
  });
});
