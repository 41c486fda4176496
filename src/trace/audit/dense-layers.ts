// Some engines record dense layers as zeros. A layer with equal choices for all tokens does not route.
import { capital } from '../../base/text.js';
import { formatCounted } from '../../base/units.js';
import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import { type AuditCheck, layerList } from './check.js';

/** Minimum rows for significance; ours. */
const LEAST = 32;

/** Finds layers with constant choices. */
export const denseLayers: AuditCheck = {
  code: 'dense-layers',
  summary: 'dense layers recorded as zeros, layers that always choose alike',
  start({ tokens, trace }) {
    const { layers, topK } = trace;
    const constant = new Uint8Array(layers).fill(1);
    const chosen = new Uint8Array(layers);
    const reference = new Uint16Array(layers * topK);
    /** Layers still constant; nearly all leave after a few rows. */
    let left = Array.from({ length: layers }, (_, layer) => layer);
    return {
      rows(chunk: TraceChunk, start: number): void {
        const { experts } = chunk;
        if (start === 0) reference.set(experts.subarray(0, layers * topK));
        for (let row = 0; row < chunk.tokens && left.length > 0; row++) {
          let changed = false;
          for (const layer of left) {
            const offset = layer * topK;
            const at = row * layers * topK + offset;
            for (let k = 0; k < topK; k++) {
              const expert = experts[at + k]!;
              if (expert !== NULL_EXPERT) chosen[layer] = 1;
              if (expert !== reference[offset + k]) constant[layer] = 0;
            }
            if (constant[layer] === 0) changed = true;
          }
          if (changed) left = left.filter((layer) => constant[layer] === 1);
        }
      },
      finish() {
        const dropped = trace.meta.notes.dense_layers_dropped;
        if (dropped !== undefined && left.length === 0)
          return {
            level: 'note',
            what: `${formatCounted(Number(dropped), 'layer')} of zeros were left out on reading: dense layers of an engine that counts all layers.`,
            effect: 'None: the layers that remain are the MoE layers.',
            fix: 'Nothing to mend.',
          };
        if (tokens < LEAST || left.length === 0) return null;
        const empty = left.filter((layer) => chosen[layer] === 0);
        const same = left.filter((layer) => chosen[layer] === 1);
        const zeros = same.filter((layer) => reference[layer * topK] === 0);
        const parts = [
          ...(empty.length === 0 ? [] : [`${layerList(empty)} of ${layers} make no choice in any row`]),
          ...(same.length === 0
            ? []
            : [
                `${layerList(same)} of ${layers} choose the same experts in every row${zeros.length === same.length ? ', expert 0 first' : ''}`,
              ]),
        ];
        return {
          what: `${capital(parts.join('; '))}: dense layers that were recorded as if they routed.`,
          effect:
            empty.length === left.length
              ? 'Nothing is demanded there, but the model is taken to have a MoE layer there, and later layers stand at the wrong depth.'
              : 'They hit on every token, so hit rates come out too high, and take cache space from the layers that do route.',
          fix: `Keep the layers that route: moeprof trace convert FILE --layers ${keep(left, layers)} -o clean.safetensors.`,
        };
      },
    };
  },
};

/** Ranges of the kept layers for `--layers`. */
function keep(drop: readonly number[], layers: number): string {
  const ranges: string[] = [];
  let from = -1;
  for (let layer = 0; layer <= layers; layer++) {
    const kept = layer < layers && !drop.includes(layer);
    if (kept && from < 0) from = layer;
    if (!kept && from >= 0) {
      ranges.push(from === layer - 1 ? String(from) : `${from}..${layer - 1}`);
      from = -1;
    }
  }
  return ranges.length === 0 ? '(none routes)' : ranges.join(',');
}
