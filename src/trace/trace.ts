// Traces: the routing of tokens, as random-access rows, so that many requests can be walked at once in constant memory.

/** A null choice: padding, AdaMoE null expert, top-p tail, dense row. Does not count as an activation (L1). */
export const NULL_EXPERT = 0xffff;

/** Phase of a token: a prompt token, or a generated one. */
export const PHASE = { prefill: 0, decode: 1 } as const;

/** Columns of consecutive tokens, owned by the code that allocated them and overwritten by the next read. */
export interface TraceChunk {
  /** Rows filled by the last read. */
  tokens: number;
  /** Request of each row (index into {@link RoutingTrace.requests}). */
  readonly request: Int32Array;
  readonly position: Int32Array;
  /** {@link PHASE} of each row. */
  readonly phase: Uint8Array;
  /** Input token id of each row, or null if the trace has none. */
  readonly tokenId: Int32Array | null;
  /** `[tokens, layers, topK]`: expert within its layer, in rank order; {@link NULL_EXPERT} = none. */
  readonly experts: Uint16Array;
  /** Gate weights `[tokens, layers, topK]`, or null. */
  readonly weights: Float32Array | null;
  /** Recorded predictions, `[tokens, layers, predictedK]`, {@link NULL_EXPERT} = none; or null. */
  readonly predicted: Uint16Array | null;
}

/** One request's rows: `prefill` prompt rows followed by `decode` generated rows, contiguous from `start`. */
export interface TraceRequest {
  readonly id: number;
  readonly start: number;
  readonly prefill: number;
  readonly decode: number;
}

/** Free-form facts about a trace, all strings as in the file's metadata. */
export interface TraceMeta {
  readonly model: string | null;
  /** Format it was read from, e.g. `safetensors`. */
  readonly format: string;
  /** True if the routing was generated, which reports state. */
  readonly synthetic: boolean;
  /** Bytes of one expert by layer, if the format records them. */
  readonly expertBytes: readonly number[] | null;
  /** Layers ahead of which each equal part of a `predicted` row speaks; 0: before the pass. Absent: unknown, and the row is one part. */
  readonly predictedAhead?: readonly number[];
  /** All other metadata of the file. */
  readonly notes: Readonly<Record<string, string>>;
}

/** What a format gives of a trace; the rest is unknown: not synthetic, no model, sizes or notes. */
export type FormatMeta = Partial<TraceMeta> & Pick<TraceMeta, 'format'>;

/** The whole metadata. */
export const wholeMeta = (meta: FormatMeta): TraceMeta => ({ model: null, synthetic: false, expertBytes: null, notes: {}, ...meta });

/** The metadata of a trace. */
export interface TraceShape {
  /** Its source: a path, `-`, or `synthetic`. */
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  /** Width of a row per layer; layers with a smaller top-k are padded with {@link NULL_EXPERT}. */
  readonly topK: number;
  /** Experts per layer, from the file, or by the largest id; length `layers`. */
  readonly expertsPerLayer: readonly number[];
  readonly requests: readonly TraceRequest[];
  readonly meta: TraceMeta;
  readonly has: {
    readonly phases: boolean;
    readonly weights: boolean;
    readonly tokenIds: boolean;
    /** Width of the `predicted` rows; 0: none. */
    readonly predictedK: number;
  };
}

/** A routing trace, open for reading. */
export interface RoutingTrace extends TraceShape {
  /** SHA-256 of the file's bytes (of the routing, if it was generated), hex. */
  sha256(): string;
  /** Reads and checks rows `[start, start + count)` into `into`, and sets `into.tokens`. @throws UserError with the place of a bad or repeated id */
  read(start: number, count: number, into: TraceChunk): void;
  close(): void;
}

/** Allocates a chunk of `capacity` rows for a trace. */
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

/** A view of rows `[from, from + count)` of a chunk of a trace. */
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

/** Walks rows `[from, to)` of a trace in file order, `capacity` rows at a time, in one reused chunk. */
export function* chunks(trace: RoutingTrace, capacity = 1024, from = 0, to: number = trace.tokens): Generator<TraceChunk, void, void> {
  const chunk = allocateChunk(trace, Math.min(capacity, Math.max(1, to - from)));
  for (let start = from; start < to; start += capacity) {
    trace.read(start, Math.min(capacity, to - start), chunk);
    yield chunk;
  }
}
