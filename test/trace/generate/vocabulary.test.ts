// Words in synthetic routing: an id has its own path, the same wherever it stands. Frequencies and skew are in test/claims.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routingProfileSchema } from '../../../src/trace/generate/routing-profile.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { cases } from '../../cases.js';
import { modelOf, uniformModel } from '../builders.js';
import { generate, WORDS } from '../words.js';

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
          const path = pathOf(made, token);
          if (id < 0 || id >= size || (paths.get(id) ?? path) !== path) expect.fail(`token ${token}: id ${id} has path ${path}`);
          paths.set(id, path);
          model.layers.forEach(({ topK, experts }, layer) => {
            const at = (token * made.layers + layer) * made.topK;
            const row = made.columns.experts.slice(at, at + made.topK).filter((expert) => expert !== NULL_EXPERT);
            if (new Set(row).size !== topK || Math.max(...row) >= experts) expect.fail(`token ${token}, layer ${layer}: ${row}`);
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

  it('is refused where it is malformed', () => {
    expect(routingProfileSchema.safeParse({ vocabulary: WORDS }).success).toBe(true);
    for (const wrong of [{ size: 0 }, { share: 1.5 }, { zipf: -1 }, { words: 3 }])
      expect(routingProfileSchema.safeParse({ vocabulary: { ...WORDS, ...wrong } }).success).toBe(false);
  });
});
