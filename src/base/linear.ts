/** Standard deviation that is rounding; ours. */
const TINY = 1e-7;

/** Solution of a linear system, by Gaussian elimination with partial pivoting. @param matrix square, rows first */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const size = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let k = 0; k < size; k++) {
    const pivot = rows.slice(k).reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    for (let i = k + 1; i < size; i++) {
      const factor = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j <= size; j++) rows[i]![j]! -= factor * rows[k]![j]!;
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let k = size - 1; k >= 0; k--) {
    let value = rows[k]![size]!;
    for (let j = k + 1; j < size; j++) value -= rows[k]![j]! * solution[j]!;
    solution[k] = value / rows[k]![k]!;
  }
  return solution;
}

/** Lower triangle L of a covariance, L L' (Cholesky); variances that rounding made negative are 0. */
export function factorOf(covariance: readonly (readonly number[])[]): number[][] {
  const factor = covariance.map((row) => row.map(() => 0));
  for (const [i, row] of covariance.entries())
    for (let j = 0; j <= i; j++) {
      const rest = factor[i]!.reduce((left, value, k) => left - value * factor[j]![k]!, row[j]!);
      if (i === j) factor[i]![i] = Math.sqrt(Math.max(0, rest));
      else factor[i]![j] = factor[j]![j]! > TINY ? rest / factor[j]![j]! : 0;
    }
  return factor;
}
