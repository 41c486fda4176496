import { UserError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { ascii, holds, type LineScanner } from '../../base/scan.js';
import { parseJson } from '../../model/door.js';
import type { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE } from '../trace.js';
import type { TokenRow } from './format.js';

interface JsonRow extends TokenRow {
  readonly token?: number;
  readonly predicted?: readonly (readonly number[])[];
}

const KEYS = ['request', 'position', 'phase', 'token', 'experts', 'weights', 'predicted'] as const;

/** @throws UserError with line if not a token */
export function parseJsonRow(scanner: LineScanner): JsonRow {
  const place = scanner.place();
  const line = parseJson(scanner.lineBytes(), place);
  if (!isObject(line)) throw new UserError(`${place}: not an object; write one token a line`);
  // Users' scripts write `routing` too.
  const { routing, ...rest } = line;
  const fields: Record<string, unknown> = routing === undefined || rest.experts !== undefined ? line : { ...rest, experts: routing };
  for (const key of Object.keys(fields)) {
    if (!(KEYS as readonly string[]).includes(key)) throw new UserError(`${place}: unknown key "${key}"; a token has ${KEYS.join(', ')}`);
  }
  for (const key of ['request', 'position', 'token'] as const) {
    const value = fields[key];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31))
      throw new UserError(`${place}: "${key}" is ${JSON.stringify(value)}; write a whole number from 0`);
  }
  if (fields.phase !== undefined && fields.phase !== 'prefill' && fields.phase !== 'decode')
    throw new UserError(`${place}: "phase" is ${JSON.stringify(fields.phase)}; write "prefill" or "decode"`);
  for (const key of ['experts', 'weights', 'predicted'] as const) {
    const value = fields[key];
    if (value === undefined && key !== 'experts') continue;
    if (!Array.isArray(value) || !value.every((list) => Array.isArray(list) && list.every((entry) => typeof entry === 'number')))
      throw new UserError(`${place}: "${key}" is not a list of lists; write one list per layer, [] where a layer has none`);
  }
  return fields as unknown as JsonRow;
}

const OPEN = ascii('{');
const REQUEST = ascii('"request":');
const POSITION = ascii('"position":');
const PHASE_KEY = ascii('"phase":');
const DECODE = ascii('"decode"');
const PREFILL = ascii('"prefill"');
const TOKEN = ascii('"token":');
const EXPERTS = ascii('"experts":');
const SPACE = 32;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const BRACKET = 91;
const END_BRACKET = 93;
const END_BRACE = 125;

/** A byte parser for the usual key order, else JSON.parse. */
export class RowParser {
  readonly #scanner: LineScanner;
  readonly #store: TraceStore;
  readonly #first: JsonRow;
  readonly #predictedK: number;
  #at = 0;

  /** @param first row 0, whose columns all rows must have */
  constructor(scanner: LineScanner, store: TraceStore, first: JsonRow, predictedK: number) {
    this.#scanner = scanner;
    this.#store = store;
    this.#first = first;
    this.#predictedK = predictedK;
  }

  /** @throws UserError with line if inconsistent */
  add(): void {
    this.#store.seek(this.#store.rows);
    if (!this.#fast()) this.#slow(parseJsonRow(this.#scanner));
  }

  #fast(): boolean {
    const { bytes, start, end } = this.#scanner;
    const first = this.#first;
    if (first.weights !== undefined || first.predicted !== undefined || !holds(bytes, start, OPEN)) return false;
    this.#at = start + 1;
    const request = first.request === undefined ? 0 : this.#field(bytes, REQUEST);
    const position = first.position === undefined ? 0 : this.#field(bytes, POSITION);
    const phase = first.phase === undefined ? PHASE.decode : this.#phase(bytes);
    const token = first.token === undefined ? 0 : this.#field(bytes, TOKEN);
    if (request < 0 || position < 0 || phase < 0 || token < 0) return false;
    if (!holds(bytes, this.#at, EXPERTS)) return false;
    this.#at = skipSpace(bytes, this.#at + EXPERTS.length);
    if (!this.#experts(bytes, end)) return false;
    if (first.token !== undefined) this.#store.tokenIds[this.#store.tokenAt] = token;
    this.#store.addRow(request, first.position === undefined ? -1 : position, phase);
    return true;
  }

  /** Value of `"key": number,`, or -1. */
  #field(bytes: Uint8Array, key: Uint8Array): number {
    if (!holds(bytes, this.#at, key)) return -1;
    let at = skipSpace(bytes, this.#at + key.length);
    const from = at;
    let value = 0;
    for (let digit = bytes[at]!; digit >= ZERO && digit <= NINE; digit = bytes[++at]!) value = value * 10 + digit - ZERO;
    if (at === from || at - from > 9 || bytes[at] !== COMMA || isPadded(bytes, from, at)) return -1;
    this.#at = skipSpace(bytes, at + 1);
    return value;
  }

  #phase(bytes: Uint8Array): number {
    if (!holds(bytes, this.#at, PHASE_KEY)) return -1;
    const at = skipSpace(bytes, this.#at + PHASE_KEY.length);
    const phase = holds(bytes, at, DECODE) ? PHASE.decode : holds(bytes, at, PREFILL) ? PHASE.prefill : -1;
    const after = at + (phase === PHASE.decode ? DECODE : PREFILL).length;
    if (phase < 0 || bytes[after] !== COMMA) return -1;
    this.#at = skipSpace(bytes, after + 1);
    return phase;
  }

  /** Parses `[[1,2],[3,4]]}` to the end of the line; after false, the slow path overwrites the row. */
  #experts(bytes: Uint8Array, end: number): boolean {
    const { ids, idsAt, layers, topK } = this.#store;
    let at = this.#at;
    if (bytes[at] !== BRACKET) return false;
    at++;
    for (let layer = 0; layer < layers; layer++) {
      if (bytes[at] !== BRACKET) return false;
      let cell = idsAt + layer * topK;
      const lastCell = cell + topK;
      let byte = bytes[++at]!;
      if (byte === END_BRACKET) at++;
      else {
        for (;;) {
          if (cell === lastCell) return false;
          if (byte >= ZERO && byte <= NINE) {
            const from = at;
            let id = byte - ZERO;
            for (byte = bytes[++at]!; byte >= ZERO && byte <= NINE; byte = bytes[++at]!) id = id * 10 + byte - ZERO;
            if (id >= NULL_EXPERT || isPadded(bytes, from, at)) return false;
            ids[cell++] = id;
          } else if (byte === MINUS && bytes[at + 1] === ZERO + 1) {
            ids[cell++] = NULL_EXPERT;
            byte = bytes[(at += 2)]!;
          } else return false;
          at++;
          if (byte === END_BRACKET) break;
          if (byte !== COMMA) return false;
          byte = bytes[at]!;
          if (byte === SPACE) byte = bytes[++at]!;
        }
        while (cell < lastCell) ids[cell++] = NULL_EXPERT;
      }
      if (layer + 1 < layers) {
        if (bytes[at] !== COMMA) return false;
        at = skipSpace(bytes, at + 1);
      }
    }
    return bytes[at] === END_BRACKET && bytes[at + 1] === END_BRACE && at + 2 === end;
  }

  #slow(row: JsonRow): void {
    const store = this.#store;
    const first = this.#first;
    for (const key of KEYS) {
      if ((row[key] === undefined) !== (first[key] === undefined)) {
        const which = row[key] === undefined ? 'is missing, the first token has it' : 'is new, the first token has none';
        throw new UserError(`${this.#scanner.place()}: "${key}" ${which}; give all tokens the same keys`);
      }
    }
    const { layers, topK } = store;
    store.ids.fill(NULL_EXPERT, store.idsAt, store.idsAt + layers * topK);
    this.#ids('experts', row.experts, topK, store.ids, store.idsAt);
    if (row.predicted !== undefined) this.#ids('predicted', row.predicted, this.#predictedK, store.predicted, store.predictedAt);
    if (row.weights !== undefined) {
      this.#lists('weights', row.weights, topK);
      row.weights.forEach((weights, layer) => {
        store.weights.set(weights, store.idsAt + layer * topK);
      });
    }
    if (row.token !== undefined) store.tokenIds[store.tokenAt] = row.token;
    store.addRow(row.request ?? 0, row.position ?? -1, row.phase === 'prefill' ? PHASE.prefill : PHASE.decode);
  }

  #ids(key: string, lists: readonly (readonly number[])[], width: number, into: Uint16Array, at: number): void {
    this.#lists(key, lists, width);
    lists.forEach((choices, layer) => {
      for (let k = 0; k < choices.length; k++) into[at + layer * width + k] = this.#id(choices[k]!, layer);
    });
  }

  #lists(key: string, lists: readonly (readonly number[])[], width: number): void {
    const { layers } = this.#store;
    if (lists.length !== layers)
      throw new UserError(`${this.#scanner.place()}: "${key}" has ${lists.length} layers, the trace has ${layers}`);
    const layer = lists.findIndex((list) => list.length > width);
    if (layer < 0) return;
    const hint = key === 'experts' ? '; state the largest top_k in a header line' : '';
    throw new UserError(
      `${this.#scanner.place()}: "${key}", layer ${layer}: ${lists[layer]!.length} entries, the first token has at most ${width}${hint}`,
    );
  }

  #id(value: number, layer: number): number {
    if (value === -1) return NULL_EXPERT;
    if (Number.isInteger(value) && value >= 0 && value < NULL_EXPERT) return value;
    throw new UserError(`${this.#scanner.place()}: layer ${layer}: ${value} is not an expert id; ids are 0 to 65534, -1 for none`);
  }
}

/** True for digits `[from, to)` with a leading zero, invalid in JSON. */
const isPadded = (bytes: Uint8Array, from: number, to: number): boolean => bytes[from] === ZERO && to - from > 1;

const skipSpace = (bytes: Uint8Array, at: number): number => (bytes[at] === SPACE ? at + 1 : at);
