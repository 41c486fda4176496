// The fit of the prior of synthetic routing. A row is drawn once for each point of a grid of Gini coefficient and repeats; between points its errors are
// interpolated, so that fits with each model left out cost nothing more.
import type { HitRow } from '../../../src/measured/validate/rows/hit-row.js';
import { localityOf, type PRIOR, type RoutedShape } from '../../../src/trace/generate/routing-profile.js';
import { predictedConsistency, predictedHits } from './hit-curves.js';

/** The constants of the prior. */
export type Prior = typeof PRIOR;

const GINIS = [0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9, 0.94];
const REPEATS = [0, 0.08, 0.16, 0.24, 0.36];
/** Weight of an error in segment routing consistency beside one in the hit rate. */
const CONSISTENCY = 0.3;
/** Points beyond which an error counts as so many. */
const LARGEST = 8;
/** What the fit starts from, whatever ships. */
const START: Prior = {
  offset: -1,
  slope: 0.42,
  global: 0.7,
  bias: -0.8,
  beside: 0.7,
  most: 0.8,
  few: 0.02,
  many: 0.08,
  local: 0.14,
  loose: 0.22,
  gaps: 0.5,
};
const FREE = Object.keys(START) as (keyof Prior)[];

/** The shape of a row. */
export function shapeOf({ shape }: HitRow): RoutedShape {
  const { balance = 'micro-batch', experts, gaps, shared, top_k: topK } = shape;
  return { experts, topK, shared: shared === true, gaps: gaps === true, balance };
}

export interface Gridded {
  readonly row: HitRow;
  /** `[gini][repeat]`: predicted - published in points, by size. */
  readonly errors: readonly (readonly (readonly number[])[])[];
  /** The same of the consistency; null: not published. */
  readonly consistency: readonly (readonly number[])[] | null;
}

/** Draws all rows at all points; rows of one shape are equally consistent. */
export function gridded(rows: readonly HitRow[]): Gridded[] {
  const consistencies = new Map<string, number[][]>();
  const consistencyOf = (row: HitRow): number[][] => {
    const shape = JSON.stringify([row.shape.experts, row.shape.top_k]);
    const known = consistencies.get(shape) ?? each((gini, repeat) => predictedConsistency(row, { gini, repeat }));
    consistencies.set(shape, known);
    return known;
  };
  const each = <T>(draw: (gini: number, repeat: number) => T): T[][] => GINIS.map((gini) => REPEATS.map((repeat) => draw(gini, repeat)));
  return rows.map((row) => ({
    row,
    errors: each((gini, repeat) => predictedHits(row, { gini, repeat }).map((hit, i) => 100 * (hit - row.curve[i]![1]))),
    consistency: row.srp === undefined ? null : consistencyOf(row).map((line) => line.map((value) => 100 * (value - row.srp!))),
  }));
}

/** Where a value lies between the points of an axis. */
function between(axis: readonly number[], value: number): [number, number] {
  const at = Math.min(Math.max(value, axis[0]!), axis.at(-1)!);
  let below = 0;
  while (below < axis.length - 2 && axis[below + 1]! < at) below++;
  return [below, (at - axis[below]!) / (axis[below + 1]! - axis[below]!)];
}

/** The two numbers. */
type Locality = ReturnType<typeof localityOf>;

function interpolated(of: (gini: number, repeat: number) => number, { gini, repeat }: Locality): number {
  const [i, u] = between(GINIS, gini);
  const [j, v] = between(REPEATS, repeat);
  return (1 - u) * ((1 - v) * of(i, j) + v * of(i, j + 1)) + u * ((1 - v) * of(i + 1, j) + v * of(i + 1, j + 1));
}

/** Errors of a row in points, by size. */
function errorsOf({ errors, row }: Gridded, locality: Locality): number[] {
  return row.curve.map((_, size) => interpolated((i, j) => errors[i]![j]![size]!, locality));
}

/** The two numbers with which drawn routing comes nearest to curves: the mean of the squared errors is least. */
export function measured(rows: readonly Gridded[]): Locality {
  let best = { gini: 0, repeat: 0, squares: Number.POSITIVE_INFINITY };
  for (let gini = GINIS[0]!; gini <= GINIS.at(-1)!; gini += 0.01) {
    for (let repeat = 0; repeat <= REPEATS.at(-1)!; repeat += 0.01) {
      const squares = mean(rows.map((row) => mean(errorsOf(row, { gini, repeat }).map((error) => error * error))));
      if (squares < best.squares) best = { gini, repeat, squares };
    }
  }
  return best;
}

/** Mean of the absolute errors of a model's rows. */
function modelError(rows: readonly Gridded[], prior: Prior): number {
  return mean(rows.map((one) => mean(errorsOf(one, localityOf(shapeOf(one.row), prior)).map(Math.abs))));
}

/** What the fit makes least: by model, the mean error of hit rates and a part of that of consistency, in points. */
export function loss(models: readonly (readonly Gridded[])[], prior: Prior): number {
  return mean(
    models.map((rows) => {
      const regular = rows.flatMap(({ consistency, row }) =>
        consistency === null ? [] : [Math.abs(interpolated((i, j) => consistency[i]![j]!, localityOf(shapeOf(row), prior)))],
      );
      const consistent = regular.length === 0 ? 0 : mean(regular);
      return Math.min(LARGEST, modelError(rows, prior)) + CONSISTENCY * Math.min(LARGEST, consistent);
    }),
  );
}

/** The prior with the least loss over models, one vote each: pattern search from a fixed start. */
export function fitted(models: readonly (readonly Gridded[])[]): Prior {
  let best: Prior = START;
  let least = loss(models, best);
  for (let step = 0.2; step > 0.01; ) {
    let moved = false;
    const tries = FREE.flatMap((name) => [-step, step].map((by) => [[name, by]] as const));
    // The slope and the offset trade off, as do load and repeats.
    const pairs = FREE.flatMap((a, i) =>
      FREE.slice(i + 1).flatMap((b) =>
        [-step, step].flatMap((x) =>
          [-step, step].map(
            (y) =>
              [
                [a, x],
                [b, y],
              ] as const,
          ),
        ),
      ),
    );
    for (const change of [...tries, ...pairs]) {
      const next = { ...best };
      for (const [name, by] of change) next[name] += by * Math.max(0.05, Math.abs(START[name]));
      if (FREE.some((name) => name !== 'offset' && name !== 'bias' && next[name] < 0)) continue;
      const value = loss(models, next);
      if (value < least - 1e-9) {
        [best, least, moved] = [next, value, true];
      }
    }
    if (!moved) step /= 2;
  }
  return best;
}

/** Mean of numbers. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
