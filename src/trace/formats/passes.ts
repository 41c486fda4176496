import { UserError } from '../../base/errors.js';
import { PHASE } from '../trace.js';
import { Cell, type WalkPlace } from './cell.js';

/**
 * Passes (all tokens at layer 0, then 1) to requests: many tokens are prompt; a prompt after decode begins a request.
 */
export class PassReader {
  readonly #visit: (cell: Cell) => void;
  readonly #at: WalkPlace;
  readonly #cell = new Cell();
  #request = -1;
  #position = 0;
  #tokens = 0;
  #lastLayer = Number.POSITIVE_INFINITY;
  #decoding = true;

  constructor(visit: (cell: Cell) => void, at: WalkPlace) {
    this.#visit = visit;
    this.#at = at;
  }

  /** Fewer rows are the last tokens. @param ids `[rows, width]`, by rank @throws UserError for more rows than tokens */
  group(layer: number, rows: number, width: number, ids: Int32Array, weights?: Float64Array): void {
    const cell = this.#cell;
    if (layer <= this.#lastLayer) this.#begin(rows);
    this.#lastLayer = layer;
    if (rows > this.#tokens)
      throw new UserError(
        `${this.#at.place()}: layer ${layer} has ${rows} rows in a pass of ${this.#tokens} tokens; the recording is out of order or cut`,
      );
    cell.request = this.#request;
    cell.layer = layer;
    cell.phase = this.#tokens > 1 ? PHASE.prefill : PHASE.decode;
    cell.ids = ids;
    cell.count = width;
    cell.weighted = weights !== undefined;
    for (let row = 0; row < rows; row++) {
      cell.token = this.#position + this.#tokens - rows + row;
      cell.from = row * width;
      if (weights !== undefined) cell.weights = weights.subarray(row * width, (row + 1) * width);
      this.#visit(cell);
    }
  }

  #begin(rows: number): void {
    this.#position += this.#tokens;
    this.#tokens = rows;
    const prompt = rows > 1;
    if (this.#request < 0 || (prompt && this.#decoding)) {
      this.#request++;
      this.#position = 0;
    }
    this.#decoding = !prompt;
  }
}
