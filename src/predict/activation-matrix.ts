// Activation matrices: the current sequence will use the experts that the most similar sequence before it used. MoE-Infinity's predictor.
import { COST, mixtureOf } from './members.js';
import type { PredictorDefinition } from './predictor.js';
import { SequenceMatrices } from './sequence-matrices.js';

/** Registry entry. */
export const activationMatrix: PredictorDefinition = {
  name: 'activation-matrix',
  summary: 'the experts of the past sequence whose activation matrix is most like the current one',
  cites: 'MoE-Infinity, arXiv 2401.14361',
  parameters: {
    matrices: { default: 64, description: 'sequences that are kept to be compared with', min: 1 },
    window: { default: 256, description: 'tokens after which a long sequence is cut into another matrix', min: 16 },
    costNs: COST,
  },
  needs: [],
  create(context, { matrices, window, costNs }) {
    const evidence = new SequenceMatrices(context.model, context.slots, Number(matrices), Number(window));
    return mixtureOf(context, [{ evidence, weight: 0.5 }], Number(costNs));
  },
};
