import { UserError } from '../base/errors.js';
import { mean } from '../base/statistics.js';
import { bareRate, type Datum, figure, type Grid, gridOf, ratio } from '../report/door.js';
import { lackOfDrafts } from '../runtime/door.js';
import { type Drafting, rightShares } from './drafting.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { drafted, lengthsOf, pricedFit } from './search.js';

/** A draft length at its best placement. */
export interface DraftOffer {
  readonly draft: number;
  /** Tokens/s. */
  readonly decode: number;
  readonly tokensPerPass: number;
  /** Assumed share of accepted tokens, as engines print it. */
  readonly accepted: number;
  /** Accepted share at which drafting overtakes plain decoding; null: never. */
  readonly breakEven: number | null;
}

/** Offers by draft length; empty: none wished or fitting. @throws UserError if wished, and nothing can draft */
export async function draftsBeside(question: Question, { model, setting }: Priced): Promise<DraftOffer[]> {
  const { drafting, runtime } = question;
  if (drafting.lengths === null && setting.draft === 0) return [];
  if (lengthsOf(question, model).length === 0) {
    const instead = runtime.looksUp && drafting.drafter === 'mtp' ? 'take --drafter ngram, or leave --drafts out' : 'leave --drafts out';
    const { name, ownDrafts } = runtime;
    const lack = drafting.drafter === 'mtp' ? lackOfDrafts(name, ownDrafts, model) : `${name} has no drafts by n-grams`;
    throw new UserError(`--drafts: ${lack}; ${instead}`);
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
    // A pass takes equally long with a wrong draft, so the break-even is a number of tokens per pass.
    const needed = (plain.price.decode * tokensPerPass) / drafting.price.decode;
    const breakEven = Math.max(0, needed - 1) / (found * draft);
    offers.push({ draft, decode: drafting.price.decode, tokensPerPass, accepted, breakEven: breakEven > 1 ? null : breakEven });
  }
  return offers;
}

const DRAFTERS = { mtp: "the model's own layers", ngram: 'n-grams' } as const;

/** Table of drafts; empty without drafts. */
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
