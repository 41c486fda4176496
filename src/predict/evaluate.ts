// Judges a predictor on a trace, token by token: what it says before the pass, and so many layers ahead while the pass goes on. It goes
// through the same contract as in a run, so that every member of the family is judged alike.
import type { ModelSpec } from '../model/spec.js';
import { Pass } from '../schedule/pass.js';
import { Request } from '../schedule/request.js';
import { NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';
import { type BatchAccuracy, batchAccuracy } from './batch-accuracy.js';
import type { Predictor } from './predictor.js';
import { type Score, ScoreCounter } from './score.js';

/** How to judge. */
export interface EvaluationOptions {
  /** Layers ahead, ascending. */
  readonly distances: readonly number[];
  /** Tokens per batch for the batch accuracy. */
  readonly batch: number;
  /** Every how many tokens the predictions during the pass are judged; they cost one prediction per layer. */
  readonly every: number;
  /** Experts of at least this probability would be prefetched. */
  readonly minProbability: number;
}

/** What was found. */
export interface Evaluation {
  /** The whole path, before the first layer of the pass; null: the predictor says nothing then. */
  readonly before: Score | null;
  /** Layers so many layers ahead of the last one that is known. */
  readonly ahead: readonly { readonly distance: number; readonly score: Score | null }[];
  readonly batch: BatchAccuracy | null;
}

/** What an evaluation may be watched through. */
export interface EvaluationWatch {
  progress?(done: number): void;
  breathe?(): Promise<void>;
}

/** Tokens between two looks at the watch. */
const STRIDE = 8;

/**
 * Judges a predictor. All rows of a trace are predicted one by one from those before them in their request, prompt rows too. A predictor
 * that learns while it runs learns here as well, always after it was asked.
 */
export async function evaluatePredictor(
  predictor: Predictor,
  trace: RoutingTrace,
  model: ModelSpec,
  options: EvaluationOptions,
  watch: EvaluationWatch = {},
): Promise<Evaluation> {
  const { batch, distances, every, minProbability } = options;
  const layers = model.layers.length;
  const horizon = Math.max(0, ...distances);
  const pass = new Pass(trace, 1);
  const scores = new Float32Array(model.experts);
  const before = new ScoreCounter(model, minProbability);
  const ahead = distances.map((distance) => ({ distance, counter: new ScoreCounter(model, minProbability) }));
  const width = Math.max(...model.layers.map((layer) => layer.topK));
  const named = new Uint16Array(trace.tokens * layers * width).fill(NULL_EXPERT);
  let done = 0;
  for (const [index, { decode, prefill, start }] of trace.requests.entries()) {
    const request = new Request({ index, start, prefill, decode, arrivalNs: 0 });
    const shares = [{ request, tokens: 1 }];
    while (!request.finished) {
      pass.fill(shares);
      const decoded = pass.decodeTokens > 0;
      predictor.predict(pass, -1, layers, scores);
      for (let layer = 0; layer < layers; layer++) {
        before.judge(layer, scores, pass.choices, layer * pass.topK, pass.topK, decoded);
        const { offset, topK } = model.layers[layer]!;
        const to = ((start + request.done) * layers + layer) * width;
        for (let rank = 0; rank < Math.min(topK, before.bestCount); rank++) named[to + rank] = before.best[rank]! - offset;
      }
      const asked = horizon > 0 && done % every === 0;
      for (let layer = 0; layer < layers; layer++) {
        predictor.observe(pass, layer);
        if (!asked || layer === layers - 1) continue;
        predictor.predict(pass, layer, horizon, scores);
        for (const { counter, distance } of ahead) {
          const target = layer + distance;
          if (target < layers) counter.judge(target, scores, pass.choices, target * pass.topK, pass.topK, decoded);
        }
      }
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
    batch: before.silent ? null : batchAccuracy(trace, model, named, width, batch),
  };
}
