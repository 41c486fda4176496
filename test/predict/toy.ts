// Traces made from rows, and passes walked through them the way the engine does, for predictor tests.
import { resolveParameters } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import type { ModelSpec } from '../../src/model/spec.js';
import type { Predictor } from '../../src/predict/predictor.js';
import { findPredictor } from '../../src/predict/predictors/index.js';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { TraceStore } from '../../src/trace/store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../../src/trace/trace.js';

/** One token: `[layer][rank]`, expert within its layer. */
export type Row = readonly (readonly number[])[];

/** A trace of one decoded request per list of rows; token ids count up within each request. */
export function traceFrom(model: ModelSpec, topK: number, requests: readonly (readonly Row[])[]): RoutingTrace {
  const layers = model.layers.length;
  const store = new TraceStore({ path: 'rows', layers, topK, tokenIds: true, weights: true });
  requests.forEach((rows, request) => {
    rows.forEach((row, position) => {
      store.seek(store.rows);
      store.tokenIds[store.tokenAt] = position % 7;
      row.forEach((chosen, layer) => {
        for (let rank = 0; rank < topK; rank++) {
          store.ids[store.idsAt + layer * topK + rank] = chosen[rank] ?? NULL_EXPERT;
          store.weights[store.idsAt + layer * topK + rank] = 1 / (rank + 1);
        }
      });
      store.addRow(request, position, PHASE.decode);
    });
  });
  return store.finish(
    model.layers.map(({ experts }) => experts),
    { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} },
  );
}

/** Creates a predictor by name with parameter values. */
export async function create(
  name: string,
  model: ModelSpec,
  topK: number,
  given: Readonly<Record<string, unknown>> = {},
  { slots = 1, seed = 1, training = [] as readonly RoutingTrace[] } = {},
): Promise<Predictor> {
  const definition = findPredictor(name);
  const parameters = resolveParameters(name, definition.parameters, given);
  return definition.create({ model, topK, slots, random: new Random(seed, `predictor/${name}`), training }, parameters);
}

/**
 * Walks a trace's first requests token by token, all of them side by side, `visit` before each layer is known (`after` = layer - 1: what is
 * known by then).
 */
export function walk(
  trace: RoutingTrace,
  predictor: Predictor,
  visit: (pass: Pass, after: number) => void,
  { from = 0, to = Number.POSITIVE_INFINITY, streams = 1 } = {},
): void {
  const pass = new Pass(trace, streams);
  const requests = trace.requests.map(({ start, prefill, decode }, index) => new Request({ index, start, prefill, decode, arrivalNs: 0 }));
  for (let tokens = 0; tokens < to; ) {
    const shares = requests
      .filter((request) => !request.finished)
      .slice(0, streams)
      .map((request) => ({ request, tokens: 1 }));
    if (shares.length === 0) return;
    pass.fill(shares);
    for (let layer = 0; layer < pass.layers; layer++) {
      if (tokens >= from) visit(pass, layer - 1);
      predictor.observe(pass, layer);
    }
    pass.advance(shares);
    tokens += pass.tokens;
  }
}
