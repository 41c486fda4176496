// How many cases property tests try. CI tries all of them (MOEPROF_CASES=1); `npm test` a share, so that it stays short.

const share = Number(process.env.MOEPROF_CASES ?? 0.1);

/** The share of `whole` cases that is tried, at least `least`: as many as a property takes to see what it must have seen. */
export function cases(whole: number, least = 1): number {
  return Math.max(least, Math.round(whole * share));
}
