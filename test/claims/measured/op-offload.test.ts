// Whether experts in host memory are copied to the GPU for a prompt or computed on the CPU: the open pair with and without op-offload says
// neither its model nor its ubatch. The GPU must win as published wherever the pair can have been measured, and only there.
import { expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRow } from '../../../src/measured/validate/predict.js';
import { type Measurement, readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { RowTraces } from '../../../src/measured/validate/rows/row-traces.js';

const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
const pair = listProfiles('measurements')
  .flatMap((name) => readMeasurements(findProfile('measurements', name)))
  .filter(({ id }) => id.startsWith('opoffload-13386'));

/** Prompt speed with experts copied to the GPU, and with the CPU computing them, all of them in host memory. */
async function speeds(model: string, layers: number, ubatch: number): Promise<{ gpu: number; cpu: number }> {
  const rows = pair.map(
    (row): Measurement => ({
      ...row,
      model: { ...row.model, name: model, quant: 'q4_k_m' },
      placement: { ...row.placement, cpu_moe_layers: layers },
      run: { ...row.run, ubatch },
      measured: { pp_tps: row.measured.pp_tps! },
    }),
  );
  const traces = new RowTraces();
  const of = async (row: Measurement): Promise<number> => (await predictRow(row, traces, runtimes)).figures.prefill!;
  return { gpu: await of(rows[0]!), cpu: await of(rows[1]!) };
}

it.each([
  ['qwen3-235b-a22b', 94],
  ['glm-4.5', 89],
])('the GPU wins with %s from a ubatch of 2,048 on', { timeout: 300_000 }, async (model, layers) => {
  expect(pair.map(({ placement }) => placement.prefill_where)).toEqual(['gpu', 'cpu']);
  for (const ubatch of [2048, 8192]) {
    const { cpu, gpu } = await speeds(model, layers, ubatch);
    expect(gpu).toBeGreaterThan(cpu);
  }
  const usual = await speeds(model, layers, 512);
  expect(usual.gpu).toBeLessThan(usual.cpu);
});

it('no ubatch lets DeepSeek-V3 read that prompt as fast as the pair says', { timeout: 300_000 }, async () => {
  const { gpu } = await speeds('deepseek-v3', 58, 8192);
  expect(gpu).toBeLessThan(0.6 * pair[0]!.measured.pp_tps!);
});
