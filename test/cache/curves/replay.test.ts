// Replay against hand-checked truths; published counts of recorded routing are in test/claims.
import { describe, expect, it } from 'vitest';
import { toyModel } from '../fixtures.js';
import { recordRows, replayLog, stepper } from '../replaying.js';

describe('event-atomic toy trace: 3 layers x 4 experts, 5 steps, 2 experts per layer and step, 2 slots per layer, LRU', () => {
  // Step 0 loads 0 and 1 at each layer (6 misses). Each later step keeps 0, already resident, and swaps the other: one hit and one
  // miss per layer, 4 steps x 3 layers. The misses of steps 1 to 4 each evict: 12.
  const steps = [
    [0, 1],
    [0, 2],
    [0, 1],
    [0, 3],
    [0, 1],
  ];
  const rows = { topK: 2, experts: Uint16Array.from(steps.flatMap((step) => [...step, ...step, ...step])) };

  it('gives 30 accesses, 12 hits, 18 misses, 12 evictions', async () => {
    const { caches, counts, cursor, replay } = await stepper(recordRows(toyModel([4, 4, 4]), rows, steps.length), 'lru', 'layer', 6);
    replay.run(cursor);
    expect(counts()).toEqual({ events: 15, demanded: 30, hits: 12, misses: 18, streamed: 0, insertions: 18, evictions: 12 });
    expect(caches.caches.map(({ residentCount }) => residentCount)).toEqual([2, 2, 2]);
  });

  it('L7: sequential replay of the same rows evicts expert 0 as the oldest before it is used', async () => {
    // Per layer, slots 2, accesses 0 1 | 0 2 | 0 1 | 0 3 | 0 1: 0 is used right before each swap, so it stays; the count is the same.
    const log = recordRows(toyModel([4, 4, 4]), rows, steps.length, true);
    expect(await replayLog(log, 'lru', 'layer', 6)).toMatchObject({ demanded: 30, hits: 12, evictions: 12 });
  });
});
