// MCT1, little-endian: int32 layers of the model, top-k, groups. A group: int32 GPU, experts, layers, layer numbers;
// 32 bytes of splits and host bytes; uint64 alignment; int32 matrices, uint64 bytes of an expert by matrix. Then
// events: int32 layer, top-k, ids, ids [tokens, top-k].
import { UserError } from '../../base/errors.js';
import { viewOf } from '../../base/host/bytes.js';
import { Meter } from '../../base/meter.js';
import type { TraceSource } from '../source.js';
import { NULL_EXPERT } from '../trace.js';
import { Cell } from './cell.js';
import { LAYER_LIMIT } from './cell-filler.js';
import { cellFormat } from './cells.js';

/** `MCT1`, little-endian. */
const MAGIC = 0x3154434d;
/** Maximum bytes of a header: {@link LAYER_LIMIT} groups of a layer. */
const HEADER_BYTES = 2 ** 20;
/** Maximum matrices of an expert; llama.cpp has 2 or 3. */
const MATRIX_LIMIT = 16;
/** Bytes of layer, top-k and ids. */
const EVENT_BYTES = 12;
/** Maximum tokens of a pass: llama.cpp's usual micro-batch. The cache takes 32. */
const TOKEN_LIMIT = 512;
/** Choices laid out per recorded choice, beyond {@link GAP_FLOOR}. Ours; passes lack few layers. */
const GAP_RATIO = 64;
/** Choices that any record may lay out; ours, 32 MiB. */
const GAP_FLOOR = 2 ** 24;

/** Facts outside events. */
interface Header {
  readonly modelLayers: number;
  readonly topK: number;
  /** Experts and bytes of an expert by cached layer. */
  readonly groups: ReadonlyMap<number, { readonly experts: number; readonly bytes: number }>;
  readonly bytes: number;
}

/** llama.cpp's record of its expert cache (`LLAMA_MOE_CACHE_TRACE`): passes that use the cache, in one request. */
export const llamacppMoeCache = cellFormat({
  name: 'llamacpp-moe-cache',
  detect: ({ head }) => head.length >= EVENT_BYTES && viewOf(head).getInt32(0, true) === MAGIC,
  cells(source) {
    const header = headerOf(source);
    const layers = [...header.groups.keys()].sort((a, b) => a - b);
    const cut = surveyed(new Events(source, header), layers.length * header.topK);
    const notes = {
      model_layers: String(header.modelLayers),
      not_recorded: 'gate weights, token ids, requests, phases, and passes past the cache',
      ...(cut > 0 && { cut_bytes: String(cut) }),
    };
    return {
      layers,
      experts: (layer) => header.groups.get(layer)!.experts,
      meta: { expertBytes: layers.map((layer) => header.groups.get(layer)!.bytes), notes },
      walk(visit, at) {
        const events = new Events(source, header);
        const cell = new Cell();
        at.place = () => events.place();
        cell.count = header.topK;
        while (events.next()) {
          cell.layer = events.layer;
          cell.ids = events.ids;
          for (cell.from = 0; cell.from < cell.ids.length; cell.from += header.topK) {
            cell.token = events.first + cell.from / header.topK;
            visit(cell);
          }
        }
      },
    };
  },
});

/** @throws UserError if cut or damaged */
function headerOf(source: TraceSource): Header {
  const { path } = source;
  const view = viewOf(source.part(0, HEADER_BYTES));
  let at = 4;
  const skip = (length: number): number => {
    if (at + length > view.byteLength) throw new UserError(`${path}: byte ${at}: the file ends inside its header; it was cut short`);
    at += length;
    return at - length;
  };
  const whole = (what: string, least: number, most: number): number => {
    const value = view.getInt32(skip(4), true);
    if (value >= least && value <= most) return value;
    throw new UserError(`${path}: byte ${at - 4}: ${what} is ${value}, not ${least} to ${most}; the header is damaged`);
  };
  const modelLayers = whole('layers of the model', 1, LAYER_LIMIT);
  const topK = whole('top-k', 1, NULL_EXPERT - 1);
  const groups = new Map<number, { experts: number; bytes: number }>();
  for (let left = whole('the number of groups', 1, modelLayers); left > 0; left--) {
    whole('a GPU', 0, 0x7fffffff);
    const group = { experts: whole('experts', topK, NULL_EXPERT - 1), bytes: 0 };
    for (let layers = whole('layers of a group', 1, modelLayers - groups.size); layers > 0; layers--) {
      const layer = whole('a layer', 0, modelLayers - 1);
      if (groups.has(layer)) throw new UserError(`${path}: byte ${at - 4}: layer ${layer} stands twice; the header is damaged`);
      groups.set(layer, group);
    }
    skip(40);
    for (let matrices = whole('matrices of an expert', 1, MATRIX_LIMIT); matrices > 0; matrices--) {
      const size = view.getBigUint64(skip(8), true);
      if (size < 1n || size > 2n ** 48n)
        throw new UserError(`${path}: byte ${at - 8}: bytes of an expert are ${size}; the header is damaged`);
      group.bytes += Number(size);
    }
  }
  return { modelLayers, topK, groups, bytes: at };
}

/** @param row choices of a token @returns bytes of a cut last event @throws UserError if damaged */
function surveyed(events: Events, row: number): number {
  let choices = 0;
  while (events.next()) choices += events.ids.length;
  const gaps = { most: GAP_RATIO * choices + GAP_FLOOR, unit: 'choices of experts', instead: 'most layers have no events, record again' };
  new Meter(events.place(), gaps).spent(events.tokens * row);
  return events.left;
}

/** Events in order, and the tokens of their passes. */
class Events {
  layer = Number.POSITIVE_INFINITY;
  /** First token of {@link ids}: fewer rows are the last tokens of the pass. */
  first = 0;
  /** Tokens so far. */
  tokens = 0;
  /** `[tokens, top-k]` */
  ids: Int32Array = new Int32Array(0);
  readonly #source: TraceSource;
  readonly #header: Header;
  #position: number;
  #pass = 0;
  #block = new Int32Array(2 ** 16);
  #blockAt = 0;
  #blockEnd = 0;

  constructor(source: TraceSource, header: Header) {
    this.#source = source;
    this.#header = header;
    this.#position = header.bytes;
  }

  /** Bytes behind the last whole event, after the end. */
  get left(): number {
    return this.#source.bytes - this.#position;
  }

  place(): string {
    return `${this.#source.path}: byte ${this.#position}`;
  }

  /** False at the end, or if the last is cut. @throws UserError if damaged */
  next(): boolean {
    this.#position += this.ids.length === 0 ? 0 : EVENT_BYTES + 4 * this.ids.length;
    this.ids = this.ids.subarray(0, 0);
    if (this.left < EVENT_BYTES) return false;
    const { groups, topK } = this.#header;
    const [layer, width, count] = this.#words(this.#position, 3) as unknown as [number, number, number];
    const rows = count / topK;
    if (!groups.has(layer) || width !== topK || count < 1 || !Number.isInteger(rows) || rows > TOKEN_LIMIT)
      throw new UserError(`${this.place()}: ${count} ids of layer ${layer} with ${width} a token are no event; the file is damaged here`);
    if (layer <= this.layer) {
      this.#pass = rows;
      this.tokens += rows;
    } else if (rows > this.#pass)
      throw new UserError(`${this.place()}: layer ${layer} has ${rows} rows in a pass of ${this.#pass} tokens; the file is damaged here`);
    if (this.left < EVENT_BYTES + 4 * count) return false;
    this.layer = layer;
    this.first = this.tokens - rows;
    this.ids = this.#words(this.#position + EVENT_BYTES, count);
    if (this.ids.includes(-1)) throw new UserError(`${this.place()}: -1 is not an expert id; the file is damaged here`);
    return true;
  }

  /** Words from byte `position`, until the next call. */
  #words(position: number, count: number): Int32Array {
    if (position < this.#blockAt || position + 4 * count > this.#blockEnd) {
      if (count > this.#block.length) this.#block = new Int32Array(count);
      const words = Math.min(this.#block.length, Math.floor((this.#source.bytes - position) / 4));
      this.#source.read(position, new Uint8Array(this.#block.buffer, 0, 4 * words));
      this.#blockAt = position;
      this.#blockEnd = position + 4 * words;
    }
    const from = (position - this.#blockAt) / 4;
    return this.#block.subarray(from, from + count);
  }
}
