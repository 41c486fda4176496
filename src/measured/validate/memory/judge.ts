// Predicted memory beside what was allocated: one figure for each device and kind of a row.
import { UserError } from '../../../base/errors.js';
import { allocate } from '../../../runtime/allocation/allocate.js';
import { type ErrorSizes, errorSizes } from '../rows/error-sizes.js';
import { type DeviceMib, MEMORY_KINDS, type MemoryKind, type MemoryRow, measuredDevices, sumOfDevices } from '../rows/memory-row.js';
import { formatKin } from '../rows/specify.js';
import type { ValidatedRow } from '../rows/validated-row.js';
import { planOfRow, weightsOfRow } from './load.js';
import { figureReason, type RowLoad, rowReason, splitByFreeMemory } from './reasons.js';

/** Statistics of memory errors. */
interface MemoryErrors extends ErrorSizes {
  /** The largest error, with its sign and its row. */
  readonly largest: { readonly error: number; readonly id: string; readonly device: string; readonly kind: MemoryKind };
}

/** Memory of one kind on one side: GPUs, or the host. */
interface MemoryFamily extends MemoryErrors {
  readonly device: 'GPU' | 'host';
  readonly kind: MemoryKind;
}

/** The memory part of a validation. */
export interface MemorySummary extends MemoryErrors {
  readonly byKind: readonly MemoryFamily[];
}

/** Buffers below this, in MiB, are not scored: they fit anywhere. */
const SMALL = 32;

/** Predicted and measured bytes of one device, or of all GPUs together. */
interface Side {
  readonly device: number | 'host' | 'all';
  readonly measured: DeviceMib;
  readonly predicted: DeviceMib;
}

/** Figures of a row beside their predictions. */
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
    if (!(error instanceof UserError)) throw error;
    return unpredicted(row, error.message);
  }
  const together = splitByFreeMemory(load);
  return sides.flatMap(({ device, measured, predicted }) =>
    MEMORY_KINDS.flatMap((kind) => {
      // If the split of layers is unknown, weights are compared for all GPUs together.
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

/** Figures of a row that cannot be predicted at all. */
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
  return {
    id: row.id,
    metric: 'memory',
    machine: row.thread ?? row.source ?? row.id,
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

/** Statistics of memory errors, as a whole and by side and kind; null where none is scored. */
export function memorySummary(rows: readonly ValidatedRow[]): MemorySummary | null {
  const scored = rows.filter((row) => row.metric === 'memory' && row.scored);
  if (scored.length === 0) return null;
  const byKind = MEMORY_KINDS.flatMap((kind) =>
    (['GPU', 'host'] as const).flatMap((device): MemoryFamily[] => {
      const own = scored.filter((row) => row.kind === kind && row.placement === device);
      return own.length === 0 ? [] : [{ device, kind, ...errorsOf(own) }];
    }),
  );
  return { ...errorsOf(scored), byKind };
}

function errorsOf(rows: readonly ValidatedRow[]): MemoryErrors {
  const worst = rows.reduce((most, row) => (Math.abs(row.error!) > Math.abs(most.error!) ? row : most));
  return {
    ...errorSizes(rows.map(({ error }) => error!)),
    largest: { error: worst.error!, id: worst.id, device: worst.device!, kind: worst.kind! },
  };
}
