import type { ModelSpec } from '../../model/door.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Effect of variants. Ratios 0..1; savings are negative if tokens use more experts. */
interface VariantEffect {
  /** Mean experts of a token per original layer (AdaMoE's true k). */
  readonly trueK: number;
  /** Share of activations avoided, relative to the model's top-k. */
  readonly activationsSaved: number;
  /** Share of routed experts' operations avoided. */
  readonly flopsSaved: number;
  /** Share of choices absent before at the layer. */
  readonly changed: number;
}

/** Rows compared at a time. */
const ROWS = 256;

/** Choice by choice. @param before up to the model's top-k @param after may split a layer in several */
export function variantEffect(before: RoutingTrace, after: RoutingTrace, rows: number, model: ModelSpec): VariantEffect {
  const was = allocateChunk(before, ROWS);
  const is = allocateChunk(after, ROWS);
  const modules = after.layers / before.layers;
  let activationsBefore = 0;
  let activations = 0;
  let flopsBefore = 0;
  let flops = 0;
  let changed = 0;
  for (let start = 0; start < rows; start += ROWS) {
    const count = Math.min(ROWS, rows - start);
    before.read(start, count, was);
    after.read(start, count, is);
    for (let row = 0; row < count; row++) {
      for (let layer = 0; layer < after.layers; layer++) {
        const base = Math.floor(layer / modules);
        const from = (row * before.layers + base) * before.topK;
        const { flopsPerToken, topK } = model.layers[base * modules]!;
        if (layer % modules === 0) {
          const end = from + Math.min(topK, before.topK);
          for (let i = from; i < end; i++) {
            if (was.experts[i] === NULL_EXPERT) continue;
            activationsBefore++;
            flopsBefore += flopsPerToken;
          }
        }
        const at = (row * after.layers + layer) * after.topK;
        for (let i = at; i < at + after.topK; i++) {
          const expert = is.experts[i]!;
          if (expert === NULL_EXPERT) continue;
          activations++;
          flops += model.layers[layer]!.flopsPerToken;
          let found = false;
          for (let j = from; j < from + Math.min(topK, before.topK); j++) if (was.experts[j] === expert) found = true;
          if (!found) changed++;
        }
      }
    }
  }
  return {
    trueK: activations / (rows * before.layers),
    activationsSaved: 1 - activations / activationsBefore,
    flopsSaved: 1 - flops / flopsBefore,
    changed: activations === 0 ? 0 : changed / activations,
  };
}
