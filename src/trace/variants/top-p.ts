import { member } from '../../base/members.js';
import { NULL_EXPERT } from '../trace.js';
import { keepPrefix } from './prefix.js';
import type { Variant } from './variant.js';

/** `top-p=p`: the shortest prefix with weights of at least p in sum; all choices if p is not reached. */
export const topP: Variant = {
  ...member('variant', 'top-p'),
  main: 'p',
  needs: () => ['weights'],
  change(trace, { p }) {
    const { topK } = trace;
    // Single-precision weights of 0.9 in sum may add up to slightly less.
    const enough = (p as number) - 1e-6;
    return keepPrefix(trace, ({ at, experts, weights }) => {
      let sum = 0;
      let rank = 0;
      do {
        if (experts[at + rank] !== NULL_EXPERT) sum += weights![at + rank]!;
        rank++;
      } while (rank < topK && sum < enough);
      return rank;
    });
  },
};
