// The shares of a pass while a scheduler fills it: decode tokens with their drafts, and prompt tokens, within the budget.
import type { Drafts } from './drafts.js';
import type { Request } from './request.js';
import type { Share } from './scheduler.js';

/** A list of shares that is rebuilt for each pass. */
export class ShareList {
  readonly shares: Share[] = [];
  /** Tokens that the pass may still take, and those of them that may be drafted ones. */
  budget = 0;
  #draftBudget = 0;
  readonly #drafts: Drafts | null;

  /** @param drafts what decoding requests draft beside their next token; null: nothing */
  constructor(drafts: Drafts | null = null) {
    this.#drafts = drafts;
  }

  /**
   * @param budget tokens of the pass
   * @param batch requests that a token of each must be left for
   */
  begin(budget: number, batch = budget): void {
    this.shares.length = 0;
    this.budget = budget;
    this.#draftBudget = budget - batch;
  }

  /** One decode token and the draft of each of `requests` that decodes, as the budget allows; preempted ones are left out. */
  decodes(requests: readonly Request[]): void {
    for (const request of requests) {
      if (this.budget <= 0) return;
      if (request.kvTokens > 0 && !request.inPrefill) this.#push(request, 1 + this.#draft(request));
    }
  }

  /** Prompt tokens of those of `requests` whose prompt is not done, in order, as the budget allows. */
  prompts(requests: readonly Request[], most = Number.POSITIVE_INFINITY): void {
    for (const request of requests) {
      if (this.budget === 0 || this.shares.length >= most) return;
      if (request.inPrefill) this.next(request);
    }
  }

  /** The next tokens of a request that is not in the list yet: its prompt as far as the budget allows, or one decode token and its draft. */
  next(request: Request): void {
    const { done, inPrefill, promptRows } = request;
    this.#push(request, inPrefill ? Math.min(this.budget, promptRows - done) : 1 + this.#draft(request));
  }

  /** Tokens that a request drafts, of those that all may; they are taken. */
  #draft(request: Request): number {
    if (this.#drafts === null) return 0;
    const tokens = Math.min(this.#drafts.draftOf(request), this.#draftBudget, this.budget - 1);
    this.#draftBudget -= tokens;
    return tokens;
  }

  #push(request: Request, tokens: number): void {
    this.shares.push({ request, tokens, rejected: 0 });
    this.budget -= tokens;
  }
}
