import { placed, UserError } from '../base/errors.js';
import { MOST_DRAFT, parseAcceptance, sharesOf } from '../schedule/door.js';

/** How tokens are drafted in advice: by what, how many, and how many of them are right. Drafting, as settings are priced with it. */
export interface Drafting {
  /** The model's own layers for further tokens, or the text itself, if its last tokens have occurred before. */
  readonly drafter: 'mtp' | 'ngram';
  /** Lengths on offer; null: those of the runtime. */
  readonly lengths: readonly number[] | null;
  /** Chance that a drafted token is right, given that those before it are. */
  readonly chance: number;
  /** Share of passes that have a draft. */
  readonly found: number;
}

/**
 * Chance that a drafted token is right, given that those before it are: 0.70, 0.64, 0.73 and 0.65 by position of a run that is measured
 * (mtp-8945hs); published runs of models' own layers have 0.7 to 0.9 for the first (ggml-org/llama.cpp pulls 22673 and 25980). Drafts by n-grams
 * of recorded texts are right as often, if there is one.
 */
const ACCEPTANCE = 0.7;
/** Share of passes for which recorded texts held a draft after the same tokens (docs/speculation.md). */
const FOUND = 0.35;

/** Drafting by default. */
export const USUAL_DRAFTING: Drafting = { drafter: 'mtp', lengths: null, chance: ACCEPTANCE, found: 1 };

/** Wishes on drafts, as options have them. */
export interface DraftWishes {
  /** Lengths: `3`, or `0..4`. */
  readonly drafts?: string | undefined;
  /** Share of drafted tokens that are right, as engines print it: `42%`, of the longest of the drafts, or `42% of 2`. */
  readonly accepted?: string | undefined;
  /** `mtp` (unless given) or `ngram`. */
  readonly drafter?: string | undefined;
}

/** Reads wishes on drafts. @throws UserError if one cannot be read */
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

/** Shares of a draft's tokens that are right, by position. */
export const rightShares = ({ chance }: Drafting, draft: number): number[] => sharesOf({ text: '', chance }, draft);
