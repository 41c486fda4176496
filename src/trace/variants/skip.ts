import { member } from '../../base/members.js';
import { PlaceDraws } from './draws.js';
import { keepPrefix } from './prefix.js';
import type { Variant } from './variant.js';

/** `skip=s`: a layer skips a token with probability s; only the residual connection remains. */
export const skip: Variant = {
  ...member('variant', 'skip'),
  main: 'share',
  change(trace, { share }, { seed }) {
    const draws = new PlaceDraws(seed, 'variant/skip');
    return keepPrefix(trace, ({ layer, row }) => {
      draws.at(row, layer);
      return draws.next() < (share as number) ? 0 : trace.topK;
    });
  },
};
