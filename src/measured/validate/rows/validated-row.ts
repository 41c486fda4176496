import type { ScoredError } from '../../../engine/outcome/band.js';
import type { Accuracy } from '../../../result/result.js';
import type { MACHINE_KINDS } from './machines.js';
import type { MemoryKind } from './memory-row.js';
import type { MeasuredMetric } from './specify.js';

/** A measured figure with its prediction. */
export interface ValidatedRow extends Pick<ScoredError, 'runtime' | 'format' | 'placement'> {
  readonly id: string;
  readonly metric: MeasuredMetric | 'memory';
  /** For memory rows, the thread with the log. */
  readonly machine: string;
  /** Machines of equal parts share a vote. */
  readonly vote: string;
  readonly machineKind: (typeof MACHINE_KINDS)[number] | null;
  readonly model: string;
  /** Tokens/s, a share, or MiB of memory. */
  readonly measured: number;
  /** `GPU 0`, `GPUs` or `host`, for memory. */
  readonly device?: string;
  readonly kind?: MemoryKind;
  readonly predicted: number | null;
  /** predicted / measured - 1; null: not predicted. */
  readonly error: number | null;
  /** `runtime / format / placement`. */
  readonly family: string;
  readonly scored: boolean;
  /** Reason for no score; null: scored. */
  readonly reason: string | null;
  /** Error band of comparable rows; null: no comparable row, or not scored. */
  readonly band: Accuracy | null;
}
