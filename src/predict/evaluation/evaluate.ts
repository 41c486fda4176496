import { median } from '../../base/significance.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { Pass, Request } from '../../schedule/door.js';
import { NULL_EXPERT, type RoutingTrace } from '../../trace/trace.js';
import type { Predictor } from '../predictor.js';
import { type BatchAccuracy, BatchUnions, batchAccuracy } from './batch-accuracy.js';
import { type Score, ScoreCounter } from './score.js';

/** Options of an evaluation. */
export interface EvaluationOptions {
  /** Layers ahead, ascending; default 1, 2, 4 and 8. */
  readonly distances: readonly number[];
  /** Tokens per union of paths; default 16. */
  readonly batch: number;
  /** Stride of tokens judged during the pass; default: about 500 tokens. */
  readonly every: number;
  /** Least probability of a prefetched expert; default .15. Precision counts these. */
  readonly minProbability: number;
}

/** Scores of an evaluation. */
export interface Evaluation {
  /** Score of the whole path, before the pass; null: no prediction. */
  readonly before: Score | null;
  /** Distance in layers from the last known layer. */
  readonly ahead: readonly { readonly distance: number; readonly score: Score | null }[];
  readonly batch: BatchAccuracy | null;
}

/** Measured times on this machine, ns of a median token. */
export interface PredictionTimes {
  readonly before: number;
  /** All judged distances and layers together; null: did not run. */
  readonly during: number | null;
  readonly learning: number;
}

/** Callbacks during an evaluation. */
export interface EvaluationWatch extends Pick<WorkWatch, 'breathe'> {
  progress?(done: number): void;
}

/** Tokens between progress reports. Ours. */
const STRIDE = 8;

/** Evaluates a predictor on all rows, each from the request's earlier rows. @param filler names experts up to 2k */
export async function evaluatePredictor(
  predictor: Predictor,
  trace: RoutingTrace,
  model: ModelSpec,
  options: EvaluationOptions,
  watch: EvaluationWatch = {},
  filler: Predictor | null = null,
): Promise<Evaluation & { readonly times: PredictionTimes }> {
  const { batch, distances, every, minProbability } = options;
  const layers = model.layers.length;
  const horizon = Math.max(0, ...distances);
  const pass = new Pass(trace, 1);
  const scores = new Float32Array(model.experts);
  const fill = filler === null ? null : new Float32Array(model.experts);
  const before = new ScoreCounter(model, minProbability);
  const ahead = distances.map((distance) => ({ distance, counter: new ScoreCounter(model, minProbability) }));
  const width = mostTopK(model);
  const named = new Uint16Array(trace.tokens * layers * width).fill(NULL_EXPERT);
  const unions = new BatchUnions(trace, model, batch);
  const clock = new Stopwatch();
  let done = 0;
  for (const [index, { decode, prefill, start }] of trace.requests.entries()) {
    const request = new Request({ index, start, prefill, decode, arrivalNs: 0 });
    const shares = [{ request, tokens: 1 }];
    while (!request.finished) {
      pass.fill(shares);
      const decoded = pass.decodeTokens > 0;
      clock.time('before', () => predictor.predict(pass, -1, layers, scores));
      if (fill !== null) filler!.predict(pass, -1, layers, fill);
      unions.add(start + request.done, scores, fill);
      for (let layer = 0; layer < layers; layer++) {
        before.judge(layer, scores, pass.choices, layer * pass.topK, pass.topK, decoded, fill);
        const { offset, topK } = model.layers[layer]!;
        const to = ((start + request.done) * layers + layer) * width;
        for (let rank = 0; rank < Math.min(topK, before.bestCount); rank++) named[to + rank] = before.best[rank]! - offset;
      }
      const asked = horizon > 0 && done % every === 0;
      for (let layer = 0; layer < layers; layer++) {
        clock.time('learning', () => predictor.observe(pass, layer));
        filler?.observe(pass, layer);
        if (!asked || layer === layers - 1) continue;
        clock.time('during', () => predictor.predict(pass, layer, horizon, scores));
        for (const { counter, distance } of ahead) {
          const target = layer + distance;
          if (target < layers) counter.judge(target, scores, pass.choices, target * pass.topK, pass.topK, decoded, fill);
        }
      }
      clock.token(asked);
      pass.advance(shares);
      if (++done % STRIDE === 0) {
        watch.progress?.(done);
        await watch.breathe?.();
      }
    }
  }
  return {
    before: before.score(),
    ahead: ahead.map(({ counter, distance }) => ({ distance, score: counter.score() })),
    batch: before.silent ? null : batchAccuracy(trace, model, named, width, unions),
    times: clock.times(),
  };
}

/** Times a predictor token by token; medians ignore interruptions. */
class Stopwatch {
  readonly #running = { before: 0, during: 0, learning: 0 };
  readonly #tokens: Record<keyof PredictionTimes, number[]> = { before: [], during: [], learning: [] };

  time(what: keyof PredictionTimes, work: () => void): void {
    const began = performance.now();
    work();
    this.#running[what] += performance.now() - began;
  }

  token(asked: boolean): void {
    for (const what of ['before', 'during', 'learning'] as const) {
      if (asked || what !== 'during') this.#tokens[what].push(this.#running[what]);
      this.#running[what] = 0;
    }
  }

  times(): PredictionTimes {
    const { before, during, learning } = this.#tokens;
    const ns = (ms: number[]): number => Math.round(1e6 * median(ms));
    return { before: ns(before), during: during.length === 0 ? null : ns(during), learning: ns(learning) };
  }
}
