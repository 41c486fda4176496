import { mostExperts, mostTopK } from '../../model/door.js';
import { BEFORE_PASS, NEXT_TOKEN } from '../../predict/evidence.js';
import type { Pass } from '../../schedule/door.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Recorder } from '../vocabulary/recorder.js';
import { Chances } from './chances.js';
import { Ranking } from './ranking.js';

/** L11, L12: predictor calls, policies' expectations, ranked experts, accuracy. */
export class Forecast {
  readonly ranking: Ranking;
  readonly #setup: PrefetchSetup;
  readonly #recorder: Recorder;
  readonly #ranked: Uint8Array;
  readonly #version: Float64Array;
  /** By dense id: calibrated chances; raw scores without calibration. */
  readonly chances: Float32Array;
  /** Null: neither policies with expected use nor paying prefetches. */
  readonly #chances: Chances | null;
  #pass = 0;
  /** First layers last ranked for the next pass, by scores without version. */
  #early = 0;
  #knownNs = 0;
  /** Runs of the predictor's network, and end of the last run, ns. */
  #runs = 0;
  #networkNs = 0;

  constructor({ model, recorder }: Pick<Gpu, 'model' | 'recorder'>, setup: PrefetchSetup) {
    const { layers } = model;
    this.#setup = setup;
    this.#recorder = recorder;
    this.ranking = new Ranking(model, Math.min(mostExperts(model), Math.max(setup.limits.perLayer, 2 * mostTopK(model))), setup.scores);
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

  /** Layers `(after, last]` at `nowNs`. @returns time of the prediction, ns; a repeated prediction keeps its time */
  predict(pass: Pass, after: number, last: number, nowNs: number): number {
    const { predictedUse, predictor, scores } = this.#setup;
    const { calls } = predictor;
    predictor.predict(pass, after, last - after, scores);
    if (this.#chances !== null) this.#read(this.#chances, pass.number, after, last);
    if (predictedUse !== null) for (let layer = after + 1; layer <= last; layer++) predictedUse.ahead(layer, scores);
    return this.#readyNs(pass, after, last, nowNs, calls);
  }

  /** The next pass's first `layers` layers. @returns as {@link predict}; NaN: chances unread, or no prediction */
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

  /** Charges a new prediction. @param calls predictor calls before @returns time of the prediction, ns */
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

  #read(chances: Chances, pass: number, after: number, last: number): void {
    const { expectedUse, scores } = this.#setup;
    for (let layer = Math.max(0, after + 1); layer <= last; layer++) {
      chances.read(scores, pass, after, layer, this.chances);
      expectedUse?.ahead(layer, this.chances);
    }
    this.#pass = pass;
  }

  rank(layer: number): number {
    this.#ranked[layer] = 1;
    const { versions } = this.#setup.predictor;
    if (versions === undefined) return this.ranking.rank(layer);
    const version = versions[layer]!;
    if (this.#version[layer] === version) return this.ranking.countOf(layer);
    this.#version[layer] = version;
    return this.ranking.rank(layer);
  }

  judge(layer: number, demand: Int32Array, size: number): void {
    if (this.#ranked[layer] === 0) return;
    this.#chances?.judge(this.#pass, layer, demand, size);
    const recorder = this.#recorder;
    const { ranking } = this;
    let named = 0;
    let amongFirst = 0;
    for (let i = 0; i < size; i++) {
      // Counting signs avoids a branch mispredicted at every wrong prediction.
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
