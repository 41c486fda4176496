import { transitionRecall } from '../stats/transitions.js';
import type { RoutingTrace } from '../trace.js';
import { rememberedEvents } from './estimate.js';
import { AGES, type LayerMemory, type LayerModel } from './routing-model.js';

// All ours: drawn routing then keeps within the bounds of test/claims/trace/fit.test.ts.

/** Tokens discarded while weights settle. */
export const BURN_IN = 3072;
/** Tokens of a block. */
const BLOCK = 32;
/** First gain. */
const GAIN = 0.6;
/** Blocks until the gain halves. */
const HALVED = 24;
/** Least gain. */
const LEAST_GAIN = 0.1;
/** Tokens between measurements of a layer's cross-layer moment, the most expensive. */
const JUDGE_EVERY = 4;
/** Most rows that give the moment of a trace. */
const MOMENT_ROWS = 4096;

/** Moments of a layer, sums over choices. */
export interface Moments {
  readonly ages: Float64Array;
  /** Choices among the likeliest given the previous layer, and choices examined. */
  recalled: number;
  judged: number;
  choices: number;
  readonly counts: Float64Array;
}

const emptyMoments = (experts: number): Moments => ({
  ages: new Float64Array(AGES),
  recalled: 0,
  judged: 0,
  choices: 0,
  counts: new Float64Array(experts),
});

function add(moments: Moments, memory: LayerMemory, ids: Uint16Array, at: number, count: number): void {
  for (let k = at; k < at + count; k++) {
    const expert = ids[k]!;
    moments.ages[memory.ageClass[expert]!]! += 1;
    moments.counts[expert]! += 1;
  }
  moments.choices += count;
}

function momentsOf(trace: RoutingTrace, models: readonly LayerModel[]): Moments[] {
  const moments = models.map((model) => emptyMoments(model.experts));
  const step = Math.max(1, Math.floor(trace.tokens / MOMENT_ROWS));
  const counted = (number: number): boolean => number % step === 0;
  rememberedEvents(trace, models, counted, (l, memory, ids, at, count) => add(moments[l]!, memory, ids, at, count));
  return moments;
}

function judge(
  moments: Moments,
  { popularity }: LayerModel,
  { following }: LayerMemory,
  ids: Uint16Array,
  at: number,
  count: number,
): void {
  for (let k = at; k < at + count; k++) {
    const weight = popularity[ids[k]!]! * Math.exp(following[ids[k]!]!);
    let rank = 0;
    for (let e = 0; e < following.length && rank < count; e++) if (popularity[e]! * Math.exp(following[e]!) > weight) rank++;
    if (rank < count) moments.recalled++;
  }
  moments.judged += count;
}

/** Target moments of a trace, by layer. */
export function targetsOf(trace: RoutingTrace, models: readonly LayerModel[]): Moments[] {
  const recall = transitionRecall(trace)?.byLayer ?? [];
  // A table scores too high on training rows, so recall is of held-out rows.
  return momentsOf(trace, models).map((moments, l) => ({ ...moments, judged: 1, recalled: recall[l - 1] ?? 0 }));
}

/** Steers free-running models towards target moments by changing weights in place. */
export function calibration(models: readonly LayerModel[], wanted: readonly Moments[]) {
  let drawn = models.map((model) => emptyMoments(model.experts));
  let tokens = 0;
  return {
    event(layer: number, memory: LayerMemory, ids: Uint16Array, at: number, count: number): void {
      const moments = drawn[layer]!;
      add(moments, memory, ids, at, count);
      if (layer > 0 && (tokens + layer) % JUDGE_EVERY === 0) judge(moments, models[layer]!, memory, ids, at, count);
    },
    token(): void {
      if (++tokens % BLOCK !== 0) return;
      const gain = Math.max(LEAST_GAIN, GAIN / (1 + tokens / BLOCK / HALVED));
      models.forEach((model, l) => {
        correct(model, wanted[l]!, drawn[l]!, gain);
      });
      drawn = models.map((model) => emptyMoments(model.experts));
    },
  };
}

function correct(model: LayerModel, wanted: Moments, drawn: Moments, gain: number): void {
  if (wanted.choices === 0) return;
  for (let a = 0; a < AGES; a++) {
    const aim = wanted.ages[a]! / wanted.choices;
    model.ages[a]! += (gain * (aim - drawn.ages[a]! / drawn.choices)) / (aim + 0.05);
  }
  if (model.follows !== null && drawn.judged > 0)
    model.followWeight = Math.max(0, model.followWeight + 2 * gain * (wanted.recalled / wanted.judged - drawn.recalled / drawn.judged));
  for (let e = 0; e < model.experts; e++) {
    const aim = (model.popularity[e]! / model.choices) * drawn.choices;
    model.bias[e]! += (gain * (aim - drawn.counts[e]!)) / (aim + 4);
  }
}
