// Choices are an exponential race: expert e arrives at rate exp(score), the first k count; given the k-th time c,
// inclusion is nearly independent, 1 - exp(-c rate). AdaGrad by layer.
import { chunks, NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';
import { AGES, LayerMemory, type LayerModel, MEMORIES, REQUEST_GAP } from './routing-model.js';

// All ours: drawn routing then keeps within the bounds of test/claims/trace/fit.test.ts.

/** Gradient rows, spread over the trace. Ours. */
const GRADIENT_ROWS = 1000;
/** Passes over the gradient rows. */
const EPOCHS = 2;
/** Step size of AdaGrad. */
const RATE = 0.08;
/** Pseudo-counts of transition tables, in activations. */
const PRIOR_COUNT = 4;
/** Rows read at a time. */
const CHUNK = 128;

/** Counts popularity and transitions of a trace. */
export function surveyModel(trace: RoutingTrace): LayerModel[] {
  const { layers, topK, expertsPerLayer } = trace;
  const counts = expertsPerLayer.map((experts) => new Float64Array(experts));
  const widths = expertsPerLayer.map(() => new Float64Array(topK + 1));
  const pairs = expertsPerLayer.map((experts, l) => (l === 0 ? null : new Float32Array(expertsPerLayer[l - 1]! * experts)));
  walk(trace, (chunk, row) => {
    for (let l = 0; l < layers; l++) {
      const at = (row * layers + l) * topK;
      const width = packed(chunk.experts, at, topK);
      widths[l]![width]! += 1;
      const before = l === 0 ? 0 : packed(chunk.experts, at - topK, topK);
      for (let k = 0; k < width; k++) {
        const expert = chunk.experts[at + k]!;
        counts[l]![expert]! += 1;
        const table = pairs[l]!;
        for (let j = 0; j < before; j++) table[chunk.experts[at - topK + j]! * expertsPerLayer[l]! + expert]! += 1;
      }
    }
  });
  return expertsPerLayer.map((experts, l) => {
    const choices = widths[l]!.indexOf(Math.max(...widths[l]!));
    const total = counts[l]!.reduce((sum, count) => sum + count, 0);
    // Experts never chosen are rare, not impossible: half a count.
    const popularity = counts[l]!.map((count) => ((count + 0.5) * choices) / (total + 0.5 * experts));
    const follows = pairs[l];
    if (follows !== null && follows !== undefined) {
      for (let d = 0; d < expertsPerLayer[l - 1]!; d++) {
        let given = 0;
        for (let e = 0; e < experts; e++) given += follows[d * experts + e]!;
        for (let e = 0; e < experts; e++) {
          const share = popularity[e]! / choices;
          follows[d * experts + e] = Math.log(
            (follows[d * experts + e]! + PRIOR_COUNT * share * choices) / (given + PRIOR_COUNT * choices) / share,
          );
        }
      }
    }
    return {
      experts,
      choices,
      popularity,
      bias: popularity.map(Math.log),
      ages: new Float64Array(AGES),
      memories: new Float64Array(MEMORIES.length).fill(0.1),
      follows: follows ?? null,
      followWeight: l === 0 ? 0 : 1,
    };
  });
}

/** Estimates the weights of a surveyed model in place. */
export function estimateWeights(trace: RoutingTrace, models: readonly LayerModel[]): void {
  const parameters = models.map(() => new Float64Array(1 + AGES + MEMORIES.length));
  const squares = parameters.map((list) => new Float64Array(list.length).fill(1e-3));
  const step = Math.max(1, Math.floor(trace.tokens / GRADIENT_ROWS));
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rate = RATE / (1 + epoch);
    const learns = (number: number): boolean => number % step === epoch % step && number >= 32;
    rememberedEvents(trace, models, learns, (l, memory, ids, at, count) => {
      climb(models[l]!, memory, ids, at, count, parameters[l]!, squares[l]!, rate);
    });
  }
}

function climb(
  model: LayerModel,
  memory: LayerMemory,
  ids: Uint16Array,
  at: number,
  count: number,
  gradient: Float64Array,
  squares: Float64Array,
  rate: number,
): void {
  const { experts, follows } = model;
  const { ageClass, following, logRates, scores } = memory;
  const deadline = arrivalOf(scores, count);
  gradient.fill(0);
  for (let e = 0; e < experts; e++) {
    const odds = deadline * Math.exp(scores[e]!);
    let chosen = false;
    for (let k = at; k < at + count; k++) if (ids[k] === e) chosen = true;
    // d log-likelihood / d score: of 1 - exp(-odds) for a chosen expert, else of exp(-odds).
    const slope = chosen ? (odds < 1e-9 ? 1 : odds / Math.expm1(odds)) : -odds;
    gradient[0]! += slope * following[e]!;
    gradient[1 + ageClass[e]!]! += slope;
    for (let m = 0; m < MEMORIES.length; m++) gradient[1 + AGES + m]! += slope * logRates[m * experts + e]!;
  }
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i]! / count;
    squares[i]! += g * g;
    gradient[i] = (rate * g) / Math.sqrt(squares[i]!);
  }
  if (follows !== null) model.followWeight += gradient[0]!;
  for (let a = 0; a < AGES; a++) model.ages[a]! += gradient[1 + a]!;
  for (let m = 0; m < MEMORIES.length; m++) model.memories[m]! += gradient[1 + AGES + m]!;
}

/** Expected time until `count` experts have arrived. */
function arrivalOf(scores: Float64Array, count: number): number {
  let sum = 0;
  for (let e = 0; e < scores.length; e++) sum += Math.exp(scores[e]!);
  if (count >= scores.length) return 1e6 / sum;
  let time = count / sum;
  for (let i = 0; i < 5; i++) {
    let expected = 0;
    let slope = 0;
    for (let e = 0; e < scores.length; e++) {
      const weight = Math.exp(scores[e]!);
      const left = Math.exp(-time * weight);
      expected += 1 - left;
      slope += weight * left;
    }
    // Newton; the expected number is concave in time, so overshoot is bounded.
    time = Math.min(Math.max(time + (count - expected) / slope, time / 4), time * 4);
  }
  return time;
}

/** To the front of the cells. @returns number of choices */
function packed(ids: Uint16Array, at: number, topK: number): number {
  let count = 0;
  for (let k = at; k < at + topK; k++) {
    const id = ids[k]!;
    if (id === NULL_EXPERT) continue;
    if (k !== at + count) {
      ids[at + count] = id;
      ids[k] = NULL_EXPERT;
    }
    count++;
  }
  return count;
}

function walk(trace: RoutingTrace, visit: (chunk: TraceChunk, row: number, opens: boolean) => void): void {
  let request = -1;
  for (const chunk of chunks(trace, CHUNK)) {
    for (let row = 0; row < chunk.tokens; row++) {
      const opens = chunk.request[row] !== request;
      request = chunk.request[row]!;
      visit(chunk, row, opens);
    }
  }
}

/** Visits scored events in row order. @param wanted rows to visit; the rest only update the memory */
export function rememberedEvents(
  trace: RoutingTrace,
  models: readonly LayerModel[],
  wanted: (number: number) => boolean,
  visit: (layer: number, memory: LayerMemory, ids: Uint16Array, at: number, count: number) => void,
): void {
  const { layers, topK } = trace;
  const memories = models.map((model) => new LayerMemory(model));
  let clock = 0;
  let number = 0;
  walk(trace, ({ experts }, row, opens) => {
    clock += opens ? REQUEST_GAP : 1;
    const visits = wanted(number++);
    for (let l = 0; l < layers; l++) {
      const memory = memories[l]!;
      const at = (row * layers + l) * topK;
      const count = packed(experts, at, topK);
      if (visits && count > 0) {
        memory.score(clock, experts, at - topK, l === 0 ? 0 : packed(experts, at - topK, topK));
        visit(l, memory, experts, at, count);
      }
      memory.use(clock, experts, at, count);
    }
  });
}
