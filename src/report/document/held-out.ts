// The rows of a recorded trace that were excluded from the replay, in words.
import { formatCount } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import type { Line } from './document.js';

/** Tokens that the traces of a run hold out. */
export function heldOutTokens({ inputs: { traces } }: Pick<Result, 'inputs'>): number {
  return traces.reduce((sum, { heldOut = 0 }) => sum + heldOut, 0);
}

/** Sentence on the number and purpose of held-out tokens; null if there are none. */
export function heldOutText(tokens: number): string | null {
  if (tokens === 0) return null;
  return `The first ${formatCount(tokens)} tokens are held out: what is known beforehand comes from the text before the replayed ones.`;
}

/** {@link heldOutText} as a line below the title of a document; empty if no token is held out. */
export function heldOutLead(tokens: number): Line[] {
  const text = heldOutText(tokens);
  return text === null ? [] : [{ text }];
}
