import { type Member, memberOf, type Parameter, type Parameters, type ParameterTable } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { ModelSpec, MoeLayer } from '../model/door.js';
import type { Known } from '../result/knowledge.js';
import type { Warning } from '../result/result.js';
import { Pass, Request } from '../schedule/door.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { PredictionCost } from './cost.js';

/** Predicts the probability that a pass demands each expert of the next layers. */
export interface Predictor {
  /** Learns a layer's routing. Called once per pass and layer, in order. */
  observe(pass: Pass, layer: number): void;
  /** Fills `scores[id]` in [0, 1] for each expert of layers `(after, after + horizon]`, with `after` from -1 on. */
  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void;
  /** By layer: number that changes with {@link predict}'s scores. Absent: scores may change at every prediction. */
  readonly versions?: Uint32Array;
  /** After {@link observe}: scores for the *next* pass of the same requests. Absent: never. */
  next?(pass: Pass, layer: number, scores: Float32Array): void;
  /** Called after each step of drafting, with `pass.drafted`. Absent: called once all tokens are drafted. */
  readonly drafts?: true;
  /** The predictor's network: timed runs so far, and true if the last prediction used the network. */
  readonly network?: { readonly runs: number; readonly spoke: boolean };
  /** Warnings at the end of a run. */
  warnings?(): readonly Warning[];
  /** Figures measured on this machine by name, apart from exact figures (L16). */
  measured?(): Readonly<Record<string, number>>;
  close?(): void;
  /** Computed predictions; repeated predictions take no time. Absent: all are computed. */
  readonly calls?: number;
}

/** A predictor's view of the run. */
export interface PredictorContext {
  readonly model: ModelSpec;
  /** Width of a token's row per layer. */
  readonly topK: number;
  /** Most requests at once. */
  readonly slots: number;
  readonly random: Random;
  /** Open traces to learn from before the run; empty: learn online only. */
  readonly training: readonly RoutingTrace[];
  /** Base folder of relative paths; default: working directory. */
  readonly folder?: string;
  /** Layers ahead of each part of the trace's `predicted` rows, empty if unstated; absent: no such rows. */
  readonly recorded?: readonly number[];
}

/** Trace field that a predictor may need. */
export type PredictorNeed = 'weights' | 'tokenIds' | 'predicted';

/** A member of the family of predictors. */
export interface PredictorDefinition extends Member {
  readonly parameters: ParameterTable;
  /** Required trace fields, checked before the run. */
  readonly needs?: readonly PredictorNeed[];
  /** True: predicts tokens run while drafting alone; a run without drafts is refused. */
  readonly drafts?: true;
  /** Needs that depend on parameters; replaces `needs`. */
  needsWith?(parameters: Parameters): readonly PredictorNeed[];
  /** Measured cost; absent: free, or the gates' time. @param folder of paths among the parameters */
  cost?(parameters: Parameters, folder: string): PredictionCost;
  /** True: a prediction runs the predicted layers' gates on the GPU. */
  readonly runsGates?: true;
  /** Knowledge beyond the past (L17); absent: none. @param recorded look-ahead as in the context */
  knows?(parameters: Parameters, recorded: readonly number[] | undefined): Known;
  create(context: PredictorContext, parameters: Parameters): Predictor | Promise<Predictor>;
}

/** A predictor from its definition. */
export const predictor = memberOf<PredictorDefinition>();

/** Parameter of every predictor. */
export const COST = {
  default: 'measured',
  orNumber: true,
  description: 'time of one prediction in ns; measured: as moeprof takes for it on the host of the machine, gates as the GPU does',
  min: 0,
} as const satisfies Parameter;

/** Probability of at least one of two independent events. */
export const either = (p: number, q: number): number => p + q - p * q;

/** A predictor layer by layer. @param fill writes a layer's scores, known up to layer `after` */
export function layerwise(
  { layers }: ModelSpec,
  fill: (layer: MoeLayer, scores: Float32Array, pass: Pass, after: number) => void,
  observe: Predictor['observe'] = () => undefined,
): Predictor {
  return {
    observe,
    predict(pass, after, horizon, scores) {
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) fill(layers[layer]!, scores, pass, after);
    },
  };
}

/** Every token of `traces`, requests numbered from -2 down. @returns the learner */
export function trainedOn<P extends Pick<Predictor, 'observe'>>(learner: P, traces: readonly RoutingTrace[]): P {
  let index = -2;
  for (const trace of traces) {
    const pass = new Pass(trace, 1);
    for (const { start, prefill, decode } of trace.requests) {
      const request = new Request({ index: index--, start, prefill, decode, arrivalNs: 0 });
      const shares = [{ request, tokens: 1 }];
      while (!request.finished) {
        pass.fill(shares);
        for (let layer = 0; layer < pass.layers; layer++) learner.observe(pass, layer);
        pass.advance(shares);
      }
    }
  }
  return learner;
}
