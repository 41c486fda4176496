import { Random } from '../../base/random.js';

/** Value of a setting. */
export type SweepValue = string | number | boolean;

/** Values that vary together: an axis, or several zipped axes. */
export interface SpaceDimension {
  /** Run paths, as in `--set path=value`. */
  readonly paths: readonly string[];
  /** `[row][path]`: at least one row. */
  readonly rows: readonly (readonly SweepValue[])[];
}

/** Excludes cells with a listed value in every path. */
export type Exclusion = ReadonlyMap<string, readonly SweepValue[]>;

interface Sample {
  /** `random`: distinct cells. `latin-hypercube`: each value of an axis equally often, repeated cells once. */
  readonly method: 'random' | 'latin-hypercube';
  readonly points: number;
  readonly seed: number;
}

/** Last dimension fastest; cells are generated one at a time, so memory holds only axes. */
export interface Space {
  readonly dimensions: readonly SpaceDimension[];
  readonly exclude: readonly Exclusion[];
  /** Null: all. */
  readonly sample: Sample | null;
}

/** A run of a study: values in the order of {@link pathsOf}. */
export type StudyCell = readonly SweepValue[];

/** Varied paths, by dimension. */
export const pathsOf = ({ dimensions }: Space): string[] => dimensions.flatMap(({ paths }) => paths);

/** Cells of the full grid. */
export const gridSize = ({ dimensions }: Space): number => dimensions.reduce((size, { rows }) => size * rows.length, 1);

/** Cells, sampled if wished, without excluded cells. */
export function* spaceCells(space: Space): Generator<StudyCell, void, undefined> {
  const paths = pathsOf(space);
  const excluded = (cell: StudyCell): boolean =>
    space.exclude.some((rule) => [...rule].every(([path, values]) => values.includes(cell[paths.indexOf(path)]!)));
  for (const cell of sampledCells(space)) if (!excluded(cell)) yield cell;
}

/** Shard i of n, `i` from 1: every n-th item from the i-th. */
export function* shardOf<T>(all: Iterable<T>, { index, of }: { readonly index: number; readonly of: number }): Generator<T> {
  let turn = 0;
  for (const cell of all) if (turn++ % of === index - 1) yield cell;
}

function sampledCells(space: Space): Iterable<StudyCell> {
  const { sample } = space;
  if (sample === null) return grid(space);
  return sample.method === 'random' ? anyCells(space, sample) : latinHypercube(space, sample);
}

function* grid(space: Space): Generator<StudyCell> {
  const size = gridSize(space);
  for (let number = 0; number < size; number++) yield cellNumbered(space, number);
}

/** Cell by number below {@link gridSize}: digits in the mixed base of the dimensions. */
function cellNumbered({ dimensions }: Space, number: number): StudyCell {
  const rows: (readonly SweepValue[])[] = [];
  let rest = number;
  for (let d = dimensions.length - 1; d >= 0; d--) {
    const { rows: options } = dimensions[d]!;
    rows.unshift(options[rest % options.length]!);
    rest = Math.floor(rest / options.length);
  }
  return rows.flat();
}

/** Distinct cells (Floyd's algorithm), in grid order. */
function* anyCells(space: Space, { points, seed }: Sample): Generator<StudyCell> {
  const size = gridSize(space);
  if (points >= size) return yield* grid(space);
  const random = new Random(seed, 'study/random');
  const chosen = new Set<number>();
  for (let last = size - points; last < size; last++) {
    const number = random.below(last + 1);
    chosen.add(chosen.has(number) ? last : number);
  }
  for (const number of [...chosen].sort((a, b) => a - b)) yield cellNumbered(space, number);
}

/** McKay, Beckman and Conover 1979: as many strata per dimension as points, each used once. */
function* latinHypercube({ dimensions }: Space, { points, seed }: Sample): Generator<StudyCell> {
  const strata = dimensions.map(({ paths, rows }) => {
    const order = new Random(seed, `study/latin-hypercube/${paths.join()}`).shuffle([...Array(points).keys()]);
    return order.map((stratum) => rows[Math.floor(((stratum + 0.5) * rows.length) / points)]!);
  });
  const seen = new Set<string>();
  for (let point = 0; point < points; point++) {
    const cell = strata.flatMap((rows) => rows[point]!);
    const key = JSON.stringify(cell);
    if (!seen.has(key)) yield cell;
    seen.add(key);
  }
}
