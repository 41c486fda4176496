// How steady the tokens of a run are: TPOT of each half of each request. Requests differ by their text and halves by the warmth of caches;
// both determine how far the mean of a longer run may lie away.
import { deviation, mean } from '../../base/statistics.js';
import type { Request } from '../../schedule/request.js';
import { Samples } from './samples.js';

/** TPOT of the halves of finished requests. */
export class RequestHalves {
  /** Of whole requests, ns, and of their halves, two a request. */
  readonly whole = new Samples();
  readonly halves = new Samples();
  /** By running request whose first half has been generated: its tokens, and the time of the last one. */
  readonly #middles = new Map<Request, readonly [tokens: number, atNs: number]>();

  /** A pass has generated tokens of a request. @param done rows of it that have run now */
  generated(request: Request, done: number, nowNs: number): void {
    const tokens = done - request.prefill;
    if (tokens < request.decode / 2 || tokens >= request.decode || this.#middles.has(request)) return;
    this.#middles.set(request, [tokens, nowNs]);
  }

  /** A request has generated all of its tokens. */
  finished(request: Request, nowNs: number): void {
    const middle = this.#middles.get(request);
    this.#middles.delete(request);
    if (middle === undefined) return;
    const [tokens, atNs] = middle;
    this.whole.add((nowNs - request.firstTokenNs) / request.decode);
    this.halves.add((atNs - request.firstTokenNs) / tokens);
    this.halves.add((nowNs - atNs) / (request.decode - tokens));
  }

  /**
   * How far the mean TPOT typically moves where ten times as many requests run, as a share of it: the mean of n blocks, of standard deviation s,
   * lies s x sqrt(1/n - 1/(10 n)) from that of ten times as many of which they are the first. Blocks are requests, or their halves where these
   * tell of more: two requests may be alike by chance. Null: no request has two halves.
   */
  tenfold(): { readonly requests: number; readonly tpot: number } | null {
    const whole = this.whole.values();
    if (whole.length === 0) return null;
    const tpot = mean(whole);
    const moves = [whole, this.halves.values()].map((blocks) => deviation(blocks) * Math.sqrt(0.9 / blocks.length));
    return { requests: whole.length, tpot: tpot === 0 ? 0 : Math.max(...moves) / tpot };
  }
}
