import { heldOutTokens } from '../../report/door.js';
import { compareMetricNames, describeMetric } from '../../result/catalogue.js';
import type { Unit } from '../../result/result.js';
import { type Tagged, tagged } from '../../result/version.js';
import { KeptRows } from './kept-rows.js';
import { type Outcome, type RunRow, rowOf } from './run-row.js';
import type { StudyCell } from './space.js';

/** Raised if a meaning changes, not for additions. */
export const STUDY_SCHEMA = 'moeprof.study/1';

/** A finished study, public format `moeprof.study/1`, a row per cell. */
export interface Study extends Tagged<typeof STUDY_SCHEMA> {
  readonly axes: readonly string[];
  readonly units: Readonly<Record<string, Unit>>;
  /** Maximum tokens of recorded traces held out to count popularity. Absent: no held-out tokens. */
  readonly heldOut?: number;
  /** In cell order; may exceed memory. */
  readonly rows: Iterable<RunRow> & { readonly length: number };
}

/** Collects rows of finished runs. */
export class StudyRows {
  readonly #axes: readonly string[];
  readonly #wanted: readonly string[];
  readonly #rows = new KeptRows();
  readonly #units = new Map<string, Unit>();
  #heldOut = 0;

  /** @param axes varied paths @param wanted metrics to keep; empty: all */
  constructor(axes: readonly string[], wanted: readonly string[]) {
    this.#axes = axes;
    this.#wanted = wanted;
  }

  /** @param index of the cell in the study @param fingerprint null: absent @param again command to repeat */
  set(index: number, fingerprint: string | null, cell: StudyCell, outcome: Outcome, again: string): void {
    const values = Object.fromEntries(this.#axes.map((path, at) => [path, cell[at]!]));
    const row = rowOf(fingerprint, values, outcome, this.#wanted, again);
    this.#rows.set(index, row);
    if (outcome.status !== 'done') return;
    for (const name of Object.keys(row.metrics)) this.#units.set(name, outcome.result.metrics[name]!.unit);
    this.#heldOut = Math.max(this.#heldOut, heldOutTokens(outcome.result));
  }

  /** Study of all rows so far, in cell order. */
  study(): Study {
    const names = this.#wanted.length > 0 ? this.#wanted : [...this.#units.keys()].sort(compareMetricNames);
    const units = Object.fromEntries(names.map((name) => [name, this.#units.get(name) ?? describeMetric(name).unit]));
    const heldOut = this.#heldOut === 0 ? {} : { heldOut: this.#heldOut };
    return { ...tagged(STUDY_SCHEMA), axes: this.#axes, units, ...heldOut, rows: this.#rows };
  }

  close(): void {
    this.#rows.close();
  }
}
