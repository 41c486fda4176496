import { type ModelSpec, shapedModel, withExpertBytes } from '../../model/door.js';
import { unnamed } from '../recorded-model.js';
import type { RoutingTrace } from '../trace.js';

interface TracedModel {
  /** Experts have recorded sizes, or one byte each; nothing else has weight. */
  readonly model: ModelSpec;
  /** True with recorded sizes of experts. */
  readonly sized: boolean;
  readonly note: string;
}

/** Model described by a trace: layers, experts and choices, enough for hit rates. */
export function tracedModel(trace: RoutingTrace): TracedModel {
  const shape = shapeOf(trace);
  const sizes = trace.meta.expertBytes;
  const layers = sizes === null ? shape.layers : shape.layers.map((layer) => withExpertBytes(layer, sizes[layer.index]!));
  const name = trace.meta.model ?? 'unnamed model';
  const model = { ...shape, name, quantization: sizes === null ? 'sizes unknown' : 'recorded sizes', layers };
  const how = sizes === null ? 'a capacity is a number of experts, all taken to be of one size' : 'experts have the sizes that it recorded';
  return { model, sized: sizes !== null, note: `${unnamed(trace)}: ${how} (a model with --model).` };
}

/** Model with a trace's layers, experts and top-k; every expert has one byte. */
export const shapeOf = ({ expertsPerLayer, path, topK }: Pick<RoutingTrace, 'path' | 'expertsPerLayer' | 'topK'>): ModelSpec =>
  shapedModel(path, expertsPerLayer, topK);
