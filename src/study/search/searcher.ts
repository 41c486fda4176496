import { Random } from '../../base/random.js';
import type { Encoding } from './encoding.js';
import { byGain, byWeights, type Chooser, chanceAtLeast } from './gain.js';
import { GaussianProcess, type Observation, type Posterior } from './gaussian-process.js';
import { longFrom } from './short-runs.js';

/** A proposed run. */
export interface Trial {
  readonly cell: number;
  /** True for a run on a prefix of the tokens. */
  readonly short: boolean;
}

/** A figure per {@link SoughtFigure}; null: absent from the run, or the cell cannot run. */
export type TrialFigures = readonly (number | null)[] | null;

/** A figure to maximise; figures to minimise are negated. */
export interface SoughtFigure {
  /** Figures by cell, if known before any run; else null. */
  readonly known: Float64Array | null;
  /** A limit; larger figures gain nothing. Null: an objective. */
  readonly atLeast: number | null;
  /** Smallest significant difference. */
  readonly tolerance: number;
}

interface Problem {
  readonly cells: number;
  readonly encoding: Encoding;
  readonly quantities: readonly SoughtFigure[];
  /** Short runs included. */
  readonly budget: number;
  readonly batch: number;
  /** False: all runs are whole. */
  readonly short: boolean;
  readonly seed: number;
}

interface FrontPoint {
  readonly cell: number;
  /** Chance that no untried cell is better by more than the tolerances. */
  readonly confidence: number;
}

/** Shares of the budget to spread at first, and to keep for whole runs; ours. */
const SPREAD = 0.2;
const LAST = 0.4;
/** Largest share of the budget in a batch, for early learning; ours. */
const MOST_AT_ONCE = 0.25;
/** Candidates per cell of the spread; ours. */
const SPREAD_CHOICE = 24;
/** Sweeps of a fit over all axes: first, later; ours. */
const SWEEPS = [4, 2] as const;

/** A search under way: proposes batches and receives results, deterministic by seed. */
export class Searcher {
  readonly #problem: Problem;
  readonly #random: Random;
  readonly #eligible: readonly number[];
  readonly #objectives: readonly number[];
  readonly #whole = new Map<number, TrialFigures>();
  readonly #short = new Map<number, TrialFigures>();
  /** Processes by quantity; null: known beforehand. */
  readonly #processes: readonly (GaussianProcess | null)[];
  readonly #running: GaussianProcess;
  #asked = 0;
  /** False: short runs are off, or lack a figure. */
  #shortTells: boolean;
  #fits = 0;

  constructor(problem: Problem) {
    const { cells, encoding, quantities, seed, short } = problem;
    this.#problem = problem;
    this.#random = new Random(seed, 'search');
    this.#processes = quantities.map(({ known }) => (known === null ? new GaussianProcess(encoding) : null));
    this.#running = new GaussianProcess(encoding);
    this.#objectives = quantities.flatMap(({ atLeast }, at) => (atLeast === null ? [at] : []));
    this.#shortTells = short;
    const kept = (cell: number): boolean =>
      quantities.every(({ atLeast, known }) => known === null || atLeast === null || known[cell]! >= atLeast);
    this.#eligible = Array.from({ length: cells }, (_, cell) => cell).filter(kept);
  }

  /** Number of cells within limits known beforehand. */
  get eligible(): number {
    return this.#eligible.length;
  }

  /** Next batch; empty: the budget is spent, or every cell has run. */
  ask(): Trial[] {
    const { batch, budget } = this.#problem;
    const count = Math.min(batch, Math.ceil(MOST_AT_ONCE * budget), budget - this.#asked);
    const trials = this.#asked < Math.floor(SPREAD * budget) ? this.#spread(count) : this.#learned(count);
    this.#asked += trials.length;
    return trials;
  }

  /** Takes a trial's outcome; an unproposed trial is free. */
  observe({ cell, short }: Trial, finding: TrialFigures): void {
    if (!short) this.#whole.set(cell, finding);
    else if (finding === null) this.#whole.set(cell, null);
    else {
      this.#short.set(cell, finding);
      if (finding.includes(null)) this.#shortTells = false;
    }
  }

  /** Pareto front of whole runs within all limits. */
  front(): FrontPoint[] {
    this.#learn();
    const { quantities } = this.#problem;
    const objectives = this.#objectives;
    const points = frontOf(this.#good(), (cell) => objectives.map((at) => this.#whole.get(cell)![at]!));
    const open = this.#open(() => true);
    const posteriors = this.#posteriors(open);
    const feasible = this.#chances(open, posteriors);
    return points.map((cell) => {
      const figures = this.#whole.get(cell)!;
      const confidence = open.reduce((rest, other, i) => {
        const chances = objectives.map((at) => {
          const { known, tolerance } = quantities[at]!;
          if (known !== null) return known[other]! >= figures[at]! ? 1 : 0;
          return chanceAtLeast(posteriors[at]![i]!, figures[at]! + tolerance);
        });
        return rest * (1 - chances.reduce((all, chance) => all * chance, feasible[i]!));
      }, 1);
      return { cell, confidence };
    });
  }

  /** Median surrogate error on hidden runs, by quantity; null: too few runs. */
  mistakes(): (number | null)[] {
    this.#learn();
    return this.#processes.map((process, at) => {
      const observations = this.#seen(at);
      if (process === null || observations.length < 3) return null;
      const errors = process
        .leaveOneOut()
        .flatMap(({ mean }, i) => (this.#whole.has(observations[i]!.cell) ? [Math.abs(mean - observations[i]!.value)] : []))
        .sort((a, b) => a - b);
      return errors.length === 0 ? null : errors[errors.length >> 1]!;
    });
  }

  /** Cells far apart, before any results. */
  #spread(count: number): Trial[] {
    const { axes, codes } = this.#problem.encoding;
    const far = (a: number, b: number): number =>
      axes.reduce((sum, { distance, values }, axis) => sum + distance[codes[axis]![a]! * values.length + codes[axis]![b]!]!, 0);
    const taken = [...this.#whole.keys(), ...this.#short.keys()];
    const trials: Trial[] = [];
    const open = this.#open((cell) => !this.#short.has(cell));
    while (trials.length < count && open.length > 0) {
      let best = { at: 0, apart: -1 };
      for (let choice = 0; choice < SPREAD_CHOICE; choice++) {
        const at = this.#random.below(open.length);
        const apart = taken.reduce((least, other) => Math.min(least, far(open[at]!, other)), Number.POSITIVE_INFINITY);
        if (apart > best.apart) best = { at, apart };
      }
      const [cell] = open.splice(best.at, 1);
      taken.push(cell!);
      trials.push({ cell: cell!, short: this.#shortTells });
    }
    return trials;
  }

  /** Cells of largest expected gain. With short runs, half are new, half are promoted. */
  #learned(count: number): Trial[] {
    const { budget } = this.#problem;
    this.#learn();
    const late = budget - this.#asked <= Math.max(1, LAST * budget);
    if (!this.#shortTells || late) return this.#best(() => true, count).map((cell) => ({ cell, short: false }));
    const promoted = this.#best((cell) => this.#short.has(cell), Math.ceil(count / 2));
    const fresh = this.#best((cell) => !this.#short.has(cell), count - promoted.length);
    return [...promoted.map((cell) => ({ cell, short: false })), ...fresh.map((cell) => ({ cell, short: true }))];
  }

  #best(among: (cell: number) => boolean, count: number): number[] {
    const open = this.#open(among);
    if (open.length === 0 || count === 0) return [];
    const posteriors = this.#posteriors(open);
    const good = this.#good();
    const chooser: Chooser = {
      cells: open,
      feasible: this.#chances(open, posteriors),
      objectives: this.#objectives.map((at) => ({
        posteriors: posteriors[at]!,
        process: this.#processes[at]!,
        best: good.map((cell) => this.#whole.get(cell)![at]!),
      })),
      random: this.#random,
    };
    return chooser.objectives.length === 1 ? byGain(chooser, count) : byWeights(chooser, count);
  }

  #good(): number[] {
    const { quantities } = this.#problem;
    return [...this.#whole].flatMap(([cell, finding]) =>
      finding !== null && quantities.every(({ atLeast }, at) => finding[at] !== null && (atLeast === null || finding[at]! >= atLeast))
        ? [cell]
        : [],
    );
  }

  #open(among: (cell: number) => boolean): number[] {
    return this.#eligible.filter((cell) => !this.#whole.has(cell) && among(cell));
  }

  #learn(): void {
    const sweeps = SWEEPS[this.#fits++ === 0 ? 0 : 1];
    for (const [at, process] of this.#processes.entries()) {
      const seen = this.#seen(at);
      if (process !== null && seen.length > 0) process.observe(seen, sweeps);
    }
    const ran = [...this.#whole].map(([cell, finding]): Observation => ({ cell, value: finding === null ? 0 : 1, noise: 0 }));
    const shortly = [...this.#short.keys()]
      .filter((cell) => !this.#whole.has(cell))
      .map((cell): Observation => ({ cell, value: 1, noise: 0 }));
    if (ran.some(({ value }) => value === 0)) this.#running.observe([...ran, ...shortly], sweeps);
  }

  /** Values of a quantity; short runs are corrected to whole length. */
  #seen(at: number): Observation[] {
    const whole = [...this.#whole].flatMap(([cell, finding]): Observation[] =>
      finding === null || finding[at] === null ? [] : [{ cell, value: finding[at]!, noise: 0 }],
    );
    const short = new Map([...this.#short].flatMap(([cell, finding]) => (finding![at] === null ? [] : [[cell, finding![at]!] as const])));
    return [...whole, ...longFrom(short, whole)];
  }

  /** `[quantity][cell]` */
  #posteriors(cells: readonly number[]): Posterior[][] {
    return this.#processes.map((process, at) => {
      const { known } = this.#problem.quantities[at]!;
      return process === null ? cells.map((cell) => ({ mean: known![cell]!, sd: 0 })) : process.posteriors(cells);
    });
  }

  #chances(cells: readonly number[], posteriors: readonly (readonly Posterior[])[]): number[] {
    const stopped = [...this.#whole.values()].includes(null);
    const runs = stopped ? this.#running.posteriors(cells).map(({ mean }) => Math.min(1, Math.max(0.001, mean))) : cells.map(() => 1);
    return runs.map((chance, i) =>
      this.#problem.quantities.reduce(
        (all, { atLeast, known }, at) => (atLeast === null || known !== null ? all : all * chanceAtLeast(posteriors[at]![i]!, atLeast)),
        chance,
      ),
    );
  }
}

/** True if the first dominates: never worse, and better in a figure. */
export const beats = (first: readonly number[], second: readonly number[]): boolean =>
  first.every((value, at) => value >= second[at]!) && first.some((value, at) => value > second[at]!);

/** Pareto front in the given order, without duplicates. */
export function frontOf<T>(all: readonly T[], figures: (one: T) => readonly number[]): T[] {
  const values = all.map(figures);
  return all.filter((_, at) =>
    values.every((other, i) => !beats(other, values[at]!) && (i >= at || other.some((value, j) => value !== values[at]![j]))),
  );
}
