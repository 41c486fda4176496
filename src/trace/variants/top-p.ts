import { NULL_EXPERT } from '../trace.js';
import { keepPrefix } from './prefix.js';
import { variant } from './variant.js';

/** `top-p=p`: the shortest prefix with weights of at least p in sum; all choices if p is not reached. */
export const topP = variant({
  name: 'top-p',
  summary: 'the best choices whose gate weights reach p together',
  cites: 'Dynamic MoE, arXiv 2403.07652: the smallest set whose probabilities sum to p',
  parameters: { p: { default: 0.9, min: 0, max: 1, description: 'weight that the kept choices reach together' } },
  main: 'p',
  needs: () => ['weights'],
  change(trace, { p }) {
    const { topK } = trace;
    // Single-precision weights of 0.9 in sum may add up to slightly less.
    const enough = p - 1e-6;
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
});
