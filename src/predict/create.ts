// From what a user writes for a predictor to a predictor: `transition:reach=4`, `predictor.onnx`, or a kind with parameters beside it.
import { resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { type Choice, choose, splitSpec } from '../base/parameters.js';
import { Random } from '../base/random.js';
import type { HardwareSpec } from '../hardware/spec.js';
import type { ModelSpec } from '../model/spec.js';
import type { RoutingTrace } from '../trace/trace.js';
import { costBeside, fixedCost, PredictionTime } from './cost.js';
import { findPredictor } from './index.js';
import type { Predictor, PredictorNeed } from './predictor.js';

/** What to create, and for what. */
export interface PredictorRequest {
  readonly chosen: Choice;
  readonly model: ModelSpec;
  /** The trace whose tokens it will predict. */
  readonly trace: Pick<RoutingTrace, 'path' | 'topK' | 'has'>;
  /** Most requests at once. */
  readonly slots: number;
  readonly seed: number;
  /** Traces to learn from, open. */
  readonly training: readonly RoutingTrace[];
  /** Folder that paths are relative to; the working directory unless said. */
  readonly folder?: string;
}

/** Needs in words, and whether a trace meets them. */
const NEEDS: Readonly<Record<PredictorNeed, readonly [what: string, met: (has: RoutingTrace['has']) => boolean]>> = {
  weights: ['gate weights', (has) => has.weights],
  tokenIds: ['token ids', (has) => has.tokenIds],
  predicted: ["a 'predicted' tensor", (has) => has.predictedK > 0],
};

/**
 * Reads a predictor: a name, with parameters after a colon; or the path of an ONNX file.
 * @param beside parameters that stand beside the text; those after the colon win
 * @throws UserError where it, or a parameter, is unknown or a value cannot be
 */
export function parsePredictor(text: string, beside: Readonly<Record<string, unknown>> = {}): Choice {
  const none = splitPredictor(text).name === 'none';
  return none ? { text, name: 'none', parameters: {} } : choose('predictor', text, beside, findPredictor, splitPredictor);
}

/**
 * Creates a predictor.
 * @returns null for `none`
 * @throws UserError where the trace does not carry what it needs, or a file that it needs cannot be read
 */
export async function createPredictor(request: PredictorRequest): Promise<Predictor | null> {
  const { chosen, folder, model, seed, slots, trace, training } = request;
  const { name, parameters } = chosen;
  if (name === 'none') return null;
  const definition = findPredictor(name);
  const missing = missingNeeds(definition.needsWith?.(parameters) ?? definition.needs ?? [], trace);
  if (missing !== null) throw new UserError(`predictor ${name}: needs ${missing}, which ${trace.path} does not carry`);
  const random = new Random(seed, `predictor/${name}`);
  return await definition.create(
    { model, topK: trace.topK, slots, random, training, ...(folder === undefined ? {} : { folder }) },
    parameters,
  );
}

/**
 * What predictions of a run take: what `costNs` says, or what they were measured to take, on the host of the machine.
 * @param folder that paths among the parameters are relative to
 */
export function predictionTime(
  { name, parameters }: Choice,
  model: ModelSpec,
  hardware: Pick<HardwareSpec, 'hostClock' | 'software'>,
  folder = '.',
): PredictionTime {
  const { costNs } = parameters;
  if (typeof costNs === 'number') return new PredictionTime(fixedCost(costNs), model);
  const measured = name === 'none' ? undefined : findPredictor(name).cost?.(parameters, folder);
  return new PredictionTime(measured === undefined ? fixedCost(0) : costBeside(measured, hardware), model);
}

/** The first need that a trace cannot meet, in words; null: it meets all. */
export function missingNeeds(needs: readonly PredictorNeed[], { has }: Pick<RoutingTrace, 'has'>): string | null {
  const missing = needs.find((need) => !NEEDS[need][1](has));
  return missing === undefined ? null : NEEDS[missing][0];
}

/** Splits a spec into name and parameters; a path that ends in `.onnx` stands for the `onnx` predictor of that file. */
function splitPredictor(kind: string): { name: string; given: Readonly<Record<string, string>> } {
  if (/\.onnx$/i.test(kind) && !/^[\w-]+:\w+=/.test(kind)) return { name: 'onnx', given: { file: kind } };
  return splitSpec(kind);
}

/** The same spec with the path of its file, if it has one, made absolute from `folder`. */
export function locatedPredictor(kind: string, folder: string): string {
  const { given, name } = splitPredictor(kind);
  if (given.file === undefined) return kind;
  const parameters = Object.entries({ ...given, file: resolve(folder, given.file) });
  return `${name}:${parameters.map(([key, value]) => `${key}=${value}`).join(',')}`;
}
