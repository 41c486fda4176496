// KTransformers' table of placements (kt-kernel, "experts-sched-Tutorial"): Qwen3-Next on one machine, a tenth to all of the experts on the
// GPUs, chosen by five rules. The absolute speed of the machine is validate's matter; here it is the shape over the shares.
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRow } from '../../../src/measured/validate/predict.js';
import { readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { RowTraces } from '../../../src/measured/validate/rows/row-traces.js';

const rows = listProfiles('measurements')
  .flatMap((name) => readMeasurements(findProfile('measurements', name)))
  .filter(({ id, placement }) => id.startsWith('kt-next-') && placement.gpu_expert_share !== 0);
const ruleOf = (id: string): string => id.replace(/^kt-next-|-\d+$/g, '');

/** Predicted and measured tok/s by share, of one rule. */
async function tableOf(rule: string): Promise<{ share: number; measured: number; predicted: number }[]> {
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const traces = new RowTraces();
  const table: { share: number; measured: number; predicted: number }[] = [];
  for (const row of rows.filter(({ id }) => ruleOf(id) === rule)) {
    const { figures } = await predictRow(row, traces, runtimes);
    table.push({ share: row.placement.gpu_expert_share!, measured: row.measured.tg_tps!, predicted: figures.decode! });
  }
  return table.sort((a, b) => a.share - b.share);
}

/** How far each share is off when one factor, the same for all, has been taken out. */
function shapeErrors(table: readonly { measured: number; predicted: number }[]): number[] {
  const logs = table.map(({ measured, predicted }) => Math.log(predicted / measured));
  const mean = logs.reduce((sum, log) => sum + log) / logs.length;
  return logs.map((log) => Math.exp(log - mean) - 1);
}

describe('placements of experts on the GPU', { timeout: 300_000 }, () => {
  it.each(['frequency', 'front-loading'])('%s has the published shape within 6 % at all ten shares', async (rule) => {
    const table = await tableOf(rule);
    expect(table).toHaveLength(10);
    for (const error of shapeErrors(table)) expect(Math.abs(error)).toBeLessThan(0.06);
  });

  it('dynamic is above both from 10 to 50 %', async () => {
    const [dynamic, frequency, front] = [await tableOf('dynamic'), await tableOf('frequency'), await tableOf('front-loading')];
    for (const [at, { predicted, share }] of dynamic.entries()) {
      if (share > 0.5) continue;
      expect(predicted, `${share}`).toBeGreaterThan(frequency[at]!.predicted);
      expect(predicted, `${share}`).toBeGreaterThan(front[at]!.predicted);
    }
  });
});
