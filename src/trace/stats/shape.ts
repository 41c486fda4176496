// The shape of a trace as a model whose experts have one byte each, for capacity curves without a model.
import type { ModelSpec, MoeLayer } from '../../model/door.js';
import type { RoutingTrace } from '../trace.js';

/** A model with the layers, experts and top-k of a trace; every expert has one byte, so capacities are counts. */
export function shapeOf(trace: Pick<RoutingTrace, 'path' | 'expertsPerLayer' | 'topK'>): ModelSpec {
  let experts = 0;
  const layers = trace.expertsPerLayer.map((count, index): MoeLayer => {
    const layer = { index, experts: count, topK: Math.min(trace.topK, count), expertBytes: 1, flopsPerToken: 0, offset: experts };
    experts += count;
    return layer;
  });
  return {
    name: trace.path,
    quantization: 'none',
    hidden: 0,
    layers,
    dense: { segments: [], weightBytes: 0, kvBytesPerToken: 0 },
    experts,
    parameters: { total: 0, active: 0 },
  };
}
