// Training data: paths in memory; histories (two floats per expert) are rebuilt from snapshots.
import type { ModelSpec } from '../../model/door.js';
import { chunks, NULL_EXPERT, type RoutingTrace, type TraceRequest } from '../../trace/trace.js';
import { HISTORY_DECAY, HISTORY_SLOW_DECAY } from './contract.js';

/** Most bytes of all snapshots. Ours. */
const SNAPSHOT_BYTES = 64 * 2 ** 20;
/** Fewest tokens between snapshots: rebuilding costs no more than a copy. */
const SPACING = 32;

/** Tokens of a trace, by row. */
export class PathDataset {
  readonly model: ModelSpec;
  readonly rows: number;
  readonly requests: readonly TraceRequest[];
  readonly tokenIds: Int32Array | null;
  /** `[rows, layers, topK]`: dense id, or -1. */
  readonly #ids: Int32Array;
  readonly #row: number;
  readonly #topK: number;
  readonly #start: Int32Array;
  readonly #spacing: number;
  /** `[snapshots, experts]` histories before rows 0, spacing, 2 spacing, ... */
  readonly #fast: Float32Array;
  readonly #slow: Float32Array;

  constructor(trace: RoutingTrace, model: ModelSpec) {
    this.model = model;
    this.rows = trace.tokens;
    this.requests = trace.requests;
    this.#topK = trace.topK;
    this.#row = trace.layers * trace.topK;
    this.#ids = new Int32Array(this.rows * this.#row).fill(-1);
    this.#start = new Int32Array(this.rows);
    this.tokenIds = trace.has.tokenIds ? new Int32Array(this.rows) : null;
    let row = 0;
    for (const chunk of chunks(trace)) {
      this.tokenIds?.set(chunk.tokenId!.subarray(0, chunk.tokens), row);
      for (let at = 0; at < chunk.tokens * this.#row; at++) {
        const expert = chunk.experts[at]!;
        const { offset } = model.layers[Math.floor((at % this.#row) / this.#topK)]!;
        if (expert !== NULL_EXPERT) this.#ids[row * this.#row + at] = offset + expert;
      }
      row += chunk.tokens;
    }
    for (const { decode, prefill, start } of trace.requests) this.#start.fill(start, start, start + prefill + decode);

    const snapshotBytes = 8 * model.experts;
    this.#spacing = Math.max(SPACING, Math.ceil((this.rows * snapshotBytes) / SNAPSHOT_BYTES));
    const snapshots = Math.ceil(this.rows / this.#spacing);
    this.#fast = new Float32Array(snapshots * model.experts);
    this.#slow = new Float32Array(snapshots * model.experts);
    for (let i = 1; i < snapshots; i++) this.history(i * this.#spacing, this.#fast, this.#slow, i * model.experts);
  }

  /** Share of the rows that used each expert, by dense id. */
  frequency(rows: Int32Array): Float64Array {
    const share = new Float64Array(this.model.experts);
    for (const row of rows) {
      for (let at = row * this.#row; at < (row + 1) * this.#row; at++) if (this.#ids[at]! >= 0) share[this.#ids[at]!]! += 1 / rows.length;
    }
    return share;
  }

  /** Writes 1 for each expert of layers `[from, to)` into a clear `[experts]` part of `into`. */
  path(row: number, from: number, to: number, into: Float32Array, at: number): void {
    const end = row * this.#row + to * this.#topK;
    for (let i = row * this.#row + from * this.#topK; i < end; i++) if (this.#ids[i]! >= 0) into[at + this.#ids[i]!] = 1;
  }

  /** Writes both histories before a row, `[experts]` each, from index `at` on. */
  history(row: number, fast: Float32Array, slow: Float32Array, at: number): void {
    const { experts } = this.model;
    // An earlier snapshot: the call may be making the snapshot at `row`.
    const snapshot = Math.max(0, Math.ceil(row / this.#spacing) - 1);
    const from = Math.max(snapshot * this.#spacing, this.#start[row]!);
    if (from > this.#start[row]!) {
      const scaleFast = HISTORY_DECAY ** (row - from);
      const scaleSlow = HISTORY_SLOW_DECAY ** (row - from);
      const source = snapshot * experts;
      for (let i = 0; i < experts; i++) {
        fast[at + i] = this.#fast[source + i]! * scaleFast;
        slow[at + i] = this.#slow[source + i]! * scaleSlow;
      }
    } else {
      fast.fill(0, at, at + experts);
      slow.fill(0, at, at + experts);
    }
    let weightFast = 1;
    let weightSlow = 1;
    for (let past = row - 1; past >= from; past--) {
      for (let i = past * this.#row; i < (past + 1) * this.#row; i++) {
        const id = this.#ids[i]!;
        if (id < 0) continue;
        fast[at + id]! += weightFast;
        slow[at + id]! += weightSlow;
      }
      weightFast *= HISTORY_DECAY;
      weightSlow *= HISTORY_SLOW_DECAY;
    }
  }
}

/** Holds out random requests, or the ends of few. @param share held out @param next draws in [0, 1) */
export function holdOut(requests: readonly TraceRequest[], share: number, next: () => number): { learn: Int32Array; held: Int32Array } {
  const learn: number[] = [];
  const held: number[] = [];
  const parts = requests.map((request) => ({ start: request.start, rows: request.prefill + request.decode }));
  if (requests.length < FEW_REQUESTS) {
    for (const { start, rows } of parts) {
      const kept = rows - Math.floor(rows * share);
      for (let row = start; row < start + rows; row++) (row < start + kept ? learn : held).push(row);
    }
  } else {
    const order = parts.map((part) => ({ part, key: next() })).sort((a, b) => a.key - b.key || a.part.start - b.part.start);
    const wanted = share * parts.reduce((sum, { rows }) => sum + rows, 0);
    for (const { part } of order) {
      const into = held.length < wanted ? held : learn;
      for (let row = part.start; row < part.start + part.rows; row++) into.push(row);
    }
  }
  return { learn: Int32Array.from(learn).sort(), held: Int32Array.from(held).sort() };
}

/** Below this number, requests are cut instead of drawn. Ours. */
const FEW_REQUESTS = 5;
