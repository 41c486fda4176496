import { Cell } from './cell.js';
import { TokenCounter } from './record-lines.js';

/** Turns rows of CSV or Parquet tables into cells. */
export class TableRows {
  readonly #visit: (cell: Cell) => void;
  readonly #cell = new Cell();
  readonly #requests = new Map<unknown, number>();
  readonly #counter = new TokenCounter();
  #open = false;

  constructor(visit: (cell: Cell) => void) {
    this.#visit = visit;
  }

  /**
   * Consecutive activations of a cell are grouped. @param request numbered by appearance
   * @param token null: the n-th row of a layer is the n-th token @param phase -1: unknown @param tokenId -1: unknown
   */
  add(
    request: unknown,
    layer: number,
    token: number | null,
    phase: number,
    tokenId: number,
    ids: ArrayLike<number>,
    weights: ArrayLike<number> | null,
  ): void {
    const cell = this.#cell;
    const ordinal = this.#requests.get(request) ?? this.#requests.set(request, this.#requests.size).size - 1;
    const position = token ?? this.#counter.next(ordinal, layer);
    const same = this.#open && ids.length === 1 && ordinal === cell.request && layer === cell.layer && position === cell.token;
    if (!same) {
      this.end();
      cell.request = ordinal;
      cell.layer = layer;
      cell.token = position;
      cell.phase = phase;
      cell.tokenId = tokenId;
      cell.weighted = weights !== null;
      cell.count = 0;
      this.#open = true;
    }
    for (let k = 0; k < ids.length; k++) cell.push(ids[k]!, weights?.[k] ?? 0);
  }

  /** Emits the last row. */
  end(): void {
    if (this.#open) this.#visit(this.#cell);
    this.#open = false;
  }
}
