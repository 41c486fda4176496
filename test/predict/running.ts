// Running predictors without an engine: passes of a trace, and how many of the true experts a predictor ranked first.
import { resolveParameters, splitSpec } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import type { ModelSpec } from '../../src/model/spec.js';
import type { Predictor } from '../../src/predict/predictor.js';
import { findPredictor } from '../../src/predict/predictors/index.js';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { NULL_EXPERT, type RoutingTrace } from '../../src/trace/trace.js';

/** A predictor by `name:key=value`, trained on `training`. */
export async function predictorOf(
  spec: string,
  model: ModelSpec,
  topK: number,
  training: readonly RoutingTrace[] = [],
  slots = 1,
): Promise<Predictor> {
  const { name, given } = splitSpec(spec);
  const definition = findPredictor(name);
  const context = { model, topK, slots, random: new Random(1, name), training };
  return definition.create(context, resolveParameters(name, definition.parameters, given));
}

/** Passes of one token each, request after request. */
export function* passesOf(trace: RoutingTrace): Generator<Pass, void, void> {
  const pass = new Pass(trace, 1);
  let index = 0;
  for (const { start, prefill, decode } of trace.requests) {
    const request = new Request({ index: index++, start, prefill, decode, arrivalNs: 0 });
    const shares = [{ request, tokens: 1 }];
    while (!request.finished) {
      pass.fill(shares);
      yield pass;
      pass.advance(shares);
    }
  }
}

/** The rows `[from, to)` of a trace, as a trace. */
export function sliceOf(trace: RoutingTrace, from: number, to: number): RoutingTrace {
  const requests = trace.requests.flatMap((request) => {
    const start = Math.max(from, request.start);
    const end = Math.min(to, request.start + request.prefill + request.decode);
    const prefill = Math.max(0, Math.min(request.start + request.prefill, end) - start);
    return end > start ? [{ id: request.id, start, prefill, decode: end - start - prefill }] : [];
  });
  return {
    ...trace,
    has: trace.has,
    tokens: to - from,
    requests,
    read: (start, count, into) => trace.read(start, count, into),
    sha256: () => trace.sha256(),
    close: () => {},
  };
}

/** Distance of {@link recallOf}: the whole path, before the pass. */
export const WHOLE_PATH = 0;

/**
 * Mean over layers of the share of true experts among the `k` best-scored ones (ties by id).
 * @param distance layers ahead, or {@link WHOLE_PATH}
 */
export function recallOf(predictor: Predictor, model: ModelSpec, trace: RoutingTrace, distance: number, k: number): number {
  const scores = new Float32Array(model.experts);
  const layers = model.layers.length;
  const found = new Float64Array(layers);
  const all = new Float64Array(layers);
  const judge = (pass: Pass, layer: number): void => {
    const { offset, experts } = model.layers[layer]!;
    for (let i = layer * pass.topK; i < (layer + 1) * pass.topK; i++) {
      const chosen = pass.choices[i]!;
      if (chosen === NULL_EXPERT) continue;
      const score = scores[offset + chosen]!;
      let better = 0;
      for (let e = 0; e < experts; e++) if (scores[offset + e]! > score || (scores[offset + e] === score && e < chosen)) better++;
      all[layer]! += 1;
      if (better < k) found[layer]! += 1;
    }
  };
  for (const pass of passesOf(trace)) {
    if (distance === WHOLE_PATH) {
      predictor.predict(pass, -1, layers, scores);
      for (let layer = 0; layer < layers; layer++) judge(pass, layer);
    }
    for (let layer = 0; layer < layers; layer++) {
      predictor.observe(pass, layer);
      if (distance === WHOLE_PATH || layer + distance >= layers) continue;
      predictor.predict(pass, layer, distance, scores);
      judge(pass, layer + distance);
    }
  }
  let sum = 0;
  let counted = 0;
  for (let layer = 0; layer < layers; layer++) {
    if (all[layer] === 0) continue;
    sum += found[layer]! / all[layer]!;
    counted++;
  }
  return sum / counted;
}
