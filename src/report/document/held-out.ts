import { formatCount } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import type { Line } from './document.js';

/** Tokens held out of a run's traces. */
export function heldOutTokens({ inputs: { traces } }: Pick<Result, 'inputs'>): number {
  return traces.reduce((sum, { heldOut = 0 }) => sum + heldOut, 0);
}

/** Sentence on held-out tokens; null for zero tokens. */
export function heldOutText(tokens: number): string | null {
  if (tokens === 0) return null;
  return `The first ${formatCount(tokens)} tokens are held out: what is known beforehand comes from the text before the replayed ones.`;
}

/** {@link heldOutText} as a lead line; empty for zero tokens. */
export function heldOutLead(tokens: number): Line[] {
  const text = heldOutText(tokens);
  return text === null ? [] : [{ text }];
}
