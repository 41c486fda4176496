// A part of a trace as a trace of its own: some requests, the first tokens, some layers.
import { TraceStore } from './store.js';
import { allocateChunk, type RoutingTrace } from './trace.js';

/** Which part to keep; what is left out is kept whole. */
export interface TraceSlice {
  /** True for requests to keep, by index. */
  readonly requests?: (index: number) => boolean;
  /** Rows to keep at most, counted after {@link requests}. */
  readonly tokens?: number;
  /** MoE layers `[from, to)` to keep. */
  readonly layers?: readonly [from: number, to: number];
}

/** Copies a part of a trace; the original may be closed after it. */
export function sliceTrace(trace: RoutingTrace, slice: TraceSlice): RoutingTrace {
  const { topK, has } = trace;
  const [from, to] = slice.layers ?? [0, trace.layers];
  const keep = slice.requests ?? (() => true);
  const limit = slice.tokens ?? Number.POSITIVE_INFINITY;
  const store = new TraceStore({
    path: trace.path,
    layers: to - from,
    topK,
    weights: has.weights,
    tokenIds: has.tokenIds,
    predictedK: has.predictedK,
    phases: has.phases,
  });
  const chunk = allocateChunk(trace, 256);
  trace.requests.forEach((request, index) => {
    if (!keep(index)) return;
    const end = request.start + Math.min(request.prefill + request.decode, limit - store.rows);
    for (let start = request.start; start < end; start += 256) {
      trace.read(start, Math.min(256, end - start), chunk);
      for (let row = 0; row < chunk.tokens; row++) {
        store.seek(store.rows);
        const cells = row * trace.layers * topK;
        store.ids.set(chunk.experts.subarray(cells + from * topK, cells + to * topK), store.idsAt);
        if (chunk.weights !== null) store.weights.set(chunk.weights.subarray(cells + from * topK, cells + to * topK), store.idsAt);
        if (chunk.predicted !== null) {
          const { predictedK } = has;
          const at = row * trace.layers * predictedK;
          store.predicted.set(chunk.predicted.subarray(at + from * predictedK, at + to * predictedK), store.predictedAt);
        }
        if (chunk.tokenId !== null) store.tokenIds[store.tokenAt] = chunk.tokenId[row]!;
        store.addRow(request.id, chunk.position[row]!, chunk.phase[row]!);
      }
    }
  });
  const { expertBytes } = trace.meta;
  return store.finish(trace.expertsPerLayer.slice(from, to), { ...trace.meta, expertBytes: expertBytes?.slice(from, to) ?? null });
}
