// The family of placements. A new one is a file in this folder and a line here.
import { UserError } from '../../base/errors.js';
import { type Choice, choose } from '../../base/parameters.js';
import { didYouMean } from '../../base/text.js';
import { even } from './even.js';
import type { PlacementDefinition } from './placement.js';
import { byPopularity } from './popularity.js';
import { replicated } from './replicated.js';

/** All placements, in the order in which they are listed; the first is the default. */
export const PLACEMENTS: readonly PlacementDefinition[] = [even, byPopularity, replicated];

/**
 * Finds a placement by name.
 * @throws UserError with the nearest name
 */
export function findPlacement(name: string): PlacementDefinition {
  const found = PLACEMENTS.find((placement) => placement.name === name);
  if (found !== undefined) return found;
  const names = PLACEMENTS.map((placement) => placement.name);
  throw new UserError(`unknown placement "${name}"; ${didYouMean(name, names)}`);
}

/**
 * Reads a placement: `even`, `replicated:hottest=4`.
 * @param beside parameters that stand beside the text; those after the colon win
 * @throws UserError where it, or a parameter, is unknown or a value cannot be
 */
export function parsePlacement(text: string, beside: Readonly<Record<string, unknown>> = {}): Choice {
  return choose('placement', text, beside, findPlacement);
}
