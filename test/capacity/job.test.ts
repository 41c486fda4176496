// The replay of rows, the row log and the LRU pass against the replay of recorded events, on the same random rows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveParameters } from '../../src/base/parameters.js';
import { DemandLog } from '../../src/cache/demand.js';
import { POLICIES, parsePolicy } from '../../src/cache/policies/index.js';
import { policyNeeds } from '../../src/cache/policy.js';
import type { Scope } from '../../src/cache/scope.js';
import { WholeEvents } from '../../src/cache/whole-events.js';
import { type JobSpec, startJob } from '../../src/capacity/jobs.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { toyModel } from '../cache/fixtures.js';
import { stepper } from '../cache/replaying.js';
import { RowCursor } from '../cache/row-cursor.js';
import { cases } from '../cases.js';

/** Rows with null choices, over layers of different width. */
function rows(): fc.Arbitrary<{ experts: number[]; topK: number; choices: Uint16Array; tokens: number }> {
  return fc
    .record({ experts: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }), topK: fc.integer({ min: 1, max: 3 }) })
    .chain(({ experts, topK }) => {
      // The first layer always has a choice: it is where a record of events shows that a pass begins.
      const choices = (count: number, layer: number) =>
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, expert) => expert),
          { minLength: layer === 0 ? 1 : 0, maxLength: Math.min(topK, count) },
        );
      const row = fc.tuple(...experts.map(choices));
      return fc.array(row, { minLength: 1, maxLength: 24 }).map((tokens) => ({
        experts,
        topK,
        tokens: tokens.length,
        choices: Uint16Array.from(
          tokens.flatMap((layers) => layers.flatMap((chosen) => [...chosen, ...Array<number>(topK - chosen.length).fill(NULL_EXPERT)])),
        ),
      }));
    });
}

/** Policies for which a curve has all that they need. */
const NAMES = POLICIES.filter((policy) =>
  policyNeeds(policy, resolveParameters('', policy.parameters, {})).every((need) => need === 'future' || need === 'predicted'),
);

/** What the job counts of rows that come in blocks, by capacity. */
async function countsOfJob(spec: JobSpec, choices: Uint16Array, tokens: number, block: number) {
  const job = await startJob(spec);
  const row = spec.model.layers.length * spec.topK;
  for (let from = 0; from < tokens; from += block) {
    const count = Math.min(block, tokens - from);
    const buffer = new Uint16Array(block * row).fill(77);
    buffer.set(choices.subarray(from * row, (from + count) * row));
    job.rows(buffer, count);
  }
  const results = job.finish(() => undefined);
  job.close?.();
  return results;
}

/** What the replay of events counts of the same rows, by capacity. */
async function countsOfReplay(
  { capacities, model, scope, sequential, topK, warmup }: JobSpec,
  name: string,
  choices: Uint16Array,
  tokens: number,
) {
  const log = new DemandLog(model, sequential);
  const cursor = new RowCursor(model, topK);
  const events: number[] = [];
  for (let token = 0; token < tokens; token++) {
    cursor.open({ experts: choices }, token, token + 1);
    while (cursor.next()) {
      log.append(cursor.layer, cursor.ids, cursor.count);
      events.push(token);
    }
  }
  const counts: Awaited<ReturnType<typeof countsOfJob>> = [];
  for (const { bytes } of capacities) {
    const { caches, replay, cursor: walk } = await stepper(log, name, scope, bytes);
    const whole = WholeEvents.of(caches.byLayer, model);
    let row = 0;
    let before = caches.caches.map(() => ({ insertions: 0, evictions: 0 }));
    for (let i = 0; walk.next(); i++) {
      // A policy of whole events sees the ranks of a token at a layer before its members, and layers without any.
      const here = events[i]! * model.layers.length + walk.layer;
      for (; row <= here; row++) whole?.demanded(row % model.layers.length, { choices, tokens: 1, topK }, row * topK, 0);
      if (events[i]! >= warmup && (i === 0 || events[i - 1]! < warmup)) {
        replay.resetCounts();
        before = caches.caches.map(({ insertions, evictions }) => ({ insertions, evictions }));
      }
      replay.event(walk.layer, walk.ids, walk.count);
    }
    if (events.every((token) => token < warmup)) {
      replay.resetCounts();
      before = caches.caches.map(({ insertions, evictions }) => ({ insertions, evictions }));
    }
    counts.push({
      hits: Array.from(replay.perLayer.hits),
      caches: caches.caches.map((cache, i) => ({
        insertions: cache.insertions - before[i]!.insertions,
        evictions: cache.evictions - before[i]!.evictions,
      })),
    });
  }
  return counts;
}

describe.each(NAMES.map((policy) => policy.name))('a job of %s', (name) => {
  it('counts as the replay of events does, at all capacities, after any warm-up, however the rows are cut into blocks', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        rows(),
        fc.constantFrom<Scope>('global', 'layer'),
        fc.boolean(),
        fc.nat(8),
        fc.integer({ min: 1, max: 9 }),
        async ({ experts, topK, choices, tokens }, scope, sequential, warmup, block) => {
          const model = toyModel(experts);
          const capacities = [0, 1, 2, 3, 5, 9, model.experts].filter((bytes) => bytes <= model.experts);
          const spec: JobSpec = {
            model,
            topK,
            policy: parsePolicy(name),
            folder: '.',
            capacities: capacities.map((bytes) => ({ bytes, quotas: null })),
            scope,
            sequential,
            warmup,
            seed: 7,
            popularity: null,
          };
          expect(await countsOfJob(spec, choices, tokens, block)).toEqual(await countsOfReplay(spec, name, choices, tokens));
        },
      ),
      { numRuns: cases(name === 'lru' || name === 'belady' ? 100 : 15) },
    );
  });
});

describe('a policy that needs the future', () => {
  it('finds next uses across pages of rows', async () => {
    // 30,000 tokens x 2 layers x 3 choices: three pages. Expert 3j + t mod 3 of layer j, so that everything comes back after 3 tokens.
    const model = toyModel([9, 9]);
    const tokens = 30_000;
    const experts = Uint16Array.from({ length: tokens * 6 }, (_, i) => 3 * (i % 3) + (Math.floor(i / 6) % 3));
    const base = {
      model,
      topK: 3,
      folder: '.',
      capacities: [{ bytes: 12, quotas: null }],
      sequential: false,
      warmup: 3,
      seed: 1,
      popularity: null,
    };
    const job = await startJob({ ...base, policy: parsePolicy('belady'), scope: 'layer' });
    for (let from = 0; from < tokens; from += 700) {
      job.rows(experts.subarray(from * 6, (from + 700) * 6), Math.min(700, tokens - from));
    }
    const seen: number[] = [];
    const [counts] = job.finish((done) => seen.push(done));
    job.close?.();
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toBe(tokens);
    // Six slots per layer for a round of nine experts: each round, Belady keeps six and streams the other three.
    expect(counts!.hits.map((hits) => Math.round((1000 * hits) / (tokens * 3)))).toEqual([667, 667]);
  });
});
