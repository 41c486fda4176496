// Recordings with one line per token and layer, in the order of an engine's graph. The beginning of a recording determines its layers and
// widths, then every cell is stored in its row. A recording is read twice only if it does not continue as it began.
import { UserError } from '../../base/errors.js';
import { grown } from '../../base/grown.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace, type TraceMeta } from '../trace.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';

/** Maximum layer number of a recording. */
const LAYER_LIMIT = 4096;
/** Maximum number of choices of one token at one layer. */
const CHOICE_LIMIT = 4096;
/** Maximum number of missing rows that are searched one by one. */
const GAP_LIMIT = 1_000_000;
/** Cells examined before a recording is stored. */
const SAMPLE_CELLS = 20_000;

/** The choices of one token at one layer; reused from cell to cell. */
export class Cell {
  /** Ordinal of the request, from 0 in order of appearance. */
  request = 0;
  /** Position of the token in its request. */
  token = 0;
  /** Layer as the recording numbers it. */
  layer = 0;
  /** {@link PHASE}, or -1 if the recording does not state it. */
  phase = -1;
  /** Input token id, or -1. */
  tokenId = -1;
  /** Number of choices; they are `ids[from, from + count)`. */
  count = 0;
  from = 0;
  ids: Int32Array = new Int32Array(16);
  /** Gate weights of the choices, from 0, where {@link weighted}. */
  weights: Float64Array = new Float64Array(16);
  weighted = false;

  /** Adds a choice, in rank order; -1 = none. Only for cells that start at 0. */
  push(id: number, weight = 0): void {
    if (this.count === this.ids.length) {
      this.ids = grown(this.ids);
      this.weights = grown(this.weights);
    }
    this.ids[this.count] = id;
    this.weights[this.count++] = weight;
  }
}

/** Current place of a walk, for messages. */
interface Place {
  place: () => string;
}

/** A recording as cells. */
interface CellSource {
  readonly source: TraceSource;
  /** Visits all cells, the same each time. */
  walk(visit: (cell: Cell) => void, at: Place): void;
  /** Layer numbers that the recording declares; absent: those that occur. */
  readonly layers?: readonly number[];
  /** Experts of every layer, or a function of the layer number, if the recording declares them. */
  readonly experts?: number | ((layer: number) => number);
  readonly meta: Partial<TraceMeta> & { readonly format: string };
}

/** The same without the fields that {@link cellFormat} adds. */
export type Cells = Omit<CellSource, 'source' | 'meta'> & { readonly meta?: Partial<TraceMeta> };

/**
 * A format whose files are recordings of cells.
 * @param format `cells` inspects a file and returns its walk
 */
export function cellFormat({
  cells,
  ...about
}: Omit<TraceFormat, 'open'> & { cells(source: TraceSource, options: OpenOptions): Cells }): TraceFormat {
  return {
    ...about,
    open(source, options) {
      const recording = cells(source, options);
      return importCells({ ...recording, source, meta: { ...recording.meta, format: about.name } }, options);
    },
  };
}

/** Facts about a recording from its beginning. */
interface Survey {
  topK: number;
  phases: boolean;
  weighted: boolean;
  tokenIds: boolean;
  readonly layers: Set<number>;
  readonly spans: Spans;
}

/** Positions of each request, by ordinal: first, last, and number of prompt positions. */
class Spans {
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

/** Thrown to end a walk: enough was seen, or the facts about the beginning do not hold. */
class EndOfWalk extends Error {}

/**
 * Imports a recording of cells.
 * @throws UserError with place where a cell is wrong, stands twice, or a token is missing
 */
export function importCells(recording: CellSource, options: OpenOptions): RoutingTrace {
  const { survey, whole } = surveyOf(recording, SAMPLE_CELLS);
  if (whole) return filled(recording, survey, survey.spans, options);
  try {
    return filled(recording, survey, null, options);
  } catch (error) {
    if (!(error instanceof EndOfWalk)) throw error;
  }
  const all = surveyOf(recording, Number.POSITIVE_INFINITY).survey;
  return filled(recording, all, all.spans, options);
}

/** Walks the first `limit` cells. */
function surveyOf(recording: CellSource, limit: number): { survey: Survey; whole: boolean } {
  const survey: Survey = {
    topK: 0,
    phases: false,
    weighted: false,
    tokenIds: false,
    layers: new Set(recording.layers),
    spans: new Spans(),
  };
  const at: Place = { place: () => recording.source.path };
  let cells = 0;
  let whole = true;
  const visit = (cell: Cell): void => {
    if (cells++ === limit) throw new EndOfWalk();
    const { token, layer, count } = cell;
    if (layer < 0 || layer >= LAYER_LIMIT) throw new UserError(`${at.place()}: layer ${layer} is not a layer number`);
    if (recording.layers !== undefined && !survey.layers.has(layer)) {
      throw new UserError(`${at.place()}: layer ${layer} is not among those that the file declares`);
    }
    if (count > CHOICE_LIMIT) throw new UserError(`${at.place()}: ${count} experts for one token at one layer; no model chooses so many`);
    if (token < 0) throw new UserError(`${at.place()}: token ${token} is not a position; the first one is 0`);
    survey.layers.add(layer);
    if (count > survey.topK) survey.topK = count;
    if (cell.phase >= 0) survey.phases = true;
    if (cell.weighted) survey.weighted = true;
    if (cell.tokenId >= 0) survey.tokenIds = true;
    survey.spans.add(cell);
  };
  try {
    recording.walk(visit, at);
  } catch (error) {
    if (!(error instanceof EndOfWalk)) throw error;
    whole = false;
  }
  if (survey.topK === 0) throw new UserError(`${recording.source.path}: no token chooses any expert; the trace is empty`);
  if (whole) {
    const rows = survey.spans.first.reduce((sum, _, request) => sum + survey.spans.length(request), 0);
    if (rows > cells + GAP_LIMIT) {
      const last = survey.spans.last.reduce((most, position) => Math.max(most, position), 0);
      throw new UserError(`${recording.source.path}: positions run to ${last}, more than there are rows; the recording has gaps`);
    }
  }
  return { survey, whole };
}

/**
 * Fills a store with all cells.
 * @param spans of all requests; null: requests follow one another and are measured while reading
 */
function filled(recording: CellSource, survey: Survey, spans: Spans | null, options: OpenOptions): RoutingTrace {
  const { source, meta } = recording;
  const layers = [...survey.layers].sort((a, b) => a - b);
  const filler = new Filler(source.path, survey, layers, spans);
  try {
    filler.fill(recording);
    const { experts } = recording;
    const declared = experts === undefined ? null : layers.map((layer) => (typeof experts === 'number' ? experts : experts(layer)));
    const perLayer = declared ?? expected(options, layers.length).experts ?? new Array<number>(layers.length).fill(filler.largestId + 1);
    return filler.store.finish(perLayer, { model: null, synthetic: false, expertBytes: null, notes: {}, ...meta }, source);
  } catch (error) {
    filler.store.close();
    throw error;
  }
}

class Filler {
  readonly store: TraceStore;
  /** Largest id so far. */
  largestId = 0;
  readonly #path: string;
  readonly #survey: Survey;
  /** Index of each layer number, -1 for those unknown. */
  readonly #indexOf = new Int32Array(LAYER_LIMIT).fill(-1);
  readonly #known: boolean;
  readonly #spans: Spans;
  /** First row of each request. */
  readonly #starts: number[] = [];
  #rows = 0;
  #lastRequest = -1;
  #lastToken = -1;
  #lastPhase = -1;
  /** 1 for each row that has a cell. */
  #filledIn = new Uint8Array(1024);
  /** A bit for each row and layer. */
  #bits = new Uint8Array(1024);

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

  /** Walks a recording and adds its rows. */
  fill(recording: CellSource): void {
    const at: Place = { place: () => this.#path };
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
      for (let token = start; token <= last[request]!; token++) {
        this.store.addRow(request, token, token < promptEnd[request]! ? PHASE.prefill : PHASE.decode);
      }
    });
  }

  /**
   * Makes room for a cell of the last request, or of the one after it.
   * @throws EndOfWalk where the recording does not go on as it began: a new layer or column, more choices, requests side by side
   */
  #measure(cell: Cell, cells: number): void {
    const { request, token, layer } = cell;
    const { topK, weighted, tokenIds, phases } = this.#survey;
    const known = layer >= 0 && layer < LAYER_LIMIT && this.#indexOf[layer]! >= 0;
    const fits =
      known && cell.count <= topK && (weighted || !cell.weighted) && (tokenIds || cell.tokenId < 0) && (phases || cell.phase < 0);
    if (!fits || token < 0) throw new EndOfWalk();
    // Most recordings give all layers of a token in a row.
    if (token === this.#lastToken && request === this.#lastRequest && cell.phase === this.#lastPhase) return;
    this.#lastToken = token;
    this.#lastRequest = request;
    this.#lastPhase = cell.phase;
    const spans = this.#spans;
    if (request === this.#starts.length) this.#starts.push(this.#rows);
    else if (token < spans.first[request]! || (request < this.#starts.length - 1 && token > spans.last[request]!)) throw new EndOfWalk();
    spans.add(cell);
    const end = this.#starts[request]! + spans.length(request);
    // Every row has a cell, so more rows than cells mean a gap.
    if (end > cells) throw new EndOfWalk();
    if (end > this.#rows) this.#rows = end;
  }

  #put(cell: Cell, at: Place): void {
    const { store } = this;
    const { layers, topK } = store;
    const layer = this.#indexOf[cell.layer]!;
    const row = this.#starts[cell.request]! + cell.token - this.#spans.first[cell.request]!;
    if (row >= this.#filledIn.length || (row + 1) * layers > this.#bits.length * 8) this.#ensure(row + 1);
    const bit = row * layers + layer;
    const mask = 1 << (bit & 7);
    if ((this.#bits[bit >>> 3]! & mask) !== 0) {
      throw new UserError(`${at.place()}: token ${cell.token} of request ${cell.request} is recorded twice at layer ${cell.layer}`);
    }
    this.#bits[bit >>> 3]! |= mask;
    this.#filledIn[row] = 1;
    store.seek(row);
    const to = store.idsAt + layer * topK;
    const { ids: cells } = store;
    const { ids, from, count } = cell;
    let largest = this.largestId;
    for (let k = 0; k < count; k++) {
      const id = ids[from + k]!;
      // Two tests that nearly every id passes.
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
