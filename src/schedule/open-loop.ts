import type { Arrivals } from './arrivals/arrivals.js';
import { Request } from './request.js';
import type { RoutingUse, RoutingWalks } from './routing-walk.js';
import type { Workload } from './workload.js';

/** Open loop: given arrivals and lengths, independent of the machine's speed. */
export class OpenLoop implements Workload {
  readonly requests: number;
  readonly tokens: number;
  readonly longest: number;
  readonly #arrivals: Arrivals;
  readonly #walks: RoutingWalks;
  #given = 0;

  constructor(arrivals: Arrivals, walks: RoutingWalks) {
    this.#arrivals = arrivals;
    this.#walks = walks;
    this.requests = arrivals.count;
    let tokens = 0;
    let longest = 0;
    for (let i = 0; i < arrivals.count; i++) {
      const length = arrivals.prompt[i]! + this.#decode(i);
      tokens += length;
      longest = Math.max(longest, length);
    }
    this.tokens = tokens;
    this.longest = longest;
  }

  get nextArrivalNs(): number {
    return this.#arrivals.arrivalNs[this.#given] ?? Number.POSITIVE_INFINITY;
  }

  get routing(): RoutingUse {
    return this.#walks.use;
  }

  poll(nowNs: number): Request | null {
    const index = this.#given;
    const { arrivalNs, count, prompt, requestClass } = this.#arrivals;
    if (index >= count || arrivalNs[index]! > nowNs) return null;
    this.#given++;
    const prefill = prompt[index]!;
    const decode = this.#decode(index);
    const segments = this.#walks.plan(prefill, decode);
    const start = segments[0]!.row;
    return new Request({
      index,
      start,
      prefill,
      decode,
      arrivalNs: arrivalNs[index]!,
      segments,
      requestClass: requestClass?.[index] ?? '',
    });
  }

  /** The first output token comes with the last prompt token, without a pass. */
  #decode(index: number): number {
    const output = this.#arrivals.output[index]!;
    return this.#arrivals.prompt[index]! > 0 ? output - 1 : output;
  }
}
