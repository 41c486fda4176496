import type { CostModel } from '../../hardware/door.js';
import type { Pass } from '../../schedule/door.js';

interface Share {
  tokens: number;
  sequences: number;
  /** By request: context and tokens, as in a pass. */
  readonly context: Int32Array;
  readonly sequenceTokens: Int32Array;
}

/** Data parallelism: each GPU runs dense layers for its requests; experts wait for the slowest. */
export class RequestShares {
  #shares: readonly Share[] = [];
  readonly #gpus: number;

  constructor(gpus: number) {
    this.#gpus = gpus;
  }

  divide(pass: Pass): void {
    const most = pass.sequenceTokens.length;
    if ((this.#shares[0]?.context.length ?? -1) < most)
      this.#shares = Array.from({ length: this.#gpus }, () => ({
        tokens: 0,
        sequences: 0,
        context: new Int32Array(most),
        sequenceTokens: new Int32Array(most),
      }));
    for (const share of this.#shares) share.tokens = share.sequences = 0;
    let first = 0;
    for (let s = 0; s < pass.sequences; s++) {
      const tokens = pass.sequenceTokens[s]!;
      const share = this.#shares[pass.gpu[first]!]!;
      share.context[share.sequences] = pass.sequenceContext[s]!;
      share.sequenceTokens[share.sequences++] = tokens;
      share.tokens += tokens;
      first += tokens;
    }
  }

  /** Dense segment on the slowest GPU, ns; 0 for a GPU without requests. */
  denseNs(cost: CostModel, segment: number): number {
    let ns = 0;
    for (const { context, sequences, sequenceTokens, tokens } of this.#shares) {
      if (sequences > 0) ns = Math.max(ns, cost.denseNs(segment, tokens, context, sequenceTokens, sequences));
    }
    return ns;
  }
}
