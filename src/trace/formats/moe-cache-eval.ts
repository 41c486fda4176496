import { UserError } from '../../base/errors.js';
import { grown } from '../../base/grown.js';
import { type ColumnLayout, ColumnReader, ID_DTYPES, WEIGHT_DTYPES } from '../column.js';
import type { TraceSource } from '../source.js';
import { PHASE } from '../trace.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { inOrder } from './count-table.js';
import { TokenCounter } from './record-lines.js';
import { headerHolds, readSafetensorsHeader, requireTensor } from './safetensors-header.js';

/** Events read at a time. */
const BLOCK_EVENTS = 1024;
/** Maximum accesses of a block. */
const MOST_ACCESSES = BLOCK_EVENTS * 4096;
/** Maximum expert ids of a layer. */
const MOST_EXPERTS = 65535;

/** moe-cache-eval's events: experts of a pass at a layer, with counts of tokens. */
export const moeCacheEval = cellFormat({
  name: 'moe-cache-eval',
  detect: (source) => headerHolds(source, ['"assignment_counts"', '"offsets"', '"forward_cycles"']),
  cells(source) {
    const { path } = source;
    return {
      meta: { notes: { rank_order: 'ascending ids' } },
      walk(visit, at) {
        const cell = new Cell();
        const counter = new TokenCounter();
        const requests = new Map<number, number>();
        for (const { index, request, layer, phase, tokens, experts, mass } of eventsOf(source)) {
          at.place = () => `${path}: event ${index}`;
          if (tokens !== 1)
            throw new UserError(
              `${path}: event ${index} is the union of ${tokens} tokens, and which token chose which expert is lost; read the recording it ` +
                'was converted from (safetensors with topk_indices), or place experts by its counts (--set system.cache.popularity=FILE)',
            );
          if (phase !== PHASE.prefill && phase !== PHASE.decode) throw new UserError(`${at.place()}: phase ${phase} is neither 0 nor 1`);
          cell.request = requests.get(request) ?? requests.set(request, requests.size).size - 1;
          cell.layer = layer;
          cell.token = counter.next(cell.request, layer);
          cell.phase = phase;
          cell.weighted = true;
          cell.count = 0;
          experts.forEach((id, k) => {
            cell.push(id, mass[k]!);
          });
          visit(cell);
        }
      },
    };
  },
  counts,
});

function* eventsOf(source: TraceSource) {
  const { path } = source;
  const header = readSafetensorsHeader(source);
  const reader = new ColumnReader(source);
  const layers = requireTensor(path, header, 'layer_ids', ID_DTYPES, [null]);
  const [events] = layers.shape as [number];
  const ids = requireTensor(path, header, 'expert_ids', ID_DTYPES, [null]);
  const [accesses] = ids.shape as [number];
  const offsets = requireTensor(path, header, 'offsets', ID_DTYPES, [events + 1]);
  const assigned = requireTensor(path, header, 'assignment_counts', ID_DTYPES, [accesses]);
  const gates = requireTensor(path, header, 'gate_mass', WEIGHT_DTYPES, [accesses]);
  const perEvent = ['request_indices', 'phases', 'token_counts'].map(
    (name) => [name, requireTensor(path, header, name, ID_DTYPES, [events])] as const,
  );
  const read = (name: string, column: ColumnLayout, first: number, count: number): Int32Array => {
    const values = new Int32Array(count);
    reader.integers(column, name, first, count, values);
    return values;
  };
  for (let start = 0; start < events; start += BLOCK_EVENTS) {
    const count = Math.min(BLOCK_EVENTS, events - start);
    const at = read('offsets', offsets, start, count + 1);
    for (let i = 0; i <= count; i++) {
      if (at[i]! < (i === 0 ? 0 : at[i - 1]!) || at[i]! > accesses || at[i]! - at[0]! > MOST_ACCESSES)
        throw new UserError(`${path}: event ${start + i}: offset ${at[i]} is out of order or out of range; the file is damaged`);
    }
    const from = at[0]!;
    const width = at[count]! - from;
    const experts = read('expert_ids', ids, from, width);
    const counts = read('assignment_counts', assigned, from, width);
    const mass = new Float32Array(width);
    reader.weights(gates, from, width, mass);
    const [request, phase, tokens] = perEvent.map(([name, column]) => read(name, column, start, count)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    const layer = read('layer_ids', layers, start, count);
    for (let i = 0; i < count; i++) {
      const [begin, end] = [at[i]! - from, at[i + 1]! - from];
      yield {
        index: start + i,
        request: request[i]!,
        layer: layer[i]!,
        phase: phase[i]!,
        tokens: tokens[i]!,
        experts: experts.subarray(begin, end),
        counts: counts.subarray(begin, end),
        mass: mass.subarray(begin, end),
      };
    }
  }
}

function counts(source: TraceSource): Float64Array[] {
  const { path } = source;
  const byLayer = new Map<number, Float64Array>();
  let most = 0;
  for (const { index, layer, experts, counts: assigned } of eventsOf(source)) {
    let sum = byLayer.get(layer) ?? new Float64Array(64);
    experts.forEach((expert, i) => {
      if (expert < 0 || expert >= MOST_EXPERTS || assigned[i]! < 0)
        throw new UserError(`${path}: event ${index}: ${assigned[i]} activations of expert ${expert} are no count`);
      if (expert >= sum.length) sum = grown(sum, expert + 1);
      sum[expert]! += assigned[i]!;
      if (expert >= most) most = expert + 1;
    });
    byLayer.set(layer, sum);
    if (byLayer.size > 4096) throw new UserError(`${path}: names more than 4096 layers; the file is damaged`);
  }
  if (most === 0) throw new UserError(`${path}: holds no event with an expert; the recording is empty`);
  return inOrder(byLayer).map((sum) => grown(sum, most).slice(0, most));
}
