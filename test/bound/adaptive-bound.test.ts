// The bound of adaptive runs: exact against every choice there is, and never above what any router and any cache of a small world reach.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { adaptiveBound, type ExpertUse, gpuOptions, linkOptions } from '../../src/bound/adaptive-bound.js';
import { boundByMultipliers, leastCost, type Options } from '../../src/bound/least-cost.js';
import { checkRun } from '../../src/system/load-run.js';

/** A small world: events in order, each with the experts that it uses and their weights. */
interface World {
  readonly events: readonly (readonly (readonly [expert: number, weight: number])[])[];
  readonly capacity: number;
}

function worldOf(random: Random): World {
  const events = Array.from({ length: 5 }, () => {
    const experts = [0, 1, 2].filter(() => random.below(2) === 0);
    const weights = experts.map(() => 1 + random.below(9));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return experts.map((expert, i) => [expert, weights[i]! / total] as const);
  }).filter((event) => event.length > 0);
  return { events, capacity: 1 + random.below(2) };
}

/** Its uses: experts of one byte, whose transfer takes 10 ns and whose computing 3 ns. */
function usesOf({ events }: World): ExpertUse[] {
  const last = new Map<number, number>();
  return events.flatMap((event, at) =>
    event.map(([expert, weight]) => {
      const use = { weight, linkNs: 10, gpuNs: 3, bytes: 1, events: at - (last.get(expert) ?? -1) };
      last.set(expert, at);
      return use;
    }),
  );
}

/** The least cost over all choices, one by one. */
function everyChoice({ cost, count, loss, space, width }: Options, lossBudget: number, spaceBudget: number): number {
  const from = (use: number, c: number, l: number, s: number): number => {
    if (l > lossBudget || s > spaceBudget) return Number.POSITIVE_INFINITY;
    if (use === count) return c;
    let least = Number.POSITIVE_INFINITY;
    for (let i = use * width; i < (use + 1) * width; i++) least = Math.min(least, from(use + 1, c + cost[i]!, l + loss[i]!, s + space[i]!));
    return least;
  };
  return from(0, 0, 0, 0);
}

/** Fewest transfers over all sets of uses that may be left out, and all caches that begin with any content: each state of the cache is tried. */
function fewestTransfers({ capacity, events }: World, lossBudget: number): number {
  const contents = [0, 1, 2, 3, 4, 5, 6, 7].filter((set) => [0, 1, 2].filter((expert) => (set >> expert) & 1).length <= capacity);
  const from = (at: number, held: number, lost: number): number => {
    if (lost > lossBudget + 1e-12) return Number.POSITIVE_INFINITY;
    const event = events[at];
    if (event === undefined) return 0;
    let least = Number.POSITIVE_INFINITY;
    for (let kept = 0; kept < 1 << event.length; kept++) {
      const used = event.filter((_, i) => (kept >> i) & 1);
      const without = event.filter((_, i) => !((kept >> i) & 1)).reduce((sum, [, weight]) => sum + weight, 0);
      const loads = used.filter(([expert]) => !((held >> expert) & 1)).length;
      const there = used.reduce((set, [expert]) => set | (1 << expert), held);
      // What was there or was loaded may stay, as much as there is room for.
      for (const next of contents) if ((next & ~there) === 0) least = Math.min(least, loads + from(at + 1, next, lost + without));
    }
    return least;
  };
  return Math.min(...contents.map((set) => from(0, set, 0)));
}

describe('the least cost', () => {
  it('is that of the best of all choices, and never below the multipliers', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed, 'test/adaptive');
      const world = worldOf(random);
      const uses = usesOf(world).slice(0, 6);
      const loss = random.next() * 2;
      const space = world.capacity * world.events.length;
      for (const options of [gpuOptions(uses), linkOptions(uses)]) {
        const { cost, exact } = leastCost(options, loss, space);
        expect(exact).toBe(true);
        expect(cost, `seed ${seed}`).toBeCloseTo(everyChoice(options, loss, space), 9);
        const bound = boundByMultipliers(options, loss, space);
        expect(bound).toBeLessThanOrEqual(cost + 1e-9);
        // Two choices at most are mixed at the best multipliers: their dearest options are all that the bound may lack.
        expect(bound).toBeGreaterThan(cost - 2 * 10 - 1e-9);
      }
    }
  });

  it('is at most what any router and any cache reach, and often just that', () => {
    let reached = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed, 'test/adaptive-world');
      const world = worldOf(random);
      const loss = random.next() * 1.5;
      const { cost } = leastCost(linkOptions(usesOf(world)), loss, world.capacity * world.events.length);
      const best = 10 * fewestTransfers(world, loss);
      expect(cost, `seed ${seed}`).toBeLessThanOrEqual(best + 1e-9);
      if (cost > best - 1e-9) reached++;
    }
    expect(reached).toBeGreaterThan(15);
  });

  it('of many equal uses is told by hand from the multipliers alone', () => {
    const uses = Array.from(
      { length: 4000 },
      (_, i): ExpertUse => ({ weight: i % 2 === 0 ? 0.8 : 0.2, linkNs: 10, gpuNs: 3, bytes: 1, events: 4 }),
    );
    // A loss of 200 leaves out half of the 2,000 light ones; the heavy ones stay.
    expect(boundByMultipliers(gpuOptions(uses), 200, 0)).toBeCloseTo(3 * 3000, 0);
    // Room for a quarter of the 4,000: 3,000 are loaded, and with the same loss 2,000.
    expect(boundByMultipliers(linkOptions(uses), 0, 4000)).toBeCloseTo(10 * 3000, 0);
    expect(boundByMultipliers(linkOptions(uses), 200, 4000)).toBeCloseTo(10 * 2000, 0);
  });
});

describe('the bound of a run', () => {
  const run = (more: object = {}) =>
    checkRun(
      { trace: 'mini-mixtral-8x8l', hardware: 't4', memory: { expertCache: '50%' }, audit: 'off', workload: { tokens: 120 }, ...more },
      'test',
    );

  it('is below what runs take, and falls with the budget', async () => {
    const { by, points, runNs, tokens } = await adaptiveBound(run(), [0, 0.1, 0.5, 1]);
    expect([tokens, by]).toEqual([120, 'ranks']);
    const times = points.map(({ tokenNs }) => tokenNs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(times[0]).toBeLessThanOrEqual(runNs);
    // All weight lost: dense work is left.
    expect(points[3]!.linkNs).toBe(0);
    // A run of the first choice alone loses what its second ones weigh, and is no faster than the bound for that.
    const one = await adaptiveBound(run({ variants: ['top-k=1'] }), [0]);
    expect(points[2]!.tokenNs).toBeLessThan(one.runNs);
  });

  it('goes by weights where the trace has some', async () => {
    const drawn = { model: 'olmoe-1b-7b', trace: 'synthetic', variants: ['top-p=1'], workload: { tokens: 40, prompt: 8, output: 8 } };
    expect((await adaptiveBound(run(drawn), [0.1])).by).toBe('weights');
  });

  it('is refused where something else decides', async () => {
    await expect(adaptiveBound(run({ system: 'fiddler' }), [0])).rejects.toThrow(/system\.onMiss: the CPU computes experts/);
    await expect(adaptiveBound(run({ workload: { arrivals: 'poisson:rate=2' } }), [0])).rejects.toThrow(/requests arrive by a clock/);
    await expect(adaptiveBound(run({ hardware: 'apple-m4-max' }), [0])).rejects.toThrow(/one GPU that loads experts over one link/);
  });
});
