import { placed, UserError } from '../base/errors.js';
import { MOST_DRAFT, parseAcceptance, sharesOf } from '../schedule/door.js';

/** Drafting assumed in pricing. */
export interface Drafting {
  /** `mtp`: the model's own draft layers; `ngram`: earlier occurrences of the last tokens. */
  readonly drafter: 'mtp' | 'ngram';
  /** Draft lengths on offer; null: the runtime's. */
  readonly lengths: readonly number[] | null;
  /** Chance that a drafted token is right after right tokens. */
  readonly chance: number;
  /** Share of passes with a draft. */
  readonly found: number;
}

/**
 * Chance that a drafted token is right after right tokens. Measured by position: 0.70, 0.64, 0.73, 0.65 (mtp-8945hs);
 * published for the first: 0.7 to 0.9 (ggml-org/llama.cpp pulls 22673, 25980). N-grams of recorded texts reach the
 * same.
 */
const ACCEPTANCE = 0.7;
/** Share of passes with an n-gram draft in recorded texts (docs/speculation.md). */
const FOUND = 0.35;

/** Default drafting. */
export const USUAL_DRAFTING: Drafting = { drafter: 'mtp', lengths: null, chance: ACCEPTANCE, found: 1 };

/** Wishes on drafts, as option texts. */
export interface DraftWishes {
  /** `3`, or a range `0..4`. */
  readonly drafts?: string;
  /** Share of accepted tokens as engines print it: `42%` of the longest draft, or `42% of 2`. */
  readonly accepted?: string;
  /** `mtp` (default) or `ngram`. */
  readonly drafter?: string;
}

/** @throws UserError for an unreadable wish */
export function wishedDrafting({ accepted, drafter = 'mtp', drafts }: DraftWishes): Drafting {
  if (drafter !== 'mtp' && drafter !== 'ngram') throw new UserError(`--drafter: "${drafter}" is none; take mtp or ngram`);
  const [, from, to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(drafts ?? '') ?? [];
  if (drafts !== undefined && (from === undefined || Number(to) < Number(from) || Number(to) > MOST_DRAFT))
    throw new UserError(`--drafts: "${drafts}" is no number of tokens; write 3, or 0..4, at most ${MOST_DRAFT}`);
  if (drafter === 'ngram' && drafts === undefined) throw new UserError('--drafter ngram: how many tokens? add --drafts 0..4');
  const lengths = from === undefined ? null : Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  const longest = lengths?.at(-1) ?? 0;
  const chance =
    accepted === undefined
      ? ACCEPTANCE
      : placed('--accepted', () => parseAcceptance(/\sof\s/.test(accepted) || longest < 2 ? accepted : `${accepted} of ${longest}`)).chance;
  return { drafter, lengths, chance, found: drafter === 'ngram' ? FOUND : 1 };
}

/** Shares of right tokens by position in a draft. */
export const rightShares = ({ chance }: Drafting, draft: number): number[] => sharesOf({ text: '', chance }, draft);
