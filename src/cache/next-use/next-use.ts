// Learned nearness of next uses: a logistic model of an expert's past and of similar passes. LRB (NSDI 2020) and Parrot
// (ICML 2020) also learn from Belady.
import { greatestCommonDivisor } from '../../base/divisor.js';
import { fastLog } from '../../base/log-odds.js';
import { LogisticFit } from '../../base/logistic-fit.js';
import { type ModelSpec, mostExperts } from '../../model/door.js';
import { Expectation, VOTE_STEP } from './expectation.js';
import { EVENTS_A_BLOCK, PASTS, PastBits, usedAgo, usedBlocks } from './past-bits.js';
import { FULL_VOTE, SimilarPasses } from './similar-passes.js';

/**
 * Loss of worth per pass until the next use: 1 / (1 + passes / 2). A slot held for n passes brings 1 / n transfers a
 * pass; half of that loss preserves order even if nearly all experts stay (range: docs/predictors.md).
 */
const LOST_A_PASS = 0.5;
/** Events after which a missing use counts as never; its worth would be 3 %. */
const WINDOW = 64;
const WORTH = Float64Array.from({ length: WINDOW + 1 }, (_, events) => worthAfter(1, Math.max(0, events - 1)));

/** Worth `passes` (0 or more) earlier, from worth 0..1 now; exact for a use at a known time. */
export function worthAfter(worth: number, passes: number): number {
  return worth / (1 + LOST_A_PASS * passes * worth);
}
/** Experts sampled for learning per pass, about. */
const SAMPLED = 128;
/** Prior weight of each past, in experts, at the worth predicted by recency. */
const SMOOTHING = 8;
const RECENCY = Float64Array.from({ length: PASTS }, (_, past) => recencyOf(past));
/** Samples between renewals of the table of pasts; early samples renew at once. */
const RENEWED = 16;
/** ln of the share of votes, by step; 0.003 keeps zero votes finite. */
const LOG_VOTE = Float64Array.from({ length: 2 * FULL_VOTE }, (_, step) => Math.log((VOTE_STEP * (step + 0.5)) / FULL_VOTE + 0.003));
/** Initial weights of constant, past, rate and votes, fitted on two recordings. */
const INITIAL = [1.5, 0.4, 0.3, 0.5];

interface Sample {
  readonly atEvent: number;
  readonly pasts: Uint16Array;
  readonly columns: readonly Float64Array[];
  readonly worth: Float64Array;
}

/** Learner of next uses. */
export class NextUse {
  /** By dense id, 0..1: mean of 1 / (1 + {@link LOST_A_PASS} x events of the layer before the next use). */
  readonly values: Float32Array;
  readonly logOdds: Float32Array;
  /** By MoE layer: changes with the layer's `values`. */
  readonly version: Uint32Array;
  readonly #model: ModelSpec;
  readonly #history: UseHistory;
  readonly #similar: SimilarPasses;
  readonly #fit = new LogisticFit(INITIAL);
  /** By past: experts seen, sum of their worth, log-odds of the mean worth. */
  readonly #seen = new Float64Array(PASTS);
  readonly #worth = new Float64Array(PASTS);
  readonly #logOdds = new Float64Array(PASTS);
  readonly #expectation: Expectation;
  /** By MoE layer: samples with an open window, oldest first. */
  readonly #samples: readonly Sample[][];
  #learned = 0;
  readonly #interval: number;
  #untilSample: number;

  constructor(model: ModelSpec) {
    const widest = mostExperts(model);
    this.#model = model;
    const expectation = new Expectation(placesOf(model), model.experts, widest, LOG_VOTE.length);
    this.#expectation = expectation;
    this.values = expectation.values;
    this.logOdds = expectation.logOdds;
    this.version = new Uint32Array(model.layers.length);
    this.#history = new UseHistory(model, expectation);
    this.#similar = new SimilarPasses(model);
    this.#samples = model.layers.map(() => []);
    this.#interval = intervalOf(model);
    this.#untilSample = this.#interval;
    this.#renew();
    this.#weigh();
  }

  /** @param ids demand `[0 .. size)`, dense ids */
  demanded(layer: number, ids: Int32Array, size: number): void {
    const { experts, offset } = this.#model.layers[layer]!;
    this.#history.used(layer, ids, size);
    this.#similar.demanded(layer, ids, size);
    this.#judge(layer, ids, size);
    this.#similar.write(layer, this.#expectation.votes);
    this.#expectation.expect(this.#history.placeOf(layer), offset, experts, this.#fit.weights[2]!);
    this.version[layer]! += 1;
    if (--this.#untilSample === 0) this.#sample(layer);
  }

  /** Credits uses to open samples; learns from samples with an ended window. */
  #judge(layer: number, ids: Int32Array, size: number): void {
    const { offset } = this.#model.layers[layer]!;
    const now = this.#history.events[layer]!;
    const samples = this.#samples[layer]!;
    for (let s = 0; s < samples.length; s++) {
      const { atEvent, worth } = samples[s]!;
      for (let i = 0; i < size; i++) {
        const e = ids[i]! - offset;
        if (worth[e] === 0) worth[e] = WORTH[now - atEvent]!;
      }
    }
    if (samples.length > 0 && now - samples[0]!.atEvent === WINDOW) this.#learn(samples.shift()!);
  }

  #learn({ columns, pasts, worth }: Sample): void {
    for (let e = 0; e < worth.length; e++) {
      this.#seen[pasts[e]!]! += 1;
      this.#worth[pasts[e]!]! += worth[e]!;
    }
    this.#fit.step(columns, worth, worth.length);
    if (++this.#learned < 4 * RENEWED || this.#learned % RENEWED === 0) this.#renew();
    this.#weigh();
  }

  #sample(layer: number): void {
    this.#untilSample = this.#interval;
    const { experts, offset } = this.#model.layers[layer]!;
    const pasts = new Uint16Array(experts);
    this.#history.writePasts(layer, pasts);
    const past = new Float64Array(experts);
    const votes = new Float64Array(experts);
    const { votes: votesOf } = this.#expectation;
    for (let e = 0; e < experts; e++) {
      past[e] = this.#logOdds[pasts[e]!]!;
      votes[e] = LOG_VOTE[(votesOf[e]! / VOTE_STEP) | 0]!;
    }
    this.#samples[layer]!.push({
      atEvent: this.#history.events[layer]!,
      pasts,
      columns: [new Float64Array(experts).fill(1), past, this.#history.logRate.slice(offset, offset + experts), votes],
      worth: new Float64Array(experts),
    });
  }

  #renew(): void {
    for (let past = 0; past < PASTS; past++) {
      const worth = (this.#worth[past]! + SMOOTHING * RECENCY[past]!) / (this.#seen[past]! + SMOOTHING);
      this.#logOdds[past] = fastLog(worth) - fastLog(1 - worth);
    }
  }

  #weigh(): void {
    const { weights } = this.#fit;
    const [bias, past, votes] = [weights[0]!, weights[1]!, weights[3]!];
    const { pastTerm, voteTerm } = this.#expectation;
    for (let i = 0; i < PASTS; i++) pastTerm[i] = bias + past * this.#logOdds[i]!;
    for (let i = 0; i < LOG_VOTE.length; i++) voteTerm[i] = votes * LOG_VOTE[i]!;
  }
}

/** Events between samples, coprime to the number of layers, so that each layer has its turn. */
function intervalOf({ experts, layers }: ModelSpec): number {
  let interval = Math.max(1, Math.round(experts / SAMPLED));
  while (greatestCommonDivisor(interval, layers.length) > 1) interval++;
  return interval;
}

/** Half-life of the count, in events of a layer. A second count of 32 adds nothing (docs/predictors.md). */
const HALF_LIFE = 256;
/** Decay after one event, then by number of events; later zero. */
const LEFT = 2 ** (-1 / HALF_LIFE);
const LEFT_AFTER = Float64Array.from({ length: 64 * HALF_LIFE }, (_, events) => LEFT ** events);
/** Rate floor for the logarithm: one use in 250 events. */
const LEAST_RATE = 0.004;

/** Past uses by expert, in events of its layer: recent bits (`PastBits`) and a decayed count. */
export class UseHistory {
  /** By dense id, renewed every {@link EVENTS_A_BLOCK} events. */
  readonly logRate: Float64Array;
  readonly events: Int32Array;
  readonly #model: ModelSpec;
  readonly #start: Int32Array;
  readonly #bits: PastBits;
  readonly #count: Float64Array;
  readonly #last: Int32Array;

  /** @param room zeros: two bytes per place, a rate per expert */
  constructor(
    model: ModelSpec,
    room: Pick<Expectation, 'bits' | 'logRate'> = {
      bits: new Uint8Array(2 * placesOf(model)),
      logRate: new Float64Array(model.experts),
    },
  ) {
    const { experts, layers } = model;
    this.#model = model;
    this.#start = new Int32Array(layers.length);
    for (const { experts: before, index } of layers) this.#start[index + 1] = this.#start[index]! + 4 * Math.ceil(before / 4);
    this.#bits = new PastBits(room.bits);
    this.#count = new Float64Array(experts);
    this.#last = new Int32Array(experts);
    this.logRate = room.logRate.fill(Math.log(LEAST_RATE));
    this.events = new Int32Array(layers.length);
  }

  /** @param ids uses `[0 .. size)`, dense ids */
  used(layer: number, ids: Int32Array, size: number): void {
    const now = ++this.events[layer]!;
    const { experts, offset } = this.#model.layers[layer]!;
    const start = this.#start[layer]!;
    this.#bits.age(start, experts, now % EVENTS_A_BLOCK === 0);
    const count = this.#count;
    const last = this.#last;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      this.#bits.recent[start + id - offset]! |= 1;
      count[id] = 1 + count[id]! * leftAfter(now - last[id]!);
      last[id] = now;
    }
    if ((now + layer) % EVENTS_A_BLOCK !== 0) return;
    for (let id = offset; id < offset + experts; id++)
      this.logRate[id] = fastLog((1 - LEFT) * count[id]! * leftAfter(now - last[id]!) + LEAST_RATE);
  }

  placeOf(layer: number): number {
    return this.#start[layer]!;
  }

  /** Writes each expert's past, a number below `PASTS`. */
  writePasts(layer: number, into: Uint16Array): void {
    const start = this.#start[layer]!;
    const bits = this.#bits;
    const { experts } = this.#model.layers[layer]!;
    for (let e = 0; e < experts; e++) into[e] = bits.past(start + e);
  }
}

/** Places of bits: experts of each layer, padded to whole words. */
function placesOf({ layers }: ModelSpec): number {
  return layers.reduce((places, { experts }) => places + 4 * Math.ceil(experts / 4), 0);
}

const leftAfter = (events: number): number => (events < LEFT_AFTER.length ? LEFT_AFTER[events]! : 0);

/** 0..1, before learning. Weights are ours; 100 events of learning replace them. */
export function recencyOf(past: number): number {
  let rate = 0.02 + 0.35 * (usedBlocks(past) / 8);
  for (let back = 0; back < EVENTS_A_BLOCK; back++) if (usedAgo(past, back)) rate += 0.12 * 0.85 ** back;
  return rate;
}
