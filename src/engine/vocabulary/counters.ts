// Counters that only a run on several GPUs has: the load of each GPU, and the cost of sending activations.

/** Counters of one run. Arrays are indexed by GPU. */
export class ParallelCounters {
  readonly gpus: number;
  readonly demanded: Float64Array;
  readonly hits: Float64Array;
  readonly activations: Float64Array;
  /** Events, and the sum over them of the busiest GPU's activations over the mean. */
  events = 0;
  eventImbalance = 0;
  /** Activations that were computed on another GPU than their token's: each is sent there and back. */
  crossed = 0;
  /** Time that sending activations added to events, ns. */
  exchangeNs = 0;
  /** Sum over events of the degree of overlap. */
  degrees = 0;

  constructor(gpus: number) {
    this.gpus = gpus;
    this.demanded = new Float64Array(gpus);
    this.hits = new Float64Array(gpus);
    this.activations = new Float64Array(gpus);
  }

  /** Most of a quantity on one GPU over its mean, at least 1; 1 where there is none of it. */
  static imbalance(values: ArrayLike<number>): number {
    let most = 0;
    let sum = 0;
    for (let gpu = 0; gpu < values.length; gpu++) {
      most = Math.max(most, values[gpu]!);
      sum += values[gpu]!;
    }
    return sum === 0 ? 1 : (most * values.length) / sum;
  }
}
