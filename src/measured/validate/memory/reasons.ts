// Reasons why a figure of a memory row is not scored: the row lacks an input of the prediction. No reason looks at an error.

import type { ModelSpec } from '../../../model/door.js';
import { allocate } from '../../../runtime/allocation/allocate.js';
import type { LoadPlan } from '../../../runtime/allocation/graph/load-plan.js';
import { RUNTIMES, runtimeOfProgram } from '../../../runtime/index.js';
import { hasBlas, type MemoryKind, type MemoryRow, measuredDevices } from '../rows/memory-row.js';
import { hasFlag, loaded, type RowWeights } from './load.js';

/** Formats that are unlike each other: few bits, many bits, and one that GPUs cannot compute with. */
const UNLIKE = ['q2_k', 'q8_0', 'q4_k_r4'];

/** Facts of a row that reasons look at. */
export interface RowLoad extends RowWeights {
  readonly row: MemoryRow;
  readonly plan: LoadPlan;
}

/** Reason why nothing of a row is scored; null: something is. */
export function rowReason({ model, plan, row }: RowLoad): string | null {
  const { gpus } = measuredDevices(row);
  const flags = row.flags ?? '';
  if (runtimeOfProgram(row.engine).memory === undefined) return `allocation of ${row.engine} is not modelled`;
  if (row.flags === undefined && gpus.length > 0) return 'no command line: nothing says where tensors lie';
  if (/(^|\s)(-sm|--split-mode)\s+(row|graph)/.test(flags)) return 'tensors are split over GPUs';
  if ((hasFlag(flags, '-amb') && row.attn_max_batch === 0) || (hasFlag(flags, '-fmoe') && row.fused_moe === false))
    return 'command line and printed settings contradict each other';
  const latent = model.anatomy!.layers.some(({ kind }) => kind === 'latent');
  if (plan.rules.latentVariants && latent && plan.flashAttention && row.flags !== undefined && !hasFlag(flags, '-mla', '--mla-use'))
    return 'no -mla: what the engine takes then depends on its version and on the file';
  return null;
}

/** True where the program placed tensors by itself. */
function unplaced({ row }: RowLoad): boolean {
  const said = row.ngl !== undefined || row.offloaded !== undefined || row.cpu_moe === true || row.n_cpu_moe !== undefined;
  return row.class === 'hybrid' && !said && (row.ot ?? []).length === 0;
}

/** True where layers are split over GPUs by their free memory, which rows do not have. */
export function splitByFreeMemory({ plan, row }: RowLoad): boolean {
  return plan.gpus > 1 && plan.tensorSplit === undefined && !/(-sm|--split-mode)\s+none/.test(row.flags ?? '');
}

/** Reason why a figure is not scored, where the row as a whole may be; null: it is. `device`: a GPU by number, or `host`. */
export function figureReason(load: RowLoad, kind: MemoryKind, device: number | 'host' | 'all'): string | null {
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
  if (latent && RUNTIMES.some(({ memory }) => memory?.isBefore?.(row.source ?? '') === true))
    return 'an engine of before March 2025, which kept more';
  if (load.lacks !== null && dependsOnFormat(model, plan, device)) return 'it depends on the format of experts, which nothing says';
  return null;
}

/** True where models in unlike formats need buffers that differ. */
function dependsOnFormat({ name }: ModelSpec, plan: LoadPlan, device: number | 'host' | 'all'): boolean {
  const bytes = UNLIKE.map((format) => allocate(loaded(name, format), plan).devices.at(device === 'host' ? -1 : Number(device))!.compute);
  return bytes.some((one) => one !== bytes[0]);
}
