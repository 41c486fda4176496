// Several traces as one: requests of later files follow those of earlier ones.
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors.js';
import type { RoutingTrace, TraceChunk, TraceMeta, TraceRequest } from './trace.js';

/**
 * Joins traces of one model, in order. What only some of them have (weights, token ids, predictions) the whole does not have.
 * Request ids stay where no two requests share one, else they are numbered from 0.
 * @throws UserError where the list is empty, or layers or top-k differ
 */
export function concatTraces(traces: readonly RoutingTrace[]): RoutingTrace {
  const first = traces[0];
  if (first === undefined) throw new UserError('no trace is given; name one with --trace');
  if (traces.length === 1) return first;
  for (const trace of traces) {
    for (const [what, mine, theirs] of [
      ['MoE layers', trace.layers, first.layers],
      ['choices per token and layer', trace.topK, first.topK],
    ] as const) {
      if (mine !== theirs)
        throw new UserError(`${trace.path}: has ${mine} ${what}, ${first.path} has ${theirs}; join only traces of one model`);
    }
  }
  return new ConcatTrace(traces);
}

class ConcatTrace implements RoutingTrace {
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly expertsPerLayer: readonly number[];
  readonly requests: readonly TraceRequest[];
  readonly meta: TraceMeta;
  readonly has: RoutingTrace['has'];
  readonly #parts: readonly { readonly trace: RoutingTrace; readonly start: number; readonly firstRequest: number }[];

  constructor(traces: readonly RoutingTrace[]) {
    const [first] = traces as [RoutingTrace, ...RoutingTrace[]];
    this.path = traces.map((trace) => trace.path).join(' + ');
    this.layers = first.layers;
    this.topK = first.topK;
    this.expertsPerLayer = first.expertsPerLayer.map((_, layer) => Math.max(...traces.map((trace) => trace.expertsPerLayer[layer]!)));
    const predictedK = traces.every((trace) => trace.has.predictedK === first.has.predictedK) ? first.has.predictedK : 0;
    this.has = {
      phases: traces.every((trace) => trace.has.phases),
      weights: traces.every((trace) => trace.has.weights),
      tokenIds: traces.every((trace) => trace.has.tokenIds),
      predictedK,
    };
    let start = 0;
    let firstRequest = 0;
    this.#parts = traces.map((trace) => {
      const part = { trace, start, firstRequest };
      start += trace.tokens;
      firstRequest += trace.requests.length;
      return part;
    });
    this.tokens = start;
    const requests = this.#parts.flatMap((part) =>
      part.trace.requests.map((request) => ({ ...request, start: request.start + part.start })),
    );
    const unique = new Set(requests.map((request) => request.id)).size === requests.length;
    this.requests = unique ? requests : requests.map((request, id) => ({ ...request, id }));
    const models = new Set(traces.map((trace) => trace.meta.model));
    this.meta = {
      model: models.size === 1 ? first.meta.model : null,
      format: [...new Set(traces.map((trace) => trace.meta.format))].join(' + '),
      synthetic: traces.some((trace) => trace.meta.synthetic),
      expertBytes: traces.find((trace) => trace.meta.expertBytes !== null)?.meta.expertBytes ?? null,
      notes: {},
    };
  }

  read(start: number, count: number, into: TraceChunk): void {
    let done = 0;
    for (const { trace, start: partStart, firstRequest } of this.#parts) {
      const from = start + done - partStart;
      if (done === count || from >= trace.tokens) continue;
      const some = Math.min(count - done, trace.tokens - from);
      const window = done === 0 && some === count ? into : windowOf(this, into, done, some);
      trace.read(from, some, window);
      for (let i = 0; i < some; i++) window.request[i]! += firstRequest;
      done += some;
    }
    into.tokens = count;
  }

  sha256(): string {
    const hash = createHash('sha256');
    for (const { trace } of this.#parts) hash.update(trace.sha256());
    return hash.digest('hex');
  }

  close(): void {
    for (const { trace } of this.#parts) trace.close();
  }
}

/** Rows `[from, from + count)` of a chunk as a chunk of its own, on the same memory. */
function windowOf({ layers, topK, has }: RoutingTrace, chunk: TraceChunk, from: number, count: number): TraceChunk {
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
