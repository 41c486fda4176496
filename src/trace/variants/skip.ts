// Skipped layers: a token uses no expert at a share of the MoE layers; only the residual connection remains there.
import { PlaceDraws } from './draws.js';
import { keepPrefix } from './prefix.js';
import type { Variant } from './variant.js';

/** `skip=s`: at each layer a token is passed by with probability s. */
export const skip: Variant = {
  name: 'skip',
  summary: 'tokens that skip a share of the MoE layers',
  cites: 'Duo-LLM, arXiv 2410.10846: a router that may skip a layer for a token',
  parameters: { share: { default: 0.25, min: 0, max: 1, description: 'share of the layers that a token skips' } },
  main: 'share',
  change(trace, { share }, { seed }) {
    const draws = new PlaceDraws(seed, 'variant/skip');
    return keepPrefix(trace, ({ layer, row }) => {
      draws.at(row, layer);
      return draws.next() < (share as number) ? 0 : trace.topK;
    });
  },
};
