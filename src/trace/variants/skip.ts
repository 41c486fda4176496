import { PlaceDraws } from './draws.js';
import { keepPrefix } from './prefix.js';
import { variant } from './variant.js';

/** `skip=s`: a layer skips a token with probability s; only the residual connection remains. */
export const skip = variant({
  name: 'skip',
  summary: 'tokens that skip a share of the MoE layers',
  cites: 'Duo-LLM, arXiv 2410.10846: a router that may skip a layer for a token',
  parameters: { share: { default: 0.25, min: 0, max: 1, description: 'share of the layers that a token skips' } },
  main: 'share',
  change(trace, { share }, { seed }) {
    const draws = new PlaceDraws(seed, 'variant/skip');
    return keepPrefix(trace, ({ layer, row }) => {
      draws.at(row, layer);
      return draws.next() < share ? 0 : trace.topK;
    });
  },
});
