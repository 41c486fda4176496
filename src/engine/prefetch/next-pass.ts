import type { Pass } from '../../schedule/door.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { Chances } from './chances.js';
import { Ranking } from './ranking.js';

/** Experts to bring on idle links, with a whole pass of time. */
export class NextPass {
  /** By dense id: calibrated chance of a demand in the next pass. */
  readonly chances: Float32Array;
  knownNs = 0;
  readonly #gpu: Gpu;
  readonly #setup: PrefetchSetup;
  readonly #calibration: Chances;
  readonly #scores: Float32Array;
  readonly #ranking: Ranking;
  /** By layer: ranked experts; 0: unranked, or reached by the next pass. */
  readonly #count: Int32Array;
  /** Candidates before `#layer` and `#at` are examined since the last event; layers count from `#from`, cyclically. */
  #from = 0;
  #layers = 0;
  #layer = 0;
  #at = 0;

  constructor(gpu: Gpu, setup: PrefetchSetup) {
    const { experts, layers } = gpu.model;
    this.#gpu = gpu;
    this.#setup = setup;
    this.chances = new Float32Array(experts);
    this.#scores = new Float32Array(experts);
    this.#calibration = new Chances(gpu.model, setup.expectedUse!.later.logOdds);
    this.#ranking = new Ranking(gpu.model, setup.limits.perLayer, this.chances);
    this.#count = new Int32Array(layers.length);
  }

  known(pass: Pass, layer: number, demand: Int32Array, size: number): void {
    this.#calibration.judge(pass.number, layer, demand, size);
    this.#count[layer] = 0;
  }

  /** Predicts a layer of the next pass after learning from this pass; policies see the prediction at once. */
  predict(pass: Pass, layer: number, nowNs: number): void {
    const { expectedUse, limits, predictor, time } = this.#setup;
    const { recorder } = this.#gpu;
    predictor.next!(pass, layer, this.#scores);
    this.#calibration.read(this.#scores, pass.number + 1, layer - 1, layer, this.chances);
    expectedUse!.ahead(layer, this.chances);
    const ranked = this.#ranking.rank(layer);
    const first = layer * limits.perLayer;
    let count = 0;
    while (count < ranked && this.chances[this.#ranking.ids[first + count]!]! >= limits.minProbability) count++;
    this.#count[layer] = count;
    const costNs = time.ns(pass.tokens, layer - 1, layer);
    recorder.predictions++;
    recorder.predictionNs += costNs;
    this.knownNs = nowNs + costNs;
  }

  /** Restarts the candidates, nearest layers first, from `first` around to the last known layer. */
  again(first: number, routed: number): void {
    const { length } = this.#count;
    this.#from = first;
    this.#layers = length - first + routed + 1;
    this.#layer = 0;
    this.#at = 0;
  }

  /** Next candidate missing on the GPU, by dense id; -1: no candidate. */
  take(): number {
    const { ids, width } = this.#ranking;
    for (; this.#layer < this.#layers; this.#layer++, this.#at = 0) {
      const layer = (this.#from + this.#layer) % this.#count.length;
      while (this.#at < this.#count[layer]!) {
        const id = ids[layer * width + this.#at++]!;
        if (!this.#gpu.gpu.holds(id, layer)) return id;
      }
    }
    return -1;
  }
}
