import { serveTasks } from '../../base/worker-pool.js';
import type { Runtimes } from './constants.js';
import { type Prediction, predictVariants } from './predict.js';
import type { Measurement } from './rows/measurement.js';
import { RowTraces } from './rows/row-traces.js';

/** Rows of shared routing, with indices. */
export type RowsTask = readonly { readonly index: number; readonly row: Measurement }[];

/** A predicted row. */
export interface RowsNote {
  readonly index: number;
  readonly predictions: readonly Prediction[];
}

serveTasks<readonly Runtimes[], RowsTask, void, RowsNote>((variants) => async (rows, note) => {
  const traces = new RowTraces();
  for (const { index, row } of rows) note({ index, predictions: await predictVariants(row, traces, variants) });
});
