import { fastLog } from '../../base/log-odds.js';
import { LogisticFit } from '../../base/logistic-fit.js';
import type { ModelSpec } from '../../model/door.js';
import { BEFORE_PASS } from '../../predict/evidence.js';
import { ChanceKernel } from './chance-kernel.js';

const STEPS = 20;
/** Classes of distances: 1, 2, 3-4, 5-8 layers ahead and more, and the next pass. */
const DISTANCES = 6;
/** Prior of a step, in judged predictions at the step's own rate of success. Ours. */
const TRUST = 24;
/** Predictions of a step before its counts are halved, so that old ones fade. Ours. */
const FULL = 16384;
/** Least distance of a chance from 0 and 1. */
const LEAST = 0.001;
/** One layer in this many is judged in a pass, after the first passes. Ours: judging all changes TPOT by at most 0.14 %. */
const JUDGED = 8;
const LATE_JUDGED = 32;
const FIRST_PASSES = 64;

/** Calibration of the scores of one distance. */
class Reading {
  /** Weights of one, of the score's log-odds, and of the next use's. */
  readonly fit = new LogisticFit([0, 0.5, 0.5]);
  /** By step: judged predictions, and successes. */
  readonly #judged = new Float64Array(STEPS + 1).fill(TRUST);
  readonly #true = Float64Array.from({ length: STEPS + 1 }, (_, step) => (TRUST * step) / STEPS);
  /** Log-odds of success by step, and a neighbour for the last. */
  readonly steps = new Float64Array(STEPS + 2);

  constructor() {
    this.#renew();
  }

  /** Log-odds of a score, interpolated between steps: the order of experts stays. */
  logOdds(score: number): number {
    const place = score * STEPS;
    const step = place | 0;
    const low = this.steps[step]!;
    return low + (place - step) * (this.steps[step + 1]! - low);
  }

  /** Successes of scores: experts whose `demanded` is 1. */
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

/**
 * Probability of a demand from scores and expected next uses, calibrated on what followed: bad predictors do no harm.
 */
export class Chances {
  readonly #model: ModelSpec;
  readonly #readings = Array.from({ length: DISTANCES }, () => new Reading());
  /** By dense id: log-odds of the next use. */
  readonly #nextUse: Float32Array;
  /** `[DISTANCES, experts]` scores to judge, and their pass by distance and layer. */
  readonly #said: readonly Float32Array[];
  readonly #saidIn: readonly Float64Array[];
  readonly #demanded: Uint8Array;
  readonly #columns: readonly Float64Array[];
  readonly #labels: Uint8Array;
  readonly #kernel: ChanceKernel;

  /** @param nextUse log-odds of next uses, as of the layer's last event */
  constructor(model: ModelSpec, nextUse: Float32Array) {
    const widest = model.layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
    this.#model = model;
    this.#nextUse = nextUse;
    this.#said = this.#readings.map(() => new Float32Array(model.experts));
    this.#saidIn = this.#readings.map(() => new Float64Array(model.layers.length));
    this.#demanded = new Uint8Array(model.experts);
    this.#columns = [new Float64Array(widest).fill(1), new Float64Array(widest), new Float64Array(widest)];
    this.#labels = new Uint8Array(widest);
    this.#kernel = new ChanceKernel(widest, STEPS);
  }

  /**
   * A layer's scores as `chances`. @param pass number, from 1 @param after last known layer; -1: none; less: before the
   * pass
   */
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

  /** Judges a layer's prediction by its demand `demand[0 .. size)`, before next uses learn from the demand. */
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

/** Distances with one reading: 1, 2, 3-4, 5-8 layers ahead, and more. */
const bucketOf = (distance: number): number => Math.min(DISTANCES - 2, 32 - Math.clz32(distance - 1));

/** True if this pass judges the layer: layers take turns. */
const isJudged = (pass: number, layer: number): boolean => (pass + layer) % (pass < FIRST_PASSES ? JUDGED : LATE_JUDGED) === 0;
