// A figure of a measurement beside its prediction: the line of every report of a validation.
import type { Accuracy } from '../../result/result.js';
import type { MemoryKind } from './memory/row.js';
import type { MeasuredMetric } from './specify.js';

/** A figure of a row beside its prediction. */
export interface ValidatedRow {
  readonly id: string;
  readonly metric: MeasuredMetric | 'memory';
  /** Of memory: the thread that its log stands in. */
  readonly machine: string;
  readonly model: string;
  /** Tokens/s, or a share; of memory: MiB. */
  readonly measured: number;
  /** Of memory: where (`GPU 0`, `GPUs`, `host`), and what. */
  readonly device?: string;
  readonly kind?: MemoryKind;
  /** Null: its specification does not suffice to predict it. */
  readonly predicted: number | null;
  /** predicted / measured - 1; null where nothing is predicted. */
  readonly error: number | null;
  /** `runtime / format / placement`. */
  readonly family: string;
  readonly runtime: string;
  readonly format: string;
  readonly placement: string;
  readonly scored: boolean;
  /** Why it is not scored; null: it is. */
  readonly reason: string | null;
  /** The error of comparable rows of other machines; null where none is comparable, or it is not scored. */
  readonly band: Accuracy | null;
}
