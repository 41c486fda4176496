import { orUserError, UserError } from '../../base/errors.js';
import type { Outcome } from '../../figure/door.js';
import type { RunSpec } from '../../system/door.js';
import { type RunIdentity, runIdentity } from '../fingerprint.js';
import type { Store } from '../store.js';

/** Receives each cell by index; fingerprint null: an impossible cell. */
export type SettleCell = (index: number, fingerprint: string | null, outcome: Outcome) => void;

/** Stored cells are settled, impossible cells refused, equal cells run once. */
export class MissingCells {
  readonly #cells: Iterable<() => RunSpec>;
  readonly #store: Store;
  readonly #settle: SettleCell;
  readonly #waiting = new Map<string, number[]>();

  /** @param cells make runs; throw a UserError for an impossible cell */
  constructor(cells: Iterable<() => RunSpec>, store: Store, settle: SettleCell) {
    this.#cells = cells;
    this.#store = store;
    this.#settle = settle;
  }

  /** Cells to run; null: settled, or equal to a cell under way. @throws UserError if the store is not writable */
  *runs(): Generator<{ readonly identity: RunIdentity; readonly run: RunSpec } | null> {
    let next = 0;
    let asked = false;
    for (const make of this.#cells) {
      const index = next++;
      const run = orUserError(make);
      if (run instanceof UserError) {
        this.#settle(index, null, { status: 'refused', reason: run.message });
        yield null;
        continue;
      }
      const identity = runIdentity(run);
      const { fingerprint } = identity;
      const others = this.#waiting.get(fingerprint);
      const known = others === undefined ? this.#store.get(fingerprint) : null;
      if (known !== null) this.#settle(index, fingerprint, known);
      if (others !== undefined) others.push(index);
      if (known !== null || others !== undefined) {
        yield null;
        continue;
      }
      if (!asked) this.#store.requireWritable();
      asked = true;
      this.#waiting.set(fingerprint, [index]);
      yield { identity, run };
    }
  }

  settle(fingerprint: string, outcome: Outcome): void {
    for (const cell of this.#waiting.get(fingerprint) ?? []) this.#settle(cell, fingerprint, outcome);
    this.#waiting.delete(fingerprint);
  }
}
