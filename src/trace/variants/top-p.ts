import { member } from '../../base/members.js';
import { NULL_EXPERT } from '../trace.js';
import { keepPrefix } from './prefix.js';
import type { Variant } from './variant.js';

/** `top-p=p`: a token takes the shortest prefix whose weights reach p; all choices if they never do. */
export const topP: Variant = {
  ...member('variant', 'top-p'),
  main: 'p',
  needs: () => ['weights'],
  change(trace, { p }) {
    const { topK } = trace;
    // Weights are single precision: as many as sum to 0.9 on paper may sum to a hair less.
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
