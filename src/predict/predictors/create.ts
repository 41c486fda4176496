// Creates a predictor from a user's text: `transition:reach=4`, `predictor.onnx`, or a kind with separate parameters.
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

/** A predictor that a user named: a member of the family, or a module of the user's own. */
export type PredictorChoice = OwnChoice<PredictorDefinition>;

interface PredictorRequest {
  readonly chosen: PredictorChoice;
  readonly model: ModelSpec;
  /** The trace whose tokens it will predict. */
  readonly trace: Pick<RoutingTrace, 'path' | 'topK' | 'has' | 'meta'>;
  readonly slots: number;
  readonly seed: number;
  /** Traces to learn from, open. */
  readonly training: readonly RoutingTrace[];
  /** Base folder of relative paths; by default the working directory. */
  readonly folder?: string;
  /** True: tokens are drafted. Absent: they are not. */
  readonly drafts?: boolean;
}

/** Needs in words, with the test whether a trace meets them. */
const NEEDS: Readonly<Record<PredictorNeed, readonly [what: string, met: (has: RoutingTrace['has']) => boolean]>> = {
  weights: ['gate weights', (has) => has.weights],
  tokenIds: ['token ids', (has) => has.tokenIds],
  predicted: ["a 'predicted' tensor", (has) => has.predictedK > 0],
};

/** Reads a predictor: a name, a module or an ONNX file, with parameters after a colon. @param beside more parameters @throws UserError */
export function parsePredictor(text: string, beside: Readonly<Record<string, unknown>> = {}): PredictorChoice {
  const choice = moduleChoice<PredictorDefinition>('predictor', text, beside);
  if (choice !== null) return choice;
  // A predictor is switched off among the parameters that it has.
  const none = splitPredictor(text).name === 'none';
  return none ? { text, name: 'none', parameters: {} } : choose('predictor', text, beside, findPredictor, splitPredictor);
}

/** The predictor of a choice, loaded if it is a user's module. @param folder of relative paths; the working directory if absent @throws UserError */
export const loadPredictor = async (chosen: PredictorChoice, folder?: string): Promise<PredictorChoice> =>
  loadedChoice('predictor', chosen, ownPredictor, folder);

const definitionOf = ({ definition, name }: PredictorChoice): PredictorDefinition => definition ?? findPredictor(name);

/** Creates a predictor; null: `none`. @throws UserError if the trace lacks what it needs, nothing is drafted, or a file cannot be read */
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

/** Look-ahead that a trace holds: layers ahead, one for each part of its `predicted` rows, empty if it has none of them; undefined: none. */
const recordedLookAhead = ({ has, meta }: Pick<RoutingTrace, 'has' | 'meta'>): readonly number[] | undefined =>
  has.predictedK > 0 ? (meta.predictedAhead ?? []) : undefined;

/** A predictor's knowledge of a trace beyond what has happened (L17). */
export function predictorKnows(chosen: PredictorChoice, trace: Pick<RoutingTrace, 'has' | 'meta'>): Known {
  const definition = chosen.name === 'none' ? null : definitionOf(chosen);
  return definition?.knows?.(chosen.parameters, recordedLookAhead(trace)) ?? { knows: 'nothing' };
}

/** Time of a run's predictions: `costNs`, gates on the GPU, or as measured, on the machine's host. @param folder of paths among the parameters */
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

/** The first need that a trace cannot meet, in words; null: it meets all. */
export function missingNeeds(needs: readonly PredictorNeed[], { has }: Pick<RoutingTrace, 'has'>): string | null {
  const missing = needs.find((need) => !NEEDS[need][1](has));
  return missing === undefined ? null : NEEDS[missing][0];
}

/** Splits a spec into name and parameters; a path that ends in `.onnx` means the `onnx` predictor of that file. */
function splitPredictor(kind: string): { name: string; given: Readonly<Record<string, string>> } {
  if (/\.onnx$/i.test(kind) && !/^[\w-]+:\w+=/.test(kind)) return { name: 'onnx', given: { file: kind } };
  return splitSpec(kind);
}

/** The same spec with the path of its file or module, if it has one, made absolute from `folder`. */
export function locatedPredictor(kind: string, folder: string): string {
  if (moduleChoice('predictor', kind) !== null) return locatedModule(kind, folder);
  const { given, name } = splitPredictor(kind);
  if (given.file === undefined) return kind;
  const parameters = Object.entries({ ...given, file: resolve(folder, given.file) });
  return `${name}:${parameters.map(([key, value]) => `${key}=${value}`).join(',')}`;
}
