import { UserError } from '../../base/errors.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace.js';
import { type RoutingChange, variant } from './variant.js';

/** `top-k=n`: the first n choices of each token, fewer than recorded. */
export const topK = variant({
  name: 'top-k',
  summary: 'the first n choices of each token and layer',
  cites: 'SMoE-Dropout, arXiv 2303.01610: a model that is run with fewer or more experts than it was trained with',
  parameters: { k: { default: 1, min: 1, description: 'choices to keep' } },
  main: 'k',
  change(trace, { k }, { spec }) {
    const width = k;
    if (!Number.isInteger(width)) throw new UserError(`variant ${spec}: ${width} is no whole number of choices`);
    if (width > trace.topK)
      throw new UserError(
        `variant ${spec}: ${trace.path} has ${trace.topK} choices per token and layer; ` +
          'take at most as many, or a trace that was recorded or generated with more candidates',
      );
    return firstRanks(trace, new Array<number>(trace.layers).fill(width));
  },
});

/** Keeps the first ranks and narrows rows. @param kept choices by layer, at most the trace's top-k */
export function firstRanks({ layers, topK: below }: RoutingTrace, kept: readonly number[]): RoutingChange {
  const width = Math.max(...kept);
  return {
    topK: width,
    rewrite(source, into) {
      for (let cell = 0; cell < source.tokens * layers; cell++) {
        const stays = kept[cell % layers]!;
        for (let rank = 0; rank < width; rank++) {
          const to = cell * width + rank;
          const from = cell * below + rank;
          into.experts[to] = rank < stays ? source.experts[from]! : NULL_EXPERT;
          if (into.weights !== null) into.weights[to] = rank < stays ? source.weights![from]! : 0;
        }
      }
    },
  };
}
