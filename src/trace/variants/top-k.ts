// Fewer experts than the model was recorded with: the first n of each token's choices, which is how a model trained to shrink is run.
import { UserError } from '../../base/errors.js';
import type { Variant } from './variant.js';

/** `top-k=n`. */
export const topK: Variant = {
  name: 'top-k',
  summary: 'the first n choices of each token and layer',
  source: 'SMoE-Dropout, arXiv 2303.01610: a model that is run with fewer or more experts than it was trained with',
  parameters: { k: { default: 1, min: 1, description: 'choices to keep' } },
  main: 'k',
  needs: () => [],
  change(trace, { k }, { spec }) {
    const width = k as number;
    if (!Number.isInteger(width)) throw new UserError(`variant ${spec}: ${width} is no whole number of choices`);
    if (width > trace.topK) {
      throw new UserError(
        `variant ${spec}: ${trace.path} has ${trace.topK} choices per token and layer; ` +
          'take at most as many, or a trace that was recorded or generated with more candidates',
      );
    }
    const { layers, topK: below } = trace;
    return {
      topK: width,
      rewrite(source, into) {
        for (let cell = 0; cell < source.tokens * layers; cell++) {
          for (let rank = 0; rank < width; rank++) {
            into.experts[cell * width + rank] = source.experts[cell * below + rank]!;
            if (into.weights !== null) into.weights[cell * width + rank] = source.weights![cell * below + rank]!;
          }
        }
      },
    };
  },
};
