// Words in synthetic routing: ids are as frequent as Zipf's law says, and what else was asked still holds.
import { describe, expect, it } from 'vitest';
import { giniOf } from '../../../src/trace/generate/popularity-shape.js';
import { uniformModel } from '../../trace/builders.js';
import { generate, WORDS } from '../../trace/words.js';

describe('a vocabulary', () => {
  it("follows Zipf's law in each domain, and shares the most frequent words among domains", () => {
    const profile = { domains: 4, domainOverlap: 0.25, vocabulary: WORDS };
    const { columns, tokens } = generate(uniformModel(1, 8, 1), profile, { requests: 64, tokens: 500 });
    const counts = new Map<number, number>();
    const requestsOf = new Map<number, Set<number>>();
    for (let token = 0; token < tokens; token++) {
      const id = columns.tokenId[token]!;
      counts.set(id, (counts.get(id) ?? 0) + 1 / tokens);
      requestsOf.set(id, (requestsOf.get(id) ?? new Set()).add(columns.request[token]!));
    }
    // A common word is in nearly all of the 64 requests, a domain's own in about 16. The other ids are dealt to the domains in turn.
    let common = 0;
    while (requestsOf.get(common)!.size > 40) common++;
    const ranks = common + Math.floor((WORDS.size - common) / 4);
    const sum = Array.from({ length: ranks }, (_, rank) => 1 / (rank + 2)).reduce((a, b) => a + b);
    for (let rank = 0; rank < common; rank++) expect(Math.abs(counts.get(rank)! - 1 / (rank + 2) / sum)).toBeLessThan(0.008);
    const shared = Array.from({ length: common }, (_, id) => counts.get(id)!).reduce((a, b) => a + b);
    expect(shared).toBeGreaterThan(0.22);
    expect(shared).toBeLessThan(0.36);
  });

  it.each([
    [128, 8, 0.5, 0.3],
    [128, 8, 0.7, 0.6],
    [32, 4, 0.39, 0.5],
    [128, 1, 0.5, 0.7],
    [32, 1, 0.4, 1],
    [8, 2, 0.15, 0.6],
  ])('keeps the skew of %i experts, top-%i at %f where a share of %f follows the ids', (experts, topK, skew, share) => {
    let mean = 0;
    const vocabulary = { size: 32_128, zipf: 1, share };
    const made = generate(uniformModel(4, experts, topK), { skew, skewSpread: 0, vocabulary }, { tokens: topK > 2 ? 6000 : 20_000 });
    for (let layer = 0; layer < 4; layer++) {
      const loads = new Float64Array(experts);
      for (let cell = layer * topK; cell < made.columns.experts.length; cell += 4 * topK)
        for (let k = 0; k < topK; k++) loads[made.columns.experts[cell + k]!]!++;
      mean += giniOf(loads) / 4;
    }
    expect(Math.abs(mean - skew)).toBeLessThan(0.09);
  });
});

describe('the share of choices that follow a vocabulary', () => {
  it.each([
    [0.3, 0.1],
    [0.5, 0.06],
  ])('at a share of %f keeps a reuse of %f above chance', (share, reuse) => {
    const model = uniformModel(6, 32, 4);
    const { columns } = generate(model, { skew: 0.39, skewSpread: 0, reuse, vocabulary: { ...WORDS, share } }, { tokens: 6000 });
    let excess = 0;
    for (const layer of [1, 3, 5]) {
      const row = (token: number) => columns.experts.slice((token * 6 + layer) * 4, (token * 6 + layer + 1) * 4);
      const loads = new Float64Array(32);
      let shared = 0;
      for (let token = 0; token < 6000; token++) {
        for (const expert of row(token)) {
          loads[expert]! += 1 / 6000;
          if (token > 0 && row(token - 1).includes(expert)) shared += 1 / (5999 * 4);
        }
      }
      const chance = loads.reduce((sum, load) => sum + load * load, 0) / 4;
      excess += (shared - chance) / (1 - chance) / 3;
    }
    expect(Math.abs(excess - reuse)).toBeLessThan(0.07);
  });

  it('decides about the share of choices that is asked, by depth', () => {
    const vocabulary = { ...WORDS, share: [0.9, 0.2] };
    const made = generate(uniformModel(2, 64, 1), { skew: 0.1, vocabulary }, { tokens: 20_000 });
    // The most common expert of an id is its own.
    const found = [0, 1].map((layer) => {
      const counts = new Map<number, Map<number, number>>();
      for (let token = 0; token < 20_000; token++) {
        const id = made.columns.tokenId[token]!;
        const expert = made.columns.experts[token * 2 + layer]!;
        const of = counts.get(id) ?? new Map<number, number>();
        counts.set(id, of.set(expert, (of.get(expert) ?? 0) + 1));
      }
      const frequent = [...counts.values()].map((of) => [...of.values()]).filter((uses) => uses.reduce((a, b) => a + b) >= 100);
      const [hits, all] = [frequent.flatMap((uses) => Math.max(...uses)), frequent.flat()].map((uses) => uses.reduce((a, b) => a + b));
      return hits! / all!;
    });
    expect(Math.abs(found[0]! - 0.9)).toBeLessThan(0.03);
    expect(Math.abs(found[1]! - 0.2)).toBeLessThan(0.06);
  });

  it('has no ids where whole requests are routed', () => {
    expect(generate(uniformModel(1, 8, 1), { per: 'request', vocabulary: WORDS }, { tokens: 5 }).has.tokenIds).toBe(false);
  });
});
