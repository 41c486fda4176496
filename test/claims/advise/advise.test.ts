// In every measured sweep in which only the split or the pass of a prompt varies, the advised setting is nearest to a point that is within
// 5 % of the best one measured.
import { describe, expect, it } from 'vitest';
import { USUAL_DRAFTING } from '../../../src/advise/drafting.js';
import { Pricer, tokensNeeded } from '../../../src/advise/price.js';
import { bestSetting } from '../../../src/advise/search.js';
import { findProfile } from '../../../src/base/profiles.js';
import { buildHardware } from '../../../src/hardware/load.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import type { HardwareSpec } from '../../../src/hardware/spec.js';
import { type Measurement, readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { machineOf } from '../../../src/measured/validate/rows/row-machine.js';
import { modelOfRow, routingOfRow } from '../../../src/measured/validate/rows/row-model.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import type { Goal } from '../../../src/runtime/setting/goal.js';
import type { Setting } from '../../../src/runtime/setting/setting.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';

/** Runtimes that advice is given for, by the engine of a row. */
const ADVISED: Readonly<Record<string, string>> = {
  'llama.cpp': 'llama.cpp',
  'ik_llama.cpp': 'ik_llama.cpp',
  'sglang+kt': 'ktransformers',
};
/** What varies where only the split or the pass does. */
const VARIES = ['cpu_moe_layers', 'gpu_expert_share', 'ubatch'];
const GIB = 2 ** 30;

interface Sweep {
  readonly id: string;
  readonly vary: string;
  readonly metric: 'tg' | 'pp';
  readonly rows: readonly Measurement[];
}

/** Sweeps of rows that may be scored, decode and prefill apart. */
function sweeps(): Sweep[] {
  const bySeries = new Map<string, Sweep & { rows: Measurement[] }>();
  for (const row of readMeasurements(findProfile('measurements', 'open'))) {
    for (const series of [row.series, row.also_series].flatMap((one) => one ?? [])) {
      const { id, vary } = series;
      if (!VARIES.includes(vary) || ADVISED[row.engine] === undefined) continue;
      for (const metric of ['tg', 'pp'] as const) {
        if (row.scorable?.[metric] !== true || row.measured[`${metric}_tps`] === undefined) continue;
        const key = `${id}/${metric}`;
        const sweep = bySeries.get(key) ?? { id, vary, metric, rows: [] };
        sweep.rows.push(row);
        bySeries.set(key, sweep);
      }
    }
  }
  return [...bySeries.values()].filter(({ rows }) => rows.length > 1);
}

/** The machine of a row with the memory that its cards have. */
function hardwareOf(row: Measurement): HardwareSpec {
  const runtime = loadRuntime(runtimeOf(row));
  const machine = machineOf(row, runtime.gpu.several);
  if ('lacks' in machine) throw new Error(machine.lacks);
  const spec = buildHardware(machine, runtime);
  const bytes = row.machine.gpus.reduce((sum, { memory_gb }) => sum + memory_gb! * GIB - GIB / 2, 0);
  return { ...spec, tiers: spec.tiers.map((tier, i) => (i === 0 ? { ...tier, bytes } : tier)) };
}

/** Where a setting stands on the axis of a sweep, and where a row does. */
function placeOf({ vary }: Sweep, { cpuMoe, gpuExperts, ubatch }: Setting, { experts, layers }: ModelSpec): number {
  if (vary === 'ubatch') return Math.log2(ubatch);
  if (vary === 'cpu_moe_layers') return cpuMoe;
  return gpuExperts === null ? 1 - cpuMoe / layers.length : (gpuExperts * layers.length) / experts;
}

function pointOf({ vary }: Sweep, { placement, run }: Measurement): number {
  if (vary === 'ubatch') return Math.log2(run.ubatch!);
  return vary === 'cpu_moe_layers' ? placement.cpu_moe_layers! : placement.gpu_expert_share!;
}

async function advisedSpeed(sweep: Sweep): Promise<{ advised: number; best: number }> {
  const { metric, rows } = sweep;
  const [row] = rows as [Measurement];
  const model = modelOfRow(row);
  if ('lacks' in model) throw new Error(model.lacks);
  // Sweeps of fixed placements: a cache may be faster, and is no point of theirs.
  const runtime = { ...advisedRuntime(ADVISED[row.engine]!), caches: [] };
  const request = { prompt: Math.max(...rows.map(({ run }) => run.pp_tokens ?? 512)), output: 128 };
  const context = Math.max(request.prompt + request.output, ...rows.map(({ run }) => run.context ?? run.depth ?? 0));
  const goal: Goal = { kind: metric === 'tg' ? 'decode' : 'prefill' };
  const profile = routingOfRow(row) ?? undefined;
  const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, request), decode: 0 }], profile });
  const common = { runtime, hardware: hardwareOf(row), goal, request, context, users: 1, model: () => model };
  const rest = { quantizations: [null], trace, file: null, hub: null, drafting: USUAL_DRAFTING, notes: [] };
  const answer = await bestSetting({ ...common, ...rest, pricer: new Pricer(trace, request) }, null, 'f16');
  if (answer === null) throw new Error('nothing fits');
  const place = placeOf(sweep, answer.setting, model);
  const nearest = rows.reduce((a, b) => (Math.abs(pointOf(sweep, b) - place) < Math.abs(pointOf(sweep, a) - place) ? b : a));
  const speed = ({ measured }: Measurement): number => measured[`${metric}_tps`]!;
  return { advised: speed(nearest), best: Math.max(...rows.map(speed)) };
}

describe('sweeps of the split or of the pass', () => {
  const all = sweeps();

  it('are measured', () => {
    expect(all.length).toBeGreaterThanOrEqual(10);
  });

  it.each(all.map((sweep) => [`${sweep.id}, ${sweep.metric}`, sweep] as const))('%s', async (_, sweep) => {
    const { advised, best } = await advisedSpeed(sweep);
    expect(advised / best).toBeGreaterThanOrEqual(0.95);
  });
});
