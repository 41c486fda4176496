// How steady the tokens of a run are: TPOT of each half of each request. Requests differ by their text and halves by how warm caches are, and
// from both follows how far the mean of a longer run may lie away.
import type { Request } from '../../schedule/request.js';
import { Samples } from './samples.js';

/** TPOT of the halves of finished requests. */
export class RequestHalves {
  /** Of whole requests, ns, and of their halves, two a request. */
  readonly whole = new Samples();
  readonly halves = new Samples();
  /** By running request whose first half has been generated: tokens of it, and when the last one was there. */
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
    const requests = this.whole.values().length;
    if (requests === 0) return null;
    const mean = meanOf(this.whole.values());
    const moves = [this.whole, this.halves].map((blocks) => deviation(blocks.values()) * Math.sqrt(0.9 / blocks.values().length));
    return { requests, tpot: mean === 0 ? 0 : Math.max(...moves) / mean };
  }
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of what the values are a sample of; 0 for one value, which says nothing of others. */
function deviation(values: Float64Array): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
