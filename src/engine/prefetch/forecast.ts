import { BEFORE_PASS, NEXT_TOKEN } from '../../predict/evidence.js';
import type { Pass } from '../../schedule/door.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Recorder } from '../vocabulary/recorder.js';
import { Chances } from './chances.js';
import { Ranking } from './ranking.js';

/** Forecasts of the coming layers (L11, L12): calls the predictor, informs policies, ranks experts, and counts how often it was right. */
export class Forecast {
  /** Best-scored experts of each layer, as of its last {@link rank}. */
  readonly ranking: Ranking;
  readonly #setup: PrefetchSetup;
  readonly #recorder: Recorder;
  /** By layer: 1 if it has been ranked in this pass. */
  readonly #ranked: Uint8Array;
  /** By layer: version of the scores that were ranked last. */
  readonly #version: Float64Array;
  /** By dense id: calibrated chances; the scores themselves if no calibration is needed. */
  readonly chances: Float32Array;
  /** Calibrates scores, for policies that rank by expected use and for prefetches that must pay; null: there are none. */
  readonly #chances: Chances | null;
  /** Pass that was predicted last. */
  #pass = 0;
  /** First layers that were ranked for the next pass last, by scores that have no version. */
  #early = 0;
  /** Time at which the last prediction is ready, ns. */
  #knownNs = 0;
  /** Runs of the predictor's network, and time at which the last one ends, ns. */
  #runs = 0;
  #networkNs = 0;

  /** Ranks as many experts of a layer as may be prefetched for it, and twice its top-k in any case. */
  constructor({ model, recorder }: Pick<Gpu, 'model' | 'recorder'>, setup: PrefetchSetup) {
    const { layers } = model;
    const widest = layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
    const topK = layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
    this.#setup = setup;
    this.#recorder = recorder;
    this.ranking = new Ranking(model, Math.min(widest, Math.max(setup.limits.perLayer, 2 * topK)), setup.scores);
    this.#ranked = new Uint8Array(layers.length);
    this.#version = new Float64Array(layers.length).fill(Number.NaN);
    const reads = setup.expectedUse !== null;
    this.#chances = reads ? new Chances(model, setup.expectedUse!.later.logOdds) : null;
    this.chances = reads ? new Float32Array(setup.scores.length) : setup.scores;
  }

  begin(): void {
    this.#ranked.fill(0);
    this.#version.fill(Number.NaN, 0, this.#early);
    this.#early = 0;
  }

  /** Predicts the layers `(after, last]` at `nowNs`. @returns when it is ready, ns; one made for the pass before is as soon as it was then */
  predict(pass: Pass, after: number, last: number, nowNs: number): number {
    const { predictedUse, predictor, scores } = this.#setup;
    const { calls } = predictor;
    predictor.predict(pass, after, last - after, scores);
    if (this.#chances !== null) this.#read(this.#chances, pass.number, after, last);
    if (predictedUse !== null) for (let layer = after + 1; layer <= last; layer++) predictedUse.ahead(layer, scores);
    return this.#readyNs(pass, after, last, nowNs, calls);
  }

  /** Predicts the first `layers` layers of the next pass at `nowNs`. @returns as {@link predict}; NaN: nothing reads chances, or it cannot */
  next(pass: Pass, layers: number, nowNs: number): number {
    const { predictor, scores } = this.#setup;
    if (this.#chances === null || predictor.next === undefined) return Number.NaN;
    const { calls } = predictor;
    for (let layer = 0; layer < layers; layer++) predictor.next(pass, layer, scores);
    this.#read(this.#chances, pass.number + 1, NEXT_TOKEN, layers - 1);
    this.#version.fill(Number.NaN, 0, layers);
    this.#early = layers;
    return this.#readyNs(pass, BEFORE_PASS, layers - 1, nowNs, calls);
  }

  /** Charges a prediction, unless the predictor has repeated one. @param calls of the predictor before it @returns when it is ready, ns */
  #readyNs(pass: Pass, after: number, last: number, nowNs: number, calls: number | undefined): number {
    const { predictor, time } = this.#setup;
    const { network } = predictor;
    if (calls !== undefined && predictor.calls === calls) return Math.max(nowNs, this.#knownNs);
    const costNs = time.ns(pass.tokens, after, last);
    this.#recorder.predictions++;
    this.#recorder.predictionNs += costNs;
    if (network !== undefined && network.runs !== this.#runs) {
      const runNs = time.networkNs?.(pass.tokens) ?? 0;
      this.#runs = network.runs;
      this.#networkNs = nowNs + runNs;
      this.#recorder.predictionNs += runNs;
    }
    this.#knownNs = (network?.spoke === true ? Math.max(nowNs, this.#networkNs) : nowNs) + costNs;
    return this.#knownNs;
  }

  /** Turns the scores of the layers `(after, last]` of a pass into chances, and updates the expectations of policies. */
  #read(chances: Chances, pass: number, after: number, last: number): void {
    const { expectedUse, scores } = this.#setup;
    for (let layer = Math.max(0, after + 1); layer <= last; layer++) {
      chances.read(scores, pass, after, layer, this.chances);
      expectedUse?.ahead(layer, this.chances);
    }
    this.#pass = pass;
  }

  /** Ranks the experts of a layer; @returns how many there are in {@link ranking} */
  rank(layer: number): number {
    this.#ranked[layer] = 1;
    const { versions } = this.#setup.predictor;
    if (versions === undefined) return this.ranking.rank(layer);
    const version = versions[layer]!;
    if (this.#version[layer] === version) return this.ranking.countOf(layer);
    this.#version[layer] = version;
    return this.ranking.rank(layer);
  }

  /** Judges the ranking of a layer, if there is one, by its demand `demand[0..size)`. */
  judge(layer: number, demand: Int32Array, size: number): void {
    if (this.#ranked[layer] === 0) return;
    this.#chances?.judge(this.#pass, layer, demand, size);
    const recorder = this.#recorder;
    const { ranking } = this;
    let named = 0;
    let amongFirst = 0;
    for (let i = 0; i < size; i++) {
      // Signs are counted instead of a branch, which would be mispredicted as often as the prediction is wrong.
      const place = ranking.placeOf(demand[i]!);
      const isNamed = 1 - (place >>> 31);
      named += isNamed;
      amongFirst += isNamed & ((place - size) >>> 31);
    }
    recorder.predictedMembers += size;
    recorder.recalledUnion += named;
    recorder.recalledAtK += amongFirst;
  }

  observe(pass: Pass, layer: number): void {
    const { expectedUse, predictedUse, predictor } = this.#setup;
    predictor.observe(pass, layer);
    predictedUse?.done(pass, layer, predictor);
    expectedUse?.done(layer);
  }
}
