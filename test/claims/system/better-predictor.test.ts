// A better predictor never makes a bundled system worse: each of them with the truth, spoiled to a recall of .5, .7, .9 and 1.
import { describe, expect, it } from 'vitest';
import { PREDICTING, type Setting, STREAMING, timeOf } from './prefetch-pays.js';

const RECALLS = [0.5, 0.7, 0.9, 1];
const SETTINGS: readonly Setting[] = [1, 16].flatMap((batch) =>
  ['mini-finegrained-64x12l', 'mini-mixtral-8x8l'].map((model) => ({ model, trace: model, hardware: 't4', batch, tokens: 400 })),
);
/** Systems that run on these traces; others need candidates with gate weights. */
const NEEDS_CANDIDATES = ['swapmoe'];
const systems = PREDICTING.filter((name) => !STREAMING.includes(name) && !NEEDS_CANDIDATES.includes(name));

describe('L18 a better predictor never makes a system worse by more than 1 %', () => {
  it.each(systems)('%s', { timeout: 300_000 }, async (system) => {
    const worse: string[] = [];
    for (const setting of SETTINGS) {
      const times: number[] = [];
      for (const recall of RECALLS) times.push(await timeOf(setting, system, `oracle:recall=${recall}`));
      for (let k = 1; k < times.length; k++) {
        if (times[k]! > 1.01 * times[k - 1]!) {
          const ratio = (times[k]! / times[k - 1]!).toFixed(3);
          worse.push(`${setting.model}, batch ${setting.batch}: recall ${RECALLS[k]} takes ${ratio} times as long as ${RECALLS[k - 1]}`);
        }
      }
    }
    expect(worse).toEqual([]);
  });
});
