// Predictors from counts: mixtures turn counted evidence into probabilities.
import { member } from '../../base/members.js';
import type { Parameters } from '../../base/parameters.js';
import type { ModelSpec } from '../../model/door.js';
import type { PredictionCost } from '../cost.js';
import {
  EVIDENCE_NS,
  evidenceOf,
  expertMaps,
  FILE,
  IDS,
  KEPT_PATHS,
  mixtureCost,
  mixtureOf,
  needsOf,
  PARTS,
  partsCost,
  REACH,
} from '../evidence/evidence-kinds.js';
import { PreviousToken } from '../evidence/previous-token.js';
import { SequenceMatrices } from '../evidence/sequence-matrices.js';
import { Transitions } from '../evidence/transitions.js';
import type { WeightedEvidence } from '../evidence.js';
import { COST, type Predictor, type PredictorContext, type PredictorDefinition } from '../predictor.js';

type Counting = Omit<PredictorDefinition, 'create' | 'parameters'> & {
  readonly parameters?: PredictorDefinition['parameters'];
  evidence(context: PredictorContext, parameters: Parameters): readonly WeightedEvidence[] | Promise<readonly WeightedEvidence[]>;
  /** Time of the evidence, ns per token and expert scored; or cost of a prediction. */
  takes(parameters: Parameters, folder: string): number | PredictionCost;
};

const counting = ({ evidence, parameters, takes, ...about }: Counting): PredictorDefinition => ({
  ...about,
  cost(values, folder) {
    const taken = takes(values, folder);
    return typeof taken === 'number' ? mixtureCost(taken) : taken;
  },
  parameters: { ...parameters, costNs: COST },
  create: async (context, values) => mixtureOf(context, await evidence(context, values)),
});

/** Most used experts over all requests: the assumption of static placement. */
export const popularity = counting({ ...member('predictor', 'popularity'), evidence: () => [], takes: () => 0 });

/** Experts of earlier tokens with the same id, known before the pass. */
export const tokenTable = counting({
  ...member('predictor', 'token-table', { ids: IDS }),
  needs: ['tokenIds'],
  evidence: (context, { ids }) => evidenceOf(context, { parts: 'token-table', reach: 1, ids: ids!, paths: 1, file: '' }),
  takes: () => EVIDENCE_NS['token-table'],
});

/** Experts that followed the previous token's experts at the same layer. */
export const markov = counting({
  ...member('predictor', 'markov'),
  evidence: (context) => evidenceOf(context, { parts: 'markov', reach: 0, ids: 1, paths: 1, file: '' }),
  takes: () => EVIDENCE_NS.markov,
});

/** A token's experts predict the next layers; farther layers and whole passes are predicted from the token before. */
export const transition = counting({
  ...member('predictor', 'transition'),
  parameters: {
    reach: REACH,
    previous: { default: false, description: "also weigh the previous token's experts where a transition table speaks" },
  },
  evidence: ({ model, slots, topK }, { reach, previous }) => [
    { evidence: new Transitions(model, Number(reach)), weight: 0.3 },
    { evidence: new PreviousToken(model, slots, topK, previous === true ? 0 : Number(reach)), weight: 0.6 },
  ],
  takes: () => EVIDENCE_NS.transition,
});

/** Transitions, history and other named evidence, with weights fitted during the run. */
export const ensemble = counting({
  ...member('predictor', 'ensemble', { parts: PARTS, reach: REACH, ids: IDS, paths: KEPT_PATHS, file: FILE }),
  needsWith: needsOf,
  evidence: evidenceOf,
  takes: partsCost,
});

const matrices = counting({
  ...member('predictor', 'activation-matrix'),
  evidence: ({ model, slots }, { matrices, window }) => [
    { evidence: new SequenceMatrices(model, slots, Number(matrices), Number(window)), weight: 0.5 },
  ],
  takes: () => EVIDENCE_NS['activation-matrix'],
});

/** Experts of the most similar earlier sequence. */
export const activationMatrix: PredictorDefinition = {
  ...matrices,
  create: async (context, values) => byDistance(context.model, await matrices.create(context, values)),
};

/** Next experts of the past tokens whose paths agree best with the token's known layers. */
export const expertMap = counting({
  ...member('predictor', 'expert-map'),
  evidence: (context, { maps, matches }) => expertMaps(context, Math.floor(Number(maps)), Math.floor(Number(matches)), 0.5),
  takes: () => EVIDENCE_NS['expert-map'],
});

/** Votes of past tokens with similar paths, over known layers and earlier tokens. */
export const pathRetrieval = counting({
  ...member('predictor', 'path-retrieval', {
    parts: { ...PARTS, default: 'history+retrieval' },
    paths: KEPT_PATHS,
    reach: REACH,
    ids: IDS,
    file: FILE,
  }),
  needsWith: needsOf,
  evidence: (context, values) => evidenceOf(context, withNetwork(values)),
  takes: (values, folder) => partsCost(withNetwork(values), folder),
});

/** Adds the part `onnx` if a file is given. */
function withNetwork(values: Parameters): Parameters {
  const { file, parts } = values;
  const named = file === '' || String(parts).split('+').includes('onnx');
  return named ? values : { ...values, parts: `${parts}+onnx` };
}

/**
 * Scores times 1 - (x - l) / (L + 1), for layer x of L after l (MoE-Infinity, arXiv 2401.14361; -1 before the pass).
 */
function byDistance({ layers }: ModelSpec, predictor: Predictor): Predictor {
  const decayed: Predictor = {
    observe: (pass, layer) => predictor.observe(pass, layer),
    predict(pass, after, horizon, scores) {
      predictor.predict(pass, after, horizon, scores);
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        const { experts, offset } = layers[layer]!;
        const weight = 1 - (layer - after) / (layers.length + 1);
        for (let id = offset; id < offset + experts; id++) scores[id]! *= weight;
      }
    },
    next: (pass, layer, scores) => predictor.next?.(pass, layer, scores),
    measured: () => predictor.measured?.() ?? {},
    close: () => predictor.close?.(),
  };
  // Versions change with the known layer, and so with the weight.
  return predictor.versions === undefined ? decayed : { ...decayed, versions: predictor.versions };
}
