import { UserError } from '../../base/errors.js';
import { member } from '../../base/members.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace.js';
import type { RoutingChange, Variant } from './variant.js';

/** `top-k=n`: the first n choices of each token, fewer than recorded. */
export const topK: Variant = {
  ...member('variant', 'top-k'),
  main: 'k',
  change(trace, { k }, { spec }) {
    const width = k as number;
    if (!Number.isInteger(width)) throw new UserError(`variant ${spec}: ${width} is no whole number of choices`);
    if (width > trace.topK)
      throw new UserError(
        `variant ${spec}: ${trace.path} has ${trace.topK} choices per token and layer; ` +
          'take at most as many, or a trace that was recorded or generated with more candidates',
      );
    return firstRanks(trace, new Array<number>(trace.layers).fill(width));
  },
};

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
