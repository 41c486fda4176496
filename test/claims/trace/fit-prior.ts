// The fit of the prior of synthetic routing. A row is drawn once for each point of a grid of skew and reuse; between points its errors are
// interpolated, so that fits with each model left out cost nothing more.
import type { HitRow } from '../../../src/measured/validate/rows/hit-row.js';
import { localityOf, type PRIOR, type RoutedShape } from '../../../src/trace/generate/routing-profile.js';
import { predictedConsistency, predictedHits } from './hit-curves.js';

/** The constants of the prior. */
export type Prior = typeof PRIOR;

const SKEWS = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8];
const REUSES = [0, 0.1, 0.2, 0.3, 0.42];
/** Weight of an error in segment routing consistency beside one in the hit rate. */
const CONSISTENCY = 0.3;
/** Points beyond which an error counts as so many. */
const LARGEST = 25;
/** What the fit starts from, whatever ships. */
const START: Prior = { slope: 0.25, offset: -0.4, beside: 1, least: 0.05, most: 0.65, gaps: 0.05, few: 0.1, wide: 0.2, local: 0.3 };
/** Constants that are fitted; the least skew is a floor. */
const FREE = (Object.keys(START) as (keyof Prior)[]).filter((name) => name !== 'least');

/** The shape of a row. */
export function shapeOf({ shape }: HitRow): RoutedShape {
  return { experts: shape.experts, topK: shape.top_k, shared: shape.shared === true, gaps: shape.gaps === true };
}

interface Gridded {
  readonly row: HitRow;
  /** `[skew][reuse]`: predicted - published in points, by size. */
  readonly errors: readonly (readonly (readonly number[])[])[];
  /** The same of the consistency; null: not published. */
  readonly consistency: readonly (readonly number[])[] | null;
}

/** Draws all rows at all points; rows of one shape are equally consistent. */
export function gridded(rows: readonly HitRow[]): Gridded[] {
  const over = (skew: number, reuse: number) => ({ skew, reuse: { first: 0.1 * reuse, middle: reuse, last: 0.5 * reuse } });
  const consistencies = new Map<string, number[][]>();
  const consistencyOf = (row: HitRow): number[][] => {
    const shape = JSON.stringify(shapeOf({ ...row, shape: { ...row.shape, shared: undefined, gaps: undefined } }));
    const known = consistencies.get(shape) ?? each((skew, reuse) => predictedConsistency(row, over(skew, reuse)));
    consistencies.set(shape, known);
    return known;
  };
  const each = <T>(draw: (skew: number, reuse: number) => T): T[][] => SKEWS.map((skew) => REUSES.map((reuse) => draw(skew, reuse)));
  return rows.map((row) => ({
    row,
    errors: each((skew, reuse) => predictedHits(row, over(skew, reuse)).map((hit, i) => 100 * (hit - row.curve[i]![1]))),
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

function interpolated(of: (skew: number, reuse: number) => number, row: HitRow, prior: Prior): number {
  const { reuse, skew } = localityOf(shapeOf(row), prior);
  const [i, u] = between(SKEWS, skew as number);
  const [j, v] = between(REUSES, (reuse as { middle: number }).middle);
  return (1 - u) * ((1 - v) * of(i, j) + v * of(i, j + 1)) + u * ((1 - v) * of(i + 1, j) + v * of(i + 1, j + 1));
}

/** Errors of a row in points, by size. */
function errorsOf({ errors, row }: Gridded, prior: Prior): number[] {
  return row.curve.map((_, size) => interpolated((i, j) => errors[i]![j]![size]!, row, prior));
}

/** Mean of the absolute errors of a model's rows. */
function modelError(rows: readonly Gridded[], prior: Prior): number {
  return mean(rows.map((row) => mean(errorsOf(row, prior).map(Math.abs))));
}

/** What the fit makes least: by model, the mean error of hit rates and a part of that of consistency, in points. */
export function loss(models: readonly (readonly Gridded[])[], prior: Prior): number {
  return mean(
    models.map((rows) => {
      const regular = rows.flatMap(({ consistency, row }) =>
        consistency === null ? [] : [Math.abs(interpolated((i, j) => consistency[i]![j]!, row, prior))],
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
  for (let step = 0.3; step > 0.01; ) {
    let moved = false;
    const tries = FREE.flatMap((name) => [-step, step].map((by) => [[name, by]] as const));
    // The slope and the offset trade off, as do skew and reuse.
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
      if (FREE.some((name) => name !== 'offset' && next[name] < 0)) continue;
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
