// The family of placements. A new one is a file in this folder and a line here.
import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/text.js';
import { even } from './even.js';
import type { PlacementDefinition } from './placement.js';
import { popularity } from './popularity.js';
import { replicated } from './replicated.js';

/** All placements, in the order in which they are listed; the first is the default. */
export const PLACEMENTS: readonly PlacementDefinition[] = [even, popularity, replicated];

/**
 * Finds a placement by name.
 * @throws UserError with the nearest name
 */
export function findPlacement(name: string): PlacementDefinition {
  const found = PLACEMENTS.find((placement) => placement.name === name);
  if (found !== undefined) return found;
  throw new UserError(
    `placement: "${name}" is unknown; ${didYouMean(
      name,
      PLACEMENTS.map((placement) => placement.name),
    )}`,
  );
}
