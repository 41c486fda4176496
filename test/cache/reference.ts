// Laws L1-L6 written as naively as possible, with sets and sorts: what the fast replay is compared with.
import type { ModelSpec } from '../../src/model/spec.js';

/** One event: a layer and its distinct members in L3 order, by dense id. */
export interface Event {
  readonly layer: number;
  readonly ids: readonly number[];
}

/** Policies that the reference knows. */
export type ReferencePolicy = 'lru' | 'fifo' | 'lfu' | 'lfu-resident' | 'mru' | 'belady' | 'belady-admit';

interface Entry {
  inserted: number;
  used: number;
  uses: number;
}

/** Replays events over caches of `slots[c]` experts, `cacheOf` telling which cache a layer has. */
export function reference(
  model: ModelSpec,
  events: readonly Event[],
  policy: ReferencePolicy,
  slots: readonly number[],
  cacheOf: (layer: number) => number,
): { hits: number; evictions: number; streamed: number } {
  const residents = slots.map(() => new Map<number, Entry>());
  const uses = new Map<number, number>();
  const nextUse = (id: number, after: number): number => {
    const at = events.findIndex((event, index) => index > after && event.ids.includes(id));
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  };
  let now = 0;
  let hits = 0;
  let evictions = 0;
  let streamed = 0;
  events.forEach((event, index) => {
    const cache = residents[cacheOf(event.layer)]!;
    const capacity = slots[cacheOf(event.layer)]!;
    hits += event.ids.filter((id) => cache.has(id)).length;
    for (const id of event.ids) {
      now++;
      uses.set(id, (uses.get(id) ?? 0) + 1);
      const entry = cache.get(id);
      if (entry !== undefined) {
        entry.used = now;
        entry.uses++;
        continue;
      }
      if (cache.size >= capacity) {
        const free = [...cache.keys()].filter((other) => !event.ids.includes(other));
        const victim = free.sort((a, b) => order(policy, a, b))[0];
        if (victim === undefined || (policy === 'belady' && nextUse(id, index) > nextUse(victim, index))) {
          streamed++;
          continue;
        }
        cache.delete(victim);
        evictions++;
      }
      cache.set(id, { inserted: now, used: now, uses: 1 });
    }

    /** Negative: `a` leaves before `b`. */
    function order(by: ReferencePolicy, a: number, b: number): number {
      const [x, y] = [cache.get(a)!, cache.get(b)!];
      switch (by) {
        case 'lru':
          return x.used - y.used;
        case 'mru':
          return y.used - x.used;
        case 'fifo':
          return x.inserted - y.inserted;
        case 'lfu':
          return uses.get(a)! - uses.get(b)! || x.used - y.used;
        case 'lfu-resident':
          return x.uses - y.uses || x.used - y.used;
        default: {
          const [p, q] = [nextUse(a, index), nextUse(b, index)];
          return p === q ? a - b : q - p;
        }
      }
    }
  });
  if (model.experts === 0) throw new Error('a model without experts');
  return { hits, evictions, streamed };
}
