import { grown } from '../../base/grown.js';
import type { TraceSource } from '../source.js';
import type { FormatMeta, PHASE, TraceMeta } from '../trace.js';

/** A cell: the choices of one token at one layer, and a recording as a walk over all of them. */
export class Cell {
  /** Ordinal of the request, from 0 in order of appearance. */
  request = 0;
  token = 0;
  layer = 0;
  /** {@link PHASE}, or -1 if the recording does not state it. */
  phase = -1;
  /** Input token id, or -1. */
  tokenId = -1;
  /** Number of choices; they are `ids[from, from + count)`. */
  count = 0;
  from = 0;
  ids: Int32Array = new Int32Array(16);
  /** Gate weights of the choices, from 0, if {@link weighted}. */
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
export interface WalkPlace {
  place: () => string;
}

/** The cells of a recording. */
export interface Cells {
  walk(visit: (cell: Cell) => void, at: WalkPlace): void;
  /** Layer numbers that the recording declares; absent: those that occur. */
  readonly layers?: readonly number[];
  /** Experts of every layer, or a function of the layer number, if the recording declares them. */
  readonly experts?: number | ((layer: number) => number);
  readonly meta?: Partial<TraceMeta>;
}

/** A recording as cells, with the fields that `cellFormat` adds. */
export interface CellSource extends Cells {
  readonly source: TraceSource;
  readonly meta: FormatMeta;
}
