// A baseline for predictions: times of data sheets, with three constants or four.

import type { HardwareProfile, SpeedKind } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes, weightBytes } from '../../model/door.js';
import type { Measurement } from './rows/measurement.js';
import { machineOf } from './rows/row-machine.js';
import { modelOfRow } from './rows/row-model.js';

/** Parts of a figure's time by data sheets, ns, in the order of {@link SHEET_PARTS}. */
export type SheetTimes = readonly number[];

/** Parts as knobs are named: reads of the GPU, of the CPU, layers, KV; products, copies, products of the CPU. */
export const SHEET_PARTS: Readonly<Record<SpeedKind, readonly string[]>> = {
  decode: ['reading', 'cpu.memory', 'launches', 'kv'],
  prefill: ['arithmetic', 'copies', 'products'],
};

/** Operations a cycle and core, where no data sheet gives a rate; AVX2. Our choice: a constant scales it. */
const FLOPS_A_CYCLE = 16;
/** Time of a layer, ns, before a constant scales it; ours. */
const LAYER = 1e4;
/** Tokens of a prompt's pass by default: llama.cpp's. */
const USUAL_UBATCH = 512;

/** Times of a row by data sheets; null: something is unknown. @param kv true: reads of the KV cache count */
export function sheetTimes(row: Measurement, kind: SpeedKind, kv: boolean): SheetTimes | null {
  const [model, machine] = [modelOfRow(row), machineOf(row, 'layers')];
  if ('lacks' in model || 'lacks' in machine) return null;
  return kind === 'decode' ? decodeTimes(row, model, machine, kv) : promptTimes(row, model, machine);
}

function decodeTimes(row: Measurement, model: ModelSpec, { cpu, gpu }: HardwareProfile, kv: boolean): SheetTimes {
  const [active, dense] = [tokenCycleBytes(model), weightBytes(model) - expertBytesTotal(model)];
  const onCpu = cpu === undefined ? 0 : shareOnCpu(row, model);
  const perByte = 1e9 / gpu.memoryBandwidth;
  return [
    (dense + active * (1 - onCpu)) * perByte,
    cpu === undefined ? 0 : (active * onCpu * 1e9) / cpu.memoryBandwidth,
    model.layers.length * LAYER,
    kv ? model.dense.kvBytesPerToken * (row.run.depth ?? 0) * perByte : 0,
  ];
}

function promptTimes(row: Measurement, model: ModelSpec, { cpu, gpu, links }: HardwareProfile): SheetTimes {
  const flops = 2 * model.parameters.active;
  const peakOf = ({ clock = 3, cores = 8, peak }: Pick<HardwareProfile['gpu'], 'clock' | 'cores' | 'peak'>): number =>
    peak ?? cores * clock * 1e9 * FLOPS_A_CYCLE;
  const onCpu = cpu === undefined ? 0 : shareOnCpu(row, model);
  const there = row.placement.prefill_where === 'cpu';
  const ubatch = Math.min(row.run.ubatch ?? USUAL_UBATCH, row.run.pp_tokens ?? USUAL_UBATCH);
  const link = links.find(({ name }) => name === 'h2d')?.bandwidth;
  return [
    ((there ? 1 - onCpu : 1) * flops * 1e9) / peakOf(gpu),
    there || link === undefined ? 0 : (onCpu * expertBytesTotal(model) * 1e9) / ubatch / link,
    there && cpu !== undefined ? (onCpu * flops * 1e9) / peakOf(cpu) : 0,
  ];
}

function shareOnCpu({ placement }: Measurement, { layers }: ModelSpec): number {
  const { cpu_moe_layers, gpu_expert_share, gpu_moe_layers, kind } = placement;
  if (kind === 'all-cpu' || kind === 'all-gpu') return Number(kind === 'all-cpu');
  const onGpu = gpu_expert_share ?? (gpu_moe_layers ?? layers.length - (cpu_moe_layers ?? layers.length)) / layers.length;
  return Math.min(1, Math.max(0, 1 - onGpu));
}

/** A figure with its times and its vote. */
interface SheetFigure {
  readonly times: SheetTimes;
  /** Measured time, ns. */
  readonly measured: number;
  readonly weight: number;
}

/** Factors of the parts, of least absolute logarithm of the error, by steps along each. */
export function fittedFactors(figures: readonly SheetFigure[]): number[] {
  const loss = (logs: readonly number[]): number =>
    figures.reduce(
      (sum, { measured, times, weight }) => sum + weight * Math.abs(Math.log(sheetTime(times, logs.map(Math.exp)) / measured)),
      0,
    );
  let logs = figures[0]!.times.map(() => Math.log(2));
  let best = loss(logs);
  for (let step = 0.5; step > 0.01; step /= 2)
    for (let moved = true; moved; ) {
      moved = false;
      for (const [i] of logs.entries())
        for (const by of [step, -step]) {
          const tried = logs.map((log, j) => (i === j ? log + by : log));
          const value = loss(tried);
          if (value < best - 1e-9) [best, logs, moved] = [value, tried, true];
        }
    }
  return logs.map(Math.exp);
}

/** Time by data sheets and factors. */
export const sheetTime = (times: SheetTimes, factors: readonly number[]): number =>
  times.reduce((sum, time, i) => sum + time * factors[i]!, 1e-3);
