// A model of which no more is known than its routing: layers, experts and choices. Hit rates need no more.
import { UserError } from '../base/errors.js';
import type { ModelSpec, MoeLayer } from './spec.js';

/** Beginning of the name of a model that is a shape: `shape:12x32x4` has 12 layers of 32 experts, of which a token chooses 4. */
export const SHAPE = 'shape:';

const NOTE =
  'Nothing says how large experts are, so each counts as one byte: hit rates hold, bytes and times say nothing (a model with --model).';

/** A model whose experts have one byte each, so that capacities are counts; nothing else weighs anything. */
export function shapedModel(name: string, expertsPerLayer: readonly number[], topK: number): ModelSpec {
  let experts = 0;
  const layers = expertsPerLayer.map((count, index): MoeLayer => {
    const layer = { index, experts: count, topK: Math.min(topK, count), expertBytes: 1, flopsPerToken: 0, offset: experts };
    experts += count;
    return layer;
  });
  const segments = [...layers, null].map(() => ({ weightBytes: 0, flopsPerToken: 0, attention: [] }));
  const dense = { segments, weightBytes: 0, kvBytesPerToken: 0 };
  return { name, quantization: 'none', hidden: 0, layers, dense, experts, parameters: { total: 0, active: 0 } };
}

/** The model of a name that is a shape; null: it is another name. @throws UserError if it is no shape of a model */
export function modelOfShape(name: string): ModelSpec | null {
  if (!name.startsWith(SHAPE)) return null;
  const text = name.slice(SHAPE.length);
  const [layers = 0, experts = 0, topK = 0] = /^\d{1,5}x\d{1,5}x\d{1,5}$/.test(text) ? text.split('x').map(Number) : [];
  if (layers < 1 || layers * topK > 2 ** 20 || experts >= 65_535 || topK < 1 || topK > experts)
    throw new UserError(`--shape ${text}: expected layers x experts x choices of a token, e.g. 48x128x8`);
  return { ...shapedModel(name, new Array<number>(layers).fill(experts), topK), note: NOTE };
}
