// What a run expects of the coming layers: asks the predictor, shows policies what it says, ranks the experts of each layer, and counts
// how right that was (L11, L12).
import type { ModelSpec } from '../../model/spec.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Pass } from '../../schedule/pass.js';
import type { Recorder } from '../event/recorder.js';
import type { Outlook } from './outlook.js';
import { Ranking } from './ranking.js';

/** What a forecast is made with. */
export interface ForecastParts {
  readonly model: ModelSpec;
  readonly predictor: Predictor;
  readonly recorder: Recorder;
  /** By dense id; filled by the predictor. */
  readonly scores: Float32Array;
  /** What policies see of the predictions; null or absent: no policy looks. */
  readonly outlook?: Outlook | null;
}

/** Predictions of the running pass. */
export class Forecast {
  /** Best-scored experts of each layer, as of its last {@link rank}. */
  readonly ranking: Ranking;
  readonly #parts: ForecastParts;
  /** By layer: 1 where it has been ranked in this pass. */
  readonly #ranked: Uint8Array;
  /** By layer: version of the scores that were ranked last. */
  readonly #version: Float64Array;

  /** @param width experts of a layer that are ranked at least, if it has as many; twice its top-k are in any case */
  constructor(parts: ForecastParts, width: number) {
    const { layers } = parts.model;
    const widest = layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
    const topK = layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
    this.#parts = parts;
    this.ranking = new Ranking(parts.model, Math.min(widest, Math.max(width, 2 * topK)), parts.scores);
    this.#ranked = new Uint8Array(layers.length);
    this.#version = new Float64Array(layers.length).fill(Number.NaN);
  }

  /** A pass begins. */
  begin(): void {
    this.#ranked.fill(0);
  }

  /**
   * Predicts the layers `(after, last]`.
   * @returns what that takes, ns
   */
  predict(pass: Pass, after: number, last: number): number {
    const { outlook, predictor, scores } = this.#parts;
    predictor.predict(pass, after, last - after, scores);
    if (outlook != null) for (let layer = after + 1; layer <= last; layer++) outlook.ahead(layer, scores);
    return predictor.costNs;
  }

  /** Ranks the experts of a layer; @returns how many there are in {@link ranking} */
  rank(layer: number): number {
    this.#ranked[layer] = 1;
    const { versions } = this.#parts.predictor;
    if (versions === undefined) return this.ranking.rank(layer);
    const version = versions[layer]!;
    if (this.#version[layer] === version) return this.ranking.countOf(layer);
    this.#version[layer] = version;
    return this.ranking.rank(layer);
  }

  /** A layer's routing is known to be `demand[0..size)`: judges what was ranked, if anything was. */
  judge(layer: number, demand: Int32Array, size: number): void {
    if (this.#ranked[layer] === 0) return;
    const { recorder } = this.#parts;
    const { ranking } = this;
    let named = 0;
    let amongFirst = 0;
    for (let i = 0; i < size; i++) {
      // Signs are counted: whether a member was named is as uncertain as the prediction, and a branch would be mispredicted as often.
      const place = ranking.placeOf(demand[i]!);
      const isNamed = 1 - (place >>> 31);
      named += isNamed;
      amongFirst += isNamed & ((place - size) >>> 31);
    }
    recorder.predictedMembers += size;
    recorder.recalledUnion += named;
    recorder.recalledAtK += amongFirst;
  }

  /** The predictor learns from a layer that is known now. */
  observe(pass: Pass, layer: number): void {
    const { outlook, predictor } = this.#parts;
    predictor.observe(pass, layer);
    outlook?.done(pass, layer, predictor);
  }
}
