import { Random } from '../base/random.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';
import type { Pass } from './pass.js';
import type { Drafts, Request } from './request.js';
import type { Share } from './scheduler.js';
import { TextDrafts } from './text-drafts.js';

/** Options of drafting and verification. */
export interface SpeculationSpec {
  /** Tokens drafted per request and pass, at least 1. */
  readonly draft: number;
  /** By position: share of drafts right so far, falling, at least `draft` long. null: the text decides. */
  readonly acceptances: readonly number[] | null;
  /** Share of passes with a draft, unless the text decides. Absent: 1. */
  readonly found?: number;
  /** Time of drafting a token for all requests of a pass, ns. */
  readonly drafterNs: number;
  readonly rollback: Rollback;
}

/** After a rejection: `free` drops KV entries; `redo` restores a state, and accepted tokens run again. */
export const ROLLBACKS = ['free', 'redo'] as const;
type Rollback = (typeof ROLLBACKS)[number];

/** A pass verifies drafts. Acceptance draws are evenly spread, so short runs match the mean. */
export class Speculation implements Drafts {
  /** Drafting time of the running pass, ns. */
  draftNs = 0;
  totalDraftNs = 0;
  /** Verified drafts, drafted tokens and accepted tokens. */
  verified = 0;
  drafted = 0;
  accepted = 0;
  wastedActivations = 0;
  /** Tokens rerun after a restored state. */
  redone = 0;
  /** Tokens to rerun, emptied by the caller. */
  readonly again: Share[] = [];
  readonly #spec: SpeculationSpec;
  readonly #seed: number;
  /** Drafts from requests' texts; null: acceptance is drawn. */
  readonly #text: TextDrafts | null;

  /** @param trace with token ids, if the text decides */
  constructor(spec: SpeculationSpec, seed: number, trace?: RoutingTrace) {
    this.#spec = spec;
    this.#seed = seed;
    this.#text = spec.acceptances === null ? new TextDrafts(trace!) : null;
  }

  /** Never drafts beyond the request's last token. */
  draftOf(request: Request): number {
    const { done, inPrefill, tokens } = request;
    if (inPrefill || !this.#finds(request)) return 0;
    return Math.min(this.#spec.draft, tokens - done - 1);
  }

  /** Marks rejected tokens in a pass's shares. @returns their number */
  verify(shares: readonly Share[]): number {
    let longest = 0;
    let rejected = 0;
    for (const share of shares) {
      const { request, tokens } = share;
      const drafted = request.inPrefill ? 0 : tokens - 1;
      if (drafted === 0) continue;
      const accepted = this.#text === null ? this.#drawn(request, drafted) : this.#text.right(request, drafted);
      share.rejected = drafted - accepted;
      share.standIns = this.#text ?? undefined;
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

  /** Counts activations of rejected tokens in a filled pass. */
  waste({ choices, row }: Pass, shares: readonly Share[]): void {
    let end = 0;
    for (const { rejected = 0, tokens } of shares) {
      end += tokens;
      for (let at = (end - rejected) * row; at < end * row; at++) if (choices[at] !== NULL_EXPERT) this.wastedActivations++;
    }
  }

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

  #drawn(request: Request, drafted: number): number {
    const acceptances = this.#spec.acceptances!;
    const draw = this.#draw(request, request.verified++);
    let accepted = 0;
    while (accepted < drafted && draw < acceptances[accepted]!) accepted++;
    return accepted;
  }
}

/** Van der Corput's sequence (1935), mirrored binary digits: any 2^k values cover [0, 1) evenly. */
function mirrored(n: number): number {
  let value = 0;
  for (let weight = 0.5; n > 0; n = Math.floor(n / 2), weight /= 2) value += (n % 2) * weight;
  return value;
}
