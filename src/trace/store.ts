import { UserError } from '../base/errors.js';
import { newSha256 } from '../base/host/hash.js';
import { checkShape, predictedChecker, RowChecker } from './check.js';
import { Pages } from './pages.js';
import { RequestTable } from './requests.js';
import type { TraceSource } from './source.js';
import { type FormatMeta, NULL_EXPERT, type RoutingTrace, type TraceChunk, type TraceShape, wholeMeta } from './trace.js';

/** Bytes of rows in memory before a temporary file is used. */
const MEMORY_BYTES = 8 * 1024 * 1024;
/** Bytes per page. */
const PAGE_BYTES = 64 * 1024;

interface StoreShape extends Pick<TraceShape, 'path' | 'layers' | 'topK'>, Partial<Omit<TraceShape['has'], 'phases'>> {
  /** False: all rows are decode. */
  readonly phases?: boolean;
  /** Place of a row in messages; absent: `path: token row`. */
  readonly place?: (row: number) => string;
  /** Bytes of rows in memory; default 8 MiB. */
  readonly memoryBytes?: number;
}

/** Random-access rows under construction: {@link seek} a row, write cells, {@link addRow} in order, {@link finish}. */
export class TraceStore {
  readonly layers: number;
  readonly topK: number;
  /** Current row: `ids[idsAt, idsAt + layers * topK)`, initially {@link NULL_EXPERT}. */
  ids: Uint16Array = new Uint16Array(0);
  idsAt = 0;
  /** Gate weights of the current row, from `idsAt`. */
  weights: Float32Array = new Float32Array(0);
  predicted: Uint16Array = new Uint16Array(0);
  predictedAt = 0;
  tokenIds: Int32Array = new Int32Array(0);
  tokenAt = 0;
  readonly #rows: PagedRows;
  readonly #table: RequestTable;
  readonly #shape: StoreShape;
  #page = -1;
  #row = -1;

  /** @throws UserError for an implausible shape */
  constructor(shape: StoreShape) {
    checkShape(shape.path, shape.layers, Math.max(shape.topK, shape.predictedK ?? 0));
    this.#shape = shape;
    this.layers = shape.layers;
    this.topK = shape.topK;
    this.#rows = new PagedRows(shape);
    this.#table = new RequestTable(shape.place ?? shape.path);
  }

  seek(row: number): void {
    if (row === this.#row) return;
    this.#row = row;
    const { perPage, rowIds, predictedRow } = this.#rows;
    const page = Math.floor(row / perPage);
    const at = row - page * perPage;
    if (page !== this.#page) {
      const view = this.#rows.view(page, true);
      this.ids = view.experts;
      this.weights = view.weights;
      this.predicted = view.predicted;
      this.tokenIds = view.tokenIds;
      this.#page = page;
    }
    this.idsAt = at * rowIds;
    this.predictedAt = at * predictedRow;
    this.tokenAt = at;
  }

  addRow(request: number, position: number, phase: number): void {
    this.#table.add(request, position, phase);
  }

  get rows(): number {
    return this.#table.rows;
  }

  /** @param experts null: by largest id @param source hashed, closed with the trace @throws UserError */
  finish(experts: readonly number[] | null, about: FormatMeta, source: TraceSource | null = null): RoutingTrace {
    const { path, place, topK, layers, weights = false, tokenIds = false, predictedK = 0, phases = true } = this.#shape;
    const rows = this.#rows;
    const table = this.#table;
    table.finish();
    const tokens = table.rows;
    const meta = wholeMeta(about);
    if (tokens === 0) throw new UserError(`${path}: no token chooses any expert; the trace is empty`);
    const expertsPerLayer = experts ?? new Array<number>(layers).fill(rows.largestId(tokens) + 1);
    const checker = new RowChecker(place ?? path, topK, expertsPerLayer);
    const predicted = predictedChecker(path, predictedK, expertsPerLayer, meta);
    rows.walk(tokens, (view, first, count) => {
      checker.check(view.experts, count, first, NULL_EXPERT);
      if (predictedK > 0) predicted.check(view.predicted, count, first, NULL_EXPERT);
    });
    const { requests } = table;
    const shape = { path, tokens, layers, topK, expertsPerLayer, requests, meta, has: { phases, weights, tokenIds, predictedK } };
    return {
      ...shape,
      read(start, count, into) {
        rows.read(start, count, into);
        table.fill(start, count, into);
        into.tokens = count;
      },
      sha256: () => source?.sha256() ?? rows.sha256(tokens, JSON.stringify([expertsPerLayer, topK, requests])),
      close() {
        rows.close();
        source?.close();
      },
    };
  }

  close(): void {
    this.#rows.close();
  }
}

interface PageView {
  readonly experts: Uint16Array;
  readonly weights: Float32Array;
  readonly predicted: Uint16Array;
  readonly tokenIds: Int32Array;
}

class PagedRows {
  readonly rowIds: number;
  readonly predictedRow: number;
  readonly perPage: number;
  readonly #pages: Pages;
  readonly #weights: boolean;
  readonly #tokenIds: boolean;

  constructor({ layers, topK, weights = false, tokenIds = false, predictedK = 0, memoryBytes = MEMORY_BYTES }: StoreShape) {
    this.rowIds = layers * topK;
    this.predictedRow = layers * predictedK;
    this.#weights = weights;
    this.#tokenIds = tokenIds;
    const rowBytes = this.rowIds * (weights ? 6 : 2) + this.predictedRow * 2 + (tokenIds ? 4 : 0);
    this.perPage = Math.max(1, Math.floor(PAGE_BYTES / rowBytes));
    const bytes = this.perPage * rowBytes;
    const initial = new ArrayBuffer(bytes);
    const view = this.#typed(initial);
    view.experts.fill(NULL_EXPERT);
    view.predicted.fill(NULL_EXPERT);
    this.#pages = new Pages(new Uint8Array(initial), memoryBytes);
  }

  view(page: number, write: boolean): PageView {
    return this.#typed(this.#pages.page(page, write));
  }

  /** Visits pages in order; changes to a view may be lost. */
  walk(rows: number, visit: (view: PageView, firstRow: number, count: number) => void): void {
    for (let first = 0; first < rows; first += this.perPage)
      visit(this.view(first / this.perPage, false), first, Math.min(this.perPage, rows - first));
  }

  largestId(rows: number): number {
    let largest = 0;
    this.walk(rows, ({ experts }, _first, count) => {
      for (let i = 0; i < count * this.rowIds; i++) {
        const id = experts[i]!;
        if (id > largest && id !== NULL_EXPERT) largest = id;
      }
    });
    return largest;
  }

  read(start: number, count: number, into: TraceChunk): void {
    const { perPage, rowIds, predictedRow } = this;
    for (let done = 0; done < count; ) {
      const page = Math.floor((start + done) / perPage);
      const at = start + done - page * perPage;
      const some = Math.min(perPage - at, count - done);
      const view = this.view(page, false);
      into.experts.set(view.experts.subarray(at * rowIds, (at + some) * rowIds), done * rowIds);
      if (this.#weights) into.weights?.set(view.weights.subarray(at * rowIds, (at + some) * rowIds), done * rowIds);
      if (predictedRow > 0)
        into.predicted?.set(view.predicted.subarray(at * predictedRow, (at + some) * predictedRow), done * predictedRow);
      if (this.#tokenIds) into.tokenId?.set(view.tokenIds.subarray(at, at + some), done);
      done += some;
    }
  }

  /** SHA-256 of a text and the first `rows` rows' experts, hex. */
  sha256(rows: number, text: string): string {
    const hash = newSha256().update(text);
    this.walk(rows, ({ experts }, _first, count) => {
      hash.update(new Uint8Array(experts.buffer, experts.byteOffset, count * this.rowIds * 2));
    });
    return hash.digest('hex');
  }

  close(): void {
    this.#pages.close();
  }

  /** 4-byte columns come first, so all are aligned. */
  #typed(buffer: ArrayBuffer): PageView {
    const rows = this.perPage;
    const weights = new Float32Array(buffer, 0, this.#weights ? rows * this.rowIds : 0);
    const tokenIds = new Int32Array(buffer, weights.byteLength, this.#tokenIds ? rows : 0);
    const experts = new Uint16Array(buffer, weights.byteLength + tokenIds.byteLength, rows * this.rowIds);
    const predicted = new Uint16Array(buffer, experts.byteOffset + experts.byteLength, rows * this.predictedRow);
    return { experts, weights, predicted, tokenIds };
  }
}
