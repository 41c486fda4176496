// LeCaR: against the same algorithm in plain lists, and on routing where one of recency and frequency tells everything.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { lecar } from '../../../src/cache/policies/lecar.js';
import { NONE, Pins, UNPINNED } from '../../../src/cache/policy.js';
import { contextOf } from '../context.js';
import { toyModel } from '../fixtures.js';
import { recordEvents, replayLog } from '../replaying.js';

const nobody = new Pins(new Int32Array(16).fill(UNPINNED));

/** Hits of a policy on one expert an event, 16 experts, 4 slots. */
async function hits(policy: string, ids: readonly number[]): Promise<number> {
  const events = ids.map((id) => ({ layer: 0, ids: [id] }));
  return (await replayLog(recordEvents(toyModel([16]), events), policy, 'global', 4)).hits;
}

/** Victims of a cache of `slots` experts, by arrays that are searched and sorted; one random number for each victim. */
function victims(ids: readonly number[], slots: number, random: Random): number[] {
  const residents: { id: number; uses: number; used: number }[] = [];
  const histories: { id: number; uses: number; at: number }[][] = [[], []];
  const chosen: number[] = [];
  let lru = 0.5;
  ids.forEach((id, i) => {
    const now = i + 1;
    const resident = residents.find((one) => one.id === id);
    if (resident !== undefined) {
      resident.uses++;
      resident.used = now;
      return;
    }
    // The victim is chosen before the newcomer is known to be regretted: the cache makes room first.
    let leaving: { id: number; uses: number; by: number } | null = null;
    if (residents.length === slots) {
      const by = random.next() < lru ? 0 : 1;
      residents.sort((a, b) => (by === 0 ? 0 : a.uses - b.uses) || a.used - b.used);
      const { id: victim, uses } = residents.shift()!;
      chosen.push(victim);
      leaving = { id: victim, uses, by };
    }
    if (leaving !== null) {
      const history = histories[leaving.by]!;
      if (history.length === slots) history.shift();
      history.push({ id: leaving.id, uses: leaving.uses, at: now - 1 });
    }
    let before = 0;
    histories.forEach((history, by) => {
      const at = history.findIndex((one) => one.id === id);
      if (at < 0) return;
      const [ghost] = history.splice(at, 1);
      before = ghost!.uses;
      const gain = Math.exp(0.45 * 0.005 ** ((now - ghost!.at) / slots));
      lru = by === 0 ? lru / (lru + (1 - lru) * gain) : (lru * gain) / (lru * gain + 1 - lru);
    });
    residents.push({ id, uses: before + 1, used: now });
  });
  return chosen;
}

describe('lecar', () => {
  it('evicts what the same algorithm in plain lists evicts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (ids, slots) => {
        const policy = lecar.create({ ...contextOf(10), capacityBytes: slots }, { rate: 0.45 });
        const residents = new Set<number>();
        const evicted: number[] = [];
        for (const id of ids) {
          if (residents.has(id)) {
            policy.touch(id);
            continue;
          }
          if (residents.size === slots) {
            const victim = policy.victim(id, nobody);
            evicted.push(victim);
            residents.delete(victim);
            policy.remove(victim);
          }
          policy.insert(id, true);
          residents.add(id);
        }
        expect(evicted).toEqual(victims(ids, slots, new Random(7, 'policy')));
      }),
    );
  });

  it('names nobody where all are pinned', () => {
    const policy = lecar.create(contextOf(2), { rate: 0.45 });
    policy.insert(0, true);
    for (let i = 0; i < 20; i++) expect(policy.victim(1, new Pins(Int32Array.of(-1, UNPINNED)))).toBe(NONE);
  });

  it('goes most of the way from LRU to LFU where experts differ in popularity alone', async () => {
    const random = new Random(1, 'zipf');
    // Zipf: expert e with probability proportional to 1 / (e + 1), each use independent of the last.
    const mass = Array.from({ length: 16 }, (_, e) => 1 / (e + 1));
    const total = mass.reduce((sum, part) => sum + part, 0);
    const ids = Array.from({ length: 6000 }, () => {
      let left = random.next() * total;
      return mass.findIndex((part) => (left -= part) < 0);
    });
    const [fitted, recent, frequent] = [await hits('lecar', ids), await hits('lru', ids), await hits('lfu', ids)];
    expect(frequent - recent).toBeGreaterThan(300);
    expect(fitted - recent).toBeGreaterThan(0.5 * (frequent - recent));
  });

  it('goes most of the way from LFU to LRU where the text moves on', async () => {
    const random = new Random(1, 'drift');
    // Four experts are in use at a time, and others a hundred passes later.
    const ids = Array.from({ length: 6000 }, (_, pass) => (4 * Math.floor(pass / 100) + random.below(4)) % 16);
    const [fitted, recent, frequent] = [await hits('lecar', ids), await hits('lru', ids), await hits('lfu', ids)];
    expect(recent - frequent).toBeGreaterThan(300);
    expect(fitted - frequent).toBeGreaterThan(0.5 * (recent - frequent));
  });
});
