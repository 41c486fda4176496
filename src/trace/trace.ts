/** Null choice: padding, AdaMoE null expert, top-p tail, dense row; no activation (L1). */
export const NULL_EXPERT = 0xffff;

/** Prompt or generated token. */
export const PHASE = { prefill: 0, decode: 1 } as const;

/** Columns of consecutive tokens, overwritten by the next read. */
export interface TraceChunk {
  tokens: number;
  /** Request by row (index into {@link RoutingTrace.requests}). */
  readonly request: Int32Array;
  readonly position: Int32Array;
  /** {@link PHASE} by row. */
  readonly phase: Uint8Array;
  /** Input token id by row; null if not recorded. */
  readonly tokenId: Int32Array | null;
  /** `[tokens, layers, topK]`: expert within its layer, in rank order; {@link NULL_EXPERT}: null. */
  readonly experts: Uint16Array;
  /** Gate weights `[tokens, layers, topK]`, or null. */
  readonly weights: Float32Array | null;
  /** Recorded predictions `[tokens, layers, predictedK]`, or null. */
  readonly predicted: Uint16Array | null;
}

/** Request: `prefill` prompt rows, then `decode` generated rows, contiguous from `start`. */
export interface TraceRequest {
  readonly id: number;
  readonly start: number;
  readonly prefill: number;
  readonly decode: number;
}

/** Facts about a trace. */
export interface TraceMeta {
  readonly model: string | null;
  readonly format: string;
  readonly synthetic: boolean;
  /** Bytes of an expert by layer; null: not recorded. */
  readonly expertBytes: readonly number[] | null;
  /** Look-ahead in layers by equal part of a `predicted` row; 0: before the pass. Absent: unknown, one part. */
  readonly predictedAhead?: readonly number[];
  readonly notes: Readonly<Record<string, string>>;
}

/** Metadata given by a format; see {@link wholeMeta} for defaults. */
export type FormatMeta = Partial<TraceMeta> & Pick<TraceMeta, 'format'>;

/** Fills in defaults: not synthetic, no model, sizes or notes. */
export const wholeMeta = (meta: FormatMeta): TraceMeta => ({ model: null, synthetic: false, expertBytes: null, notes: {}, ...meta });

/** Shape and metadata of a trace. */
export interface TraceShape {
  /** Source: a path, `-`, or `synthetic`. */
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  /** Row width per layer; smaller layers are padded with {@link NULL_EXPERT}. */
  readonly topK: number;
  /** Experts by layer, from the file or the largest id. */
  readonly expertsPerLayer: readonly number[];
  readonly requests: readonly TraceRequest[];
  readonly meta: TraceMeta;
  readonly has: {
    readonly phases: boolean;
    readonly weights: boolean;
    readonly tokenIds: boolean;
    /** Width of `predicted` rows; 0: not recorded. */
    readonly predictedK: number;
  };
}

/** Open routing trace with random-access rows. */
export interface RoutingTrace extends TraceShape {
  /** SHA-256 of the file (or generated routing), hex. */
  sha256(): string;
  /** Reads and checks rows `[start, start + count)`. @throws UserError with place for a bad or repeated id */
  read(start: number, count: number, into: TraceChunk): void;
  close(): void;
}

/** Allocates a chunk of `capacity` rows. */
export function allocateChunk(trace: Pick<TraceShape, 'layers' | 'topK' | 'has'>, capacity: number): TraceChunk {
  const row = trace.layers * trace.topK;
  return {
    tokens: 0,
    request: new Int32Array(capacity),
    position: new Int32Array(capacity),
    phase: new Uint8Array(capacity),
    tokenId: trace.has.tokenIds ? new Int32Array(capacity) : null,
    experts: new Uint16Array(capacity * row),
    weights: trace.has.weights ? new Float32Array(capacity * row) : null,
    predicted: trace.has.predictedK > 0 ? new Uint16Array(capacity * trace.layers * trace.has.predictedK) : null,
  };
}

/** View of rows `[from, from + count)` of a chunk. */
export function chunkRows({ layers, topK, has }: TraceShape, chunk: TraceChunk, from: number, count: number): TraceChunk {
  const row = layers * topK;
  const to = from + count;
  const predictedRow = layers * has.predictedK;
  return {
    tokens: 0,
    request: chunk.request.subarray(from, to),
    position: chunk.position.subarray(from, to),
    phase: chunk.phase.subarray(from, to),
    tokenId: chunk.tokenId?.subarray(from, to) ?? null,
    experts: chunk.experts.subarray(from * row, to * row),
    weights: chunk.weights?.subarray(from * row, to * row) ?? null,
    predicted: chunk.predicted?.subarray(from * predictedRow, to * predictedRow) ?? null,
  };
}

/** Walks rows `[from, to)` in order, `capacity` at a time, in one reused chunk. */
export function* chunks(trace: RoutingTrace, capacity = 1024, from = 0, to: number = trace.tokens): Generator<TraceChunk, void, void> {
  const chunk = allocateChunk(trace, Math.min(capacity, Math.max(1, to - from)));
  for (let start = from; start < to; start += capacity) {
    trace.read(start, Math.min(capacity, to - start), chunk);
    yield chunk;
  }
}
