/** Verdicts on a claim with their words, best first. */
export const VERDICTS = {
  figure: 'within 15 %',
  near: 'within 30 %',
  gain: 'half the gain',
  side: 'same side',
  engine: 'not by caching here',
  impossible: 'cannot be',
  far: 'far off',
  other: 'other side',
} as const;

/** One of {@link VERDICTS}. */
export type ClaimVerdict = keyof typeof VERDICTS;

/** All verdicts, best first. */
export const ORDER = Object.keys(VERDICTS) as ClaimVerdict[];

/** Relative errors of the verdicts; ours. */
export const WITHIN = { figure: 0.15, near: 0.3 } as const;

/** Relative difference of a tie; ours. */
const TIE = 0.01;

interface Judged {
  readonly published: number;
  readonly moeprof: number;
  readonly short: ShortOf | null;
}

/** The engine's best found, or the machine's floor. */
export type ShortOf = Extract<keyof typeof VERDICTS, 'engine' | 'impossible'>;

/** True if the limit is over 15 % short of the published figure. @param lower true: less is better */
export function fallsShort(limit: number | null, published: number, lower: boolean): boolean {
  if (limit === null) return false;
  return lower ? limit > published * (1 + WITHIN.figure) : limit < published * (1 - WITHIN.figure);
}

/** Verdict on a value. */
export function verdictOfValue({ moeprof, published, short }: Judged): ClaimVerdict {
  const error = Math.abs(moeprof / published - 1);
  if (error <= WITHIN.figure) return 'figure';
  if (error <= WITHIN.near) return 'near';
  return short ?? 'far';
}

/** Share of a published gain reproduced, in logarithms; null: no published gain. Negative: the opposite side. */
export function gainShare({ moeprof, published }: Omit<Judged, 'short'>): number | null {
  return published === 1 ? null : Math.log(moeprof) / Math.log(published);
}

/** Verdict on a ratio; a ratio on the opposite side of 1 is never near. */
export function verdictOfRatio(judged: Judged): ClaimVerdict {
  const share = gainShare(judged) ?? 0;
  const sided = share > 0 || Math.abs(judged.published - 1) <= TIE;
  if (sided && Math.abs(judged.moeprof / judged.published - 1) <= WITHIN.figure) return 'figure';
  if (share >= 0.5 && share <= 1.5) return 'gain';
  if (judged.short !== null) return judged.short;
  return share > 0 ? 'side' : 'other';
}

/** Verdict on an order, with swapped pairs. @param values in published order, best first */
export function verdictOfOrder(values: readonly number[], lower: boolean): { verdict: ClaimVerdict; swapped: number; pairs: number } {
  const pairs = values.flatMap((better, a) => values.slice(a + 1).map((worse) => (lower ? worse / better : better / worse)));
  const swapped = pairs.filter((ratio) => ratio < 1 - TIE).length;
  const right = pairs.filter((ratio) => ratio > 1 + TIE).length;
  return { verdict: right === pairs.length ? 'figure' : swapped === 0 ? 'side' : 'other', swapped, pairs: pairs.length };
}
