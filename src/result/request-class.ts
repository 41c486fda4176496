// Requests of one class in a result: their latencies, and the share of the model's choices that their budget left out. Types only.

/** Mean and percentiles of a latency, ns; null: no request has it. */
type Latency = Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number>> | null;

/** All requests of a class. */
export interface RequestClass {
  /** As the arrivals name it; empty: requests without one. */
  readonly name: string;
  readonly requests: number;
  /** Tokens that they generated. */
  readonly generated: number;
  readonly ttftNs: Latency;
  readonly tpotNs: Latency;
  /** From arrival to the last token. */
  readonly requestNs: Latency;
  /** Share that kept its objective; null: there is none. */
  readonly attained: number | null;
  /** The budget of its tokens, as written; null: all of the model. */
  readonly budget: string | null;
  /** Share of the choices of its tokens that the budget left out. */
  readonly choicesLost: number;
  /** The same of their gate weights; null: the trace has none. */
  readonly weightLost: number | null;
  /** Share of the activations of its tokens that copies of lower precision or other experts served. Absent: the system has neither. */
  readonly degraded?: number;
}
