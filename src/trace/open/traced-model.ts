import { type ModelSpec, shapedModel, withExpertBytes } from '../../model/door.js';
import { unnamed } from '../recorded-model.js';
import type { RoutingTrace } from '../trace.js';

interface TracedModel {
  /** Its experts have the recorded sizes, or one byte each; nothing else weighs anything. */
  readonly model: ModelSpec;
  /** True if the trace has the sizes of experts. */
  readonly sized: boolean;
  readonly note: string;
}

/** A model as far as a trace describes it: layers, experts and choices. Hit rates need no more. The model of a trace that leads to no other one. */
export function tracedModel(trace: RoutingTrace): TracedModel {
  const shape = shapeOf(trace);
  const sizes = trace.meta.expertBytes;
  const layers = sizes === null ? shape.layers : shape.layers.map((layer) => withExpertBytes(layer, sizes[layer.index]!));
  const name = trace.meta.model ?? 'unnamed model';
  const model = { ...shape, name, quantization: sizes === null ? 'sizes unknown' : 'recorded sizes', layers };
  const how = sizes === null ? 'a capacity is a number of experts, all taken to be of one size' : 'experts have the sizes that it recorded';
  return { model, sized: sizes !== null, note: `${unnamed(trace)}: ${how} (a model with --model).` };
}

/** A model with the layers, experts and top-k of a trace; every expert has one byte. */
export const shapeOf = ({ expertsPerLayer, path, topK }: Pick<RoutingTrace, 'path' | 'expertsPerLayer' | 'topK'>): ModelSpec =>
  shapedModel(path, expertsPerLayer, topK);
