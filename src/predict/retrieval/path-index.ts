import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { NEXT_TOKEN } from '../evidence.js';
import { BestPlaces } from './best-places.js';
import { FOLLOWED, FollowedTokens } from './followed-tokens.js';
import { PathBallot } from './path-ballot.js';
import { LONGEST_CONTEXT, PathContexts } from './path-contexts.js';
import { PathHints } from './path-hints.js';
import { BLOCK, MOST_ROWS, ONE, type PathKernels, pathKernelsOn, SCRATCH_BYTES } from './path-kernels.js';
import { NOWHERE, PathRing } from './path-ring.js';

/** Decay of agreement per layer. Ours, chosen on code and math. */
const LAYER_DECAY = 0.8;
/** Decay of previous tokens' agreement per token. Ours, chosen likewise. */
const TOKEN_DECAY = 0.4;

/** Credit of a path for an equal token id, in paths. Ours, chosen on mini-finegrained-64x12l. */
const SAME_ID = 1;
/** Credit per further equal context id, in paths. Ours, chosen likewise. */
const SAME_CONTEXT = 0.25;

/** Largest 16-bit sum, with room for rounding. */
const FULL = 30_000;

/** Padding of bit rows, bytes: rows of 2^n bytes would share cache lines. */
const APART = 64;

/** Weights of the similarity of two paths after some known layers. */
export interface Similarity {
  /** Weight of shared experts, decayed by {@link LAYER_DECAY} a layer: 0 or 1. */
  readonly near: number;
  /** Weight of shared experts per known layer. */
  readonly mean: number;
  /** Weight of earlier tokens' shared experts per layer, decayed by {@link TOKEN_DECAY} a token. */
  readonly before: number;
}

/** Inputs of the last {@link PathIndex.best}. */
interface Asked {
  token: number;
  after: number;
  known: number;
}

/** Kept paths, in whole numbers: equal on every machine. */
export class PathIndex {
  readonly ring: PathRing;
  /** Paths found by {@link select}, similarities in units of {@link unit}. */
  readonly best: BestPlaces;
  readonly ballot: PathBallot;
  /** Grows with every search, and so with changes of {@link best}. */
  searches = 0;
  /** Similarity of an expert shared at the last known layer, and by an earlier token. */
  readonly unit: number;
  readonly beforeUnit: number;
  readonly #credit: Uint16Array;
  readonly #layers: ModelSpec['layers'];
  readonly #during: Similarity;
  readonly #shift: number;
  readonly #kernels: PathKernels;
  readonly #words: Int32Array;
  readonly #shorts: Int16Array;
  readonly #list = SCRATCH_BYTES;
  readonly #found: number;
  readonly #bits: number;
  readonly #nobodys: number;
  readonly #rowBytes: number;
  readonly #width: number;
  readonly #bytes: number;
  /**
   * `[rows, width]` by followed token: shared experts decayed, plain, of earlier tokens; `[slots, width]` carried on.
   */
  readonly #near: number;
  readonly #whole: number;
  readonly #before: number;
  readonly #carried: number;
  readonly #rows: number;
  #contexts: PathContexts | null = null;
  /** Last search's best by followed token, then slot; for next tokens from row `#nextHints`. */
  readonly #hints: PathHints;
  readonly #nextHints: number;
  readonly #followed: FollowedTokens;
  /** By slot: request, place of the last path, and paths kept before. */
  readonly #owner: Int32Array;
  readonly #place: Int32Array;
  readonly #keptAt: Float64Array;
  #kept = 0;
  readonly #asked: Asked = { token: -1, after: 0, known: 0 };

  /** @param slots most requests at once @param voters found paths @param during weights */
  constructor(model: ModelSpec, topK: number, slots: number, capacity: number, voters: number, during: Similarity) {
    this.#layers = model.layers;
    this.#during = during;
    this.#width = BLOCK * Math.ceil(capacity / BLOCK);
    this.#bytes = 2 * this.#width;
    this.#rowBytes = this.#width / 8 + APART;
    // Sampled tokens, each request's last, and a spare row.
    this.#rows = FOLLOWED + slots + 1;
    this.#found = 64 * Math.ceil((SCRATCH_BYTES + 4 * MOST_ROWS) / 64);
    this.#bits = this.#found + 8 * this.#width;
    this.#nobodys = this.#bits + model.experts * this.#rowBytes;
    this.#near = this.#nobodys + this.#rowBytes;
    this.#whole = this.#near + this.#rows * this.#bytes;
    this.#before = this.#whole + this.#rows * this.#bytes;
    this.#carried = this.#before + this.#rows * this.#bytes;
    const votersAt = this.#carried + slots * this.#bytes;
    const votes = votersAt + 8 * voters;
    const paths = votes + 4 * (NULL_EXPERT + 1);
    const row = model.layers.length * topK;
    const { kernels, memory } = pathKernelsOn(paths + 2 * capacity * row);
    this.#kernels = kernels;
    this.#words = new Int32Array(memory.buffer);
    this.#shorts = new Int16Array(memory.buffer, 0, votersAt / 2);
    const bits = new Uint8Array(memory.buffer, this.#bits, model.experts * this.#rowBytes);
    this.ring = new PathRing(model, topK, new Uint16Array(memory.buffer, paths, capacity * row), bits, this.#rowBytes);
    this.ballot = new PathBallot(model, topK, kernels, this.#words, { voters: votersAt, votes, paths });
    this.best = new BestPlaces(voters, this.#width);
    const choices = topK * model.layers.length;
    const most = 1 + (1 + SAME_ID + SAME_CONTEXT * (LONGEST_CONTEXT - 1)) / (1 - TOKEN_DECAY);
    this.beforeUnit = powerOfTwo(FULL / (choices * most));
    this.#credit = Uint16Array.from({ length: LONGEST_CONTEXT + 1 }, (_, ids) =>
      ids === 0 ? 0 : choices * this.beforeUnit * (SAME_ID + SAME_CONTEXT * (ids - 1)),
    );
    const room = FULL / (topK * (1 / (1 - LAYER_DECAY) + during.mean));
    this.unit = powerOfTwo(during.before > 0 ? Math.min(room, (model.layers.length * this.beforeUnit) / during.before) : room);
    this.#shift = Math.log2(this.unit);
    this.#nextHints = this.#rows + slots;
    this.#hints = new PathHints(2 * this.#nextHints, voters);
    this.#followed = new FollowedTokens(slots);
    this.#owner = new Int32Array(slots).fill(NOBODY);
    this.#place = new Int32Array(slots).fill(NOWHERE);
    this.#keptAt = new Float64Array(slots);
  }

  /** Learns a token's experts at `layer`; skips known layers (several events per layer). */
  learn(pass: Pass, token: number, layer: number): void {
    this.#begin(pass);
    const { known, rowOf } = this.#followed;
    if (known[token] !== layer) return;
    known[token] = layer + 1;
    const row = rowOf[token]!;
    if (row >= 0) this.#share(pass, token, layer, row);
    if (token === pass.tokens - 1 && layer === this.#layers.length - 1) this.#keep(pass);
  }

  /** Into {@link best}, known up to layer `after`. @returns false: no paths */
  select(pass: Pass, token: number, after: number): boolean {
    this.#begin(pass);
    const row = this.#followed.rowOf[token]!;
    if (row < 0) return false;
    const known = this.#followed.known[token]!;
    const asked = this.#asked;
    if (asked.token === token && asked.after === after && asked.known === known) return this.best.count > 0;
    asked.token = token;
    asked.after = after;
    asked.known = known;
    const { before, mean, near } = this.#during;
    if (after === NEXT_TOKEN) {
      // Earlier tokens count as for the next token, in proportion to known layers.
      const share = known / this.#layers.length;
      this.#search(this.#nextHints + row, row, 0, this.beforeUnit, 1 - (1 - TOKEN_DECAY) * share);
    } else if (after < 0) {
      this.#search(row, row, 0, 0, 1);
    } else {
      const from = after + 1 === known ? row : this.#lookBack(pass, token, after, row);
      this.#search(
        row,
        from,
        near,
        Math.round((this.unit * mean) / (after + 1)),
        (before * this.unit) / (this.#layers.length * this.beforeUnit),
      );
    }
    return this.best.count > 0;
  }

  /** @param hints row of the last search's best */
  #search(hints: number, from: number, near: number, whole: number, before: number): void {
    this.searches++;
    const { best, ring } = this;
    const [a, c] = [fraction(near), fraction(before)];
    const bytes = 2 * BLOCK * Math.ceil(ring.count / BLOCK);
    const nears = this.#near + from * this.#bytes;
    const wholes = this.#whole + from * this.#bytes;
    const befores = this.#before + from * this.#bytes;
    best.count = 0;
    if (bytes === 0) return;
    for (let least = this.#least(hints, from, a, whole, c); ; least = 0) {
      const found = this.#kernels.scan(nears, nears + bytes, wholes, befores, a, whole, c, least, this.#found);
      best.take(this.#words, this.#found >> 2, found >> 2, least);
      // Duplicate hints may leave too few above the least: search again from 0.
      if (least === 0 || best.count === best.most) break;
    }
    this.#hints.found(hints, best);
  }

  /** A similarity exceeded by as many paths as wanted. */
  #least(hinted: number, from: number, a: number, whole: number, c: number): number {
    const { most } = this.best;
    const hints = this.#hints.full(hinted);
    if (hints === null) return 0;
    const shorts = this.#shorts;
    const near = (this.#near + from * this.#bytes) >> 1;
    const apart = (this.#rows * this.#bytes) >> 1;
    const end = (hinted + 1) * most;
    let least = FULL;
    for (let i = hinted * most; i < end; i++) {
      const at = near + hints[i]!;
      const sum = scaled(shorts[at]!, a) + shorts[at + apart]! * whole + scaled(shorts[at + 2 * apart]!, c);
      if (sum < least) least = sum;
    }
    return Math.max(0, least - 1);
  }

  #share(pass: Pass, token: number, layer: number, row: number): void {
    const bytes = (BLOCK / 8) * Math.ceil(this.ring.count / BLOCK);
    if (bytes === 0) return;
    const { offset } = this.#layers[layer]!;
    const count = pass.listChosen(token, layer);
    const near = this.#near + row * this.#bytes;
    const whole = this.#whole + row * this.#bytes;
    const list = this.#list >> 2;
    let decay = fraction(LAYER_DECAY);
    for (let from = 0; from === 0 || from < count; from += MOST_ROWS) {
      const rows = Math.min(count - from, MOST_ROWS);
      for (let i = 0; i < rows; i++) this.#words[list + i] = this.#bits + (offset + pass.chosen[from + i]!) * this.#rowBytes;
      // A token without a choice shares nothing, and earlier agreement fades.
      if (rows === 0) this.#words[list] = this.#nobodys;
      this.#kernels.share(this.#list, this.#list + 4 * Math.max(1, rows), bytes, near, whole, decay, this.#shift);
      decay = ONE;
    }
  }

  #lookBack(pass: Pass, token: number, after: number, row: number): number {
    const spare = this.#rows - 1;
    this.#clear(spare);
    const before = this.#before >> 1;
    this.#shorts.copyWithin(before + spare * this.#width, before + row * this.#width, before + (row + 1) * this.#width);
    for (let layer = 0; layer <= after; layer++) this.#share(pass, token, layer, spare);
    return spare;
  }

  #clear(row: number): void {
    for (const part of [this.#near, this.#whole]) {
      const from = (part >> 1) + row * this.#width;
      this.#shorts.fill(0, from, from + this.#width);
    }
  }

  #begin(pass: Pass): void {
    if (!this.#followed.begin(pass)) return;
    this.#asked.token = -1;
    const { rowOf } = this.#followed;
    for (let token = 0; token < pass.tokens; token++) if (rowOf[token]! >= 0) this.#start(pass, token, rowOf[token]!);
  }

  /** Compares earlier tokens; only a request's first token in a pass has earlier tokens. */
  #start(pass: Pass, token: number, row: number): void {
    this.#clear(row);
    const slot = pass.slot[token]!;
    const { count, previous } = this.ring;
    const before = (this.#before >> 1) + row * this.#width;
    const follows = this.#owner[slot] === pass.request[token] && this.#followed.first[slot] === token;
    const shorts = this.#shorts;
    if (follows) {
      const carried = (this.#carried >> 1) + slot * this.#width;
      for (let place = 0; place < count; place++) {
        const last = previous[place]!;
        shorts[before + place] = last === NOWHERE ? 0 : shorts[carried + last]!;
      }
    } else {
      shorts.fill(0, before, before + this.#width);
    }
    // Successors of the previous token's best paths are the first hints.
    for (const first of [0, this.#nextHints]) this.#hints.follow(first + row, follows ? first + this.#rows + slot : -1, this.ring);
    if (pass.tokenId === null) return;
    this.#contexts ??= new PathContexts(this.#rows, this.#owner.length, this.#width);
    this.#contexts.compare(pass.tokenId[token]!, row, follows ? slot : -1, this.ring, shorts, before, this.#credit);
  }

  /** Ends a pass: carries agreement to the next pass, keeps the paths. */
  #keep(pass: Pass): void {
    this.#asked.token = -1;
    const { last, rowOf } = this.#followed;
    const decay = fraction(TOKEN_DECAY);
    for (let token = 0; token < pass.tokens; token++) {
      const slot = pass.slot[token]!;
      if (last[slot] !== token) continue;
      const row = rowOf[token]!;
      const whole = this.#whole + row * this.#bytes;
      const to = this.#carried + slot * this.#bytes;
      this.#kernels.carry(whole, whole + this.#bytes, this.#before + row * this.#bytes, to, decay, Math.log2(this.beforeUnit));
      this.#contexts?.carry(row, slot);
      for (const first of [0, this.#nextHints]) this.#hints.copy(first + row, first + this.#rows + slot);
    }
    for (let token = 0; token < pass.tokens; token++) {
      if (pass.wrong[token] === 1) continue;
      const slot = pass.slot[token]!;
      const follows = this.#owner[slot] === pass.request[token] && this.#kept - this.#keptAt[slot]! < this.ring.capacity;
      const place = this.ring.keep(pass, token, follows ? this.#place[slot]! : NOWHERE);
      this.#owner[slot] = pass.request[token]!;
      this.#place[slot] = place;
      this.#keptAt[slot] = this.#kept++;
      this.#forget(place);
    }
  }

  #forget(place: number): void {
    const shorts = this.#shorts;
    const width = this.#width;
    for (let at = (this.#near >> 1) + place; at < shorts.length; at += width) shorts[at] = 0;
    this.#contexts?.forget(place);
  }
}

const fraction = (factor: number): number => Math.min(ONE, Math.round(factor * (ONE + 1)));

const scaled = (value: number, factor: number): number => (value * factor + (ONE + 1) / 2) >> 15;

const powerOfTwo = (most: number): number => 2 ** Math.max(0, Math.floor(Math.log2(most)));

/** No request's index: a run counts from 0, training traces count down from -2. */
const NOBODY = -1;
