// The end of a pass hides transfers for the next one where prefetches must pay.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Chances } from '../../../src/engine/prefetch/chances.js';
import { simulate } from '../../../src/engine/simulate.js';
import { NEXT_TOKEN } from '../../../src/predict/evidence.js';
import { toyModel } from '../../cache/fixtures.js';
import { temporaryFolder } from '../../support/folder.js';

/** Time per token, ns, and prefetches in time, on a machine whose passes end with `perPass` in which the link is idle. */
async function runWith(folder: string, perPass: string): Promise<{ readonly tpotNs: number; readonly useful: number }> {
  const hardware = join(folder, `${perPass}.yaml`);
  const calibrated = readFileSync('test/support/calibrated/rtx-4090.yaml', 'utf8');
  writeFileSync(hardware, calibrated.replace('perPass: 100us', `perPass: ${perPass}`).replace('perLayer: 30us', 'perLayer: 1us'));
  const { metrics } = await simulate({
    model: 'mini-finegrained-64x12l',
    trace: 'mini-finegrained-64x12l',
    hardware,
    memory: { expertCache: '25%' },
    workload: { tokens: 600 },
    bounds: false,
    system: {
      name: 'pays',
      cache: { policy: 'plec' },
      predictor: { kind: 'path-retrieval', horizon: 8, costNs: 0 },
      prefetch: { minProbability: 0.05, when: 'pays' },
    },
  });
  return { tpotNs: metrics['latency.tpot.mean']!.value, useful: metrics['prefetch.useful']!.value };
}

it('hides transfers behind the end of a pass, where prefetches must pay', async () => {
  const folder = temporaryFolder();
  try {
    const [short, long] = [await runWith(folder, '1us'), await runWith(folder, '2ms')];
    expect(long.useful).toBeGreaterThan(3 * short.useful);
    // A token takes less than the longer end more.
    expect(long.tpotNs - short.tpotNs).toBeLessThan(1_999_000 - 1000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('reads what is said of the next pass by itself', () => {
  const chances = new Chances(toyModel([16, 16]), new Float32Array(32));
  const scores = new Float32Array(32).fill(1);
  const [next, before] = [new Float32Array(32), new Float32Array(32)];
  for (let pass = 1; pass < 2000; pass++) {
    // Said at the end of a pass, it is judged by the one that follows.
    chances.judge(pass, 0, new Int32Array(0), 0);
    chances.read(scores, pass + 1, NEXT_TOKEN, 0, next);
  }
  chances.read(scores, 2000, -1, 0, before);
  expect(next[3]!).toBeLessThan(0.1);
  expect(before[3]!).toBeGreaterThan(0.9);
});
