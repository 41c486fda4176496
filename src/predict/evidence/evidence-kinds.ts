import { UserError } from '../../base/errors.js';
import { resolve } from '../../base/host/paths.js';
import { byName, ownValue } from '../../base/objects.js';
import type { Parameter } from '../../base/parameters.js';
import { didYouMean } from '../../base/text.js';
import type { PredictionCost } from '../cost.js';
import type { WeightedEvidence } from '../evidence.js';
import { onnxEvidence } from '../onnx/model-predictor.js';
import { networkCost, openOnnx } from '../onnx/predictor/onnx.js';
import { type PredictorContext, type PredictorNeed, trainedOn } from '../predictor.js';
import { PathIndex } from '../retrieval/path-index.js';
import { PathVotes, pathVotes } from '../retrieval/path-votes.js';
import { History } from './history.js';
import { Mixture, SAMPLED_TOKENS } from './mixture.js';
import { SameLayer } from './previous-token.js';
import { RequestPrior } from './request-prior.js';
import { TokenExperts } from './token-experts.js';
import { Transitions } from './transitions.js';

/** Parameter of transition tables. */
export const REACH = { default: 1, description: 'layers ahead that have a transition table of their own', min: 1 } satisfies Parameter;
/** Parameter of token-id tables: 16,384 ids of a model with 6,144 experts take 100 MB. */
export const IDS = {
  default: 16384,
  description: 'token ids that are told apart, first come, first served',
  min: 1,
} satisfies Parameter;
/** Parameter of path retrieval: 8,192 paths of 48 layers of 128 experts, top-8, take 17 MB. */
export const KEPT_PATHS = {
  default: 8192,
  description: 'paths of past tokens that are kept',
  min: 32,
  max: 65536,
} satisfies Parameter;
/** Parameter of an optional network. */
export const FILE = { default: '', description: 'path of the .onnx file of the part onnx' } satisfies Parameter;
/** Parameter of combined evidence. */
export const PARTS = {
  default: 'transition+history+markov',
  description: 'kinds of evidence: transition, history, request, markov, expert-map, retrieval, token-table, onnx',
} satisfies Parameter;

/**
 * Weights before the first fit are ours, small because sums over dependent experts are overconfident; halved or
 * doubled, recall of `ensemble` changes by at most 0.15 points on four traces (evidence.ts).
 */
const KINDS = byName<
  (context: PredictorContext, limits: EvidenceLimits) => readonly WeightedEvidence[] | Promise<readonly WeightedEvidence[]>
>({
  transition: ({ model }, { reach }) => [{ evidence: new Transitions(model, reach), weight: 0.3 }],
  request: ({ model, slots }) => [{ evidence: new RequestPrior(model, slots), weight: 0.3 }],
  history: ({ model, slots }) => [{ evidence: new History(model, slots), weight: 0.6 }],
  markov: ({ model, slots, topK }, { reach }) => [{ evidence: new SameLayer(model, slots, topK, reach), weight: 0.2 }],
  'expert-map': (context) => expertMaps(context, 1024, 16, 0.4),
  retrieval: ({ model, slots, topK }, { paths }) =>
    pathVotes(model, topK, slots, paths).columns.map((evidence) => ({ evidence, weight: 0.3 })),
  onnx: async (context, { file }) => [
    { evidence: onnxEvidence(context.model, await openOnnx(fileOf(file, context.folder), context)), weight: 0.4 },
  ],
  'token-table': ({ model }, { ids }) => [{ evidence: new TokenExperts(model, ids), weight: 0.4 }],
});

/** Evidence by name, joined by `+`, and the path of a network. */
export interface Parts {
  readonly parts: string;
  readonly file: string;
}

interface EvidenceLimits {
  readonly reach: number;
  readonly ids: number;
  readonly paths: number;
  readonly file: string;
}

function fileOf(file: string, folder = '.'): string {
  if (file === '') throw new UserError('predictor: parts: onnx names no file; write file=predictor.onnx beside the parts');
  return resolve(folder, file);
}

/** FineMoE's search: votes of the maps with most shared experts so far. */
export function expertMaps({ model, slots, topK }: PredictorContext, maps: number, matches: number, weight: number): WeightedEvidence[] {
  const index = new PathIndex(model, topK, slots, maps, matches, { near: 0, mean: 1, before: 0 });
  const votes = new PathVotes(model, index, [{ before: 0, during: 0 }]);
  return votes.columns.map((evidence) => ({ evidence, weight }));
}

/** ns per token and expert scored: bench/prediction-cost.mjs, on the host of cost.ts. */
export const EVIDENCE_NS = {
  transition: 6,
  history: 7,
  request: 22,
  markov: 10,
  'expert-map': 14,
  retrieval: 20,
  'token-table': 1.5,
  'activation-matrix': 2,
} as const;
/** Time of a mixture, ns per token and expert scored (bench/prediction-cost.mjs). */
const MIXTURE_NS = 3;
/** Time of a mixture per prediction, ns (bench/prediction-cost.mjs). */
const MIXTURE_CALL_NS = 800;

/** Cost of a mixture. @param evidenceNs per token and expert scored */
export function mixtureCost(evidenceNs: number): PredictionCost {
  return { callNs: MIXTURE_CALL_NS, tokenNs: 0, expertNs: MIXTURE_NS + evidenceNs, mostTokens: SAMPLED_TOKENS };
}

/** @param moreNs per token and expert scored */
export function partsCost({ file, parts }: Parts, folder: string, moreNs = 0): PredictionCost {
  const names = parts.split('+');
  const cost = mixtureCost(names.reduce((sum, name) => sum + (ownValue<number>(EVIDENCE_NS, name) ?? 0), moreNs));
  if (!names.includes('onnx')) return cost;
  return { ...cost, network: networkCost(fileOf(file, folder)) };
}

/** Evidence of the named kinds. @throws UserError for an unknown kind */
export async function evidenceOf(
  context: PredictorContext,
  { parts, reach, ids, paths, file }: EvidenceLimits & Parts,
): Promise<readonly WeightedEvidence[]> {
  const names = parts.split('+');
  const covered = names.includes('transition') ? reach : 0;
  const limits = { reach, ids, paths: Math.floor(paths), file };
  const unknown = names.find((name) => KINDS[name] === undefined);
  if (unknown !== undefined) throw new UserError(`predictor: parts: "${unknown}" is unknown; ${didYouMean(unknown, Object.keys(KINDS))}`);
  const evidence: WeightedEvidence[] = [];
  for (const name of names) evidence.push(...(await KINDS[name]!(context, name === 'markov' ? { ...limits, reach: covered } : limits)));
  return evidence;
}

/** Trace fields needed by `parts`. */
export const needsOf = ({ parts }: Pick<Parts, 'parts'>): readonly PredictorNeed[] =>
  parts.split('+').includes('token-table') ? ['tokenIds'] : [];

/** A mixture trained on the training traces. */
export const mixtureOf = (context: PredictorContext, evidence: readonly WeightedEvidence[]): Mixture =>
  trainedOn(new Mixture(context.model, evidence), context.training);
