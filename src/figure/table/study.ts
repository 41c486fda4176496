import { heldOutTokens } from '../../report/door.js';
import { compareMetricNames, describeMetric } from '../../result/catalogue.js';
import type { Unit } from '../../result/result.js';
import { type Tagged, tagged } from '../../result/version.js';
import { KeptRows } from './kept-rows.js';
import { type Outcome, type RunRow, rowOf } from './run-row.js';
import type { StudyCell } from './space.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
export const STUDY_SCHEMA = 'moeprof.study/1';

/** A finished study: the public format `moeprof.study/1`, one row for each cell. All rows, and what they have in common. */
export interface Study extends Tagged<typeof STUDY_SCHEMA> {
  readonly axes: readonly string[];
  readonly units: Readonly<Record<string, Unit>>;
  /** Tokens of recorded traces that the runs hold out, the most of them, so that popularity is counted on what is not replayed. Absent: none. */
  readonly heldOut?: number;
  /** In the order of the study's cells; there may be more than memory has room for. */
  readonly rows: Iterable<RunRow> & { readonly length: number };
}

/** Gathers rows as their runs end. */
export class StudyRows {
  readonly #axes: readonly string[];
  readonly #wanted: readonly string[];
  readonly #rows = new KeptRows();
  readonly #units = new Map<string, Unit>();
  #heldOut = 0;

  /** @param axes paths that vary @param wanted metrics that are kept; empty: all */
  constructor(axes: readonly string[], wanted: readonly string[]) {
    this.#axes = axes;
    this.#wanted = wanted;
  }

  /** @param index of the cell among those of the study @param fingerprint null: it has none @param again the command that repeats it */
  set(index: number, fingerprint: string | null, cell: StudyCell, outcome: Outcome, again: string): void {
    const values = Object.fromEntries(this.#axes.map((path, at) => [path, cell[at]!]));
    const row = rowOf(fingerprint, values, outcome, this.#wanted, again);
    this.#rows.set(index, row);
    if (outcome.status !== 'done') return;
    for (const name of Object.keys(row.metrics)) this.#units.set(name, outcome.result.metrics[name]!.unit);
    this.#heldOut = Math.max(this.#heldOut, heldOutTokens(outcome.result));
  }

  /** All rows that were set, in the order of their cells. */
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
