// Runs of a sweep or a study: what the store has is read, the rest is run and kept as it ends, and a cell that cannot be is told, not fatal.
import { UserError } from '../base/errors.js';
import { fingerprintOf } from '../explore/study/fingerprint.js';
import type { Outcome } from '../explore/study/outcome.js';
import type { Store } from '../explore/study/store.js';
import type { RunSpec } from '../system/run.js';
import type { CliContext } from './context.js';
import { runEach } from './run-pool.js';

/** Where outcomes come from, and how many runs there are at a time. */
export interface StoredOptions {
  /** Null: nothing is kept, and runs have no fingerprint. */
  readonly store: Store | null;
  readonly threads: number | undefined;
}

/**
 * Settles all cells. Cells of one fingerprint are run once.
 * @param count how many there are
 * @param cells make the run of each, in order, when its turn comes; a UserError: it cannot be
 * @param settle is told of each, by its place among the cells; fingerprint null: it has none
 */
export async function runStored(
  count: number,
  cells: Iterable<() => RunSpec>,
  context: Pick<CliContext, 'progress' | 'breathe'>,
  { store, threads }: StoredOptions,
  settle: (index: number, fingerprint: string | null, outcome: Outcome) => void,
): Promise<void> {
  /** Cells that wait for a run, by its fingerprint. */
  const waiting = new Map<string, number[]>();
  const fingerprints = new Map<number, string>();
  function* missing(): Generator<RunSpec | null> {
    let next = 0;
    for (const make of cells) {
      const index = next++;
      const run = specOf(make);
      if (run instanceof UserError) {
        settle(index, null, { status: 'refused', reason: run.message });
        yield null;
        continue;
      }
      if (store === null) {
        yield run;
        continue;
      }
      const fingerprint = fingerprintOf(run);
      const others = waiting.get(fingerprint);
      const known = others === undefined ? store.get(fingerprint) : null;
      if (known !== null) settle(index, fingerprint, known);
      if (others !== undefined) others.push(index);
      if (known !== null || others !== undefined) {
        yield null;
        continue;
      }
      waiting.set(fingerprint, [index]);
      fingerprints.set(index, fingerprint);
      yield run;
    }
  }
  await runEach(count, missing(), context, { threads }, (index, settled) => {
    const outcome: Outcome = settled.status === 'done' ? settled : { status: settled.status, reason: settled.error.message };
    const fingerprint = fingerprints.get(index) ?? null;
    if (fingerprint === null || store === null) {
      settle(index, null, outcome);
      return false;
    }
    store.put(fingerprint, outcome);
    for (const cell of waiting.get(fingerprint)!) settle(cell, fingerprint, outcome);
    waiting.delete(fingerprint);
    fingerprints.delete(index);
    return false;
  });
}

function specOf(make: () => RunSpec): RunSpec | UserError {
  try {
    return make();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
