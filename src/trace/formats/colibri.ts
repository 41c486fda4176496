// colibri's ROUTE_TRACE: one line per token and layer, `call row layer id:gate id:gate …`, where a call is one layer of a pass and a row a
// token of it. Record with drafts off: drafted tokens are rows as well, and the file does not say which were kept.
import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/field-reader.js';
import { grown } from '../../base/grown.js';
import { LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { PassReader } from './passes.js';

const COLON = 58;
const SPACE = 32;

/** Route trace of colibri. */
export const colibri = cellFormat({
  name: 'colibri',
  summary: 'lines `call row layer id:gate id:gate …` in graph order',
  engines: 'colibri',
  turnOn: '`ROUTE_TRACE=out.txt DRAFT=0 MTP=0`',
  detect: ({ text }) => /^\d+ \d+ \d+( \d+:-?\d+\.\d{4})+\r?$/m.test(text.slice(0, text.indexOf('\n') + 1)),
  cells: (source) => ({
    walk(visit, at) {
      const cell = new Cell();
      cell.weighted = true;
      const passes = new PassReader(visit, cell);
      walkCalls(source, at, (layer, { ids, rows, weights, width }) => passes.group(layer, rows, width, ids, at.place, weights));
    },
  }),
});

/** The rows of one call, `[rows, width]`; a row with fewer choices ends in -1. */
interface Call {
  readonly rows: number;
  readonly width: number;
  readonly ids: Int32Array;
  readonly weights: Float64Array;
}

/** Visits calls: lines of one number that follow each other. @throws UserError with line where one is malformed, or a row is missing */
function walkCalls(source: TraceSource, at: { place: () => string }, visit: (layer: number, call: Call) => void): void {
  const scanner = new LineScanner(source);
  const fields = new FieldReader(scanner);
  at.place = () => scanner.place();
  const call = new Rows();
  let [number, layer] = [-1, -1];
  const wrong = (why: string): UserError => new UserError(`${scanner.place()}: ${why}; the recording is damaged here`);
  const flush = (): void => {
    if (call.rows > 0) visit(layer, call.packed());
    call.clear();
  };
  while (scanner.next()) {
    if (scanner.blank()) continue;
    fields.rewind();
    const own = fields.integer('call');
    const row = fields.skip(SPACE) ? fields.integer('row') : -1;
    const ownLayer = fields.skip(SPACE) ? fields.integer('layer') : -1;
    if (own !== number) {
      flush();
      [number, layer] = [own, ownLayer];
    } else if (ownLayer !== layer) throw wrong(`call ${own} goes from layer ${layer} to layer ${ownLayer}`);
    if (row !== call.rows) throw wrong(`row ${row} follows ${call.rows} rows of call ${own}`);
    call.begin();
    if (!fields.skip(SPACE)) throw wrong('no expert follows the layer');
    do {
      const id = fields.integer('expert');
      const gate = fields.skip(COLON) ? Number.parseFloat(fields.text(SPACE)) : Number.NaN;
      if (id < 0 || Number.isNaN(gate)) throw wrong('expected id:gate');
      call.push(id, gate);
    } while (!fields.ended);
  }
  flush();
}

/** Rows that grow while a call is read. */
class Rows {
  rows = 0;
  #ids = new Int32Array(64);
  #weights = new Float64Array(64);
  #ends: number[] = [];
  #used = 0;

  clear(): void {
    this.rows = 0;
    this.#used = 0;
    this.#ends = [];
  }

  begin(): void {
    this.rows++;
    this.#ends.push(this.#used);
  }

  push(id: number, weight: number): void {
    if (this.#used === this.#ids.length) {
      this.#ids = grown(this.#ids);
      this.#weights = grown(this.#weights);
    }
    this.#ids[this.#used] = id;
    this.#weights[this.#used++] = weight;
    this.#ends[this.rows - 1] = this.#used;
  }

  packed(): Call {
    const { rows } = this;
    const starts = [0, ...this.#ends];
    let width = 1;
    for (let row = 0; row < rows; row++) width = Math.max(width, starts[row + 1]! - starts[row]!);
    const ids = new Int32Array(rows * width).fill(-1);
    const weights = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) {
      ids.set(this.#ids.subarray(starts[row]!, starts[row + 1]!), row * width);
      weights.set(this.#weights.subarray(starts[row]!, starts[row + 1]!), row * width);
    }
    return { rows, width, ids, weights };
  }
}
