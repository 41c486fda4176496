/** The verdict on a claim: how near our figure comes to the published one. Verdicts, the best first, and their words. */
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

/** All verdicts, the best first. */
export const ORDER = Object.keys(VERDICTS) as ClaimVerdict[];

/** Shares that figures are within. */
export const WITHIN = { figure: 0.15, near: 0.3 } as const;

/** Figures that differ by less are a tie. */
const TIE = 0.01;

interface Judged {
  readonly published: number;
  readonly moeprof: number;
  /** What is short of the published figure; null: nothing is known to be. */
  readonly short: ShortOf | null;
}

/** A limit that falls short: the best that we find in this engine, or the floor of the machine itself. */
export type ShortOf = Extract<keyof typeof VERDICTS, 'engine' | 'impossible'>;

/** True if even the limit falls more than 15 % short of what is published. @param lower true: the less the better */
export function fallsShort(limit: number | null, published: number, lower: boolean): boolean {
  if (limit === null) return false;
  return lower ? limit > published * (1 + WITHIN.figure) : limit < published * (1 - WITHIN.figure);
}

/** The verdict on a value. */
export function verdictOfValue({ moeprof, published, short }: Judged): ClaimVerdict {
  const error = Math.abs(moeprof / published - 1);
  if (error <= WITHIN.figure) return 'figure';
  if (error <= WITHIN.near) return 'near';
  return short ?? 'far';
}

/** The share of a published gain that ours is, in logarithms; null: nothing is gained. Negative: ours is on the other side. */
export function gainShare({ moeprof, published }: Omit<Judged, 'short'>): number | null {
  return published === 1 ? null : Math.log(moeprof) / Math.log(published);
}

/** The verdict on a ratio; a figure on the other side of 1 is not near, however small the gain. */
export function verdictOfRatio(judged: Judged): ClaimVerdict {
  const share = gainShare(judged) ?? 0;
  const sided = share > 0 || Math.abs(judged.published - 1) <= TIE;
  if (sided && Math.abs(judged.moeprof / judged.published - 1) <= WITHIN.figure) return 'figure';
  if (share >= 0.5 && share <= 1.5) return 'gain';
  if (judged.short !== null) return judged.short;
  return share > 0 ? 'side' : 'other';
}

/** The verdict on an order, and how many of its pairs come out the other way round. @param values in the published order, the best first */
export function verdictOfOrder(values: readonly number[], lower: boolean): { verdict: ClaimVerdict; swapped: number; pairs: number } {
  const pairs = values.flatMap((better, a) => values.slice(a + 1).map((worse) => (lower ? worse / better : better / worse)));
  const swapped = pairs.filter((ratio) => ratio < 1 - TIE).length;
  const right = pairs.filter((ratio) => ratio > 1 + TIE).length;
  return { verdict: right === pairs.length ? 'figure' : swapped === 0 ? 'side' : 'other', swapped, pairs: pairs.length };
}
