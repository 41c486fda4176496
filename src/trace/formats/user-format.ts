// A trace format of the user's own: a module that yields the rows of a file, each of which is checked. A wrong width or a shifted offset
// would otherwise give a plausible but false result.

import { UserError } from '../../base/errors.js';
import { newSha256 } from '../../base/host/hash.js';
import { resolve } from '../../base/host/paths.js';
import { LineScanner } from '../../base/scan.js';
import { importOwn, moduleChoice, type OwnExport } from '../../base/user-module.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { type Expected, expected, type OpenOptions, type TokenRow, type TraceFormat } from './format.js';
import { traceFormats } from './index.js';

/** A trace file as a format of the user's own reads it: unpacked, whatever it came in. */
export interface OwnTraceFile {
  readonly path: string;
  /** Size. */
  readonly bytes: number;
  /** Its lines that are not blank, each with `file:line` for messages. */
  lines(): Generator<{ readonly text: string; readonly place: string }, void, void>;
  /** Up to `length` bytes from `position` on; fewer where the file ends. */
  read(position: number, length: number): Uint8Array;
}

/** One token, as a format of the user's own gives it. */
export interface OwnTraceRow extends TokenRow {
  /** Input token id. */
  readonly tokenId?: number;
  /** Where it stands, for messages. Absent: its number. */
  readonly place?: string;
}

/** Facts that a user's own format may give before the rows. */
export interface OwnTraceHead {
  /** Most choices of a token at a layer. Absent: the model's, else those of the first row. */
  readonly topK?: number;
  /** Experts of a layer. Absent: the model's, else the largest id plus one. */
  readonly experts?: number;
  /** Name of the model that was recorded. */
  readonly model?: string;
}

/** A trace format of the user's own: the default export of its module. */
export interface OwnTraceFormat {
  readonly name: string;
  /** One line: what the file looks like. */
  readonly summary?: string;
  /** Absent: nothing is known before the rows. */
  head?(file: OwnTraceFile): OwnTraceHead;
  rows(file: OwnTraceFile, known: Expected): Iterable<OwnTraceRow> | AsyncIterable<OwnTraceRow>;
}

/**
 * The format of a module.
 * @param name the path of a module, relative to the working directory; any other name, or none, gives null
 * @throws UserError where it cannot be used
 */
export async function loadFormat(name: string | undefined): Promise<TraceFormat | null> {
  const chosen = name === undefined ? null : moduleChoice('trace format', name);
  if (chosen === null) return null;
  const own = await importOwn('trace format', resolve(chosen.path!));
  if (Object.keys(chosen.parameters).length > 0) throw own.wrong('a format has no parameters; leave them out');
  own.nameApart(traceFormats.map((format) => format.name));
  own.requireMethod('rows(file, known)');
  own.optionalMethod('head');
  const definition = own.value as OwnTraceFormat;
  return {
    name: own.name,
    summary: own.textOr('summary', `as ${own.shown} reads it`),
    engines: own.shown,
    turnOn: '',
    detect: () => false,
    open: (source, options) => new OwnReader(own, definition, source, options).read(),
  };
}

/** Reads one file. */
class OwnReader {
  readonly #own: OwnExport;
  readonly #format: OwnTraceFormat;
  readonly #source: TraceSource;
  readonly #head: OwnTraceHead;
  readonly #options: OpenOptions;
  readonly #file: OwnTraceFile;
  #store: TraceStore | null = null;
  #weighted = false;
  #withIds = false;
  /** Experts by layer; null: unknown. */
  #experts: readonly number[] | null = null;

  constructor(own: OwnExport, format: OwnTraceFormat, source: TraceSource, options: OpenOptions) {
    this.#own = own;
    this.#format = format;
    this.#source = source;
    this.#file = ownFile(source);
    this.#head = own.run('head', () => format.head?.(this.#file)) ?? {};
    const { experts, topK } = this.#head;
    this.#options = { ...options, ...(topK === undefined ? {} : { topK }), ...(experts === undefined ? {} : { experts }) };
  }

  async read(): Promise<RoutingTrace> {
    try {
      for await (const row of this.#rows()) this.#add(row);
      if (this.#store === null) throw this.#wrong(`${this.#source.path}`, 'rows yielded nothing; yield one object for each token');
      const trace = this.#store.finish(this.#experts, { model: this.#head.model ?? null, format: this.#own.name }, this.#source);
      // The rows depend on the module, too.
      return { ...trace, sha256: () => newSha256().update(`${this.#source.sha256()} ${this.#own.sha256}`).digest('hex') };
    } catch (error) {
      this.#store?.close();
      throw this.#own.thrown('rows', error);
    }
  }

  #rows(): Iterable<OwnTraceRow> | AsyncIterable<OwnTraceRow> {
    const rows = this.#own.run('rows', () => this.#format.rows(this.#file, expected(this.#options)));
    const iterable = typeof rows === 'object' && rows !== null && (Symbol.iterator in rows || Symbol.asyncIterator in rows);
    if (!iterable) throw this.#own.wrong('"rows" must be a generator: *rows(file) { yield { experts: [[…], …] }; }');
    return rows;
  }

  #add(row: OwnTraceRow): void {
    const number = this.#store?.rows ?? 0;
    const place = row?.place ?? `${this.#source.path}: row ${number}`;
    if (!Array.isArray(row?.experts) || !row.experts.every(Array.isArray)) {
      throw this.#wrong(place, 'experts must be one list of expert ids for each MoE layer');
    }
    const store = (this.#store ??= this.#begin(row));
    if (row.experts.length !== store.layers) {
      throw this.#wrong(
        place,
        `the row has ${row.experts.length} layers, the first one has ${store.layers}; yield the same MoE layers each time`,
      );
    }
    store.seek(number);
    for (const [layer, ids] of row.experts.entries()) this.#addLayer(store, ids, row.weights?.[layer], layer, place);
    if (this.#withIds) store.tokenIds[store.tokenAt] = row.tokenId ?? 0;
    const { phase = 'decode', position = -1, request = 0 } = row;
    if (!(phase in PHASE)) throw this.#wrong(place, `phase is '${String(phase)}'; write prefill or decode`);
    if (!Number.isInteger(request) || !Number.isInteger(position)) throw this.#wrong(place, 'request and position must be whole numbers');
    store.addRow(request, position, PHASE[phase]);
  }

  /** The first row determines the shape. */
  #begin(row: OwnTraceRow): TraceStore {
    const layers = row.experts.length;
    const known = expected(this.#options, layers);
    this.#experts = known.experts;
    this.#weighted = row.weights !== undefined;
    this.#withIds = row.tokenId !== undefined;
    const topK = known.topK ?? Math.max(0, ...row.experts.map((ids) => ids.length));
    if (layers === 0 || topK === 0) throw this.#wrong(`${this.#source.path}: row 0`, 'no layer has an expert');
    return new TraceStore({ path: this.#source.path, layers, topK, weights: this.#weighted, tokenIds: this.#withIds });
  }

  #addLayer(store: TraceStore, ids: readonly number[], weights: readonly number[] | undefined, layer: number, place: string): void {
    const { topK } = store;
    const limit = this.#experts?.[layer] ?? NULL_EXPERT;
    const at = store.idsAt + layer * topK;
    if (ids.length > topK) {
      throw this.#wrong(
        place,
        `layer ${layer} has ${ids.length} experts, a token chooses ${topK}; give topK in head where some choose more`,
      );
    }
    if (this.#weighted && weights?.length !== ids.length)
      throw this.#wrong(place, `layer ${layer} needs a weight for each of its ${ids.length} experts`);
    for (let k = 0; k < ids.length; k++) {
      const id = ids[k]!;
      if (!Number.isInteger(id) || id < -1 || id >= limit) {
        throw this.#wrong(place, `layer ${layer}: ${String(id)} is no expert; ids are 0 to ${limit - 1}, and -1 for none`);
      }
      if (id >= 0 && ids.indexOf(id) < k)
        throw this.#wrong(place, `layer ${layer}: expert ${id} stands twice; a token chooses an expert once`);
      store.ids[at + k] = id < 0 ? NULL_EXPERT : id;
      if (!this.#weighted) continue;
      const weight = weights![k]!;
      if (!(Number.isFinite(weight) && weight >= 0))
        throw this.#wrong(place, `layer ${layer}: ${String(weight)} is no gate weight; write 0 or more`);
      store.weights[at + k] = id < 0 ? 0 : weight;
    }
  }

  #wrong(place: string, what: string): UserError {
    return new UserError(`${place}: ${this.#own.shown}: ${what}`);
  }
}

function ownFile(source: TraceSource): OwnTraceFile {
  return {
    path: source.path,
    bytes: source.bytes,
    *lines() {
      const scanner = new LineScanner(source);
      while (scanner.nextFilled()) yield { text: scanner.text(), place: scanner.place() };
    },
    read: (position, length) => source.part(position, length),
  };
}
