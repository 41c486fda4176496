import { grown } from '../../base/grown.js';
import type { TraceSource } from '../source.js';
import type { FormatMeta, PHASE, TraceMeta } from '../trace.js';

/** Choices of one token at one layer. */
export class Cell {
  /** Ordinal in order of appearance. */
  request = 0;
  token = 0;
  layer = 0;
  /** {@link PHASE}; -1: unknown. */
  phase = -1;
  /** Input token id, or -1. */
  tokenId = -1;
  count = 0;
  from = 0;
  ids: Int32Array = new Int32Array(16);
  /** Gate weights from index 0, valid if {@link weighted}. */
  weights: Float64Array = new Float64Array(16);
  weighted = false;

  /** Adds a choice in rank order; -1: null. For cells with `from` 0. */
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

/** A recording as a walk over cells. */
export interface Cells {
  walk(visit: (cell: Cell) => void, at: WalkPlace): void;
  /** Declared layer numbers; absent: layers that occur. */
  readonly layers?: readonly number[];
  /** Declared experts of every layer, or by layer number. */
  readonly experts?: number | ((layer: number) => number);
  readonly meta?: Partial<TraceMeta>;
}

/** Cells with source and format. */
export interface CellSource extends Cells {
  readonly source: TraceSource;
  readonly meta: FormatMeta;
}
