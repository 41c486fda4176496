// Predictors from counts: mixtures turn counted evidence into probabilities.
import type { Own, Parameters, ParameterTable } from '../../base/parameters.js';
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
  type Parts,
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

function counting<const P extends ParameterTable>(definition: Own<Counting, P>): PredictorDefinition {
  const { evidence, parameters, takes, ...about } = definition as unknown as Counting;
  return {
    ...about,
    cost(values, folder) {
      const taken = takes(values, folder);
      return typeof taken === 'number' ? mixtureCost(taken) : taken;
    },
    parameters: { ...parameters, costNs: COST },
    create: async (context, values) => mixtureOf(context, await evidence(context, values)),
  };
}

/** Most used experts over all requests: the assumption of static placement. */
export const popularity = counting({
  name: 'popularity',
  summary: 'the experts that are used most often',
  cites: 'static placement of Fiddler, arXiv 2402.07033',
  evidence: () => [],
  takes: () => 0,
});

/** Experts of earlier tokens with the same id, known before the pass. */
export const tokenTable = counting({
  name: 'token-table',
  summary: 'the experts that the same token id used before',
  cites: 'lookup by token, as in the hash layers of Roller et al., arXiv 2106.04426; what SiDA, arXiv 2310.18859, learns with a network',
  parameters: { ids: IDS },
  needs: ['tokenIds'],
  evidence: (context, { ids }) => evidenceOf(context, { parts: 'token-table', reach: 1, ids, paths: 1, file: '' }),
  takes: () => EVIDENCE_NS['token-table'],
});

/** Experts that followed the previous token's experts at the same layer. */
export const markov = counting({
  name: 'markov',
  summary: "the same layer's experts that tend to follow those of the previous token",
  cites: 'first-order Markov chain over one layer, read as naive Bayes',
  evidence: (context) => evidenceOf(context, { parts: 'markov', reach: 0, ids: 1, paths: 1, file: '' }),
  takes: () => EVIDENCE_NS.markov,
});

/** A token's experts predict the next layers; farther layers and whole passes are predicted from the token before. */
export const transition = counting({
  name: 'transition',
  summary: "the next layers' experts from the true experts of this one, by a table of log-odds",
  cites: 'naive Bayes over expert transitions; the count-based end of ExpertFlow, arXiv 2410.17954, and MoE-Infinity, arXiv 2401.14361',
  parameters: {
    reach: REACH,
    previous: { default: false, description: "also weigh the previous token's experts where a transition table speaks" },
  },
  evidence: ({ model, slots, topK }, { reach, previous }) => [
    { evidence: new Transitions(model, reach), weight: 0.3 },
    { evidence: new PreviousToken(model, slots, topK, previous ? 0 : reach), weight: 0.6 },
  ],
  takes: () => EVIDENCE_NS.transition,
});

/** Transitions, history and other named evidence, with weights fitted during the run. */
export const ensemble = counting({
  name: 'ensemble',
  summary: 'a log-linear mixture of transitions, history and others, its weights fitted online',
  cites: 'logarithmic opinion pool (Genest and Zidek, Statistical Science 1(1), 1986) with weights by logistic regression',
  parameters: { parts: PARTS, reach: REACH, ids: IDS, paths: KEPT_PATHS, file: FILE },
  needsWith: needsOf,
  evidence: evidenceOf,
  takes: partsCost,
});

const matrices = counting({
  name: 'activation-matrix',
  summary: 'the experts of the past sequence whose activation matrix is most like the current one, less for farther layers',
  cites: 'MoE-Infinity, arXiv 2401.14361',
  parameters: {
    matrices: { default: 64, min: 1, description: 'sequences that are kept to be compared with' },
    window: { default: 256, min: 16, description: 'tokens after which a long sequence is cut into another matrix' },
  },
  evidence: ({ model, slots }, { matrices, window }) => [{ evidence: new SequenceMatrices(model, slots, matrices, window), weight: 0.5 }],
  takes: () => EVIDENCE_NS['activation-matrix'],
});

/** Experts of the most similar earlier sequence. */
export const activationMatrix: PredictorDefinition = {
  ...matrices,
  create: async (context, values) => byDistance(context.model, await matrices.create(context, values)),
};

/** Next experts of the past tokens whose paths agree best with the token's known layers. */
export const expertMap = counting({
  name: 'expert-map',
  summary: "the experts of past tokens whose path so far is most like this one's",
  cites: 'FineMoE, arXiv 2502.05370',
  parameters: {
    maps: { default: 1024, min: 32, max: 65536, description: 'paths of past tokens that are kept' },
    matches: { default: 16, min: 1, description: 'most similar paths that vote' },
  },
  evidence: (context, { maps, matches }) => expertMaps(context, Math.floor(maps), Math.floor(matches), 0.5),
  takes: () => EVIDENCE_NS['expert-map'],
});

/** Votes of past tokens with similar paths, over known layers and earlier tokens. */
export const pathRetrieval = counting({
  name: 'path-retrieval',
  summary: 'the experts of past tokens whose paths, of this token and those before, are most alike',
  cites:
    "kernel regression (Nadaraya, Theory of Probability 9, 1964) over token paths; its search is FineMoE's, arXiv 2502.05370, with previous tokens",
  parameters: {
    parts: { ...PARTS, default: 'history+retrieval' },
    paths: KEPT_PATHS,
    reach: REACH,
    ids: IDS,
    file: FILE,
  },
  needsWith: needsOf,
  evidence: (context, values) => evidenceOf(context, withNetwork(values)),
  takes: (values, folder) => partsCost(withNetwork(values), folder),
});

/** Adds the part `onnx` if a file is given. */
function withNetwork<V extends Parts>(values: V): V {
  const { file, parts } = values;
  const named = file === '' || parts.split('+').includes('onnx');
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
