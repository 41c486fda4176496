// Pareto fronts of objectives that are all maximised.

/** True where the first dominates the second: at least as good in everything, and better in something. */
export function beats(first: readonly number[], second: readonly number[]): boolean {
  return first.every((value, at) => value >= second[at]!) && first.some((value, at) => value > second[at]!);
}

/** The Pareto front, in the given order; of equal ones, the first. */
export function frontOf<T>(all: readonly T[], figures: (one: T) => readonly number[]): T[] {
  const told = all.map(figures);
  return all.filter((_, at) =>
    told.every((other, i) => !beats(other, told[at]!) && (i >= at || other.some((value, j) => value !== told[at]![j]))),
  );
}
