// HybriMoE's table (arXiv 2504.05897): four systems, three models, a quarter and three quarters of the experts on the GPU. Who is faster is
// what a ranking is for: of the 36 pairs of systems under one model and share, most must come in the published order.
import { expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { readMeasurements } from '../../../src/explore/validate/measurement.js';
import { predictRow } from '../../../src/explore/validate/predict.js';
import { RowTraces } from '../../../src/explore/validate/row-traces.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';

it('ranks the systems of HybriMoE as published in at least 29 of 36 pairs', { timeout: 600_000 }, async () => {
  const rows = listProfiles('measurements')
    .flatMap((name) => readMeasurements(findProfile('measurements', name)))
    .filter(({ id }) => id.startsWith('hybrimoe-'));
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const traces = new RowTraces(rows);
  const speeds: { model: string; share: number | undefined; measured: number; predicted: number }[] = [];
  for (const row of rows) {
    const { figures } = await predictRow(row, traces, runtimes);
    speeds.push({
      model: row.model.name,
      share: row.placement.gpu_expert_share,
      measured: row.measured.tg_tps!,
      predicted: figures.decode!,
    });
  }
  const pairs = speeds.flatMap((a) =>
    speeds.filter((b) => a.model === b.model && a.share === b.share && a.measured > b.measured).map((b) => a.predicted > b.predicted),
  );
  expect(pairs).toHaveLength(36);
  expect(pairs.filter((right) => right).length).toBeGreaterThanOrEqual(29);
});
