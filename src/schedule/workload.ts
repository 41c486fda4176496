import type { RoutingTrace, TraceRequest } from '../trace/trace.js';
import { Request } from './request.js';
import { cutAt, type RoutingUse } from './routing-walk.js';

/** Source of requests. */
export interface Workload {
  readonly requests: number;
  readonly tokens: number;
  /** Longest request, tokens. */
  readonly longest: number;
  /** The next request arrived by `nowNs`, or null. @param pending unfinished requests */
  poll(nowNs: number, pending: number): Request | null;
  /** Routing walked so far; absent: the trace's own requests. */
  readonly routing?: RoutingUse;
  /** Next known arrival, ns; Infinity: none. */
  readonly nextArrivalNs: number;
}

/** Rows of a trace that become a request. */
export type Walk = Pick<TraceRequest, 'start' | 'prefill' | 'decode'>;

/** Requests of a trace's first rows; the longest are cut evenly if too few. @returns walks by row, and true if cut */
export function walksOf(trace: Pick<RoutingTrace, 'requests'>, tokens: number, streams: number): { walks: Walk[]; cut: boolean } {
  const begun = cutAt(trace.requests, tokens).filter(({ decode, prefill }) => prefill + decode > 0);
  const walks = begun.map(({ decode, prefill, start }): Walk => ({ start, prefill, decode }));
  const wanted = Math.min(streams, tokens);
  const cut = walks.length > 0 && walks.length < wanted;
  return { walks: cut ? cutEvenly(walks, wanted) : walks, cut };
}

/** Cuts the walk with the longest pieces until `wanted` pieces. */
function cutEvenly(walks: readonly Walk[], wanted: number): Walk[] {
  const pieces = walks.map(() => 1);
  const length = (i: number): number => (walks[i]!.prefill + walks[i]!.decode) / pieces[i]!;
  for (let count = walks.length; count < wanted; count++) {
    let longest = 0;
    for (let i = 1; i < walks.length; i++) if (length(i) > length(longest)) longest = i;
    pieces[longest]! += 1;
  }
  return walks.flatMap((walk, i) => {
    const rows = walk.prefill + walk.decode;
    return Array.from({ length: pieces[i]! }, (_, piece) => {
      const from = Math.floor((rows * piece) / pieces[i]!);
      const to = Math.floor((rows * (piece + 1)) / pieces[i]!);
      const prefill = Math.max(0, Math.min(walk.prefill, to) - from);
      return { start: walk.start + from, prefill, decode: to - from - prefill };
    });
  });
}

/** Closed loop: `concurrency` users without pauses. */
export class ClosedLoop implements Workload {
  readonly requests: number;
  readonly tokens: number;
  readonly longest: number;
  readonly nextArrivalNs = Number.POSITIVE_INFINITY;
  readonly #walks: readonly Walk[];
  readonly #concurrency: number;
  #given = 0;

  constructor(walks: readonly Walk[], concurrency: number) {
    this.#walks = walks;
    this.#concurrency = concurrency;
    this.requests = walks.length;
    this.tokens = walks.reduce((sum, walk) => sum + walk.prefill + walk.decode, 0);
    this.longest = walks.reduce((most, walk) => Math.max(most, walk.prefill + walk.decode), 0);
  }

  poll(nowNs: number, pending: number): Request | null {
    if (pending >= this.#concurrency || this.#given >= this.#walks.length) return null;
    const index = this.#given++;
    return new Request({ index, ...this.#walks[index]!, arrivalNs: nowNs });
  }
}
