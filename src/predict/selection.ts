// A part of a trace as a trace of its own: a range of rows (`trace.safetensors#6000:8000`), or some of its requests. What a predictor is
// trained on and what it is judged on must not overlap, and most recordings come as one file.
import { createHash } from 'node:crypto';
import { allocateChunk, type RoutingTrace, type TraceChunk, type TraceMeta, type TraceRequest } from '../trace/trace.js';

/** Rows `[start, end)` of the whole trace, all of one request. */
interface Segment {
  readonly request: TraceRequest;
  readonly start: number;
  readonly end: number;
}

/** Some rows of another trace. Positions are those of the whole; requests are renumbered. */
export class TraceSelection implements RoutingTrace {
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly expertsPerLayer: readonly number[];
  readonly requests: readonly TraceRequest[];
  readonly meta: TraceMeta;
  readonly has: RoutingTrace['has'];
  readonly #whole: RoutingTrace;
  readonly #segments: readonly Segment[];
  #buffer: TraceChunk | null = null;

  /** @param name how messages and reports call the selection */
  private constructor(whole: RoutingTrace, segments: readonly Segment[], name: string) {
    this.#whole = whole;
    this.#segments = segments;
    this.path = name;
    this.layers = whole.layers;
    this.topK = whole.topK;
    this.expertsPerLayer = whole.expertsPerLayer;
    this.meta = whole.meta;
    this.has = whole.has;
    let at = 0;
    this.requests = segments.map(({ end, request, start }) => {
      const prefill = Math.max(0, Math.min(end, request.start + request.prefill) - start);
      const own = { id: request.id, start: at, prefill, decode: end - start - prefill };
      at += end - start;
      return own;
    });
    this.tokens = at;
  }

  /** Rows `[from, to)`. */
  static rows(whole: RoutingTrace, from: number, to: number, name: string): TraceSelection {
    const segments = whole.requests.flatMap((request) => {
      const start = Math.max(from, request.start);
      const end = Math.min(to, request.start + request.prefill + request.decode);
      return start < end ? [{ request, start, end }] : [];
    });
    return new TraceSelection(whole, segments, name);
  }

  /** The rows that are marked, request by request. */
  static marked(whole: RoutingTrace, rows: Int32Array, name: string): TraceSelection {
    const segments: Segment[] = [];
    for (let i = 0; i < rows.length; ) {
      const start = rows[i]!;
      const request = whole.requests.findLast((one) => one.start <= start)!;
      const limit = request.start + request.prefill + request.decode;
      let end = start;
      while (i < rows.length && rows[i] === end && end < limit) {
        end++;
        i++;
      }
      segments.push({ request, start, end });
    }
    return new TraceSelection(whole, segments, name);
  }

  sha256(): string {
    const hash = createHash('sha256').update(this.#whole.sha256());
    for (const { end, start } of this.#segments) hash.update(`;${start}:${end}`);
    return hash.digest('hex');
  }

  read(start: number, count: number, into: TraceChunk): void {
    let done = 0;
    for (let index = this.#segmentOf(start); done < count; index++) {
      const segment = this.#segments[index]!;
      const skipped = start + done - this.requests[index]!.start;
      const rows = Math.min(count - done, segment.end - segment.start - skipped);
      this.#copy(segment.start + skipped, rows, into, done);
      into.request.fill(index, done, done + rows);
      done += rows;
    }
    into.tokens = count;
  }

  close(): void {
    this.#whole.close();
  }

  /** Last segment that begins at or before a row. */
  #segmentOf(row: number): number {
    let low = 0;
    for (let high = this.requests.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (this.requests[middle]!.start <= row) low = middle;
      else high = middle;
    }
    return low;
  }

  #copy(from: number, rows: number, into: TraceChunk, to: number): void {
    if (this.#buffer === null || this.#buffer.request.length < rows) this.#buffer = allocateChunk(this, Math.max(rows, 256));
    const buffer = this.#buffer;
    this.#whole.read(from, rows, buffer);
    const row = this.layers * this.topK;
    into.position.set(buffer.position.subarray(0, rows), to);
    into.phase.set(buffer.phase.subarray(0, rows), to);
    into.experts.set(buffer.experts.subarray(0, rows * row), to * row);
    into.tokenId?.set(buffer.tokenId!.subarray(0, rows), to);
    into.weights?.set(buffer.weights!.subarray(0, rows * row), to * row);
    const width = this.layers * this.has.predictedK;
    into.predicted?.set(buffer.predicted!.subarray(0, rows * width), to * width);
  }
}
