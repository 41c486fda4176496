import { fastLog } from '../../base/log-odds.js';
import { LogisticFit } from '../../base/logistic-fit.js';
import { type ModelSpec, mostExperts } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { Pass } from '../../schedule/door.js';
import { BEFORE_PASS, type Evidence, evenShare, NEXT_TOKEN, type WeightedEvidence } from '../evidence.js';
import { either, type Predictor } from '../predictor.js';
import { Blend } from './blend.js';
import { Stacked } from './stacked.js';

/** Most tokens of a pass predicted separately; larger passes are sampled. Ours. */
export const SAMPLED_TOKENS = 64;

/** Distances with separate weights: before the pass; 1, 2, 3-4, 5-8, more. */
const BUCKETS = 6;

function bucketOf(after: number, layer: number): number {
  if (after < 0) return 0;
  const distance = layer - after;
  return distance <= 2 ? distance : distance <= 4 ? 3 : distance <= 8 ? 4 : 5;
}

function practiceAfter(bucket: number, layer: number): number | null {
  if (bucket === 0) return BEFORE_PASS;
  const distance = bucket <= 2 ? bucket : bucket === 3 ? 4 : bucket === 4 ? 8 : 16;
  return layer - distance >= 0 ? layer - distance : null;
}

/** Buckets of distance to practise, in turn: shorter distances more often. */
const PRACTICE = [0, 1, 0, 1, 2, 1, 0, 1, 3, 1, 0, 2, 1, 4, 0, 1, 5];

/** Fits at the early stride. Ours: strides of 1 or 9, 31 or 121 change recall by at most .8 points (evidence.ts). */
const EARLY_PRACTICE = 256;
/** Token-layers per early weight fit. Ours. */
const EARLY_STRIDE = 3;
/** Token-layers per late weight fit. Ours. */
const LATE_STRIDE = 61;

/** Tokens counted without a stride. Ours. */
const COUNTED_TOKENS = 8192;
/** Tokens per counted token, later. Ours. */
const COUNTED_STRIDE = 4;

interface PredictedFrom {
  after: number;
  slot: number;
  state: number;
}

/** logit P(expert) = bias + sum of weight x log-odds, fitted online per distance. */
export class Mixture implements Predictor {
  readonly versions?: Uint32Array;
  readonly network?: Stacked;
  protected readonly model: ModelSpec;
  readonly #evidence: readonly Evidence[];
  readonly #usage: Usage;
  readonly #fits: readonly LogisticFit[];
  readonly #blend: Blend;
  readonly #columns: readonly Float64Array[];
  readonly #used: Uint8Array;
  /** By bucket and layer: weighted bias and prior, and the inputs' state. */
  readonly #priors: readonly (readonly Float64Array[])[];
  readonly #priorOf: readonly Float64Array[];
  /** Each layer's latest prediction for a single token; null: not kept. */
  readonly #latest: Float32Array | null;
  readonly #latestByLayer: readonly Float32Array[];
  readonly #latestFrom: readonly PredictedFrom[];
  #practised = 0;
  #untilPractice = EARLY_STRIDE;
  #turn = 0;
  #counted = 0;

  constructor(model: ModelSpec, weighted: readonly WeightedEvidence[]) {
    const network = weighted.find(({ evidence }) => evidence.runs !== undefined);
    const tables = weighted.filter((evidence) => evidence !== network);
    this.model = model;
    this.#evidence = tables.map(({ evidence }) => evidence);
    this.#usage = new Usage(model);
    const widest = mostExperts(model);
    this.#blend = new Blend(model.layers.map(({ experts }) => experts));
    this.#columns = Array.from({ length: tables.length + 2 }, () => new Float64Array(widest));
    this.#columns[0]!.fill(1);
    this.#used = new Uint8Array(widest);
    this.#fits = Array.from({ length: BUCKETS }, () => new LogisticFit([0, 1, ...tables.map(({ weight }) => weight)]));
    this.#priors = this.#fits.map(() => model.layers.map(({ experts }) => new Float64Array(experts)));
    this.#priorOf = this.#fits.map(() => new Float64Array(model.layers.length).fill(Number.NaN));
    if (network !== undefined) this.network = new Stacked(network.evidence, BUCKETS, widest);
    const steady = network === undefined && this.#evidence.every((evidence) => evidence.state !== undefined);
    const latest = steady ? new Float32Array(model.experts) : null;
    this.#latest = latest;
    this.#latestByLayer = latest === null ? [] : model.layers.map(({ experts, offset }) => latest.subarray(offset, offset + experts));
    this.#latestFrom = model.layers.map(() => ({ after: 0, slot: 0, state: Number.NaN }));
    if (steady) this.versions = new Uint32Array(model.layers.length);
  }

  observe(pass: Pass, layer: number): void {
    const first = layer === 0;
    for (let token = 0; token < pass.tokens; token++) {
      const wrong = pass.wrong[token] === 1;
      if (!wrong && --this.#untilPractice === 0) this.#practise(pass, token, layer);
      // Pairs of layers need both: count all layers of a token or none.
      const counted = !wrong && (this.#counted < COUNTED_TOKENS || (pass.number + token) % COUNTED_STRIDE === 0);
      if (counted) this.#usage.learn(pass, token, layer);
      for (let i = 0; i < this.#evidence.length; i++) this.#evidence[i]!.learn(pass, token, layer, counted);
      this.network?.evidence.learn(pass, token, layer, counted);
    }
    if (first) this.#counted += pass.tokens;
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const last = Math.min(this.model.layers.length - 1, after + horizon);
    const latest = pass.tokens === 1 ? this.#latest : null;
    for (let layer = after + 1; layer <= last; layer++) {
      if (latest === null) this.#predictLayer(pass, after, layer, scores);
      else this.#repeat(pass, after, layer, latest, scores);
    }
    if (latest === null && this.versions !== undefined) this.#forget(after, last);
  }

  next(pass: Pass, layer: number, scores: Float32Array): void {
    this.#predictLayer(pass, NEXT_TOKEN, layer, scores);
  }

  warnings(): readonly Warning[] {
    return this.network?.warnings() ?? [];
  }

  measured(): Readonly<Record<string, number>> {
    return this.network?.evidence.measured?.() ?? {};
  }

  close(): void {
    this.network?.evidence.close?.();
  }

  protected logits(pass: Pass, token: number, after: number, layer: number): Float64Array {
    const sums = this.#tables(pass, token, after, layer);
    this.network?.speak(bucketOf(after, layer), pass, token, after, layer, this.model.layers[layer]!.experts, sums);
    return sums;
  }

  #tables(pass: Pass, token: number, after: number, layer: number): Float64Array {
    const blend = this.#blend;
    const logits = blend.sums;
    const bucket = bucketOf(after, layer);
    const { steps, weights } = this.#fits[bucket]!;
    const prior = this.#priors[bucket]![layer]!;
    const state = this.#usage.state(layer) + steps;
    if (this.#priorOf[bucket]![layer] !== state) {
      this.#priorOf[bucket]![layer] = state;
      this.#usage.write(layer, weights[0]!, weights[1]!, prior);
    }
    // A native copy is several times as fast as a loop.
    logits.set(prior);
    for (let i = 0; i < this.#evidence.length; i++) {
      const evidence = this.#evidence[i]!;
      if (evidence.column === undefined) {
        evidence.add(pass, token, after, layer, weights[i + 2]!, logits);
        continue;
      }
      const column = evidence.column(pass, token, after, layer);
      if (column !== null) blend.add(column, weights[i + 2]!);
    }
    return logits;
  }

  #repeat(pass: Pass, after: number, layer: number, latest: Float32Array, scores: Float32Array): void {
    const of = this.#latestFrom[layer]!;
    const slot = pass.slot[0]!;
    const state = this.#state(pass, after, layer);
    if (of.state !== state || of.after !== after || of.slot !== slot) {
      of.after = after;
      of.slot = slot;
      of.state = state;
      this.#predictLayer(pass, after, layer, latest);
      this.versions![layer]! += 1;
    }
    scores.set(this.#latestByLayer[layer]!, this.model.layers[layer]!.offset);
  }

  #state(pass: Pass, after: number, layer: number): number {
    let state = this.#usage.state(layer) + this.#fits[bucketOf(after, layer)]!.steps;
    for (let i = 0; i < this.#evidence.length; i++) state += this.#evidence[i]!.state!(pass, 0);
    return state;
  }

  #forget(after: number, last: number): void {
    for (let layer = after + 1; layer <= last; layer++) {
      this.#latestFrom[layer]!.state = Number.NaN;
      this.versions![layer]! += 1;
    }
  }

  /** A batch demands an expert if any token does; tokens count as independent. */
  #predictLayer(pass: Pass, after: number, layer: number, scores: Float32Array): void {
    const { experts, offset } = this.model.layers[layer]!;
    const { tokens } = pass;
    const stride = Math.ceil(tokens / SAMPLED_TOKENS);
    for (let token = 0; token < tokens; token += stride) {
      this.logits(pass, token, after, layer);
      const chances = this.#blend.chances(experts);
      if (token === 0) scores.set(chances, offset);
      else for (let e = 0; e < experts; e++) scores[offset + e] = either(scores[offset + e]!, chances[e]!);
    }
    if (stride === 1) return;
    const power = tokens / Math.ceil(tokens / stride);
    for (let id = offset; id < offset + experts; id++) scores[id] = 1 - (1 - scores[id]!) ** power;
  }

  #practise(pass: Pass, token: number, layer: number): void {
    this.#untilPractice = this.#practised++ < EARLY_PRACTICE ? EARLY_STRIDE : LATE_STRIDE;
    const bucket = PRACTICE[this.#turn++ % PRACTICE.length]!;
    const after = practiceAfter(bucket, layer);
    if (after === null) return;
    const { experts } = this.model.layers[layer]!;
    const columns = this.#columns;
    for (let i = 2; i < columns.length; i++) columns[i]!.fill(0, 0, experts);
    this.#usage.write(layer, 0, 1, columns[1]!);
    for (let i = 0; i < this.#evidence.length; i++) this.#evidence[i]!.add(pass, token, after, layer, 1, columns[i + 2]!);
    const used = this.#used.fill(0, 0, experts);
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) used[pass.chosen[i]!] = 1;
    this.network?.practise(bucket, pass, token, after, layer, this.#tables(pass, token, after, layer), used.subarray(0, experts));
    this.#fits[bucket]!.step(columns, used, experts);
  }
}

/** Uses by expert and log-odds, renewed as counts grow by an eighth. */
export class Usage {
  /** Tokens that chose each expert, by dense id. */
  readonly used: Float64Array;
  readonly tokens: Float64Array;
  readonly #model: ModelSpec;
  readonly #logOdds: Float64Array;
  readonly #dueAt: Float64Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.used = new Float64Array(model.experts);
    this.tokens = new Float64Array(model.layers.length);
    this.#logOdds = new Float64Array(model.experts);
    this.#dueAt = new Float64Array(model.layers.length);
  }

  learn(pass: Pass, token: number, layer: number): void {
    const { offset } = this.#model.layers[layer]!;
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) this.used[offset + pass.chosen[i]!]! += 1;
    this.tokens[layer]! += 1;
  }

  /** Number that grows whenever {@link write} changes. */
  state(layer: number): number {
    if (this.tokens[layer]! >= this.#dueAt[layer]!) this.#renew(layer);
    return this.#dueAt[layer]!;
  }

  /** Writes `bias` plus `weight` times log-odds of use, smoothed by an even share. */
  write(layer: number, bias: number, weight: number, into: Float64Array): void {
    if (this.tokens[layer]! >= this.#dueAt[layer]!) this.#renew(layer);
    const { experts, offset } = this.#model.layers[layer]!;
    const logOdds = this.#logOdds;
    for (let e = 0; e < experts; e++) into[e] = bias + weight * logOdds[offset + e]!;
  }

  #renew(layer: number): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const tokens = this.tokens[layer]!;
    const share = evenShare(this.#model.layers[layer]!);
    for (let id = offset; id < offset + experts; id++) {
      const used = this.used[id]! + share;
      this.#logOdds[id] = fastLog(used) - fastLog(tokens + 1 - used);
    }
    this.#dueAt[layer] = tokens + 1 + tokens / 8;
  }
}
