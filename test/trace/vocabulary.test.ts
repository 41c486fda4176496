// Words in synthetic routing: an id has its own path, ids are as frequent as Zipf's law says, and what else was asked still holds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { giniOf } from '../../src/trace/popularity-shape.js';
import { type RoutingProfile, routingProfileSchema } from '../../src/trace/routing-profile.js';
import { synthesize } from '../../src/trace/synthetic.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { contentOf, modelOf, uniformModel } from './builders.js';

const WORDS = { size: 2000, zipf: 1, share: 0.5 };

/** Columns of a trace of so many requests of so many tokens. */
function generate(model: ReturnType<typeof modelOf>, profile: Partial<RoutingProfile>, { seed = 1, requests = 1, tokens = 3000 } = {}) {
  const trace = synthesize(model, { seed, profile, requests: new Array(requests).fill({ prefill: 0, decode: tokens }) });
  return { ...contentOf(trace), has: trace.has };
}

/** The path of a token, as text. */
const pathOf = ({ columns, layers, topK }: ReturnType<typeof generate>, token: number): string =>
  columns.experts.slice(token * layers * topK, (token + 1) * layers * topK).join();

describe('a vocabulary', () => {
  const shapes = fc.array(
    fc
      .integer({ min: 1, max: 20 })
      .chain((experts) => fc.record({ experts: fc.constant(experts), topK: fc.integer({ min: 1, max: experts }) })),
    { minLength: 1, maxLength: 4 },
  );
  const words = fc.record({ size: fc.integer({ min: 1, max: 400 }), zipf: fc.integer({ min: 0, max: 20 }).map((tenths) => tenths / 10) });
  const domains = fc.record({ domains: fc.integer({ min: 1, max: 5 }), domainOverlap: fc.constantFrom(0, 0.25, 1) });

  it('at share 1 gives every id one path, in all requests and domains, of distinct experts', () => {
    fc.assert(
      fc.property(shapes, words, domains, fc.integer(), (layers, { size, zipf }, profile, seed) => {
        const model = modelOf(layers);
        const made = generate(model, { ...profile, vocabulary: { size, zipf, share: 1 } }, { seed, requests: 4, tokens: 40 });
        const paths = new Map<number, string>();
        for (let token = 0; token < made.tokens; token++) {
          const id = made.columns.tokenId[token]!;
          expect(id).toBeGreaterThanOrEqual(0);
          expect(id).toBeLessThan(size);
          const path = pathOf(made, token);
          expect(paths.get(id) ?? path).toBe(path);
          paths.set(id, path);
          model.layers.forEach(({ topK, experts }, layer) => {
            const at = (token * made.layers + layer) * made.topK;
            const row = made.columns.experts.slice(at, at + made.topK).filter((expert) => expert !== NULL_EXPERT);
            expect(new Set(row).size).toBe(topK);
            expect(Math.max(...row)).toBeLessThan(experts);
          });
        }
      }),
      { numRuns: cases(40) },
    );
  });

  it('at share 0 routes as without, and tells the ids', () => {
    fc.assert(
      fc.property(shapes, words, domains, fc.integer(), (layers, { size, zipf }, profile, seed) => {
        const options = { seed, requests: 3, tokens: 30 };
        const without = generate(modelOf(layers), profile, options);
        const made = generate(modelOf(layers), { ...profile, vocabulary: { size, zipf, share: 0 } }, options);
        expect(made.columns.experts).toEqual(without.columns.experts);
        expect([made.has.tokenIds, without.has.tokenIds]).toEqual([true, false]);
      }),
      { numRuns: cases(30) },
    );
  });

  it('gives an id the same path in texts that differ', () => {
    const paths = (tokens: number) => {
      const made = generate(uniformModel(3, 64, 2), { vocabulary: { ...WORDS, share: 1 } }, { requests: 4, tokens });
      return new Map(Array.from({ length: made.tokens }, (_, token) => [made.columns.tokenId[token]!, pathOf(made, token)]));
    };
    const [short, long] = [paths(50), paths(400)];
    let both = 0;
    for (const [id, path] of short) {
      if (!long.has(id)) continue;
      expect(long.get(id)).toBe(path);
      both++;
    }
    expect(both).toBeGreaterThan(30);
    expect(new Set(long.values()).size).toBeGreaterThan(long.size / 2);
  });

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
    expect(Math.abs(mean - skew)).toBeLessThan(0.06);
  });

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
    expect(Math.abs(excess - reuse)).toBeLessThan(0.04);
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

  it('is refused where it is malformed', () => {
    expect(routingProfileSchema.safeParse({ vocabulary: WORDS }).success).toBe(true);
    for (const wrong of [{ size: 0 }, { share: 1.5 }, { zipf: -1 }, { words: 3 }])
      expect(routingProfileSchema.safeParse({ vocabulary: { ...WORDS, ...wrong } }).success).toBe(false);
  });

  it('has no ids where whole requests are routed', () => {
    expect(generate(uniformModel(1, 8, 1), { per: 'request', vocabulary: WORDS }, { tokens: 5 }).has.tokenIds).toBe(false);
  });
});
