import { findProfile } from '../../base/profiles.js';
import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import { createPredictor, predictionTime } from '../../predict/predictors/create.js';
import { Pass, type PassLearner, type PathForecast, type Request } from '../../schedule/door.js';
import { looksUpDrafts, type RunSpec } from '../../system/door.js';
import { openTrace } from '../../trace/open/open.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from '../inputs/inputs.js';
import { profiledRows } from '../inputs/profiling.js';
import type { RunPlan } from '../plan/run-plan.js';

/** Time of a run's predictions. */
export const timeOf = ({ inputs: { model, system }, layout, run }: RunPlan): PredictionTime =>
  predictionTime(system.predictor.kind, model, layout.hardware, run.folder);

/** Text before a run. */
export interface EarlierText {
  readonly training: readonly RoutingTrace[];
  /** Traces served by the caches and learned by the predictor. */
  readonly warm: readonly RoutingTrace[];
}

/** Opens the text while `use` runs. @throws UserError if unreadable or missing */
export async function withEarlierText<T>(inputs: Inputs, run: RunSpec, use: (earlier: EarlierText) => Promise<T>): Promise<T> {
  const { model, system } = inputs;
  const { warm } = system.cache;
  const opened: RoutingTrace[] = [];
  const open = async (path: string): Promise<RoutingTrace> => {
    const trace = await openTrace(findProfile('traces', path, run.folder), { model });
    opened.push(trace);
    return trace;
  };
  try {
    const training: RoutingTrace[] = [];
    for (const path of system.predictor.train) training.push(await open(path));
    const served = warm === undefined ? [] : [typeof warm === 'string' ? await open(warm) : await profiledRows(inputs, warm)];
    return await use({ training, warm: served });
  } finally {
    for (const used of opened) used.close();
  }
}

/** Trained; null: no predictor. @throws UserError if a requirement is missing */
export async function predictorFor(inputs: Inputs, run: RunSpec, running: number): Promise<Predictor | null> {
  const { model, system, trace } = inputs;
  const { folder, seed, workload } = run;
  const drafts = workload.speculation !== undefined && !looksUpDrafts(workload.speculation);
  return await withEarlierText(inputs, run, ({ training, warm }) => {
    const known = { model, trace, slots: running, seed, training: [...training, ...warm], folder, drafts };
    return createPredictor({ chosen: system.predictor.kind, ...known });
  });
}

/** Second predictor instance for schedulers: questions about later tokens leave the run's predictions unchanged. */
export class PredictedPaths implements PassLearner, PathForecast {
  readonly costNs: number;
  readonly #predictor: Predictor;
  readonly #layers: number;
  readonly #token: Pass;

  /** @param token pass with room for a request, owned by the object */
  constructor(predictor: Predictor, layers: number, time: PredictionTime, token: Pass) {
    this.#token = token;
    this.#predictor = predictor;
    this.#layers = layers;
    this.costNs = time.ns(1, -1, layers - 1) + (time.networkNs?.(1) ?? 0);
  }

  learn(pass: Pass): void {
    for (let layer = 0; layer < this.#layers; layer++) this.#predictor.observe(pass, layer);
  }

  forecast(request: Request, scores: Float32Array): void {
    this.#token.preview(request);
    this.#predictor.predict(this.#token, -1, this.#layers, scores);
  }

  close(): void {
    this.#predictor.close?.();
  }
}

/** Null: not needed, or no predictor. @throws UserError if a requirement is missing */
export async function pathForecastOf(plan: RunPlan): Promise<PredictedPaths | null> {
  const { inputs, record, run, serving } = plan;
  const pool = serving.running > run.workload.batch;
  if (record !== null || !pool || serving.parameters.paths !== 'predicted') return null;
  const predictor = await predictorFor(inputs, run, serving.running);
  if (predictor === null) return null;
  const token = new Pass(inputs.trace, 1, null, run.workload.context ?? 0);
  return new PredictedPaths(predictor, inputs.model.layers.length, timeOf(plan), token);
}
