// The drafter of speculative decoding, as users give it: a time per token, or a copy of the model whose experts take fewer bytes.
import { UserError } from '../base/errors.js';
import { DURATION, SHARE } from '../base/units.js';
import type { Written } from '../base/written.js';

/** A drafter: its time a token, or the bytes of its experts as a share of the model's, (0, 1]. */
type Drafter = Written & ({ readonly ns: number } | { readonly copyBytes: number });

/**
 * Reads `1ms`, the time of drafting one token, or `copy 25%`: the model itself, with experts of that share of their bytes, all on the GPU.
 * @throws UserError where it is neither
 */
export function parseDrafter(text: string): Drafter {
  const copy = /^\s*copy(?:\s+(.*))?$/.exec(text);
  if (copy === null) {
    const ns = DURATION.read(text);
    if (ns !== null) return { text, ns };
  } else {
    const copyBytes = SHARE.read(copy[1] ?? '100%');
    if (copyBytes !== null && copyBytes > 0) return { text, copyBytes };
  }
  throw new UserError(`"${text}" is no drafter; write the time of a token, e.g. 1ms, or copy 25% for the model in a copy of fewer bytes`);
}
