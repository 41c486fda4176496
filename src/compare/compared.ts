// Comparing results from a program: the gate without files and flags.
import { parseFailOn } from '../result/budget.js';
import type { Result } from '../result/result.js';
import type { CompareOptions } from './compare.js';
import { compareAll, type Gate } from './gate.js';

/**
 * Judges results against a base: `moeprof compare`.
 * @param candidates by the name that findings give them
 * @param options `failOn`: conditions such as `latency.tpot.p50 > +3%`
 * @throws UserError with exit code 3 where inputs differ and may not; with 2 for a condition that fits no metric
 */
export function compareWith(
  base: Result,
  candidates: Readonly<Record<string, Result>>,
  { failOn = [], ...options }: CompareOptions & { readonly failOn?: readonly string[] } = {},
): Gate {
  const operands = Object.entries(candidates).map(([label, result]) => ({ label, result }));
  const budgets = failOn.map((condition) => parseFailOn(condition));
  return compareAll({ label: 'base', result: base }, operands, budgets, options);
}
