import { UserError } from '../../base/errors.js';
import { grown } from '../../base/grown.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE } from '../trace.js';
import type { Cell, CellSource, WalkPlace } from './cell.js';

/** Exclusive limit of layer numbers. */
export const LAYER_LIMIT = 4096;

/** Facts from the beginning of a recording. */
export interface Survey {
  topK: number;
  phases: boolean;
  weighted: boolean;
  tokenIds: boolean;
  readonly layers: Set<number>;
  readonly spans: Spans;
}

/** First and last position and prompt length of each request, by ordinal. */
export class Spans {
  readonly first: number[] = [];
  readonly last: number[] = [];
  readonly promptEnd: number[] = [];

  add({ request, token, phase }: Cell): void {
    if (request === this.first.length) {
      this.first.push(token);
      this.last.push(token);
      this.promptEnd.push(0);
    } else {
      if (token < this.first[request]!) this.first[request] = token;
      if (token > this.last[request]!) this.last[request] = token;
    }
    if (phase === PHASE.prefill && token >= this.promptEnd[request]!) this.promptEnd[request] = token + 1;
  }

  length(request: number): number {
    return this.last[request]! - this.first[request]! + 1;
  }
}

/** Ends a walk: enough was seen, or the surveyed facts do not hold. */
export class EndOfWalk extends Error {}

/** Cells in rows laid out by the survey; finds missing and repeated cells. */
export class CellFiller {
  readonly store: TraceStore;
  largestId = 0;
  readonly #path: string;
  readonly #survey: Survey;
  readonly #indexOf = new Int32Array(LAYER_LIMIT).fill(-1);
  readonly #known: boolean;
  readonly #spans: Spans;
  readonly #starts: number[] = [];
  #rows = 0;
  #lastRequest = -1;
  #lastToken = -1;
  #lastPhase = -1;
  #filledIn = new Uint8Array(1024);
  #bits = new Uint8Array(1024);

  /** @param layers ascending numbers @param spans null: requests follow in order and are measured while reading */
  constructor(path: string, survey: Survey, layers: readonly number[], spans: Spans | null) {
    this.#path = path;
    this.#survey = survey;
    this.#known = spans !== null;
    this.#spans = spans ?? new Spans();
    layers.forEach((layer, index) => {
      this.#indexOf[layer] = index;
    });
    this.#spans.first.forEach((_, request) => {
      this.#starts.push(this.#rows);
      this.#rows += this.#spans.length(request);
    });
    this.store = new TraceStore({
      path,
      layers: layers.length,
      topK: survey.topK,
      weights: survey.weighted,
      tokenIds: survey.tokenIds,
      phases: survey.phases,
      place: (row) => this.#placeOf(row),
    });
  }

  #placeOf(row: number): string {
    const request = this.#starts.findLastIndex((start) => start <= row);
    return `${this.#path}: request ${request}, token ${this.#spans.first[request]! + row - this.#starts[request]!}`;
  }

  fill(recording: CellSource): void {
    const at: WalkPlace = { place: () => this.#path };
    let cells = 0;
    recording.walk((cell) => {
      if (!this.#known) this.#measure(cell, ++cells);
      this.#put(cell, at);
    }, at);
    this.#ensure(this.#rows);
    const { first, last, promptEnd } = this.#spans;
    const gap = this.#filledIn.subarray(0, this.#rows).indexOf(0);
    if (gap >= 0) throw new UserError(`${this.#placeOf(gap)} is missing; the recording has gaps`);
    first.forEach((start, request) => {
      for (let token = start; token <= last[request]!; token++)
        this.store.addRow(request, token, token < promptEnd[request]! ? PHASE.prefill : PHASE.decode);
    });
  }

  /** @throws EndOfWalk if the recording departs from the survey */
  #measure(cell: Cell, cells: number): void {
    const { request, token, layer } = cell;
    const { topK, weighted, tokenIds, phases } = this.#survey;
    const known = layer >= 0 && layer < LAYER_LIMIT && this.#indexOf[layer]! >= 0;
    const fits =
      known && cell.count <= topK && (weighted || !cell.weighted) && (tokenIds || cell.tokenId < 0) && (phases || cell.phase < 0);
    if (!fits || token < 0) throw new EndOfWalk();
    if (token === this.#lastToken && request === this.#lastRequest && cell.phase === this.#lastPhase) return;
    this.#lastToken = token;
    this.#lastRequest = request;
    this.#lastPhase = cell.phase;
    const spans = this.#spans;
    if (request === this.#starts.length) this.#starts.push(this.#rows);
    else if (token < spans.first[request]! || (request < this.#starts.length - 1 && token > spans.last[request]!)) throw new EndOfWalk();
    spans.add(cell);
    const end = this.#starts[request]! + spans.length(request);
    // More rows than cells mean a gap.
    if (end > cells) throw new EndOfWalk();
    if (end > this.#rows) this.#rows = end;
  }

  #put(cell: Cell, at: WalkPlace): void {
    const { store } = this;
    const { layers, topK } = store;
    const layer = this.#indexOf[cell.layer]!;
    const row = this.#starts[cell.request]! + cell.token - this.#spans.first[cell.request]!;
    if (row >= this.#filledIn.length || (row + 1) * layers > this.#bits.length * 8) this.#ensure(row + 1);
    const bit = row * layers + layer;
    const mask = 1 << (bit & 7);
    if ((this.#bits[bit >>> 3]! & mask) !== 0)
      throw new UserError(`${at.place()}: token ${cell.token} of request ${cell.request} is recorded twice at layer ${cell.layer}`);
    this.#bits[bit >>> 3]! |= mask;
    this.#filledIn[row] = 1;
    store.seek(row);
    const to = store.idsAt + layer * topK;
    const { ids: cells } = store;
    const { ids, from, count } = cell;
    let largest = this.largestId;
    for (let k = 0; k < count; k++) {
      const id = ids[from + k]!;
      if (id < 0 || id > largest) {
        if (id < -1 || id >= NULL_EXPERT) throw new UserError(`${at.place()}: ${id} is not an expert id; ids are 0 to 65534, -1 for none`);
        if (id > largest) largest = id;
      }
      cells[to + k] = id;
    }
    this.largestId = largest;
    if (cell.weighted) for (let k = 0; k < count; k++) store.weights[to + k] = cell.weights[k]!;
    if (cell.tokenId >= 0) store.tokenIds[store.tokenAt] = cell.tokenId;
  }

  #ensure(rows: number): void {
    if (rows > this.#filledIn.length) this.#filledIn = grown(this.#filledIn, rows);
    const bytes = Math.ceil((rows * this.store.layers) / 8);
    if (bytes > this.#bits.length) this.#bits = grown(this.#bits, bytes);
  }
}
