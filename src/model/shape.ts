import { UserError } from '../base/errors.js';
import type { ModelSpec, MoeLayer } from './spec.js';

/** Prefix of a shape name: `shape:12x32x4` has 12 layers of 32 experts, 4 per token. */
export const SHAPE = 'shape:';

const NOTE =
  'Nothing says how large experts are, so each counts as one byte: hit rates hold, bytes and times say nothing (a model with --model).';

/** A model known only by its routing: experts have one byte, so that capacities are counts. */
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

/** Null: no shape name. @throws UserError for a malformed shape */
export function modelOfShape(name: string): ModelSpec | null {
  if (!name.startsWith(SHAPE)) return null;
  const text = name.slice(SHAPE.length);
  const [layers = 0, experts = 0, topK = 0] = /^\d{1,5}x\d{1,5}x\d{1,5}$/.test(text) ? text.split('x').map(Number) : [];
  if (layers < 1 || layers * topK > 2 ** 20 || experts >= 65_535 || topK < 1 || topK > experts)
    throw new UserError(`--shape ${text}: expected layers x experts x choices of a token, e.g. 48x128x8`);
  return { ...shapedModel(name, new Array<number>(layers).fill(experts), topK), note: NOTE };
}
