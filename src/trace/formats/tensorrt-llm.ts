import { UserError } from '../../base/errors.js';
import { latin1Of } from '../../base/host/bytes.js';
import { looksLikeSafetensors } from '../../model/door.js';
import { ColumnReader } from '../column.js';
import { inOrder } from './count-table.js';
import type { TraceFormat } from './format.js';
import { readSafetensorsHeader } from './safetensors-header.js';

/** TensorRT-LLM's expert statistics: safetensors with counts per iteration and layer, named "<iteration>_<layer>". */
export const tensorrtLlm: TraceFormat = {
  name: 'tensorrt-llm',
  detect: ({ head }) => looksLikeSafetensors(head) && /^\{\s*"\d+_\d+"\s*:/.test(latin1Of(head, 8, 208)),
  counts(source) {
    const { path } = source;
    const reader = new ColumnReader(source);
    const byLayer = new Map<number, Float64Array>();
    for (const [name, tensor] of readSafetensorsHeader(source).tensors) {
      const match = /^\d+_(\d+)$/.exec(name);
      if (match === null) continue;
      const wrong = (why: string): UserError => new UserError(`${path}: tensor ${name}: ${why}`);
      if (tensor.dtype !== 'I64' && tensor.dtype !== 'I32') throw wrong(`dtype ${tensor.dtype} is not I64 or I32`);
      if (tensor.shape.length !== 1) throw wrong(`shape [${tensor.shape.join(', ')}] is not [experts]`);
      const layer = Number(match[1]);
      const experts = tensor.shape[0]!;
      const sum = byLayer.get(layer) ?? new Float64Array(experts);
      if (sum.length !== experts) throw wrong(`${experts} experts, earlier iterations have ${sum.length}`);
      const values = new Int32Array(experts);
      reader.integers(tensor, name, 0, experts, values);
      values.forEach((count, expert) => {
        if (count < 0) throw wrong(`expert ${expert}: ${count} is not a count`);
        sum[expert]! += count;
      });
      byLayer.set(layer, sum);
    }
    if (byLayer.size === 0) throw new UserError(`${path}: holds no counts "<iteration>_<layer>"`);
    return inOrder(byLayer);
  },
};
