// Converts a trace: selects tokens, requests and layers, and renumbers experts.
import { UserError } from '../../base/errors.js';
import { TraceStore } from '../store.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../trace.js';
import type { Remap } from './remap.js';

export { numbersIn, parseRanges } from './ranges.js';
export { readRemap } from './remap.js';

/** The parts to keep, and new expert numbers; by default everything is kept unchanged. */
export interface Conversion {
  /** Rows `[from, to)` of the trace. */
  readonly tokens?: readonly (readonly [from: number, to: number])[];
  /** Ordinals of requests in the trace, from 0. */
  readonly requests?: readonly number[];
  /** MoE layers, ascending. */
  readonly layers?: readonly number[];
  /** New expert numbers, by layer of the original trace. */
  readonly remap?: Remap;
}

const ROWS = 256;

/**
 * Copies the part; the original may be closed afterwards. Positions and request ids are kept, so that cuts remain visible.
 * @throws UserError where nothing is left, or renumbering gives a token an expert twice
 */
export function convertTrace(trace: RoutingTrace, conversion: Conversion): RoutingTrace {
  const { topK, has } = trace;
  const layers = conversion.layers ?? Array.from({ length: trace.layers }, (_, layer) => layer);
  const ranges = conversion.tokens ?? [[0, trace.tokens]];
  const wanted = conversion.requests === undefined ? null : new Set(conversion.requests);
  const store = new TraceStore({ path: trace.path, layers: layers.length, topK, ...has });
  for (const [from, to] of ranges) {
    for (const chunk of chunks(trace, ROWS, from, to)) {
      for (let row = 0; row < chunk.tokens; row++) {
        const request = chunk.request[row]!;
        if (wanted !== null && !wanted.has(request)) continue;
        store.seek(store.rows);
        layers.forEach((layer, index) => {
          const cells = (row * trace.layers + layer) * topK;
          const at = store.idsAt + index * topK;
          renumber(chunk.experts, cells, topK, store.ids, at, conversion.remap?.[layer]);
          if (chunk.weights !== null) store.weights.set(chunk.weights.subarray(cells, cells + topK), at);
          if (chunk.predicted !== null) {
            const predicted = (row * trace.layers + layer) * has.predictedK;
            renumber(
              chunk.predicted,
              predicted,
              has.predictedK,
              store.predicted,
              store.predictedAt + index * has.predictedK,
              conversion.remap?.[layer],
            );
          }
        });
        if (chunk.tokenId !== null) store.tokenIds[store.tokenAt] = chunk.tokenId[row]!;
        store.addRow(trace.requests[request]!.id, chunk.position[row]!, chunk.phase[row]!);
      }
    }
  }
  if (store.rows === 0) throw new UserError(`${trace.path}: nothing is left of it; take more tokens or requests`);
  const experts = layers.map((layer) => {
    const remap = conversion.remap?.[layer];
    return remap === undefined
      ? trace.expertsPerLayer[layer]!
      : remap.reduce((most, id) => (id === NULL_EXPERT ? most : Math.max(most, id + 1)), 1);
  });
  const { expertBytes } = trace.meta;
  return store.finish(experts, { ...trace.meta, expertBytes: expertBytes === null ? null : layers.map((layer) => expertBytes[layer]!) });
}

function renumber(from: Uint16Array, at: number, count: number, into: Uint16Array, to: number, remap: Uint16Array | undefined): void {
  for (let k = 0; k < count; k++) {
    const id = from[at + k]!;
    into[to + k] = remap === undefined || id === NULL_EXPERT ? id : remap[id]!;
  }
}
