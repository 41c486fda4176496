import { UserError } from '../../base/errors.js';
import { latin1Of } from '../../base/host/bytes.js';
import { GGUF_MAGIC, ggufHeaderOf } from '../../model/door.js';
import { inOrder } from './count-table.js';
import type { TraceFormat } from './format.js';

const F32 = 0;

/** llama.cpp's importance matrix (GGUF): activations of each expert. */
export const imatrix: TraceFormat = {
  name: 'imatrix',
  detect: ({ head }) => latin1Of(head, 0, 4) === GGUF_MAGIC,
  counts(source) {
    const { path } = source;
    const { tensors, dataStart } = ggufHeaderOf(source);
    const byLayer = new Map<number, Float64Array>();
    for (const { name, elements, type, offset } of tensors) {
      const match = /^blk\.(\d+)\.ffn_(?:gate|up|gate_up|down)_exps\.weight\.counts$/.exec(name);
      const layer = Number(match?.[1]);
      // Gate, up and down see the same activations.
      if (match === null || byLayer.has(layer)) continue;
      if (type !== F32) throw new UserError(`${path}: tensor ${name}: type ${type} is not F32`);
      const raw = new Uint8Array(elements * 4);
      source.read(dataStart + offset, raw);
      byLayer.set(layer, Float64Array.from(new Float32Array(raw.buffer)));
    }
    if (byLayer.size > 0) return inOrder(byLayer);
    throw new UserError(
      `${path}: holds no counts per expert (blk.N.ffn_gate_exps.weight.counts); a model file is given with --model, an imatrix needs an MoE model`,
    );
  },
};
