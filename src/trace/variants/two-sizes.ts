import { UserError } from '../../base/errors.js';
import { NULL_EXPERT } from '../trace.js';
import { PlaceDraws } from './draws.js';
import { variant } from './variant.js';

/**
 * `two-sizes:small=0.4,skip=0.2`: shares of pairs with the small or no expert. Layer l is 2l (large), 2l + 1 (small).
 */
export const twoSizes = variant({
  name: 'two-sizes',
  summary: 'large and small experts: a token takes one size, or none',
  cites: 'Duo-LLM, arXiv 2410.10846: a small auxiliary FFN beside the FFN of every layer, and the choice to skip',
  parameters: {
    small: { default: 0.5, min: 0, max: 1, description: 'share that goes to the small experts' },
    skip: { default: 0, min: 0, max: 1, description: 'share that skips the layer' },
  },
  main: 'small',
  change({ layers, topK }, parameters, { experts, seed, spec }) {
    const small = parameters.small;
    const none = parameters.skip;
    if (small + none > 1) throw new UserError(`variant ${spec}: small and skip are shares of one whole, and sum to ${small + none}`);
    const draws = new PlaceDraws(seed, 'variant/two-sizes');
    return {
      expertsPerLayer: experts.flatMap((count) => [count, count]),
      predicted: false,
      rewrite(source, into, start) {
        into.experts.fill(NULL_EXPERT, 0, source.tokens * 2 * layers * topK);
        into.weights?.fill(0, 0, source.tokens * 2 * layers * topK);
        for (let token = 0; token < source.tokens; token++) {
          for (let layer = 0; layer < layers; layer++) {
            draws.at(start + token, layer);
            const draw = draws.next();
            if (draw < none) continue;
            const size = draw < none + small ? 1 : 0;
            const from = (token * layers + layer) * topK;
            const to = ((token * layers + layer) * 2 + size) * topK;
            into.experts.set(source.experts.subarray(from, from + topK), to);
            if (into.weights !== null) into.weights.set(source.weights!.subarray(from, from + topK), to);
          }
        }
      },
    };
  },
});
