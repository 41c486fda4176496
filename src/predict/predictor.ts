import type { Member, Parameter, Parameters, ParameterTable } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { ModelSpec, MoeLayer } from '../model/door.js';
import type { Known } from '../result/knowledge.js';
import type { Warning } from '../result/result.js';
import { Pass, Request } from '../schedule/door.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { PredictionCost } from './cost.js';

/** The contract of a predictor: from what has been observed, how probable is it that this pass demands each expert of the next layers? */
export interface Predictor {
  /** The routing of `layer` has become known for the tokens of `pass`. Called once per pass and layer, in order; learning belongs here. */
  observe(pass: Pass, layer: number): void;
  /** Fills `scores[id]` in [0, 1] with the probability that this pass demands each expert of the layers `(after, after + horizon]`, from -1 on. */
  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void;
  /** By layer: a number that changes whenever {@link predict} gives other scores. Absent: they may change with every prediction. */
  readonly versions?: Uint32Array;
  /** After {@link observe}: fills a layer's scores with the probability that the *next* pass of these requests demands each expert. Absent: none. */
  next?(pass: Pass, layer: number, scores: Float32Array): void;
  /** It is passed tokens as they are drafted, and called after each step, with `pass.drafted` after it. Absent: it is called once all are. */
  readonly drafts?: true;
  /** Its network: its runs so far, each of which takes the time of a network's run, and whether its answer is in the last prediction. */
  readonly network?: { readonly runs: number; readonly spoke: boolean };
  /** Warnings for the reader of the result; read at the end of a run. */
  warnings?(): readonly Warning[];
  /** Figures measured on this machine, e.g. wall times, by name: reported with the environment, never among exact figures (L16). */
  measured?(): Readonly<Record<string, number>>;
  /** Gives back what it holds outside of JavaScript's memory. */
  close?(): void;
  /** Predictions that were worked out so far: one that is read again takes no time. Absent: all are worked out. */
  readonly calls?: number;
}

/** A predictor's view of the run. */
export interface PredictorContext {
  readonly model: ModelSpec;
  /** Width of a token's row per layer in the passes. */
  readonly topK: number;
  /** Most requests that run at once: `pass.slot` is below it. */
  readonly slots: number;
  /** A stream of this predictor's own. */
  readonly random: Random;
  /** Traces to learn from before the run, open; empty: learn online only. */
  readonly training: readonly RoutingTrace[];
  /** Base folder of relative paths in parameters; by default the working directory. */
  readonly folder?: string;
  /** Look-ahead that the trace holds: layers ahead, one for each part of its `predicted` rows, empty if it has none of them; absent: none. */
  readonly recorded?: readonly number[];
}

/** A field of a trace that a predictor may need. */
export type PredictorNeed = 'weights' | 'tokenIds' | 'predicted';

/** One member of the family of predictors. */
export interface PredictorDefinition extends Member {
  readonly parameters: ParameterTable;
  /** Fields that the trace must carry; the run fails early if it does not. Absent: nothing. */
  readonly needs?: readonly PredictorNeed[];
  /** True: it speaks of drafted tokens alone, and a run that never drafts is refused. */
  readonly drafts?: true;
  /** Its needs with these parameters, if they are not always `needs`. */
  needsWith?(parameters: Parameters): readonly PredictorNeed[];
  /** The cost of a prediction on the host that it was measured on; absent: nothing, or gates'. @param folder of paths among the parameters */
  cost?(parameters: Parameters, folder: string): PredictionCost;
  /** True: a prediction runs the gates of the layers that it predicts, on the GPU, and takes what that takes. */
  readonly runsGates?: true;
  /** Its knowledge beyond what has happened (L17). Absent: none. @param recorded look-ahead that the trace holds, as in the context */
  knows?(parameters: Parameters, recorded: readonly number[] | undefined): Known;
  create(context: PredictorContext, parameters: Parameters): Predictor | Promise<Predictor>;
}

/** Parameter that every predictor has. */
export const COST: Parameter = {
  default: 'measured',
  orNumber: true,
  description: 'time of one prediction in ns; measured: as moeprof takes for it on the host of the machine, gates as the GPU does',
  min: 0,
};

/** Probability that at least one of two independent events happens: how token-level predictions add up to a batch's. */
export const either = (p: number, q: number): number => p + q - p * q;

/** A predictor of one layer after the other: `fill` writes the scores of one ahead of layer `after`. It learns nothing without `observe`. */
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

/** Shows every token of `traces` to what learns as a predictor does, one request after another, numbered from -2 downwards. @returns the learner */
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
