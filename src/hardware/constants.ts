/** A runtime (or part), with the constant or table at `path` times `factor`; words and what is absent stay. */
export function withConstant<T>(at: T, path: readonly string[], factor: number): T {
  if (typeof at === 'number') return (at * factor) as T;
  if (typeof at !== 'object' || at === null) return at;
  const [step, ...rest] = path;
  const changed = Object.entries(at).map(([key, value]) => [
    key,
    step === undefined || key === step ? withConstant(value, rest, factor) : value,
  ]);
  return Object.fromEntries(changed) as T;
}
