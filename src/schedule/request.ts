// A request: a walk through consecutive rows of a trace, with the times that serving metrics are made of.

/** One request of a workload. `prefill` prompt rows, then `decode` generated rows, from trace row `start`. */
export class Request {
  /** Order of arrival, 0-based. */
  readonly index: number;
  /** First trace row. */
  readonly start: number;
  readonly prefill: number;
  readonly decode: number;
  /** When it arrived, ns. */
  readonly arrivalNs: number;
  /** Rows that have been run. */
  done = 0;
  /** Place among the requests that run at once, given while it runs; -1 before and after. */
  slot = -1;
  /** Start of its first pass, ns; -1 before. */
  startedNs = -1;
  /** When its first output token was there (end of the prefill; start of the first pass where the trace has no prefill), ns; -1 before. */
  firstTokenNs = -1;
  /** End of its last pass so far, ns. */
  lastTokenNs = -1;
  /** `firstTokenNs` on the clocks of the bounds: everything resident, and no cache. */
  firstTokenAllResidentNs = 0;
  firstTokenNoCacheNs = 0;

  constructor(fields: { index: number; start: number; prefill: number; decode: number; arrivalNs: number }) {
    this.index = fields.index;
    this.start = fields.start;
    this.prefill = fields.prefill;
    this.decode = fields.decode;
    this.arrivalNs = fields.arrivalNs;
  }

  /** Rows in total. */
  get tokens(): number {
    return this.prefill + this.decode;
  }

  /** True while prompt rows are left. */
  get inPrefill(): boolean {
    return this.done < this.prefill;
  }

  /** True when every row has been run. */
  get finished(): boolean {
    return this.done >= this.tokens;
  }
}
