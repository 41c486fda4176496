import { orUserError, UserError } from '../base/errors.js';
import type { Outcome } from '../figure/door.js';
import { MissingCells, type SettleCell, type Settled, type Store } from '../study/door.js';
import type { RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { runEach } from './run-pool.js';

/** Store of outcomes, and number of parallel runs. */
export interface StoredOptions {
  /** Null: nothing is kept, without fingerprints. */
  readonly store: Store | null;
  readonly threads?: number;
}

/** Stores each run at its end; equal fingerprints run once. @param cells throw a UserError for an impossible run */
export async function runStored(
  count: number,
  cells: Iterable<() => RunSpec>,
  context: Pick<CliContext, 'progress' | 'breathe'>,
  { store, threads }: StoredOptions,
  settle: SettleCell,
): Promise<void> {
  if (store === null) {
    await runEach(count, unkept(cells, settle), context, { threads }, (index, settled) => {
      settle(index, null, outcomeOf(settled));
      return false;
    });
    return;
  }
  const missing = new MissingCells(cells, store, settle);
  const fingerprints = new Map<number, string>();
  function* runs(): Generator<RunSpec | null> {
    let next = 0;
    for (const cell of missing.runs()) {
      const index = next++;
      if (cell !== null) fingerprints.set(index, cell.identity.fingerprint);
      yield cell?.run ?? null;
    }
  }
  await runEach(count, runs(), context, { threads }, (index, settled) => {
    const fingerprint = fingerprints.get(index)!;
    const outcome = outcomeOf(settled);
    store.put(fingerprint, outcome);
    missing.settle(fingerprint, outcome);
    fingerprints.delete(index);
    return false;
  });
}

function* unkept(cells: Iterable<() => RunSpec>, settle: SettleCell): Generator<RunSpec | null> {
  let next = 0;
  for (const make of cells) {
    const index = next++;
    const run = orUserError(make);
    if (run instanceof UserError) settle(index, null, { status: 'refused', reason: run.message });
    yield run instanceof UserError ? null : run;
  }
}

const outcomeOf = (settled: Settled): Outcome =>
  settled.status === 'done' ? settled : { status: settled.status, reason: settled.error.message };
