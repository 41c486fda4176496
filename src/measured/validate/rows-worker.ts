// A thread that predicts rows: those of one model come together, so that their routing is drawn once.
import { parentPort, workerData } from '../../base/host/threads.js';
import { type SentError, sentError } from '../../base/sent-error.js';
import type { Runtimes } from './constants.js';
import { type Prediction, predictVariants } from './predict.js';
import type { Measurement } from './rows/measurement.js';
import { RowTraces } from './rows/row-traces.js';

/** The task of a thread: rows that share their routing, by their index. */
export interface RowsTask {
  readonly rows: readonly { readonly index: number; readonly row: Measurement }[];
}

/** A thread's reply. */
export type RowsReply =
  | { readonly kind: 'predicted'; readonly index: number; readonly predictions: readonly Prediction[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'thrown'; readonly error: SentError };

const port = parentPort;
if (port === null) throw new Error('rows-worker.js runs in a worker thread only');

const { variants } = workerData as { readonly variants: readonly Runtimes[] };
const say = (reply: RowsReply): void => port.postMessage(reply);

port.on('message', async ({ rows }: RowsTask) => {
  try {
    const traces = new RowTraces(rows.map(({ row }) => row));
    for (const { index, row } of rows) say({ kind: 'predicted', index, predictions: await predictVariants(row, traces, variants) });
    say({ kind: 'done' });
  } catch (error) {
    say({ kind: 'thrown', error: sentError(error) });
  }
});
