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

/** Decay of an agreement per layer, and of the agreement of previous tokens per token. Ours, chosen on code and math. */
const LAYER_DECAY = 0.8;
const TOKEN_DECAY = 0.4;

/** Credit of a path with the same token id, and for each further id of the context, in paths. Ours, chosen on mini-finegrained-64x12l. */
const SAME_ID = 1;
const SAME_CONTEXT = 0.25;

/** Largest sum that is meant to fit in 16 bits, with room for rounding. */
const FULL = 30_000;

/** Bytes between two rows of bits beyond their length: rows of 2^n bytes would share the lines of a cache. */
const APART = 64;

/** How similar two paths are once some layers of the running one are known. */
export interface Similarity {
  /** Weight of the experts shared, decayed by {@link LAYER_DECAY} a layer: 0 or 1. */
  readonly near: number;
  /** Weight of the experts shared per layer known. */
  readonly mean: number;
  /** Weight of the experts that the tokens before shared per layer of theirs, decayed by {@link TOKEN_DECAY} a token. */
  readonly before: number;
}

/** For whom {@link PathIndex.best} was searched. */
interface Asked {
  /** -1: none. */
  token: number;
  after: number;
  /** Layers of the token that were known. */
  known: number;
}

/** The kept paths, and how similar those of the running tokens are to them, layer by layer, in whole numbers: equal on every machine. */
export class PathIndex {
  readonly ring: PathRing;
  /** The paths that {@link select} found, with similarities in units of {@link unit}. */
  readonly best: BestPlaces;
  /** The votes of kept paths on experts. */
  readonly ballot: PathBallot;
  /** Grows with every search: while it stays, so does {@link best}. */
  searches = 0;
  /** Similarity of one expert that is shared at the last layer known, and of one that a token before shared. */
  readonly unit: number;
  readonly beforeUnit: number;
  /** By ids of the same context: what they are worth. */
  readonly #credit: Uint16Array;
  readonly #layers: ModelSpec['layers'];
  readonly #during: Similarity;
  readonly #shift: number;
  readonly #kernels: PathKernels;
  /** The kernels' memory; its parts begin at these bytes. */
  readonly #words: Int32Array;
  readonly #shorts: Int16Array;
  readonly #list = SCRATCH_BYTES;
  readonly #found: number;
  readonly #bits: number;
  readonly #nobodys: number;
  readonly #rowBytes: number;
  /** Paths of a row of counts, whole blocks; and bytes of a row. */
  readonly #width: number;
  readonly #bytes: number;
  /** `[rows, width]` of each followed token: experts shared so far, decayed and plain, and of the tokens before; `[slots, width]` of next tokens. */
  readonly #near: number;
  readonly #whole: number;
  readonly #before: number;
  readonly #carried: number;
  readonly #rows: number;
  /** Common contexts of token ids; null: tokens have no ids. */
  #contexts: PathContexts | null = null;
  /** The best paths of the last search: a row for each followed token, then for each slot; from row `#nextHints` on about next tokens. */
  readonly #hints: PathHints;
  readonly #nextHints: number;
  readonly #followed: FollowedTokens;
  /** By slot: its request, the place of the request's last path, and how many paths had been kept before that. */
  readonly #owner: Int32Array;
  readonly #place: Int32Array;
  readonly #keptAt: Float64Array;
  #kept = 0;
  readonly #asked: Asked = { token: -1, after: 0, known: 0 };

  /** @param slots most requests at once @param capacity paths that are kept @param voters paths that are found @param during weighs similarity */
  constructor(model: ModelSpec, topK: number, slots: number, capacity: number, voters: number, during: Similarity) {
    this.#layers = model.layers;
    this.#during = during;
    this.#width = BLOCK * Math.ceil(capacity / BLOCK);
    this.#bytes = 2 * this.#width;
    this.#rowBytes = this.#width / 8 + APART;
    // A sample, the last of each request, and one to look back with.
    this.#rows = FOLLOWED + slots + 1;
    this.#found = 64 * Math.ceil((SCRATCH_BYTES + 4 * MOST_ROWS) / 64);
    this.#bits = this.#found + 8 * this.#width;
    // After the last expert comes a row that is used by no path.
    this.#nobodys = this.#bits + model.experts * this.#rowBytes;
    this.#near = this.#nobodys + this.#rowBytes;
    this.#whole = this.#near + this.#rows * this.#bytes;
    this.#before = this.#whole + this.#rows * this.#bytes;
    this.#carried = this.#before + this.#rows * this.#bytes;
    // After them: voters, their votes, and the paths.
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
    // Factors of the kernels are at most one.
    this.unit = powerOfTwo(during.before > 0 ? Math.min(room, (model.layers.length * this.beforeUnit) / during.before) : room);
    this.#shift = Math.log2(this.unit);
    this.#nextHints = this.#rows + slots;
    this.#hints = new PathHints(2 * this.#nextHints, voters);
    this.#followed = new FollowedTokens(slots);
    this.#owner = new Int32Array(slots).fill(NOBODY);
    this.#place = new Int32Array(slots).fill(NOWHERE);
    this.#keptAt = new Float64Array(slots);
  }

  /** The token's experts at `layer` are known. A layer that is known already is passed over: several events may share one. */
  learn(pass: Pass, token: number, layer: number): void {
    this.#begin(pass);
    const { known, rowOf } = this.#followed;
    if (known[token] !== layer) return;
    known[token] = layer + 1;
    const row = rowOf[token]!;
    if (row >= 0) this.#share(pass, token, layer, row);
    if (token === pass.tokens - 1 && layer === this.#layers.length - 1) this.#keep(pass);
  }

  /** Finds the paths most similar to a token's into {@link best}, by what is known after layer `after`. @returns false: there are none */
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
      // The tokens before count as they will for the next token, in proportion to the layers that are known.
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

  /** Finds the best by the weighted sum of what row `from` has counted. `hints`: row of those that were best the last time. */
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
      // Hints may name a path twice: then fewer than are wanted exceed the least of them.
      if (least === 0 || best.count === best.most) break;
    }
    this.#hints.found(hints, best);
  }

  /** A similarity that at least as many paths exceed as are wanted: the paths that were best the last time all do. */
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
      // A token without a choice shares nothing, and what it shared fades.
      if (rows === 0) this.#words[list] = this.#nobodys;
      this.#kernels.share(this.#list, this.#list + 4 * Math.max(1, rows), bytes, near, whole, decay, this.#shift);
      decay = ONE;
    }
  }

  /** A row for a token whose path is known up to layer `after` only. */
  #lookBack(pass: Pass, token: number, after: number, row: number): number {
    const spare = this.#rows - 1;
    this.#clear(spare);
    const before = this.#before >> 1;
    this.#shorts.copyWithin(before + spare * this.#width, before + row * this.#width, before + (row + 1) * this.#width);
    for (let layer = 0; layer <= after; layer++) this.#share(pass, token, layer, spare);
    return spare;
  }

  /** Nothing of a row's path is known. */
  #clear(row: number): void {
    for (const part of [this.#near, this.#whole]) {
      const from = (part >> 1) + row * this.#width;
      this.#shorts.fill(0, from, from + this.#width);
    }
  }

  /** Begins a pass of which nothing is known yet. */
  #begin(pass: Pass): void {
    if (!this.#followed.begin(pass)) return;
    this.#asked.token = -1;
    const { rowOf } = this.#followed;
    for (let token = 0; token < pass.tokens; token++) if (rowOf[token]! >= 0) this.#start(pass, token, rowOf[token]!);
  }

  /** Compares the tokens before a token with those before each path. Of a request's tokens in one pass only the first has them. */
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
    // The paths that came after those that were best for the token before are good to begin with.
    for (const first of [0, this.#nextHints]) this.#hints.follow(first + row, follows ? first + this.#rows + slot : -1, this.ring);
    if (pass.tokenId === null) return;
    // Paths of the same token id are credited, the more the longer their contexts agree.
    this.#contexts ??= new PathContexts(this.#rows, this.#owner.length, this.#width);
    this.#contexts.compare(pass.tokenId[token]!, row, follows ? slot : -1, this.ring, shorts, before, this.#credit);
  }

  /** All of a pass is known: what its last tokens share is carried to the next pass of their requests, and its paths are kept. */
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

  /** Nothing is known of what any token shares with the path that has come to a place. */
  #forget(place: number): void {
    const shorts = this.#shorts;
    const width = this.#width;
    for (let at = (this.#near >> 1) + place; at < shorts.length; at += width) shorts[at] = 0;
    this.#contexts?.forget(place);
  }
}

const fraction = (factor: number): number => Math.min(ONE, Math.round(factor * (ONE + 1)));

/** A 16-bit number times a factor of the kernels, rounded as they do. */
const scaled = (value: number, factor: number): number => (value * factor + (ONE + 1) / 2) >> 15;

/** The largest power of two that is not above a number, at least 1. */
const powerOfTwo = (most: number): number => 2 ** Math.max(0, Math.floor(Math.log2(most)));

/** No request has this index: those of a run count from 0, those of training traces down from -2. */
const NOBODY = -1;
