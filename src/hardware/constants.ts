/** A runtime (or part), with the constant or table at `path` times `factor`; each value at most `most`. */
export function withConstant<T>(at: T, path: readonly string[], factor: number, most = Number.POSITIVE_INFINITY): T {
  if (typeof at === 'number') return Math.min(most, at * factor) as T;
  const [step, ...rest] = path;
  const changed = Object.entries(at as object).map(([key, value]) => [
    key,
    step === undefined || key === step ? withConstant(value, rest, factor, most) : value,
  ]);
  return Object.fromEntries(changed) as T;
}
