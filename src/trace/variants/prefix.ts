import { NULL_EXPERT, type RoutingTrace } from '../trace.js';
import type { RoutingChange } from './variant.js';

/** Choices of a token at a layer: `[at, at + topK)` of the arrays. */
interface TokenChoices {
  readonly experts: Uint16Array;
  readonly weights: Float32Array | null;
  at: number;
  row: number;
  layer: number;
  phase: number;
}

/** Keeps the first ranks of each cell. @param keep number of ranks; the rest become null */
export function keepPrefix({ layers, topK }: RoutingTrace, keep: (cell: TokenChoices) => number): RoutingChange {
  return {
    rewrite(source, into, start) {
      const cells = source.tokens * layers * topK;
      into.experts.set(source.experts.subarray(0, cells));
      if (into.weights !== null) into.weights.set(source.weights!.subarray(0, cells));
      const cell: TokenChoices = { experts: source.experts, weights: source.weights, at: 0, row: 0, layer: 0, phase: 0 };
      for (let token = 0; token < source.tokens; token++) {
        cell.row = start + token;
        cell.phase = source.phase[token]!;
        for (let layer = 0; layer < layers; layer++) {
          cell.layer = layer;
          cell.at = (token * layers + layer) * topK;
          const kept = keep(cell);
          into.experts.fill(NULL_EXPERT, cell.at + kept, cell.at + topK);
          if (into.weights !== null) into.weights.fill(0, cell.at + kept, cell.at + topK);
        }
      }
    },
  };
}
