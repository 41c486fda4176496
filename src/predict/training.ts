// Training before the run: a predictor that learns online learns from a trace in the same way, as if the trace were being served.
import { Pass, Request } from '../schedule/door.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { Predictor } from './predictor.js';

/**
 * Shows every token of `traces` to a predictor, or to whatever else learns as one does, one request after another. Requests are numbered from -2 downwards, so that none is
 * taken for one of the run.
 * @returns the learner
 */
export function trainedOn<P extends Pick<Predictor, 'observe'>>(learner: P, traces: readonly RoutingTrace[]): P {
  let index = -2;
  for (const trace of traces) {
    const pass = new Pass(trace, 1);
    for (const { start, prefill, decode } of trace.requests) {
      const request = new Request({ index: index--, start, prefill, decode, arrivalNs: 0 });
      const shares = [{ request, tokens: 1 }];
      while (!request.finished) {
        pass.fill(shares);
        for (let layer = 0; layer < pass.layers; layer++) learner.observe(pass, layer);
        pass.advance(shares);
      }
    }
  }
  return learner;
}
