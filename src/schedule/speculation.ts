import { Random } from '../base/random.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';
import type { Pass } from './pass.js';
import type { Drafts, Request } from './request.js';
import type { Share } from './scheduler.js';
import { TextDrafts } from './text-drafts.js';

/** Drafting and verification of tokens. */
export interface SpeculationSpec {
  /** Tokens that a request drafts for each pass, at least 1. */
  readonly draft: number;
  /** By position: share of drafts that are right up to there. It falls, and is at least as long as the draft. null: the text decides. */
  readonly acceptances: readonly number[] | null;
  /** Share of the passes of a request for which the drafter has a draft, if the text does not decide. Absent: 1. */
  readonly found?: number;
  /** Time of drafting one token for all requests of a pass together, ns. */
  readonly drafterNs: number;
  readonly rollback: Rollback;
}

/** The way back to the last accepted token: `free` drops the rest of the KV cache; `redo` restores a state, and accepted tokens run again. */
export const ROLLBACKS = ['free', 'redo'] as const;
type Rollback = (typeof ROLLBACKS)[number];

/** Speculative decoding: a pass verifies drafted tokens. The number accepted is drawn, evenly, so that short runs have the mean, too. */
export class Speculation implements Drafts {
  /** Time of drafting for the running pass, ns. */
  draftNs = 0;
  /** The same of all passes, ns. */
  totalDraftNs = 0;
  /** Verified drafts, their tokens, and the accepted tokens. */
  verified = 0;
  drafted = 0;
  accepted = 0;
  wastedActivations = 0;
  /** Tokens that ran again because a state could not go back. */
  redone = 0;
  /** Tokens of the last pass that must run again; the caller that takes them empties the list. */
  readonly again: Share[] = [];
  readonly #spec: SpeculationSpec;
  readonly #seed: number;
  /** Drafts from the texts of requests; null: what is right is drawn. */
  readonly #text: TextDrafts | null;

  /** @param seed the run's @param trace with token ids, if the text decides what is right */
  constructor(spec: SpeculationSpec, seed: number, trace?: RoutingTrace) {
    this.#spec = spec;
    this.#seed = seed;
    this.#text = spec.acceptances === null ? new TextDrafts(trace!) : null;
  }

  /** The last token of a request needs no draft after it, so that none ever runs beyond its end. */
  draftOf(request: Request): number {
    const { done, inPrefill, tokens } = request;
    if (inPrefill || !this.#finds(request)) return 0;
    return Math.min(this.#spec.draft, tokens - done - 1);
  }

  /** Marks the rejected tokens in the shares of a pass. @returns their number over all requests */
  verify(shares: readonly Share[]): number {
    let longest = 0;
    let rejected = 0;
    for (const share of shares) {
      const { request, tokens } = share;
      const drafted = request.inPrefill ? 0 : tokens - 1;
      if (drafted === 0) continue;
      const accepted = this.#text === null ? this.#drawn(request, drafted) : this.#text.right(request, drafted);
      share.rejected = drafted - accepted;
      share.standIns = this.#text;
      if (accepted < drafted && this.#spec.rollback === 'redo')
        this.again.push({ request, tokens: accepted + 1, rejected: accepted + 1, again: true });
      longest = Math.max(longest, drafted);
      rejected += share.rejected;
      this.verified++;
      this.drafted += drafted;
      this.accepted += accepted;
    }
    this.draftNs = longest * this.#spec.drafterNs;
    this.totalDraftNs += this.draftNs;
    return rejected;
  }

  /** Counts the activations of rejected tokens in a filled pass. */
  waste({ choices, row }: Pass, shares: readonly Share[]): void {
    let end = 0;
    for (const { rejected = 0, tokens } of shares) {
      end += tokens;
      for (let at = (end - rejected) * row; at < end * row; at++) if (choices[at] !== NULL_EXPERT) this.wastedActivations++;
    }
  }

  /** True if the drafter has a draft for the next pass: positions take turns, as evenly as the draws of what is right. */
  #finds(request: Request): boolean {
    if (this.#text !== null) return this.#text.find(request) > 0;
    const { found = 1 } = this.#spec;
    return found === 1 || this.#draw(request, request.done) < found;
  }

  /** The `n`-th draw of a request, [0, 1). */
  #draw(request: Request, n: number): number {
    if (request.drawShift < 0) request.drawShift = new Random(this.#seed, `speculation/${request.index}`).next();
    return (request.drawShift + mirrored(n)) % 1;
  }

  /** Number of accepted tokens of a draft, drawn by the shares. */
  #drawn(request: Request, drafted: number): number {
    const acceptances = this.#spec.acceptances!;
    const draw = this.#draw(request, request.verified++);
    let accepted = 0;
    while (accepted < drafted && draw < acceptances[accepted]!) accepted++;
    return accepted;
  }
}

/** Van der Corput's sequence (1935), mirrored binary digits: any 2^k cover [0, 1) evenly, so means settle after a few passes. */
function mirrored(n: number): number {
  let value = 0;
  for (let weight = 0.5; n > 0; n = Math.floor(n / 2), weight /= 2) value += (n % 2) * weight;
  return value;
}
