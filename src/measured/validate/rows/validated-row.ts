import type { ScoredError } from '../../../engine/outcome/band.js';
import type { Accuracy } from '../../../result/result.js';
import type { MACHINE_KINDS } from './machines.js';
import type { MemoryKind } from './memory-row.js';
import type { MeasuredMetric } from './specify.js';

/** A figure of a measurement and its prediction: the line of every report of a validation. */
export interface ValidatedRow extends Pick<ScoredError, 'runtime' | 'format' | 'placement'> {
  readonly id: string;
  readonly metric: MeasuredMetric | 'memory';
  /** The machine; of memory rows, the thread that has the log. */
  readonly machine: string;
  /** Rows that share one vote: those of the machine and of all with equal parts. Memory rows have no statistics of votes. */
  readonly vote: string;
  readonly machineKind: (typeof MACHINE_KINDS)[number] | null;
  readonly model: string;
  /** Tokens/s, a share, or MiB of memory. */
  readonly measured: number;
  /** Device and kind of a memory figure: `GPU 0`, `GPUs`, `host`. */
  readonly device?: string;
  readonly kind?: MemoryKind;
  /** The prediction; null: the specification does not suffice. */
  readonly predicted: number | null;
  /** predicted / measured - 1; null if nothing is predicted. */
  readonly error: number | null;
  /** `runtime / format / placement`. */
  readonly family: string;
  readonly scored: boolean;
  /** Reason why it is not scored; null: it is. */
  readonly reason: string | null;
  /** The error of comparable rows of other machines; null if none is comparable, or it is not scored. */
  readonly band: Accuracy | null;
}
