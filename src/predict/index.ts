// The family of predictors. A new one is a file in this folder and a line here.
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { lastToken } from './last-token.js';
import { oracle } from './oracle.js';
import type { PredictorDefinition } from './predictor.js';
import { transition } from './transition.js';

/** All predictors, in the order in which they are listed. `none` is not a predictor: nothing is prefetched then. */
export const PREDICTORS: readonly PredictorDefinition[] = [lastToken, transition, oracle];

/**
 * Finds a predictor by name.
 * @throws UserError with the nearest name
 */
export function findPredictor(name: string): PredictorDefinition {
  const found = PREDICTORS.find((predictor) => predictor.name === name);
  if (found !== undefined) return found;
  throw new UserError(`predictor: "${name}" is unknown; ${didYouMean(name, ['none', ...PREDICTORS.map((predictor) => predictor.name)])}`);
}
