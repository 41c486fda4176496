// Evidence from whole paths: the paths of past tokens are kept, those that agree best with the current token's path so far are found, and
// vote on the layers ahead. The expert maps of FineMoE; agreement is counted by bit sets, layer by layer, as the path unfolds.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { type Evidence, NEXT_TOKEN } from './evidence.js';
import { evenShare, fastLog } from './log-odds.js';

/** Tokens of a pass whose paths are followed; the others are predicted from popularity. */
const FOLLOWED = 64;

/** Past paths and the current tokens' agreement with them. */
export class PathStore implements Evidence {
  readonly #model: ModelSpec;
  readonly #topK: number;
  readonly #capacity: number;
  readonly #words: number;
  /** `[experts, words]`: bit m of expert id = path m used it. */
  readonly #users: Uint32Array;
  /** `[capacity, layers, topK]` the paths, and the token id of each, -1: unknown. */
  readonly #paths: Uint16Array;
  readonly #tokenIds: Int32Array;
  #count = 0;
  #oldest = 0;
  /** `[FOLLOWED + 1, capacity]` experts that a token of the running pass shares with each path so far; the last row is for looking back. */
  readonly #shared: Uint16Array;
  /** Layers that each followed token's row counts. */
  readonly #known = new Int32Array(FOLLOWED);
  /** Best paths, of the token and layer that they were last searched for. */
  readonly #best: Int32Array;
  #found = 0;
  #foundPass = -1;
  #foundToken = -1;
  #foundAfter = -1;
  /** Votes for each expert of a layer; log-odds of each number of votes. */
  readonly #votes: Uint16Array;
  readonly #logOdds: Float64Array;

  /**
   * @param capacity paths that are kept; the oldest makes room
   * @param matches best paths that vote
   */
  constructor(model: ModelSpec, topK: number, capacity: number, matches: number) {
    this.#model = model;
    this.#topK = topK;
    this.#capacity = capacity;
    this.#words = Math.ceil(capacity / 32);
    this.#users = new Uint32Array(model.experts * this.#words);
    this.#paths = new Uint16Array(capacity * model.layers.length * topK).fill(NULL_EXPERT);
    this.#tokenIds = new Int32Array(capacity).fill(-1);
    this.#shared = new Uint16Array((FOLLOWED + 1) * capacity);
    this.#best = new Int32Array(matches);
    this.#logOdds = new Float64Array(matches + 1);
    this.#votes = new Uint16Array(model.layers.reduce((most, layer) => Math.max(most, layer.experts), 0));
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    if (after === NEXT_TOKEN || token >= FOLLOWED) return false;
    if (after < 0 && pass.tokenId === null) return false;
    if (this.#foundPass !== pass.number || this.#foundToken !== token || this.#foundAfter !== after) {
      this.#found = after < 0 ? this.#sameToken(pass.tokenId![token]!) : this.#mostShared(this.#sharedAt(pass, token, after));
      this.#foundPass = pass.number;
      this.#foundToken = token;
      this.#foundAfter = after;
    }
    if (this.#found === 0) return false;
    const { experts } = this.#model.layers[layer]!;
    const votes = this.#votes.fill(0, 0, experts);
    for (let k = 0; k < this.#found; k++) {
      const from = (this.#best[k]! * this.#model.layers.length + layer) * this.#topK;
      for (let i = from; i < from + this.#topK; i++) if (this.#paths[i] !== NULL_EXPERT) votes[this.#paths[i]!]! += 1;
    }
    // Few different counts of votes, many experts. One pseudo-vote is spread evenly.
    const share = evenShare(this.#model.layers[layer]!);
    const mean = fastLog(share) - fastLog(1 - share);
    for (let count = 0; count <= this.#found; count++) {
      const rate = (count + share) / (this.#found + 1);
      this.#logOdds[count] = weight * (fastLog(rate) - fastLog(1 - rate) - mean);
    }
    for (let e = 0; e < experts; e++) into[e]! += this.#logOdds[votes[e]!]!;
    return true;
  }

  learn(pass: Pass, token: number, layer: number): void {
    if (token >= FOLLOWED) return;
    const shared = token * this.#capacity;
    if (layer === 0) this.#shared.fill(0, shared, shared + this.#capacity);
    this.#countLayer(pass, token, layer, shared);
    this.#known[token] = layer + 1;
    if (layer === this.#model.layers.length - 1) this.#keep(pass, token);
  }

  /** Row of {@link #shared} that counts a token's path up to and including layer `after`. */
  #sharedAt(pass: Pass, token: number, after: number): number {
    if (this.#known[token] === after + 1) return token * this.#capacity;
    const scratch = FOLLOWED * this.#capacity;
    this.#shared.fill(0, scratch, scratch + this.#capacity);
    for (let layer = 0; layer <= after; layer++) this.#countLayer(pass, token, layer, scratch);
    return scratch;
  }

  #countLayer(pass: Pass, token: number, layer: number, shared: number): void {
    const { offset } = this.#model.layers[layer]!;
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) {
      const users = (offset + pass.chosen[i]!) * this.#words;
      for (let w = 0; w < this.#words; w++) {
        for (let bits = this.#users[users + w]!; bits !== 0; bits &= bits - 1) {
          this.#shared[shared + 32 * w + 31 - Math.clz32(bits & -bits)]! += 1;
        }
      }
    }
  }

  /** Paths that share most experts so far, best first, ties to the lower index. All paths are of one length: this is the cosine's order. */
  #mostShared(base: number): number {
    const shared = this.#shared;
    const best = this.#best;
    let found = 0;
    for (let m = 0; m < this.#count; m++) {
      const value = shared[base + m]!;
      if (found === best.length && value <= shared[base + best[found - 1]!]!) continue;
      let at = found < best.length ? found++ : found - 1;
      while (at > 0 && shared[base + best[at - 1]!]! < value) {
        best[at] = best[at - 1]!;
        at--;
      }
      best[at] = m;
    }
    return found;
  }

  /** Paths of the same token id: what stands for the paper's search by meaning, whose embeddings a trace does not hold. */
  #sameToken(id: number): number {
    let found = 0;
    for (let m = 0; m < this.#count && found < this.#best.length; m++) if (this.#tokenIds[m] === id) this.#best[found++] = m;
    return found;
  }

  #keep(pass: Pass, token: number): void {
    const { layers } = this.#model;
    const at = this.#count < this.#capacity ? this.#count++ : this.#oldest;
    this.#oldest = (at + 1) % this.#capacity;
    const word = at >> 5;
    const bit = 1 << (at & 31);
    const to = at * layers.length * this.#topK;
    const from = token * pass.row;
    for (const { index, offset } of layers) {
      for (let i = index * this.#topK; i < (index + 1) * this.#topK; i++) {
        const old = this.#paths[to + i]!;
        if (old !== NULL_EXPERT) this.#users[(offset + old) * this.#words + word]! &= ~bit;
      }
      for (let i = index * this.#topK; i < (index + 1) * this.#topK; i++) {
        const expert = pass.choices[from + i]!;
        this.#paths[to + i] = expert;
        if (expert !== NULL_EXPERT) this.#users[(offset + expert) * this.#words + word]! |= bit;
      }
    }
    this.#tokenIds[at] = pass.tokenId === null ? -1 : pass.tokenId[token]!;
  }
}
