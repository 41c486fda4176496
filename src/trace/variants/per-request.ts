import { allocateChunk } from '../trace.js';
import { variant } from './variant.js';

/** All tokens of a request use the experts of the first token, as if prompts were routed. */
export const perRequest = variant({
  name: 'per-request',
  summary: "all tokens of a request take its first token's experts",
  cites: 'Tryage, arXiv 2308.11601 (a model per prompt); multi-head routing, arXiv 2211.03831 (adapters per task)',
  change(trace) {
    const row = trace.layers * trace.topK;
    const first = allocateChunk(trace, 1);
    let held = -1;
    return {
      predicted: false,
      rewrite(source, into) {
        for (let token = 0; token < source.tokens; token++) {
          const request = source.request[token]!;
          if (request !== held) {
            trace.read(trace.requests[request]!.start, 1, first);
            held = request;
          }
          into.experts.set(first.experts, token * row);
          if (into.weights !== null) into.weights.set(first.weights!, token * row);
        }
      },
    };
  },
});
