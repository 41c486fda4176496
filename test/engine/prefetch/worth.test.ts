// Whether a prefetch pays, by hand; and what scores are read as, for predictors that are too bold and too shy.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { Chances } from '../../../src/engine/prefetch/chances.js';
import { PrefetchWorth } from '../../../src/engine/prefetch/worth.js';
import { toyModel } from '../../cache/fixtures.js';

describe('PrefetchWorth', () => {
  /** Layers follow one another every 100 ns, 60 of which pass between the end of an event and the next routing; every event has a miss. */
  function worth(): PrefetchWorth {
    const means = new PrefetchWorth();
    for (let layer = 0; layer < 5; layer++) {
      means.known(100 * layer);
      means.placed(layer + 1);
      means.ended(100 * layer + 40);
    }
    return means;
  }
  const none = { laterWorth: 1, victimFirst: false, victimWorth: 0 };
  const candidate = { ...none, chance: 0.5, distance: 0, heldNs: 80, nextNs: 500, startNs: 450, transferNs: 80, missNs: 80 };

  it('knows when the next routing comes', () => {
    expect(worth().nextNs(440)).toBe(500);
  });

  it('expects the first routing of a pass as long after the last event as it came before', () => {
    const means = worth();
    means.ended(440);
    means.known(1440, true);
    expect(means.nextNs(2000, true)).toBe(3000);
    // What lies between two passes is no time of a layer.
    expect(means.nextNs(2000)).toBe(2060);
  });

  it('saves what is hidden before the routing, and delays what the link is asked for then', () => {
    // 50 of the 80 ns are over when the expert is wanted; it holds up others for the 30 that are left.
    expect(worth().of(candidate)).toBeCloseTo(0.5 * 50 - 0.5 * 30, 9);
    // One layer later everything is hidden, and whatever is demanded before is none of its business.
    expect(worth().of({ ...candidate, distance: 1 })).toBeCloseTo(0.5 * 80 - 30, 9);
    // In chunks of 10 ns, nobody waits longer than that.
    expect(worth().of({ ...candidate, heldNs: 10 })).toBeCloseTo(0.5 * 50 - 0.5 * 10, 9);
    // Of two with the same chance, the one that arrives in time costs nothing.
    expect(worth().of({ ...candidate, startNs: 420 })).toBeCloseTo(0.5 * 80, 9);
  });

  it('pays for its victim where nothing else would have pushed that out', () => {
    expect(worth().of({ ...candidate, startNs: 420, victimWorth: 0.25 })).toBeCloseTo(0.5 * 80 - 0.5 * 0.25 * 80, 9);
    expect(worth().of({ ...candidate, startNs: 420, victimWorth: 0.25, victimFirst: true })).toBeCloseTo(0.5 * 80 - 0.25 * 80, 9);
    expect(worth().of({ ...candidate, chance: 0.1, startNs: 420, victimWorth: 0.25 })).toBeLessThan(0);
  });

  it('pays for a victim that is worth more than itself later on: on demand it would not be admitted', () => {
    // Half of the time it is wanted, and a victim worth .25 gives way to one worth .2; half of the time it is not, and the victim is lost.
    const lost = 0.5 * (0.25 - 0.2) + 0.5 * 0.25;
    expect(worth().of({ ...candidate, startNs: 420, victimWorth: 0.25, laterWorth: 0.2 })).toBeCloseTo(0.5 * 80 - lost * 80, 9);
  });

  it('never waits for a routing that is over', () => {
    expect(worth().of({ ...candidate, startNs: 510 })).toBeCloseTo(-0.5 * 80, 9);
  });
});

describe('Chances', () => {
  const model = toyModel([16, 16]);

  /** What a score of each of two kinds is read as after many passes: experts 0-7 get the one, 8-15 the other. */
  function readAs(said: readonly [number, number], truth: readonly [number, number]): [number, number] {
    const random = new Random(1, 'chances');
    const chances = new Chances(model, new Float32Array(32));
    const scores = Float32Array.from({ length: 32 }, (_, id) => said[id % 16 < 8 ? 0 : 1]!);
    const into = new Float32Array(32);
    for (let pass = 1; pass < 4000; pass++) {
      chances.read(scores, pass, 0, 1, into);
      const demand = Int32Array.from(
        Array.from({ length: 16 }, (_, e) => 16 + e).filter((id) => random.next() < truth[id % 16 < 8 ? 0 : 1]!),
      );
      chances.judge(pass, 1, demand, demand.length);
    }
    chances.read(scores, 4000, 0, 1, into);
    return [into[16]!, into[31]!];
  }

  it('takes a predictor at its word that is right', () => {
    const [high, low] = readAs([0.8, 0.1], [0.8, 0.1]);
    expect(high).toBeCloseTo(0.8, 1);
    expect(low).toBeCloseTo(0.1, 1);
  });

  it('reads a bold one, and a silent one, as what came of it', () => {
    const [high, low] = readAs([1, 0], [0.5, 0.2]);
    expect(high).toBeCloseTo(0.5, 1);
    expect(low).toBeCloseTo(0.2, 1);
  });

  it('judges each distance by itself', () => {
    const chances = new Chances(model, new Float32Array(32));
    const scores = new Float32Array(32).fill(1);
    const near = new Float32Array(32);
    const far = new Float32Array(32);
    for (let pass = 1; pass < 2000; pass++) {
      chances.read(scores, pass, -1, 1, far);
      chances.judge(pass, 1, new Int32Array(0), 0);
    }
    chances.read(scores, 2000, -1, 1, far);
    chances.read(scores, 2000, 0, 1, near);
    expect(far[20]!).toBeLessThan(0.1);
    expect(near[20]!).toBeGreaterThan(0.9);
  });
});
