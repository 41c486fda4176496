// Most engines log one line per token and layer, in whatever order their graph runs. Such a recording is walked twice: once to learn its
// layers, tokens and widths, once to put every cell where it belongs. Rows then are in order of request and position.
import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace, type TraceMeta } from '../trace.js';
import { expected, type OpenOptions } from './format.js';

/** Largest layer number that a recording may name. */
const LAYER_LIMIT = 4096;

/** The choices of one token at one layer; reused from cell to cell. */
export class Cell {
  /** Ordinal of the request, from 0 in order of appearance. */
  request = 0;
  /** Position of the token in its request. */
  token = 0;
  /** Layer as the recording numbers it. */
  layer = 0;
  /** {@link PHASE}, or -1 where the recording does not say. */
  phase = -1;
  /** Input token id, or -1. */
  tokenId = -1;
  /** Number of choices. */
  count = 0;
  ids: Int32Array = new Int32Array(16);
  /** Gate weights of the choices, where {@link weighted}. */
  weights: Float64Array = new Float64Array(16);
  weighted = false;

  /** Adds a choice, in rank order; -1 = none. */
  push(id: number, weight = 0): void {
    if (this.count === this.ids.length) {
      const { ids, weights } = this;
      this.ids = new Int32Array(ids.length * 2);
      this.ids.set(ids);
      this.weights = new Float64Array(weights.length * 2);
      this.weights.set(weights);
    }
    this.ids[this.count] = id;
    this.weights[this.count++] = weight;
  }
}

/** A recording as cells. */
export interface CellSource {
  readonly source: TraceSource;
  /** Visits all cells, the same each time; `place` names where the walk stands, for messages. */
  walk(visit: (cell: Cell) => void, at: { place: () => string }): void;
  /** Layer numbers that the recording declares; absent: those that occur. */
  readonly layers?: readonly number[];
  /** Experts per layer, where the recording declares it. */
  readonly experts?: number;
  readonly meta: Partial<TraceMeta> & { readonly format: string };
}

/** What the first walk learns. */
interface Survey {
  cells: number;
  topK: number;
  largestId: number;
  phases: boolean;
  weighted: boolean;
  tokenIds: boolean;
  readonly layers: Set<number>;
  /** By request: first and last position, and prompt rows. */
  readonly first: number[];
  readonly last: number[];
  readonly promptEnd: number[];
}

/**
 * Puts a recording of cells in order.
 * @throws UserError with place where a cell is wrong, stands twice, or a token is missing
 */
export function importCells(recording: CellSource, options: OpenOptions): RoutingTrace {
  const { source, meta } = recording;
  const survey = surveyOf(recording);
  if (survey.cells === 0) throw new UserError(`${source.path}: no token chooses any expert; the trace is empty`);
  const layers = [...(recording.layers ?? survey.layers)].sort((a, b) => a - b);
  const indexOf = new Int32Array(LAYER_LIMIT).fill(-1);
  layers.forEach((layer, index) => {
    indexOf[layer] = index;
  });
  const starts: number[] = [];
  let rows = 0;
  survey.first.forEach((first, request) => {
    starts.push(rows);
    rows += survey.last[request]! - first + 1;
  });
  if (rows > survey.cells) throw missing(source.path, survey, new Uint8Array(0));
  const requestOf = (row: number): number => starts.findLastIndex((start) => start <= row);
  const store = new TraceStore({
    path: source.path,
    layers: layers.length,
    topK: survey.topK,
    weights: survey.weighted,
    tokenIds: survey.tokenIds,
    phases: survey.phases,
    place: (row) => {
      const request = requestOf(row);
      return `${source.path}: request ${request}, token ${survey.first[request]! + row - starts[request]!}`;
    },
  });
  try {
    const seen = new Uint8Array(rows);
    fill(recording, store, (cell) => starts[cell.request]! + cell.token - survey.first[cell.request]!, indexOf, seen);
    if (seen.includes(0)) throw missing(source.path, survey, seen);
    survey.first.forEach((first, request) => {
      for (let token = first; token <= survey.last[request]!; token++) {
        store.addRow(request, token, token < survey.promptEnd[request]! ? PHASE.prefill : PHASE.decode);
      }
    });
    const shape = expected(options, layers.length);
    const experts = recording.experts === undefined ? shape.experts : new Array<number>(layers.length).fill(recording.experts);
    return store.finish(experts, { model: null, synthetic: false, expertBytes: null, notes: {}, ...meta }, source);
  } catch (error) {
    store.close();
    throw error;
  }
}

function surveyOf(recording: CellSource): Survey {
  const survey: Survey = {
    cells: 0,
    topK: 0,
    largestId: 0,
    phases: false,
    weighted: false,
    tokenIds: false,
    layers: new Set(),
    first: [],
    last: [],
    promptEnd: [],
  };
  const declared = recording.layers === undefined ? null : new Set(recording.layers);
  const at = { place: () => recording.source.path };
  recording.walk((cell) => {
    const { request, token, layer, count } = cell;
    if (layer < 0 || layer >= LAYER_LIMIT) throw new UserError(`${at.place()}: layer ${layer} is not a layer number`);
    if (declared !== null && !declared.has(layer))
      throw new UserError(`${at.place()}: layer ${layer} is not among those that the file declares`);
    if (token < 0) throw new UserError(`${at.place()}: token ${token} is not a position; the first one is 0`);
    survey.cells++;
    survey.layers.add(layer);
    if (count > survey.topK) survey.topK = count;
    if (request === survey.first.length) {
      survey.first.push(token);
      survey.last.push(token);
      survey.promptEnd.push(0);
    } else {
      if (token < survey.first[request]!) survey.first[request] = token;
      if (token > survey.last[request]!) survey.last[request] = token;
    }
    if (cell.phase >= 0) survey.phases = true;
    if (cell.phase === PHASE.prefill && token >= survey.promptEnd[request]!) survey.promptEnd[request] = token + 1;
    if (cell.weighted) survey.weighted = true;
    if (cell.tokenId >= 0) survey.tokenIds = true;
  }, at);
  return survey;
}

function fill(recording: CellSource, store: TraceStore, rowOf: (cell: Cell) => number, indexOf: Int32Array, seen: Uint8Array): void {
  const { layers, topK } = store;
  const filled = new Uint8Array(Math.ceil((seen.length * layers) / 8));
  const at = { place: () => recording.source.path };
  recording.walk((cell) => {
    const row = rowOf(cell);
    const layer = indexOf[cell.layer]!;
    const bit = row * layers + layer;
    if (filled[bit >>> 3]! & (1 << (bit & 7))) {
      throw new UserError(`${at.place()}: token ${cell.token} of request ${cell.request} is recorded twice at layer ${cell.layer}`);
    }
    filled[bit >>> 3]! |= 1 << (bit & 7);
    seen[row] = 1;
    store.seek(row);
    const from = store.idsAt + layer * topK;
    for (let k = 0; k < cell.count; k++) {
      const id = cell.ids[k]!;
      if (id < -1 || id >= NULL_EXPERT) throw new UserError(`${at.place()}: ${id} is not an expert id; ids are 0 to 65534, -1 for none`);
      store.ids[from + k] = id;
      if (cell.weighted) store.weights[from + k] = cell.weights[k]!;
    }
    if (cell.tokenId >= 0) store.tokenIds[store.tokenAt] = cell.tokenId;
  }, at);
}

/** The first token that the recording leaves out. */
function missing(path: string, { first, last }: Survey, seen: Uint8Array): UserError {
  const row = seen.indexOf(0);
  let start = 0;
  for (let request = 0; request < first.length; request++) {
    const count = last[request]! - first[request]! + 1;
    if (row >= 0 && row < start + count) {
      return new UserError(`${path}: request ${request}: token ${first[request]! + row - start} is missing; the recording has gaps`);
    }
    start += count;
  }
  return new UserError(`${path}: positions run to ${Math.max(...last)}, more than there are rows; the recording has gaps`);
}
