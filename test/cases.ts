// How many cases property tests try. CI tries all of them (MOEPROF_CASES=1); `npm test` a share, so that it stays short.

const share = Number(process.env.MOEPROF_CASES ?? 0.2);

/** The share of `whole` cases that is tried, at least one. */
export function cases(whole: number): number {
  return Math.max(1, Math.round(whole * share));
}
