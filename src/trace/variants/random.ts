// Random routing, which no cache and no predictor can exploit: a baseline for real routing.
import { NULL_EXPERT } from '../trace.js';
import { PlaceDraws } from './draws.js';
import type { Variant } from './variant.js';

/** `random`: every token draws its experts, uniformly and without replacement, as many as it had. */
export const randomRouting: Variant = {
  name: 'random',
  summary: 'experts drawn at random: the worst case of every cache',
  cites: 'THOR, arXiv 2110.04260: experts are activated at random for each input',
  change({ layers, topK }, _parameters, { experts, seed }) {
    const draws = new PlaceDraws(seed, 'variant/random');
    return {
      weights: false,
      predicted: false,
      synthetic: true,
      rewrite(source, into, start) {
        for (let token = 0; token < source.tokens; token++) {
          for (let layer = 0; layer < layers; layer++) {
            const at = (token * layers + layer) * topK;
            let count = 0;
            for (let rank = 0; rank < topK; rank++) if (source.experts[at + rank] !== NULL_EXPERT) count++;
            draws.at(start + token, layer);
            draws.subset(count, experts[layer]!, into.experts, at);
            into.experts.fill(NULL_EXPERT, at + count, at + topK);
          }
        }
      },
    };
  },
};
