// ExpertFlow beside Cache-MoE on Mixtral 8x7B and an A40 (arXiv 2410.17954, figure 6b): three settings, published 1.8 to 2.0 times as fast.
import { expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { readMeasurements } from '../../../src/explore/validate/measurement.js';
import { predictRow } from '../../../src/explore/validate/predict.js';
import { RowTraces } from '../../../src/explore/validate/row-traces.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

it('ExpertFlow is at least 1.5 times as fast as Cache-MoE at all three published settings', { timeout: 300_000 }, async () => {
  const rows = listProfiles('measurements')
    .flatMap((name) => readMeasurements(findProfile('measurements', name)))
    .filter(({ id }) => id.startsWith('expertflow-mixtral-'));
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const traces = new RowTraces(rows);
  const settings = new Map<string, Record<string, { measured: number; predicted: number }>>();
  for (const row of rows) {
    const setting = `${row.placement.cache_experts_per_layer} per layer, batch ${row.run.batch_users}`;
    const { figures } = await predictRow(row, traces, runtimes);
    settings.set(setting, { ...settings.get(setting), [row.engine]: { measured: row.measured.tg_tps!, predicted: figures.decode! } });
  }
  expect(settings.size).toBe(3);
  for (const [setting, systems] of settings) {
    const { 'cache-moe': cached, expertflow } = systems as Record<'cache-moe' | 'expertflow', { measured: number; predicted: number }>;
    expect(expertflow.measured / cached.measured, `${setting}, published`).toBeGreaterThan(1.8);
    expect(expertflow.predicted / cached.predicted, setting).toBeGreaterThan(1.5);
  }
});
