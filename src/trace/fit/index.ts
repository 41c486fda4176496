// Synthetic routing that behaves like a recorded trace: a routing model is estimated from the trace, calibrated, and sampled.

import type { RequestLength } from '../generate/synthetic.js';
import { TraceStore } from '../store.js';
import { PHASE, type RoutingTrace } from '../trace.js';
import { BURN_IN, type Moments, targetsOf } from './calibrate.js';
import { estimateWeights, surveyModel } from './estimate.js';
import { fittedProcess } from './fitted-process.js';
import type { LayerModel } from './routing-model.js';

/** A routing model fitted to a trace, from which any number of similar tokens can be drawn. */
export interface FittedRouting {
  readonly topK: number;
  readonly layers: readonly LayerModel[];
  /** Target moments of generated routing. */
  readonly targets: readonly Moments[];
  /** Lengths of the trace's requests, in order. */
  readonly requests: readonly RequestLength[];
  /** Recorded model and file, as stated in the trace. */
  readonly model: string | null;
  readonly source: string;
}

/**
 * Estimates, from every row of a trace and by layer: popularity, the ages and rates of use that choices follow (reuse at every distance, slow
 * drifts between domains included), and the dependence of a layer on the one before.
 */
export function fitRouting(trace: RoutingTrace): FittedRouting {
  const layers = surveyModel(trace);
  estimateWeights(trace, layers);
  return {
    topK: trace.topK,
    layers,
    targets: targetsOf(trace, layers),
    requests: trace.requests.map(({ prefill, decode }) => ({ prefill, decode })),
    model: trace.meta.model,
    source: trace.path,
  };
}

/** Requests with the lengths of the fitted trace's, in turn, `tokens` in total; the last one is cut. */
export function requestsLike(fitted: FittedRouting, tokens: number): RequestLength[] {
  const requests: RequestLength[] = [];
  for (let left = tokens, i = 0; left > 0; i++) {
    const { prefill, decode } = fitted.requests[i % fitted.requests.length]!;
    const prompt = Math.min(prefill, left);
    const generated = Math.min(decode, left - prompt);
    requests.push({ prefill: prompt, decode: generated });
    left -= prompt + generated;
  }
  return requests;
}

/** Draws a trace; the same seed gives the same routing on every machine. @param progress called now and then with the tokens drawn */
export function synthesizeFitted(
  fitted: FittedRouting,
  { requests, seed }: { readonly seed: number; readonly requests: readonly RequestLength[] },
  progress?: (tokens: number) => void,
): RoutingTrace {
  const process = fittedProcess(fitted.layers, fitted.targets, fitted.topK, seed);
  const store = new TraceStore({ path: 'synthetic', layers: fitted.layers.length, topK: fitted.topK });
  burnIn(process, fitted);
  requests.forEach(({ prefill, decode }, request) => {
    process.begin();
    for (let position = 0; position < prefill + decode; position++) {
      store.seek(store.rows);
      process.next(store.ids, store.idsAt);
      store.addRow(request, position, position < prefill ? PHASE.prefill : PHASE.decode);
      if (store.rows % 256 === 0) progress?.(store.rows);
    }
  });
  return store.finish(
    fitted.layers.map((layer) => layer.experts),
    {
      model: fitted.model,
      format: 'synthetic',
      synthetic: true,
      notes: { generator: 'moeprof fitted/1', seed: String(seed), fitted_to: fitted.source },
    },
  );
}

/** Lets the weights settle, on requests of the lengths of the trace. */
function burnIn(process: ReturnType<typeof fittedProcess>, { layers, requests, topK }: FittedRouting): void {
  const ids = new Uint16Array(layers.length * topK);
  for (let token = 0, i = 0; token < BURN_IN; i++) {
    const { prefill, decode } = requests[i % requests.length]!;
    process.begin();
    for (let left = prefill + decode; left > 0 && token < BURN_IN; left--, token++) process.next(ids, 0);
  }
}
