import { UserError } from '../../base/errors.js';
import { ColumnReader, ID_DTYPES, WEIGHT_DTYPES } from '../column.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { expected, type OpenOptions, type TraceFormat } from './format.js';
import { headerHolds, readSafetensorsHeader, requireTensor } from './safetensors-header.js';

/** Ids transposed at a time. */
const BLOCK_IDS = 256 * 1024;

/** moe-cache-eval's recordings: padded choices of several requests in one tensor, [requests, layers, tokens, top-k]. */
export const moeCacheEvalShard: TraceFormat = {
  name: 'moe-cache-eval-shard',
  detect: (source) => headerHolds(source, ['"topk_indices"', '"sequence_lengths"']),
  open: openShard,
};

function openShard(source: TraceSource, options: OpenOptions): RoutingTrace {
  const { path } = source;
  const header = readSafetensorsHeader(source);
  const reader = new ColumnReader(source);
  const ids = requireTensor(path, header, 'topk_indices', ID_DTYPES, [null, null, null, null]);
  const [requests, layers, longest, topK] = ids.shape as [number, number, number, number];
  const lengths = requireTensor(path, header, 'sequence_lengths', ID_DTYPES, [requests]);
  const gates = header.tensors.has('topk_weights') ? requireTensor(path, header, 'topk_weights', WEIGHT_DTYPES, ids.shape) : null;
  const store = new TraceStore({ path, layers, topK, weights: gates !== null, phases: false });
  const tokens = new Int32Array(1);
  // Layers are contiguous, so a block of tokens is read per layer.
  const band = Math.max(1, Math.floor(BLOCK_IDS / Math.max(1, layers * topK)));
  const block = new Uint16Array(band * topK);
  const weights = new Float32Array(gates === null ? 0 : band * topK);
  let row = 0;
  try {
    for (let request = 0; request < requests; request++) {
      reader.integers(lengths, 'sequence_lengths', request, 1, tokens);
      const length = tokens[0]!;
      if (length < 0 || length > longest)
        throw new UserError(`${path}: request ${request}: ${length} tokens, the tensor holds up to ${longest}`);
      for (let start = 0; start < length; start += band) {
        const count = Math.min(band, length - start);
        for (let layer = 0; layer < layers; layer++) {
          const first = ((request * layers + layer) * longest + start) * topK;
          const bad = reader.ids(ids, first, count * topK, block);
          if (bad >= 0)
            throw new UserError(`${path}: request ${request}, token ${start + Math.floor(bad / topK)}, layer ${layer}: not an expert id`);
          if (gates !== null) reader.weights(gates, first, count * topK, weights);
          for (let token = 0; token < count; token++) {
            store.seek(row + token);
            const to = store.idsAt + layer * topK;
            for (let k = 0; k < topK; k++) store.ids[to + k] = block[token * topK + k]!;
            for (let k = 0; gates !== null && k < topK; k++)
              store.weights[to + k] = store.ids[to + k] === NULL_EXPERT ? 0 : weights[token * topK + k]!;
          }
        }
        for (let token = 0; token < count; token++) store.addRow(request, start + token, PHASE.decode);
        row += count;
      }
    }
    return store.finish(expected(options, layers).experts, { format: 'moe-cache-eval-shard' }, source);
  } catch (error) {
    store.close();
    throw error;
  }
}
