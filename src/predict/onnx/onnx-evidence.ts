// A trained network as one kind of evidence in a mixture, whose weights are fitted during the run.
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { type Evidence, evenShare, NEXT_TOKEN } from '../evidence.js';
import type { Predictor } from '../predictor.js';

/** A source of logits of every expert for the tokens of a pass. */
export interface LogitSource extends Predictor {
  /** Logits after layer `after` of a pass, `[tokens, experts]`. */
  logits(pass: Pass, after: number): Float32Array;
}

/** Steps per unit to which logits are rounded, far coarser than differences of arithmetic between CPUs. */
const RESOLUTION = 1024;

/**
 * A network's logits, relative to an even share. It gives no evidence on training traces before a run: it may have memorised them, and would get
 * too large a weight.
 */
export function onnxEvidence(model: ModelSpec, source: LogitSource): Evidence {
  return {
    add(pass, token, after, layer, weight, into) {
      if (after === NEXT_TOKEN || pass.request[token]! < 0) return false;
      const logits = source.logits(pass, after);
      const { experts, offset } = model.layers[layer]!;
      const share = evenShare(model.layers[layer]!);
      const even = Math.log(share / (1 - share));
      const from = token * model.experts + offset;
      for (let e = 0; e < experts; e++) into[e]! += weight * (Math.round(RESOLUTION * logits[from + e]!) / RESOLUTION - even);
      return true;
    },
    learn(pass, token, layer) {
      if (token === pass.tokens - 1 && pass.request[token]! >= 0) source.observe(pass, layer);
    },
    measured: () => source.measured?.() ?? {},
    close: () => source.close?.(),
  };
}
