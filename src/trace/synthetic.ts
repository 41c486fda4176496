// Routing made by a generator, so that any model can be profiled with no trace at hand. The report says plainly that it is synthetic.
import type { ModelSpec } from '../model/spec.js';
import { RoutingProcess } from './routing-process.js';
import { type RoutingProfile, routingProfile } from './routing-profile.js';
import { TraceStore } from './store.js';
import { PHASE, type RoutingTrace } from './trace.js';

/** Prompt and output length of one request, in tokens. */
export interface RequestLength {
  readonly prefill: number;
  readonly decode: number;
}

/** What to generate. */
export interface SyntheticOptions {
  /** Seed of the run. */
  readonly seed: number;
  /** One entry per request, in order; a request has at least one token. */
  readonly requests: readonly RequestLength[];
  /** Departures from the model's default profile, e.g. the `routing:` block of its model profile. */
  readonly profile?: Partial<RoutingProfile>;
}

/** Requests of a 64-token prompt and 192 generated tokens each, `tokens` in all; the last one is cut. */
export function requestsOf(tokens: number): RequestLength[] {
  const requests: RequestLength[] = [];
  for (let left = tokens; left > 0; left -= 256) {
    requests.push({ prefill: Math.min(64, left), decode: Math.max(0, Math.min(192, left - 64)) });
  }
  return requests;
}

/** Generates a trace for a model: the same seed gives the same routing on every machine. */
export function synthesize(model: ModelSpec, { seed, requests, profile }: SyntheticOptions): RoutingTrace {
  const process = new RoutingProcess(model, routingProfile(model, profile), seed);
  const store = new TraceStore({ path: 'synthetic', layers: model.layers.length, topK: process.topK });
  requests.forEach(({ prefill, decode }, request) => {
    process.begin();
    for (let position = 0; position < prefill + decode; position++) {
      store.seek(store.rows);
      process.next(store.ids, store.idsAt);
      store.addRow(request, position, position < prefill ? PHASE.prefill : PHASE.decode);
    }
  });
  return store.finish(
    model.layers.map((layer) => layer.experts),
    {
      model: model.name,
      format: 'synthetic',
      synthetic: true,
      expertBytes: null,
      notes: { generator: 'moeprof synthetic/1', seed: String(seed) },
    },
  );
}
