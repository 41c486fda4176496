import { UserError } from '../base/errors.js';
import { newSha256 } from '../base/host/hash.js';
import { chunkRows, type RoutingTrace, type TraceShape } from './trace.js';

/** Only common columns remain. @throws UserError if shapes differ */
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
  const shape = shapeOf(traces);
  return {
    ...shape,
    read(start, count, into) {
      let done = 0;
      let partStart = 0;
      let firstRequest = 0;
      for (const trace of traces) {
        const from = start + done - partStart;
        if (done < count && from < trace.tokens) {
          const some = Math.min(count - done, trace.tokens - from);
          const window = done === 0 && some === count ? into : chunkRows(shape, into, done, some);
          trace.read(from, some, window);
          for (let i = 0; i < some; i++) window.request[i]! += firstRequest;
          done += some;
        }
        partStart += trace.tokens;
        firstRequest += trace.requests.length;
      }
      into.tokens = count;
    },
    sha256() {
      const hash = newSha256();
      for (const trace of traces) hash.update(trace.sha256());
      return hash.digest('hex');
    },
    close() {
      for (const trace of traces) trace.close();
    },
  };
}

function shapeOf(traces: readonly RoutingTrace[]): TraceShape {
  const [first] = traces as [RoutingTrace, ...RoutingTrace[]];
  let tokens = 0;
  const requests = traces.flatMap((trace) => {
    const start = tokens;
    tokens += trace.tokens;
    return trace.requests.map((request) => ({ ...request, start: request.start + start }));
  });
  const unique = new Set(requests.map((request) => request.id)).size === requests.length;
  const models = new Set(traces.map((trace) => trace.meta.model));
  const ahead = first.meta.predictedAhead;
  const lookAhead = ({ has, meta }: RoutingTrace): string => JSON.stringify([has.predictedK, meta.predictedAhead]);
  return {
    path: traces.map((trace) => trace.path).join(' + '),
    tokens,
    layers: first.layers,
    topK: first.topK,
    expertsPerLayer: first.expertsPerLayer.map((_, layer) => Math.max(...traces.map((trace) => trace.expertsPerLayer[layer]!))),
    requests: unique ? requests : requests.map((request, id) => ({ ...request, id })),
    meta: {
      model: models.size === 1 ? first.meta.model : null,
      format: [...new Set(traces.map((trace) => trace.meta.format))].join(' + '),
      synthetic: traces.some((trace) => trace.meta.synthetic),
      expertBytes: traces.find((trace) => trace.meta.expertBytes !== null)?.meta.expertBytes ?? null,
      ...(ahead === undefined ? {} : { predictedAhead: ahead }),
      notes: {},
    },
    has: {
      phases: traces.every((trace) => trace.has.phases),
      weights: traces.every((trace) => trace.has.weights),
      tokenIds: traces.every((trace) => trace.has.tokenIds),
      predictedK: traces.every((trace) => lookAhead(trace) === lookAhead(first)) ? first.has.predictedK : 0,
    },
  };
}
