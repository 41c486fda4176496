import { UserError } from '../base/errors.js';
import { DURATION, SHARE } from '../base/units.js';
import type { Written } from '../base/written.js';

/** Most tokens of a draft. Ours. */
export const MOST_DRAFT = 64;

/** Acceptance independent of position. */
export interface Acceptance extends Written {
  /** Chance of a right token after right tokens (Leviathan et al., ICML 2023, arXiv 2211.17192: alpha). */
  readonly chance: number;
}

/**
 * `0.7` or `70%`, each token's chance given the tokens before; or `42% of 4`, accepted over drafted. @throws UserError
 */
export function parseAcceptance(text: string): Acceptance {
  const [, share = '', draft] = /^\s*(.*?)(?:\s+of\s+(\d+))?\s*$/.exec(text)!;
  const value = SHARE.read(share);
  const positions = draft === undefined ? 1 : Number(draft);
  if (value === null || positions < 1 || positions > MOST_DRAFT)
    throw new UserError(
      `${text} is no acceptance; write 0.7 (the chance of each token, given those before it), or 42% of 4 (accepted over drafted tokens, as an engine prints it, at a draft of 4)`,
    );
  return { text, chance: chanceOf(value, positions) };
}

/** Shares by position: k-th power of the chance. */
export const sharesOf = ({ chance }: Acceptance, positions: number): number[] =>
  Array.from({ length: positions }, (_, k) => chance ** (k + 1));

/** Chance with mean share `share` over `positions`, by bisection. */
function chanceOf(share: number, positions: number): number {
  if (positions === 1) return share;
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const chance = (low + high) / 2;
    let sum = 0;
    for (let k = 1, power = chance; k <= positions; k++, power *= chance) sum += power;
    if (sum < share * positions) low = chance;
    else high = chance;
  }
  return high;
}

/**
 * ns a token, or the drafter's expert bytes as a share of the model's, (0, 1]. `looksUp`: the text decides acceptance.
 */
type Drafter = Written & ({ readonly ns: number; readonly looksUp?: true } | { readonly copyBytes: number });

/** Time of a looked-up draft, ns a token, an upper bound: `TextDrafts` takes 160 to 1,000 ns a draft on a busy EPYC. */
const LOOK_UP_NS = 1000;

/** `1ms` (time a token), `ngram` (drafts from the text) or `copy 25%` (the model in fewer bytes). @throws UserError */
export function parseDrafter(text: string): Drafter {
  if (text.trim() === 'ngram') return { text, ns: LOOK_UP_NS, looksUp: true };
  const copy = /^\s*copy(?:\s+(.*))?$/.exec(text);
  if (copy === null) {
    const ns = DURATION.read(text);
    if (ns !== null) return { text, ns };
  } else {
    const copyBytes = SHARE.read(copy[1] ?? '100%');
    if (copyBytes !== null && copyBytes > 0) return { text, copyBytes };
  }
  throw new UserError(
    `"${text}" is no drafter; write the time of a token, e.g. 1ms, ngram for drafts from the text, or copy 25% for the model in a copy of fewer bytes`,
  );
}
