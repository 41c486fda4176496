// llama.cpp's expert cache: by hand, and beside plain maps, arrays and sorts that follow the engine rule by rule, on random demand.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpertCache } from '../../../src/cache/cache.js';
import { parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import { llamaMoeCache } from '../../../src/cache/policies/llama-moe-cache.js';
import { PINNED, Pins, UNPINNED } from '../../../src/cache/policy.js';
import { cases } from '../../cases.js';
import { contextOf } from '../context.js';

const EXPERTS = 8;

/** An event: a layer, and the experts of each token in rank order. */
interface Event {
  readonly layer: number;
  readonly tokens: readonly (readonly number[])[];
}

interface Settings {
  readonly build: number;
  readonly share: number;
  readonly credit?: number;
}

interface Fate {
  readonly hits: readonly number[];
  readonly uploaded: readonly number[];
  readonly onCpu: readonly number[];
}

const idsOf = ({ layer, tokens }: Event): number[] => tokens.flat().map((expert) => layer * EXPERTS + expert);
const ascending = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b);

/** The policy in a cache of `slots` experts, as engines drive it: members by last appearance. */
function cacheOf(slots: number, layers: number, parameters: Settings) {
  const experts = layers * EXPERTS;
  const layerOf = Uint16Array.from({ length: experts }, (_, id) => Math.floor(id / EXPERTS));
  const policy = llamaMoeCache.create(
    { ...contextOf(experts), capacityBytes: slots, layerOf, layers },
    { cpuLayers: 0, credit: 0, ...parameters },
  );
  const pins = new Pins(new Int32Array(experts).fill(UNPINNED));
  const cache = new ExpertCache(0, new Float64Array(experts).fill(1), slots, pins, policy);
  const run = (event: Event): Fate => {
    const chosen = idsOf(event);
    const members = [...new Set(chosen.toReversed())].reverse();
    for (const id of members) pins.rank[id] = PINNED;
    policy.demanded!(event.layer, Int32Array.from(chosen), event.tokens.length, event.tokens[0]!.length);
    const hits = members.filter((id) => cache.resident[id] === 1);
    const missed = members.filter((id) => cache.resident[id] === 0);
    for (const id of members)
      if (cache.resident[id] === 1) cache.touch(id);
      else cache.admit(id);
    for (const id of members) pins.rank[id] = UNPINNED;
    const [uploaded, onCpu] = [1, 0].map((kept) => ascending(missed.filter((id) => cache.resident[id] === kept)));
    return { hits: ascending(hits), uploaded: uploaded!, onCpu: onCpu! };
  };
  return { run, residents: () => [...cache.resident.keys()].filter((id) => cache.resident[id] === 1) };
}

/** The engine once more, with slots, one list or eight of them, and a count for each expert. */
class Plain {
  readonly slots: (number | null)[];
  readonly lists: number[][];
  readonly counts = new Map<number, number>();
  readonly used = new Map<number, number>();
  readonly clocks = new Map<number, number>();
  readonly carry = new Map<number, number>();
  readonly credits: number[];
  readonly classes: boolean;
  readonly share: number;
  readonly most: number;

  constructor(slots: number, { build, credit = 0, share }: Settings) {
    this.slots = Array.from({ length: slots }, () => null);
    this.classes = build >= 12170;
    this.lists = Array.from({ length: 8 }, (_, k) => (k === 0 ? [...this.slots.keys()] : []));
    this.share = share;
    this.credits = Array.from({ length: slots }, () => 0);
    this.most = credit;
  }

  event(event: Event): Fate {
    const { layer, tokens } = event;
    const members = [...new Set(idsOf(event))];
    if (tokens.length > 32 || Math.min(idsOf(event).length, EXPERTS) > this.slots.length) {
      const hits = members.filter((id) => this.slots.includes(id));
      return { hits: ascending(hits), uploaded: [], onCpu: ascending(members.filter((id) => !hits.includes(id))) };
    }
    const clock = this.clocks.get(layer) ?? 0;
    const hits: number[] = [];
    for (const id of members) {
      const exponent = Math.fround(((this.used.get(id) ?? -1) - clock) / 128);
      const decayed = Math.fround((this.counts.get(id) ?? 0) * Math.fround(2 ** exponent));
      this.counts.set(id, Math.fround(decayed + 1));
      this.used.set(id, clock);
      if (!this.slots.includes(id)) continue;
      hits.push(id);
      const slot = this.slots.indexOf(id);
      this.credits[slot] = Math.min(this.most, this.credits[slot]! + 1);
      this.recent(slot, id);
    }
    let uploaded = ascending(members.filter((id) => !hits.includes(id)));
    const onCpu = this.slots.includes(null) ? [] : this.coldest(event, uploaded);
    uploaded = uploaded.filter((id) => !onCpu.includes(id));
    for (const id of uploaded) {
      const slot = this.most > 0 ? this.swept(members) : this.victim(members);
      this.slots[slot] = id;
      this.credits[slot] = 0;
      this.recent(slot, id);
    }
    this.clocks.set(layer, clock + tokens.length);
    return { hits: ascending(hits), uploaded, onCpu: ascending(onCpu) };
  }

  recent(slot: number, id: number): void {
    for (const list of this.lists) if (list.includes(slot)) list.splice(list.indexOf(slot), 1);
    this.lists[this.classes ? Math.min(7, Math.floor(Math.fround(Math.log2(this.counts.get(id)!)))) : 0]!.push(slot);
  }

  /** First slot without credit from the old end on; who is passed pays one and moves to the recent end, members for nothing. */
  swept(members: readonly number[]): number {
    const [list] = this.lists as [number[]];
    for (;;) {
      const slot = list[0]!;
      const mine = members.includes(this.slots[slot] ?? -1);
      if (!mine && this.credits[slot] === 0) return slot;
      if (!mine) this.credits[slot]! -= 1;
      list.push(list.shift()!);
    }
  }

  victim(members: readonly number[]): number {
    let [best, most] = [-1, -1];
    for (const [k, list] of this.lists.entries()) {
      const slot = list.find((each) => this.slots[each] === null || !members.includes(this.slots[each]!));
      if (slot === undefined) continue;
      const id = this.slots[slot]!;
      if (id === null) return slot;
      const score = (this.clocks.get(Math.floor(id / EXPERTS))! - this.used.get(id)!) / 2 ** k;
      if (score > most) [best, most] = [slot, score];
    }
    return best;
  }

  coldest({ layer, tokens }: Event, misses: readonly number[]): number[] {
    const total = (this.carry.get(layer) ?? 0) + misses.length * Math.round(this.share * 65536);
    this.carry.set(layer, total % 65536);
    const sorted = [...misses].sort((a, b) => this.counts.get(a)! - this.counts.get(b)! || a - b);
    const dummies = new Map<number, number>();
    const choosing = (id: number) => tokens.filter((token) => token.includes(id - layer * EXPERTS));
    let n = Math.min(misses.length, Math.floor(total / 65536));
    for (let k = 0; k < n; ) {
      const id = sorted[k]!;
      const taken = choosing(id).flatMap((token) => [...dummies].filter(([other]) => choosing(other).includes(token)).map(([, at]) => at));
      const dummy = tokens[0]!.map((_, at) => at).find((at) => !taken.includes(at));
      if (dummy !== undefined) {
        dummies.set(id, dummy);
        k++;
      } else {
        n--;
        [sorted[k], sorted[n]] = [sorted[n]!, sorted[k]!];
      }
    }
    return sorted.slice(0, n);
  }
}

const one = (layer: number, ...experts: number[]): Event => ({ layer, tokens: [experts] });

describe('llama-moe-cache:build=11480', () => {
  it('moves hits in order of first appearance, then misses ascending by expert', () => {
    const { run, residents } = cacheOf(4, 1, { build: 11480, share: 0 });
    // Uploads stand 1, 2, 3, though chosen 3, 1, 2; then the hit of 1 goes before the miss of 0: 2, 3, 1, 0.
    run(one(0, 3, 1, 2));
    expect(run(one(0, 0, 1))).toEqual({ hits: [1], uploaded: [0], onCpu: [] });
    run(one(0, 4));
    expect(residents()).toEqual([0, 1, 3, 4]);
    run(one(0, 5));
    expect(residents()).toEqual([0, 1, 4, 5]);
  });

  it('counts distinct experts once, in the order of the first token that chose them', () => {
    const { run, residents } = cacheOf(4, 1, { build: 11480, share: 0 });
    run(one(0, 0, 1, 2, 3));
    // First appearances 2, 0, 1: the oldest is 3, then 2. By last appearances 0 would be older than 2.
    run({
      layer: 0,
      tokens: [
        [2, 0],
        [1, 2],
      ],
    });
    run(one(0, 4, 5));
    expect(residents()).toEqual([0, 1, 4, 5]);
  });

  it('has no CPU share', async () => {
    const { definition, parameters } = await resolvePolicy(parsePolicy('llama-moe-cache:build=11480,share=0.5'));
    expect(() => definition.create(contextOf(4), parameters)).toThrow('build 11480 has none');
  });
});

describe('llama-moe-cache:credit', () => {
  const spared = { build: 11480, share: 0 };

  it('1: a used expert survives one sweep, as the newest', () => {
    const { run, residents } = cacheOf(3, 1, { ...spared, credit: 1 });
    for (const id of [0, 1, 2, 0, 0]) run(one(0, id));
    // Oldest to newest 1, 2, 0; 0 has 1, though used twice. 3 takes the place of 1, 4 of 2, 5 passes 0 and takes that of 3.
    for (const id of [3, 4, 5]) run(one(0, id));
    expect(residents()).toEqual([0, 4, 5]);
    // 4, 0, 5: the credit of 0 is spent.
    run(one(0, 6, 7));
    expect(residents()).toEqual([5, 6, 7]);
  });

  it('15: as many sweeps as it was used; LRU alone evicts it at once', () => {
    const residentsAt = (credit: number) => {
      const { run, residents } = cacheOf(2, 1, { ...spared, credit });
      for (const id of [0, 0, 0, 1]) run(one(0, id));
      // Each pair of misses passes 0 once: 0, 1 -> 1, 0 -> 0, 2 -> 2, 0 -> 0, 3 -> ...
      for (const id of [2, 3]) run(one(0, id));
      return residents();
    };
    expect([0, 1, 15].map(residentsAt)).toEqual([
      [2, 3],
      [2, 3],
      [0, 3],
    ]);
  });

  it('passes members of the event without spending, and orders uploads by expert', () => {
    const { run, residents } = cacheOf(3, 1, { ...spared, credit: 15 });
    for (const event of [one(0, 0), one(0, 1), one(0, 0), one(0, 2)]) run(event);
    // 1, 0 with 1, 2. 5 and 7 with a hit of 2: 5 takes the place of 1, the sweep passes 0, then 2 and 5 for nothing, and takes 0.
    expect(run(one(0, 7, 5, 2))).toEqual({ hits: [2], uploaded: [5, 7], onCpu: [] });
    // 2 with 1, 5, 7: the sweep passes 2 and takes 5.
    run(one(0, 3));
    expect(residents()).toEqual([2, 3, 7]);
  });

  it('is refused of builds with classes', async () => {
    const chosen = await resolvePolicy(parsePolicy('llama-moe-cache:credit=1'));
    expect(() => chosen.definition.create(contextOf(4), chosen.parameters)).toThrow('credit: build 12170 has none');
  });
});

describe('llama-moe-cache:build=12170', () => {
  it('takes of the oldest of each class the one that waits longest for its class', () => {
    const { run, residents } = cacheOf(3, 1, { build: 12170, share: 0 });
    for (let i = 0; i < 3; i++) run(one(0, 0));
    run(one(0, 1));
    run(one(0, 2));
    // Counts of 0: about 2.98, class 1, used at 2; of 1 and 2: class 0, used at 3 and 4. At 5: (5 - 3) / 1 = 2 is more than (5 - 2) / 2.
    run(one(0, 3));
    expect(residents()).toEqual([0, 2, 3]);
    // Touched at 6, 2 is of class 0 still: 1 x 2^(-2/128) + 1 = 1.99. At 7: 3 waits 2, 0 waits 5 / 2 = 2.5.
    run(one(0, 2));
    run(one(0, 4));
    expect(residents()).toEqual([2, 3, 4]);
  });

  it('ties: the lower class leaves', () => {
    const { run, residents } = cacheOf(2, 1, { build: 12170, share: 0 });
    // 0: 1 + 2^-1/128 + 2^-2/128 in class 1, used at 2; 1 used at 4, class 0. At 6: (6 - 2) / 2 = (6 - 4) / 1.
    for (const id of [0, 0, 0, 1, 1]) run(one(0, id));
    expect(residents()).toEqual([0, 1]);
    const idle = { layer: 0, tokens: Array.from({ length: 33 }, () => [0]) };
    // A pass of 33 tokens reads, and turns no clock.
    expect(run(idle)).toEqual({ hits: [0], uploaded: [], onCpu: [] });
    run(one(0, 0));
    run(one(0, 2));
    expect(residents()).toEqual([0, 2]);
  });

  it('keeps a count beyond residency: who was hot before comes back in a high class', () => {
    const { run, residents } = cacheOf(2, 1, { build: 12170, share: 0 });
    for (const id of [0, 0, 0, 0, 1, 1, 1]) run(one(0, id));
    // At 7: 0 waits (7 - 3) / 2 in class 1, 1 waits (7 - 6) / 2.
    run(one(0, 2));
    expect(residents()).toEqual([1, 2]);
    // At 8: 1 waits (8 - 6) / 2, 2 as long in class 0. Back, 0 has 3.95 x 2^(-5/128) + 1 = 4.85: class 2.
    run(one(0, 0));
    expect(residents()).toEqual([0, 1]);
    // At 9 1 waits (9 - 6) / 2, 0 (9 - 8) / 4. At 10 0 waits (10 - 8) / 4, 3 (10 - 9) / 1: of class 0, 0 would leave.
    run(one(0, 3));
    run(one(0, 4));
    expect(residents()).toEqual([0, 4]);
  });

  it('reads 33 tokens, or more experts than slots, without a change; 32 tokens go through', () => {
    const { run, residents } = cacheOf(2, 1, { build: 12170, share: 0 });
    run(one(0, 0, 1));
    expect(run({ layer: 0, tokens: Array.from({ length: 33 }, () => [0, 5]) })).toEqual({ hits: [0], uploaded: [], onCpu: [5] });
    expect(
      run({
        layer: 0,
        tokens: [
          [0, 5],
          [6, 7],
        ],
      }),
    ).toEqual({ hits: [0], uploaded: [], onCpu: [5, 6, 7] });
    expect(residents()).toEqual([0, 1]);
    const wide = cacheOf(8, 1, { build: 12170, share: 0 });
    expect(wide.run({ layer: 0, tokens: Array.from({ length: 32 }, () => [0, 5]) }).uploaded).toEqual([0, 5]);
  });
});

describe('llama-moe-cache:share', () => {
  it('sends the coldest misses of a full cache to the CPU and carries parts of a miss on, by layer', () => {
    const { run } = cacheOf(2, 1, { build: 12191, share: 0.5 });
    // Until the cache is full every miss is uploaded, without a carry.
    expect(run(one(0, 0, 1))).toEqual({ hits: [], uploaded: [0, 1], onCpu: [] });
    expect(run(one(0, 2))).toEqual({ hits: [], uploaded: [2], onCpu: [] });
    expect(run(one(0, 3))).toEqual({ hits: [], uploaded: [], onCpu: [3] });
    // 3 was used before, 4 never: 4 is colder.
    expect(run(one(0, 3, 4))).toEqual({ hits: [], uploaded: [3], onCpu: [4] });
  });

  it('uploads a member for which its tokens leave no dummy slot', () => {
    const { run } = cacheOf(6, 2, { build: 12191, share: 1 });
    run(one(1, 0, 1, 2, 3, 4, 5));
    // Two dummies: 4 takes 0 of the first two tokens, 5 takes 1 of the last two; 6 finds 0 taken by the first token, 1 by the last.
    const triangle = { layer: 0, tokens: ['46', '45', '56'].map((pair) => Array.from(pair, Number)) };
    expect(run(triangle)).toEqual({ hits: [], uploaded: [6], onCpu: [4, 5] });
  });
});

describe('llama-moe-cache beside plain lists', () => {
  const layers = 2;
  const event = fc.integer({ min: 1, max: 3 }).chain((topK) =>
    fc.record({
      layer: fc.nat(layers - 1),
      tokens: fc.array(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: topK, maxLength: topK }), { minLength: 1, maxLength: 4 }),
      again: fc.constantFrom(1, 1, 1, 40),
    }),
  );

  it.each<Settings>([
    { build: 11480, share: 0 },
    { build: 11480, share: 0, credit: 1 },
    { build: 11480, share: 0, credit: 15 },
    { build: 11480, share: 0, credit: 3 },
    { build: 12170, share: 0 },
    { build: 12191, share: 0.3 },
    { build: 12191, share: 0.95 },
  ])('%o: the same hits, uploads and misses without a slot', (settings) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 3, max: 14 }), (events, slots) => {
        const [cache, plain] = [cacheOf(slots, layers, settings), new Plain(slots, settings)];
        for (const each of events) for (let i = 0; i < each.again; i++) assert.deepEqual(cache.run(each), plain.event(each));
        assert.deepEqual(cache.residents(), ascending(plain.slots.filter((id) => id !== null)));
      }),
      { numRuns: cases(400) },
    );
  });
});
