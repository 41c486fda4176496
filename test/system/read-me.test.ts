// Read-ME's cache against a few lines that replay it (arXiv 2410.19123): where every layer takes what one router decided, and the queue shows
// the next four tokens, the expert goes that the queue wants last; of those that it does not show, the least recently used.
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../src/base/profiles.js';
import { simulate } from '../../src/engine/simulate.js';
import { openTrace } from '../../src/trace/open/open.js';
import { allocateChunk, NULL_EXPERT } from '../../src/trace/trace.js';
import { applyVariants } from '../../src/trace/variants/index.js';

const NAME = 'mini-mixtral-8x8l';
const TOKENS = 600;
const LAYERS = 8;
const EXPERTS = 8;
const WINDOW = 4 * LAYERS;

/** What each event demands, token by token and layer by layer, in rank order. */
async function demands(variants: readonly string[]): Promise<number[][]> {
  const trace = applyVariants(await openTrace(findProfile('traces', NAME), {}), variants, { model: null, seed: 1 });
  const chunk = allocateChunk(trace, TOKENS);
  trace.read(0, TOKENS, chunk);
  const events = Array.from({ length: TOKENS * LAYERS }, (_, event) => {
    const cell = [...chunk.experts.subarray(event * trace.topK, (event + 1) * trace.topK)];
    return cell.filter((expert) => expert !== NULL_EXPERT).map((expert) => (event % LAYERS) * EXPERTS + expert);
  });
  trace.close();
  return events;
}

/** Hits of a cache of so many experts. */
function replay(events: readonly (readonly number[])[], capacity: number): number {
  const nextUse = (id: number, after: number): number => {
    for (let event = after + 1; event < events.length; event++) if (events[event]!.includes(id)) return event;
    return Number.POSITIVE_INFINITY;
  };
  /** Least recently used first. */
  let cache: number[] = [];
  let hits = 0;
  for (const [now, demand] of events.entries()) {
    hits += demand.filter((id) => cache.includes(id)).length;
    for (const id of demand) {
      const free = cache.filter((one) => !demand.includes(one));
      if (!cache.includes(id) && cache.length === capacity) {
        const next = new Map([...free, id].map((one) => [one, nextUse(one, now)]));
        const unseen = free.find((one) => next.get(one)! > now + WINDOW);
        const last = [...free].sort((a, b) => next.get(b)! - next.get(a)! || a - b)[0]!;
        if (unseen === undefined && next.get(id)! > next.get(last)!) continue;
        cache = cache.filter((one) => one !== (unseen ?? last));
      }
      cache = [...cache.filter((one) => one !== id), id];
    }
  }
  return hits;
}

describe('read-me', () => {
  it.each([
    ['as recorded', [], 32],
    ['with one decision for all layers', ['one-router'], 32],
    ['with one decision for all layers, a smaller cache', ['one-router'], 16],
  ])('hits as its algorithm does: %s', async (_, variants, capacity) => {
    const { metrics } = await simulate({
      model: NAME,
      trace: NAME,
      hardware: 't4',
      // Prefetches would be hits, too.
      system: { name: 'read-me', cache: { policy: 'belady-window:window=4', scope: 'global' } },
      memory: { expertCache: `${(100 * capacity) / (LAYERS * EXPERTS)}%` },
      workload: { tokens: TOKENS, batch: 1, maxTokensPerPass: 1 },
      ...(variants.length === 0 ? {} : { variants }),
      bounds: false,
    });
    const events = await demands(variants);
    expect(metrics['experts.demanded']!.value).toBe(events.flat().length);
    expect(metrics['cache.hits']!.value).toBe(replay(events, capacity));
  });
});
