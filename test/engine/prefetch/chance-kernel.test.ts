// The kernel that turns scores into chances, against the plain loop in double precision.
import { describe, expect, it } from 'vitest';
import { sigmoid } from '../../../src/base/log-odds.js';
import { Random } from '../../../src/base/random.js';
import { ChanceKernel } from '../../../src/engine/prefetch/chance-kernel.js';

describe('ChanceKernel', () => {
  it('interpolates between steps, weighs and applies the logistic function, to the last digit', () => {
    const random = new Random(7, 'chances');
    const steps = 20;
    const kernel = new ChanceKernel(13, steps);
    kernel.weights.set([-0.4, 0.7, 1.1]);
    for (let step = 0; step <= steps; step++) kernel.logOdds[step] = 8 * (random.next() - 0.5);
    kernel.logOdds[steps + 1] = kernel.logOdds[steps]!;
    for (let e = 0; e < 12; e++) kernel.scores[e] = e < 2 ? e : random.next();
    for (let e = 0; e < 12; e++) kernel.nextUse[e] = e === 3 ? -99 : e === 4 ? 99 : 6 * (random.next() - 0.5);
    kernel.read(12);
    const chances = Array.from({ length: 12 }, (_, e) => {
      const place = kernel.scores[e]! * steps;
      const step = place | 0;
      const low = kernel.logOdds[step]!;
      const logOdds = low + (place - step) * (kernel.logOdds[step + 1]! - low);
      return sigmoid(-0.4 + 0.7 * logOdds + 1.1 * kernel.nextUse[e]!);
    });
    expect(kernel.chances).toEqual(Float32Array.from([...chances, 0]));
  });
});
