import { UserError } from '../base/errors.js';
import { mean } from '../base/statistics.js';
import { bareRate, type Datum, figure, type Grid, gridOf, ratio } from '../report/door.js';
import { type Drafting, rightShares } from './drafting.js';
import type { Question } from './question.js';
import { drafted, lengthsOf, type Priced, pricedFit } from './search.js';

/** One length of a draft, at its best placement. */
export interface DraftOffer {
  readonly draft: number;
  /** Tokens/s. */
  readonly decode: number;
  readonly tokensPerPass: number;
  /** Share of drafted tokens that is taken to be right, as engines print it. */
  readonly accepted: number;
  /** That share from which on decoding is faster than without drafts; null: not even if all are right. */
  readonly breakEven: number | null;
}

/** Drafts by length, to compare with none; empty: none wished, advised or fitting. @throws UserError if wished, and nothing can draft */
export async function draftsBeside(question: Question, { model, setting }: Priced): Promise<DraftOffer[]> {
  const { drafting, runtime } = question;
  if (drafting.lengths === null && setting.draft === 0) return [];
  if (lengthsOf(question, model).length === 0) {
    const instead = runtime.looksUp && drafting.drafter === 'mtp' ? 'take --drafter ngram, or leave --drafts out' : 'leave --drafts out';
    throw new UserError(`--drafts: ${runtime.name} has no drafts by ${DRAFTERS[drafting.drafter]} for ${model.name}; ${instead}`);
  }
  const plain = await pricedFit(question, model, drafted(question, setting, 0));
  if (plain === null) return [];
  const offers: DraftOffer[] = [];
  for (const draft of lengthsOf(question, model)) {
    const drafting = draft === 0 ? null : await pricedFit(question, model, drafted(question, setting, draft));
    if (drafting === null) continue;
    const { found } = question.drafting;
    const accepted = mean(rightShares(question.drafting, draft));
    const tokensPerPass = 1 + found * draft * accepted;
    // A pass takes as long whether its draft is right or not, so that many tokens it must yield.
    const needed = (plain.price.decode * tokensPerPass) / drafting.price.decode;
    const breakEven = Math.max(0, needed - 1) / (found * draft);
    offers.push({ draft, decode: drafting.price.decode, tokensPerPass, accepted, breakEven: breakEven > 1 ? null : breakEven });
  }
  return offers;
}

const DRAFTERS = { mtp: "the model's own layers", ngram: 'n-grams' } as const;

/** Drafts as a table; nothing if nothing is drafted. */
export function draftGrid(drafts: readonly DraftOffer[], drafter: Drafting['drafter']): Grid[] {
  if (drafts.length === 0) return [];
  const rows = drafts.map(({ accepted, breakEven, decode, draft, tokensPerPass }): Datum[] => [
    `${draft} by ${DRAFTERS[drafter]}`,
    bareRate(decode),
    figure(tokensPerPass, 'count'),
    ratio(accepted),
    breakEven === null ? { value: null, text: 'never' } : ratio(breakEven),
  ]);
  return [gridOf(['drafted', 'decode', 'tokens a pass', 'accepted', 'pays from'], rows)];
}
