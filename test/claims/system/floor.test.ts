// L24 Ideal is the floor: no system is faster under a real runtime than under `ideal`, which charges bytes and operations alone.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';

const MACHINES = [
  'rtx-3090+ryzen-9-5950x+2xddr4-3200+64GB',
  'rtx-5090+epyc-9355+12xddr5-6000+384GB+pcie5x16',
  't4+xeon-platinum-8358+128GB',
];
const USUAL = ['llama.cpp', 'ik_llama.cpp', 'ktransformers', 'vllm', 'hf-eager'];
/** Every runtime on the first machine, with a small model; the usual ones on the others. */
const realOn = (hardware: string): readonly string[] =>
  hardware === MACHINES[0] ? listProfiles('runtimes').filter((name) => name !== 'ideal') : USUAL;
const systems = listProfiles('systems');

/** Time of a short run, ns; null: the system refuses these inputs. */
async function timeOf(system: string, hardware: string, runtime: string): Promise<number | null> {
  const given = {
    model: hardware === MACHINES[0] ? 'olmoe-1b-7b' : 'qwen3-30b-a3b',
    quantization: 'q4_k_m',
    trace: 'synthetic',
    ...{ hardware, system, runtime, bounds: false, seed: 5 },
    memory: { expertCache: '40%' },
    workload: { tokens: 48, prompt: 16, output: 8 },
  };
  try {
    const { metrics } = await simulateRun(checkRun(given, 'floor'));
    return metrics['time.total']!.value;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return null;
  }
}

describe.each(MACHINES)('L24 on %s', (hardware) => {
  it('no runtime beats ideal', { timeout: 300_000 }, async () => {
    const faster: string[] = [];
    let compared = 0;
    for (const system of systems) {
      const floor = await timeOf(system, hardware, 'ideal');
      if (floor === null) continue;
      for (const runtime of realOn(hardware)) {
        const time = await timeOf(system, hardware, runtime);
        if (time === null) continue;
        compared++;
        if (time < floor * (1 - 1e-9)) faster.push(`${system} under ${runtime}: ${(time / floor).toFixed(4)}`);
      }
    }
    expect(faster).toEqual([]);
    expect(compared).toBeGreaterThan(100);
  });
});
