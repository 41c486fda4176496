import { fastLog } from '../../base/log-odds.js';
import { remembered } from '../../base/objects.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { addColumn, type Evidence, evenShare, NEXT_TOKEN } from '../evidence.js';
import { PathIndex, type Similarity } from './path-index.js';
import { NOWHERE } from './path-ring.js';

interface Sharpness {
  /** Per share of a path's experts, before the pass and for the next token. */
  readonly before: number;
  /** Per share of a layer's experts, once layers are known. */
  readonly during: number;
}

/**
 * Voting paths, and weights. Ours: half and twice of each change recall by at most 0.5 points (docs/predictors.md).
 */
const VOTERS = 32;
const SIMILARITY: Similarity = { near: 1, mean: 4, before: 1 };
const SHARPNESS: readonly Sharpness[] = [
  { before: 11.5, during: 0.8 },
  { before: 23, during: 2 },
];

/** Votes of a column, whole numbers: a voter below half a vote has none. Two columns share a 32-bit word. */
const VOTES = 2048;
/** Bits of a column. */
const COLUMN_BITS = 16;
const COLUMN = 2 ** COLUMN_BITS - 1;
/** Evenly spread votes. Ours: 4 and 8 cost up to 0.4 points before the pass on three traces (docs/predictors.md). */
const SMOOTHING = 16;

/** Evidence from votes of the most similar paths, weight exp(sharpness x similarity). */
export class PathVotes {
  readonly index: PathIndex;
  /** Each column as evidence; the first teaches the index. */
  readonly columns: readonly Evidence[];
  readonly #sharpness: readonly Sharpness[];
  readonly #pathChoices: number;
  readonly #layerChoices: number;
  readonly #places: Int32Array;
  readonly #weights: Uint32Array;
  readonly #distance: Int32Array;
  #voters = 0;
  #search = -1;
  #layer = -1;
  /** By layer: log-odds by votes, relative to an even share. */
  readonly #logOdds: readonly Float32Array[];
  readonly #said: readonly (readonly Float32Array[])[];

  constructor({ layers }: ModelSpec, index: PathIndex, sharpness: readonly Sharpness[]) {
    this.index = index;
    this.#sharpness = sharpness;
    this.columns = sharpness.map((_, column) => columnOf(this, column));
    this.#pathChoices = layers.reduce((sum, layer) => sum + layer.topK, 0);
    this.#layerChoices = this.#pathChoices / layers.length;
    const { most } = index.best;
    this.#places = new Int32Array(most);
    this.#weights = new Uint32Array(most);
    this.#distance = new Int32Array(most);
    const widest = layers.reduce((wide, layer) => Math.max(wide, layer.experts), 0);
    const columns = [new Float32Array(widest), new Float32Array(widest)];
    this.#said = columns.map((column) => layers.map(({ experts }) => column.subarray(0, experts)));
    const tables = new Map<number, Float32Array>();
    this.#logOdds = layers.map((layer) => {
      const share = evenShare(layer);
      return remembered(tables, share, () => tableOf(share, VOTES + most));
    });
  }

  /** Log-odds of a column, see {@link Evidence.column}. */
  said(column: number, pass: Pass, token: number, after: number, layer: number): Float32Array | null {
    if (!this.index.select(pass, token, after)) return null;
    if (this.#search !== this.index.searches) this.#weigh(after);
    if (this.#voters === 0) return null;
    if (this.#layer !== layer) {
      this.#layer = layer;
      this.index.ballot.vote(layer);
      this.#lookUp(layer);
    }
    return this.#said[column]![layer]!;
  }

  #lookUp(layer: number): void {
    const logOdds = this.#logOdds[layer]!;
    const { votes } = this.index.ballot;
    const low = this.#said[0]![layer]!;
    const high = this.#said[1]![layer]!;
    for (let e = 0; e < low.length; e++) {
      const both = votes[e]!;
      low[e] = logOdds[both & COLUMN]!;
      high[e] = logOdds[both >>> COLUMN_BITS]!;
    }
  }

  /** Divides each column's votes among the found paths (next token: their successors). */
  #weigh(after: number): void {
    const { beforeUnit, best, ring, searches, unit } = this.index;
    const { count, places, similarity } = best;
    const { successor } = ring;
    const voting = this.#places;
    const weights = this.#weights;
    const distance = this.#distance;
    this.#search = searches;
    this.#layer = -1;
    let most = 0;
    for (let i = 0; i < count; i++) if (similarity[i]! > most) most = similarity[i]!;
    let voters = 0;
    for (let i = 0; i < count; i++) {
      const place = after === NEXT_TOKEN ? successor[places[i]!]! : places[i]!;
      if (place === NOWHERE) continue;
      voting[voters] = place;
      weights[voters] = 0;
      distance[voters++] = most - similarity[i]!;
    }
    for (let column = 0; column < this.#sharpness.length; column++) {
      const { before, during } = this.#sharpness[column]!;
      const steps = EXP_STEPS * (after < 0 ? before / (this.#pathChoices * beforeUnit) : during / (this.#layerChoices * unit));
      let sum = 0;
      for (let i = 0; i < voters; i++) sum += EXP[Math.min(LAST_EXP, steps * distance[i]!) | 0]!;
      const scale = VOTES / sum;
      const factor = 1 << (column * COLUMN_BITS);
      for (let i = 0; i < voters; i++) weights[i]! += factor * ((scale * EXP[Math.min(LAST_EXP, steps * distance[i]!) | 0]! + 0.5) | 0);
    }
    let kept = 0;
    for (let i = 0; i < voters; i++) {
      if (weights[i] === 0) continue;
      voting[kept] = voting[i]!;
      weights[kept++] = weights[i]!;
    }
    this.#voters = kept;
    this.index.ballot.elect(voting, weights, kept);
  }
}

/** exp(-x) at the middle of steps of 1 / EXP_STEPS; farther voters have less than half a vote. */
const EXP_STEPS = 64;
const EXP = Float64Array.from({ length: 9 * EXP_STEPS }, (_, step) => Math.exp(-(step + 0.5) / EXP_STEPS));
const LAST_EXP = EXP.length - 1;

function tableOf(share: number, most: number): Float32Array {
  const even = fastLog(share) - fastLog(1 - share);
  return Float32Array.from({ length: most + 1 }, (_, votes) => {
    const uses = Math.min(VOTES, votes) + SMOOTHING * share;
    const rest = Math.max(0, VOTES - votes) + SMOOTHING * (1 - share);
    return fastLog(uses) - fastLog(rest) - even;
  });
}

/** Votes of the most similar paths, part `retrieval`. @param paths kept */
export const pathVotes = (model: ModelSpec, topK: number, slots: number, paths: number): PathVotes =>
  new PathVotes(model, new PathIndex(model, topK, slots, paths, VOTERS, SIMILARITY), SHARPNESS);

function columnOf(votes: PathVotes, number: number): Evidence {
  const column: NonNullable<Evidence['column']> = (pass, token, after, layer) => votes.said(number, pass, token, after, layer);
  return {
    add: (pass, token, after, layer, weight, into) => addColumn(column(pass, token, after, layer), weight, into),
    column,
    learn(pass, token, layer) {
      if (number === 0) votes.index.learn(pass, token, layer);
    },
  };
}
