// A new member is a file here and a line below.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { onnx } from '../onnx/predictor/onnx.js';
import type { PredictorDefinition } from '../predictor.js';
import { adaptive } from './adaptive.js';
import { activationMatrix, ensemble, expertMap, markov, pathRetrieval, popularity, tokenTable, transition } from './counting.js';
import { draft } from './draft.js';
import { gate } from './gate.js';
import { oracle, preGated, wholeLayer } from './given.js';
import { lastToken, previousLayer } from './persistence.js';
import { supplied } from './supplied.js';

const LEARNING = [popularity, tokenTable, lastToken, previousLayer, markov, transition, ensemble, adaptive];
const MATCHING = [activationMatrix, expertMap, pathRetrieval];
const GIVEN = [supplied, gate, draft, preGated, wholeLayer, onnx, oracle];

/** All predictors in listing order, without `none` (no prefetch). */
export const PREDICTORS: readonly PredictorDefinition[] = [...LEARNING, ...MATCHING, ...GIVEN];

/** @throws UserError with the nearest name */
export function findPredictor(name: string): PredictorDefinition {
  const found = PREDICTORS.find((predictor) => predictor.name === name);
  if (found !== undefined) return found;
  throw new UserError(`unknown predictor "${name}"; ${didYouMean(name, ['none', ...PREDICTORS.map((predictor) => predictor.name)])}`);
}
