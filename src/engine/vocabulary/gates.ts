// Gate weights of the running event by expert, for policies that rank by them.
import type { MoeLayer } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/**
 * Writes each expert's gate weights at a layer, summed over the tokens of the pass, into `gates[offset .. offset + experts)`.
 * @param pass of a trace that has weights
 */
export function gatherGates(
  pass: Pass,
  layer: number,
  { experts, offset }: Pick<MoeLayer, 'experts' | 'offset'>,
  gates: Float32Array,
): void {
  const { choices, row, tokens, topK } = pass;
  const weights = pass.weights!;
  gates.fill(0, offset, offset + experts);
  for (let token = 0; token < tokens; token++) {
    const from = token * row + layer * topK;
    for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) gates[offset + choices[i]!]! += weights[i]!;
  }
}
