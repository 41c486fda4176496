// Hash routing: a token's experts depend on nothing but its id, so the text alone says which experts will be needed.
import { NULL_EXPERT } from '../trace.js';
import { PlaceDraws } from './draws.js';
import type { Variant } from './variant.js';

/** `hash`: each token id has its own experts at every layer, spread evenly over all. */
export const hashRouting: Variant = {
  name: 'hash',
  summary: "experts fixed by the token's id, spread evenly",
  cites: 'Hash layers, arXiv 2106.04426: balanced random hashing of the token',
  needs: () => ['tokenIds'],
  change({ layers, topK }, _parameters, { choices, experts, seed }) {
    const draws = new PlaceDraws(seed, 'variant/hash');
    return {
      weights: false,
      predicted: false,
      synthetic: true,
      rewrite(source, into) {
        for (let token = 0; token < source.tokens; token++) {
          for (let layer = 0; layer < layers; layer++) {
            const at = (token * layers + layer) * topK;
            // Where a token has no expert at all (a dense row), hashing gives it none.
            const routed = source.experts.subarray(at, at + topK).some((expert) => expert !== NULL_EXPERT);
            const count = routed ? choices[layer]! : 0;
            draws.at(source.tokenId![token]!, layer);
            draws.subset(count, experts[layer]!, into.experts, at);
            into.experts.fill(NULL_EXPERT, at + count, at + topK);
          }
        }
      },
    };
  },
};
