import { whyLost } from '../../../base/errors.js';
import type { ModelSpec } from '../../../model/door.js';
import { allocate, type LoadPlan, runtimeOfProgram } from '../../../runtime/door.js';
import { type ErrorSizes, errorSizes } from '../rows/error-sizes.js';
import type { DeviceMib, MemoryKind, MemoryRow } from '../rows/memory-row.js';
import { hasBlas, MEMORY_KINDS, measuredDevices, sumOfDevices } from '../rows/memory-row.js';
import { formatKin } from '../rows/specify.js';
import type { ValidatedRow } from '../rows/validated-row.js';
import { hasFlag, loaded, planOfRow, type RowWeights, weightsOfRow } from './load.js';

interface MemoryErrors extends ErrorSizes {
  readonly largest: { readonly error: number; readonly id: string; readonly device: string; readonly kind: MemoryKind };
}

interface MemoryFamily extends MemoryErrors {
  readonly device: 'GPU' | 'host';
  readonly kind: MemoryKind;
}

/** Errors of predicted memory, by device and kind; rows with missing inputs are not scored. */
export interface MemorySummary extends MemoryErrors {
  readonly byKind: readonly MemoryFamily[];
}

/** Smallest scored buffer, MiB; ours. Smaller buffers fit anywhere. */
const SMALL = 32;

interface Side {
  readonly device: number | 'host' | 'all';
  readonly measured: DeviceMib;
  readonly predicted: DeviceMib;
}

/** Figures of a row with predictions. */
export function judgeMemory(row: MemoryRow): ValidatedRow[] {
  let load: RowLoad;
  let sides: Side[];
  let reason: string | null;
  try {
    const weights = weightsOfRow(row);
    load = { row, ...weights, plan: planOfRow(row, weights.model) };
    reason = rowReason(load);
    sides = sidesOf(load);
  } catch (error) {
    return unpredicted(row, whyLost(error));
  }
  const { gpus, tensorSplit } = load.plan;
  // The program splits layers by free memory, absent from rows.
  const together = gpus > 1 && tensorSplit === undefined && !/(-sm|--split-mode)\s+none/.test(row.flags ?? '');
  return sides.flatMap(({ device, measured, predicted }) =>
    MEMORY_KINDS.flatMap((kind) => {
      // With an unknown split, weights are compared over all GPUs.
      if (device !== 'host' && (device === 'all') !== (together && kind !== 'compute')) return [];
      const value = measured[kind];
      if (value === undefined || value === 0) return [];
      const why = reason ?? figureReason(load, kind, device) ?? (value < SMALL ? `less than ${SMALL} MiB` : null);
      return [figureOf(row, device, kind, value, predicted[kind]!, why)];
    }),
  );
}

function sidesOf({ model, plan, row }: RowLoad): Side[] {
  const { gpus, host } = measuredDevices(row);
  const predicted = allocate(model, plan).devices.map(
    ({ compute, kv, weights }): DeviceMib => ({ weights: weights / 2 ** 20, kv: kv / 2 ** 20, compute: compute / 2 ** 20 }),
  );
  const sides: Side[] = gpus.map((measured, gpu) => ({ device: gpu, measured, predicted: predicted[gpu]! }));
  if (gpus.length > 1) sides.push({ device: 'all', measured: sumOfDevices(gpus), predicted: sumOfDevices(predicted.slice(0, -1)) });
  return [...sides, { device: 'host', measured: host, predicted: predicted.at(-1)! }];
}

function unpredicted(row: MemoryRow, reason: string): ValidatedRow[] {
  const { gpus, host } = measuredDevices(row);
  const sides = [...gpus.map((measured, gpu) => ({ device: gpu, measured })), { device: 'host' as const, measured: host }];
  return sides.flatMap(({ device, measured }) =>
    MEMORY_KINDS.flatMap((kind) => (measured[kind] ? [figureOf(row, device, kind, measured[kind], null, reason)] : [])),
  );
}

function figureOf(
  row: MemoryRow,
  device: Side['device'],
  kind: MemoryKind,
  measured: number,
  predicted: number | null,
  reason: string | null,
): ValidatedRow {
  const placement = device === 'host' ? 'host' : 'GPU';
  const format = formatKin({ name: row.model, quant: row.quant });
  const machine = row.thread ?? row.source ?? row.id;
  return {
    id: row.id,
    metric: 'memory',
    machine,
    vote: machine,
    machineKind: null,
    model: row.model,
    measured,
    predicted,
    device: device === 'all' ? 'GPUs' : device === 'host' ? 'host' : `GPU ${device}`,
    kind,
    error: predicted === null ? null : predicted / measured - 1,
    family: `${row.engine} / ${placement} / ${kind}`,
    runtime: row.engine,
    format,
    placement,
    scored: reason === null,
    reason,
    band: null,
  };
}

/** Memory errors; null if no row is scored. */
export function memorySummary(rows: readonly ValidatedRow[]): MemorySummary | null {
  const scored = rows.filter((row) => row.metric === 'memory' && row.scored);
  if (scored.length === 0) return null;
  const byKind = MEMORY_KINDS.flatMap((kind) =>
    (['GPU', 'host'] as const).flatMap((device): MemoryFamily[] => {
      const alike = scored.filter((row) => row.kind === kind && row.placement === device);
      return alike.length === 0 ? [] : [{ device, kind, ...errorsOf(alike) }];
    }),
  );
  return { ...errorsOf(scored), byKind };
}

function errorsOf(rows: readonly ValidatedRow[]): MemoryErrors {
  const worst = rows.reduce((most, row) => (Math.abs(row.error!) > Math.abs(most.error!) ? row : most));
  return {
    ...errorSizes(rows.map(({ error }) => ({ value: error!, weight: 1 }))),
    largest: { error: worst.error!, id: worst.id, device: worst.device!, kind: worst.kind! },
  };
}

/** Unlike formats: few bits, many bits, and a format without GPU kernels. */
const UNLIKE = ['q2_k', 'q8_0', 'q4_k_r4'];

interface RowLoad extends RowWeights {
  readonly row: MemoryRow;
  readonly plan: LoadPlan;
}

/** Reason to score no figure of a row; null: scorable. */
function rowReason({ model, plan, row }: RowLoad): string | null {
  const { gpus } = measuredDevices(row);
  const flags = row.flags ?? '';
  if (runtimeOfProgram(row.engine).memory === undefined) return `allocation of ${row.engine} is not modelled`;
  if (row.flags === undefined && gpus.length > 0 && !printsAllOnGpu(row, model)) return 'no command line: nothing says where tensors lie';
  if (/(^|\s)(-sm|--split-mode)\s+(row|graph)/.test(flags)) return 'tensors are split over GPUs';
  if ((hasFlag(flags, '-amb') && row.attn_max_batch === 0) || (hasFlag(flags, '-fmoe') && row.fused_moe === false))
    return 'command line and printed settings contradict each other';
  const latent = model.anatomy!.layers.some(({ kind }) => kind === 'latent');
  if (plan.rules.latentVariants && latent && plan.flashAttention && row.flags !== undefined && !hasFlag(flags, '-mla', '--mla-use'))
    return 'no -mla: what the engine takes then depends on its version and on the file';
  return null;
}

/** True if the log shows only the embedding table in host memory; a flag may keep windows whole. */
function printsAllOnGpu({ class: place, offloaded }: MemoryRow, { anatomy }: ModelSpec): boolean {
  const windows = anatomy!.layers.some((layer) => layer.kind === 'heads' && layer.window !== null);
  return !windows && place === 'gpu' && /^(\d+)\/\1$/.test(offloaded ?? '');
}

const PLACES = /(^|\s)(-ot|--override-tensor|-ngl|--n-gpu-layers|-n?cmoe|--cpu-moe|--n-cpu-moe)\b/;

function unplaced({ row }: RowLoad): boolean {
  const stated =
    row.ngl !== undefined ||
    row.offloaded !== undefined ||
    row.cpu_moe === true ||
    row.n_cpu_moe !== undefined ||
    PLACES.test(row.flags ?? '');
  return row.class === 'hybrid' && !stated && (row.ot ?? []).length === 0;
}

/** Reason not to score a figure; null: scored. `device`: a GPU by number, or `host`. */
function figureReason(load: RowLoad, kind: MemoryKind, device: number | 'host' | 'all'): string | null {
  const { row } = load;
  if (kind !== 'weights' && row.ctx === undefined) return 'its context is not printed';
  if (kind !== 'kv' && unplaced(load)) return 'the program chose the placement by itself';
  if (kind === 'weights') return weightsReason(load, device);
  return kind === 'compute' ? computeReason(load, device) : null;
}

function weightsReason({ lacks, plan, row }: RowLoad, device: number | 'host' | 'all'): string | null {
  if (lacks !== null) return lacks;
  if (device !== 'host') return null;
  const mapped = !hasFlag(row.flags ?? '', '--no-mmap', '-rtr', '--run-time-repack');
  const apart = plan.gpus > 0 && row.class === 'hybrid';
  return mapped && apart ? 'host buffers of a mapped file are spans of it, with tensors of GPUs' : null;
}

function computeReason(load: RowLoad, device: number | 'host' | 'all'): string | null {
  const { model, plan, row } = load;
  const resident = plan.gpus > 0 && plan.gpuLayers > 0;
  if (hasBlas(row) && (device === 'host' || !resident)) return 'built with BLAS, which has a buffer of its own';
  if (device !== 'host' && !resident) return 'no layer is on the GPU: what it still computes depends on the build';
  const latent = model.anatomy!.layers.some(({ kind }) => kind === 'latent');
  const lack = latent && plan.flashAttention ? runtimeOfProgram(row.engine).memory!.latentLack(row.source ?? '') : null;
  if (lack !== null) return lack;
  if (load.lacks !== null && dependsOnFormat(model, plan, device)) return 'it depends on the format of experts, which nothing says';
  return null;
}

function dependsOnFormat({ name }: ModelSpec, plan: LoadPlan, device: number | 'host' | 'all'): boolean {
  const bytes = UNLIKE.map((format) => allocate(loaded(name, format), plan).devices.at(device === 'host' ? -1 : Number(device))!.compute);
  return bytes.some((size) => size !== bytes[0]);
}
