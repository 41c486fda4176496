// `transition:reach=4`, `predictor.onnx`, or a kind with separate parameters.
import { UserError } from '../../base/errors.js';
import { resolve } from '../../base/host/paths.js';
import { choose, splitSpec } from '../../base/parameters.js';
import { shownTrace } from '../../base/profiles.js';
import { Random } from '../../base/random.js';
import { loadedChoice, locatedModule, moduleChoice, type OwnChoice } from '../../base/user-module.js';
import type { HardwareSpec } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Known } from '../../result/knowledge.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { costBeside, fixedCost, gateTime, hostTime, type PredictionTime } from '../cost.js';
import type { Predictor, PredictorDefinition, PredictorNeed } from '../predictor.js';
import { findPredictor } from './index.js';
import { ownPredictor } from './user-predictor.js';

/** A user's choice: a member of the family or a user's module. */
export type PredictorChoice = OwnChoice<PredictorDefinition>;

interface PredictorRequest {
  readonly chosen: PredictorChoice;
  readonly model: ModelSpec;
  readonly trace: Pick<RoutingTrace, 'path' | 'topK' | 'has' | 'meta'>;
  readonly slots: number;
  readonly seed: number;
  readonly training: readonly RoutingTrace[];
  /** Base folder of relative paths; default: working directory. */
  readonly folder?: string;
  readonly drafts?: boolean;
}

const NEEDS: Readonly<Record<PredictorNeed, readonly [what: string, met: (has: RoutingTrace['has']) => boolean]>> = {
  weights: ['gate weights', (has) => has.weights],
  tokenIds: ['token ids', (has) => has.tokenIds],
  predicted: ["a 'predicted' tensor", (has) => has.predictedK > 0],
};

/** A name, module or ONNX file, with parameters after a colon. @param beside more parameters @throws UserError */
export function parsePredictor(text: string, beside: Readonly<Record<string, unknown>> = {}): PredictorChoice {
  const choice = moduleChoice<PredictorDefinition>('predictor', text, beside);
  if (choice !== null) return choice;
  // `none` switches a predictor off, and ignores leftover parameters.
  const none = splitPredictor(text).name === 'none';
  return none ? { text, name: 'none', parameters: {} } : choose('predictor', text, beside, findPredictor, splitPredictor);
}

/** A user's module. @param folder of relative paths; default: working directory @throws UserError */
export const loadPredictor = async (chosen: PredictorChoice, folder?: string): Promise<PredictorChoice> =>
  loadedChoice('predictor', chosen, ownPredictor, folder);

const definitionOf = ({ definition, name }: PredictorChoice): PredictorDefinition => definition ?? findPredictor(name);

/** Null: `none`. @throws UserError for a missing trace field, missing drafts, or an unreadable file */
export async function createPredictor(request: PredictorRequest): Promise<Predictor | null> {
  const { drafts = false, folder, model, seed, slots, trace, training } = request;
  const chosen = await loadPredictor(request.chosen, folder);
  const { name, parameters } = chosen;
  if (name === 'none') return null;
  const definition = definitionOf(chosen);
  const missing = missingNeeds(definition.needsWith?.(parameters) ?? definition.needs ?? [], trace);
  if (missing !== null) throw new UserError(`predictor ${name}: needs ${missing}, which ${shownTrace(trace.path)} does not carry`);
  if (definition.drafts === true && !drafts)
    throw new UserError(
      `predictor ${name}: speaks of drafted tokens alone, and nothing is drafted; say workload.speculation, e.g. { draft: 4, acceptance: 0.7 }`,
    );
  const random = new Random(seed, `predictor/${name}`);
  const recorded = recordedLookAhead(trace);
  const context = { model, topK: trace.topK, slots, random, training };
  return await definition.create(
    { ...context, ...(folder === undefined ? {} : { folder }), ...(recorded === undefined ? {} : { recorded }) },
    parameters,
  );
}

const recordedLookAhead = ({ has, meta }: Pick<RoutingTrace, 'has' | 'meta'>): readonly number[] | undefined =>
  has.predictedK > 0 ? (meta.predictedAhead ?? []) : undefined;

/** A predictor's knowledge of a trace beyond the past (L17). */
export function predictorKnows(chosen: PredictorChoice, trace: Pick<RoutingTrace, 'has' | 'meta'>): Known {
  const definition = chosen.name === 'none' ? null : definitionOf(chosen);
  return definition?.knows?.(chosen.parameters, recordedLookAhead(trace)) ?? { knows: 'nothing' };
}

/**
 * Time of predictions: `costNs`, gates on the GPU, or measured on the host. @param folder of paths among the parameters
 */
export function predictionTime(
  chosen: PredictorChoice,
  model: ModelSpec,
  hardware: Pick<HardwareSpec, 'gpu' | 'hostClock' | 'software'>,
  folder = '.',
): PredictionTime {
  const { name, parameters } = chosen;
  const { costNs } = parameters;
  if (typeof costNs === 'number') return hostTime(fixedCost(costNs), model);
  const definition = name === 'none' ? null : definitionOf(chosen);
  if (definition?.runsGates === true) return gateTime(model, hardware.gpu, hardware.software?.prediction);
  const measured = definition?.cost?.(parameters, folder);
  return hostTime(measured === undefined ? fixedCost(0) : costBeside(measured, hardware), model);
}

/** First need missing in a trace, in words; null: all met. */
export function missingNeeds(needs: readonly PredictorNeed[], { has }: Pick<RoutingTrace, 'has'>): string | null {
  const missing = needs.find((need) => !NEEDS[need][1](has));
  return missing === undefined ? null : NEEDS[missing][0];
}

/** A path ending in `.onnx` means the `onnx` predictor. */
function splitPredictor(kind: string): { name: string; given: Readonly<Record<string, string>> } {
  if (/\.onnx$/i.test(kind) && !/^[\w-]+:\w+=/.test(kind)) return { name: 'onnx', given: { file: kind } };
  return splitSpec(kind);
}

/** A text with the file's or module's path made absolute from `folder`. */
export function locatedPredictor(kind: string, folder: string): string {
  if (moduleChoice('predictor', kind) !== null) return locatedModule(kind, folder);
  const { given, name } = splitPredictor(kind);
  if (given.file === undefined) return kind;
  const parameters = Object.entries({ ...given, file: resolve(folder, given.file) });
  return `${name}:${parameters.map(([key, value]) => `${key}=${value}`).join(',')}`;
}
