import { orUserError, UserError } from '../../base/errors.js';
import { type Outcome, pathsOf, type RunRow, rowOf, type StudyCell, type SweepValue } from '../../figure/door.js';
import { bitsPerWeight, loadModel } from '../../model/door.js';
import type { RunSpec } from '../../system/door.js';
import { type Constraint, figureIn, goodness, isKnown, type Objective, priceOf, toleranceOf } from './objective.js';
import type { SearchFile } from './search-file.js';
import type { SoughtFigure, Trial, TrialFigures } from './searcher.js';

/** Outcome and fingerprint of a run; null: no fingerprint. */
export interface SettledRun {
  readonly fingerprint: string | null;
  readonly outcome: Outcome;
}

/** A run of a search as a table row. `values` includes figures outside the metrics. */
export interface SearchRow extends RunRow {
  /** True for a run on a prefix of the tokens. */
  readonly short: boolean;
  /** True for a finished run within all limits. */
  readonly kept: boolean;
}

/** A point of the front. */
export interface SearchPoint {
  readonly fingerprint: string | null;
  readonly again: string;
  readonly values: Readonly<Record<string, SweepValue>>;
  /** By objective and limit. */
  readonly figures: Readonly<Record<string, number>>;
  /** Chance that no cell without a whole run is better by more than 3 %. */
  readonly confidence: number;
}

/** Bits of an unquantized weight: bfloat16, as models are published. */
const FULL_BITS = 16;

/** Results of a search so far, and figures known beforehand. */
export class Ledger {
  readonly figures: readonly (Objective & Partial<Pick<Constraint, 'limit'>>)[];
  readonly paths: readonly string[];
  readonly rows: SearchRow[] = [];
  readonly #cells: readonly StudyCell[];
  readonly #metrics: readonly string[];
  /** Figures by cell; null: not known before a run. */
  readonly #known: readonly (readonly number[] | null)[];
  readonly #whole = new Map<number, SettledRun & { readonly again: string }>();

  constructor({ constraints, objectives, prices, study }: SearchFile, cells: readonly StudyCell[], specOf: (cell: StudyCell) => RunSpec) {
    this.figures = [...objectives, ...constraints];
    this.paths = pathsOf(study.space);
    this.#cells = cells;
    const names = this.figures.flatMap(({ name }) => (name === 'degraded' || isKnown({ name }) ? [] : [name]));
    this.#metrics = [...new Set([...names, ...study.metrics])];
    this.#known = this.figures.map(({ name }) => {
      if (name === 'price') return cells.map((cell) => priceOf(prices, this.paths, cell));
      return name === 'lost_bits' ? this.#lostBits(specOf) : null;
    });
  }

  quantities(): SoughtFigure[] {
    return this.figures.map((figure, at) => ({
      known: this.#known[at] === null ? null : Float64Array.from(this.#known[at]!, (value) => goodness(figure, value)),
      atLeast: figure.limit === undefined ? null : goodness(figure, figure.limit),
      tolerance: toleranceOf(figure),
    }));
  }

  record({ cell, short }: Trial, settled: SettledRun, again: string): TrialFigures {
    const { fingerprint, outcome } = settled;
    if (!short) this.#whole.set(cell, { ...settled, again });
    const values = this.#valuesOf(cell, outcome);
    const exact = this.figures.flatMap(({ name }, at): [string, number][] =>
      values?.[at] == null || this.#metrics.includes(name) ? [] : [[name, values[at]!]],
    );
    const row = rowOf(fingerprint, { ...this.axesOf(cell), ...Object.fromEntries(exact) }, outcome, this.#metrics, again);
    const finding = values?.map((value, at) => (value === null ? null : goodness(this.figures[at]!, value))) ?? null;
    const kept =
      finding !== null &&
      this.figures.every(
        (figure, at) => figure.limit === undefined || (finding[at] ?? Number.NEGATIVE_INFINITY) >= goodness(figure, figure.limit),
      );
    this.rows.push({ ...row, short, kept });
    return finding;
  }

  point(cell: number): Omit<SearchPoint, 'confidence'> {
    const { again, fingerprint, outcome } = this.#whole.get(cell)!;
    const values = this.#valuesOf(cell, outcome)!;
    const figures = Object.fromEntries(this.figures.map(({ name }, at) => [name, values[at]!]));
    return { fingerprint, again, values: this.axesOf(cell), figures };
  }

  axesOf(cell: number): Record<string, SweepValue> {
    return Object.fromEntries(this.paths.map((path, at) => [path, this.#cells[cell]![at]!]));
  }

  /** Null: the cell does not run. */
  #valuesOf(cell: number, outcome: Outcome): (number | null)[] | null {
    if (outcome.status !== 'done') return null;
    return this.figures.map((figure, at) => this.#known[at]?.[cell] ?? figureIn(outcome.result, figure));
  }

  /** {@link FULL_BITS} less the bits of the weights; 0 for an impossible cell. */
  #lostBits(specOf: (cell: StudyCell) => RunSpec): number[] {
    const deciding = this.paths.flatMap((path, at) => (/^(model|quantization)(\.|$)/.test(path) ? [at] : []));
    const lost = new Map<string, number>();
    return this.#cells.map((cell) => {
      const key = JSON.stringify(deciding.map((at) => cell[at]));
      const known = lost.get(key);
      if (known !== undefined) return known;
      const run = orUserError(() => specOf(cell));
      if (run instanceof UserError) return 0;
      if (run.model === undefined) throw new UserError(`${run.label}: lost_bits needs to know the model; name it: set: { model: ... }`);
      const model = loadModel(run.model, run.quantization ?? null, run.folder, run.overrides.model);
      const bits = FULL_BITS - bitsPerWeight(model);
      lost.set(key, bits);
      return bits;
    });
  }
}
