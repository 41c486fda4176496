import { member } from '../../base/members.js';
import { allocateChunk } from '../trace.js';
import type { Variant } from './variant.js';

/** All tokens of a request use the experts of the first token, as if prompts were routed. */
export const perRequest: Variant = {
  ...member('variant', 'per-request'),
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
};
