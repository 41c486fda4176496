import { fastLog } from '../../base/log-odds.js';
import { LogisticFit } from '../../base/logistic-fit.js';
import { type ModelSpec, mostExperts } from '../../model/door.js';
import { BEFORE_PASS } from '../../predict/evidence.js';
import { ChanceKernel } from './chance-kernel.js';

/** Steps of the score range [0, 1]. Ours. */
const STEPS = 20;
/** Distance classes: 1, 2, 3-4, 5-8 and more layers ahead, and the next pass. */
const DISTANCES = 6;
/** Prior weight of a step, in predictions at its own success rate. Ours. */
const TRUST = 24;
/** Predictions of a step before its counts are halved. Ours. */
const FULL = 16384;
/** Least distance of a chance from 0 and 1. Ours. */
const LEAST = 0.001;
/** Layers per judged layer in the first passes. Ours: judging all changes TPOT by at most 0.14 %. */
const JUDGED = 8;
/** Layers per judged layer later. Ours. */
const LATE_JUDGED = 32;
/** Passes judged more often. Ours. */
const FIRST_PASSES = 64;

class Reading {
  /** Weights of constant, score log-odds and next-use log-odds. */
  readonly fit = new LogisticFit([0, 0.5, 0.5]);
  readonly #judged = new Float64Array(STEPS + 1).fill(TRUST);
  readonly #true = Float64Array.from({ length: STEPS + 1 }, (_, step) => (TRUST * step) / STEPS);
  /** Log-odds of success by step, plus an extra entry for interpolation. */
  readonly steps = new Float64Array(STEPS + 2);

  constructor() {
    this.#renew();
  }

  /** Log-odds of a score's success, interpolated between steps to keep the experts' order. */
  logOdds(score: number): number {
    const place = score * STEPS;
    const step = place | 0;
    const low = this.steps[step]!;
    return low + (place - step) * (this.steps[step + 1]! - low);
  }

  judge(scores: Float32Array, from: number, end: number, demanded: Uint8Array): void {
    for (let id = from; id < end; id++) {
      const step = Math.round(scores[id]! * STEPS);
      this.#judged[step]! += 1;
      this.#true[step]! += demanded[id]!;
    }
    this.#renew();
  }

  #renew(): void {
    for (let step = 0; step <= STEPS; step++) {
      if (this.#judged[step]! > FULL) {
        this.#judged[step]! /= 2;
        this.#true[step]! /= 2;
      }
      const chance = Math.max(LEAST, Math.min(1 - LEAST, this.#true[step]! / this.#judged[step]!));
      this.steps[step] = fastLog(chance) - fastLog(1 - chance);
    }
    this.steps[STEPS + 1] = this.steps[STEPS]!;
  }
}

/** Probabilities from scores and expected next use, calibrated on past demands. */
export class Chances {
  readonly #model: ModelSpec;
  readonly #readings = Array.from({ length: DISTANCES }, () => new Reading());
  readonly #nextUse: Float32Array;
  /** `[DISTANCES, experts]` scores to judge, and pass by distance and layer. */
  readonly #said: readonly Float32Array[];
  readonly #saidIn: readonly Float64Array[];
  readonly #demanded: Uint8Array;
  readonly #columns: readonly Float64Array[];
  readonly #labels: Uint8Array;
  readonly #kernel: ChanceKernel;

  /** @param nextUse log-odds of each expert's next use, at its layer's last event */
  constructor(model: ModelSpec, nextUse: Float32Array) {
    const widest = mostExperts(model);
    this.#model = model;
    this.#nextUse = nextUse;
    this.#said = this.#readings.map(() => new Float32Array(model.experts));
    this.#saidIn = this.#readings.map(() => new Float64Array(model.layers.length));
    this.#demanded = new Uint8Array(model.experts);
    this.#columns = [new Float64Array(widest).fill(1), new Float64Array(widest), new Float64Array(widest)];
    this.#labels = new Uint8Array(widest);
    this.#kernel = new ChanceKernel(widest, STEPS);
  }

  /** @param pass from 1 @param after last known layer at the prediction; -1: no layer; below -1: before the pass */
  read(scores: Float32Array, pass: number, after: number, layer: number, chances: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const bucket = after < BEFORE_PASS ? DISTANCES - 1 : bucketOf(layer - after);
    const reading = this.#readings[bucket]!;
    const kernel = this.#kernel;
    const ofLayer = scores.subarray(offset, offset + experts);
    kernel.weights.set(reading.fit.weights);
    kernel.logOdds.set(reading.steps);
    kernel.scores.set(ofLayer);
    kernel.nextUse.set(this.#nextUse.subarray(offset, offset + experts));
    kernel.read(experts);
    chances.set(kernel.chances.length === experts ? kernel.chances : kernel.chances.subarray(0, experts), offset);
    if (!isJudged(pass, layer)) return;
    this.#said[bucket]!.set(ofLayer, offset);
    this.#saidIn[bucket]![layer] = pass;
  }

  /** Judges a prediction by its demand `demand[0 .. size)`, before next uses learn from the demand. */
  judge(pass: number, layer: number, demand: Int32Array, size: number): void {
    if (!isJudged(pass, layer)) return;
    const { experts, offset } = this.#model.layers[layer]!;
    for (let i = 0; i < size; i++) this.#demanded[demand[i]!] = 1;
    for (let bucket = 0; bucket < DISTANCES; bucket++) {
      if (this.#saidIn[bucket]![layer] === pass) this.#fit(this.#readings[bucket]!, this.#said[bucket]!, offset, offset + experts);
    }
    for (let i = 0; i < size; i++) this.#demanded[demand[i]!] = 0;
  }

  #fit(reading: Reading, scores: Float32Array, from: number, end: number): void {
    reading.judge(scores, from, end, this.#demanded);
    const score = this.#columns[1]!;
    const next = this.#columns[2]!;
    const labels = this.#labels;
    const nextUse = this.#nextUse;
    const demanded = this.#demanded;
    for (let id = from; id < end; id++) {
      score[id - from] = reading.logOdds(scores[id]!);
      next[id - from] = nextUse[id]!;
      labels[id - from] = demanded[id]!;
    }
    reading.fit.step(this.#columns, this.#labels, end - from);
  }
}

const bucketOf = (distance: number): number => Math.min(DISTANCES - 2, 32 - Math.clz32(distance - 1));

/** True if the layer's prediction is judged in this pass: layers take turns. */
const isJudged = (pass: number, layer: number): boolean => (pass + layer) % (pass < FIRST_PASSES ? JUDGED : LATE_JUDGED) === 0;
