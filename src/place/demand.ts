import { UserError } from '../base/errors.js';
import { sum } from '../base/statistics.js';
import { NextUse } from '../cache/next-use/next-use.js';
import type { ModelSpec } from '../model/door.js';
import { chunks, NULL_EXPERT, PHASE, type RoutingTrace, type TraceChunk } from '../trace/trace.js';

/** Ranks: choices, gate weights, or expected next use after the counted rows (docs/predictors.md). */
export const BASES = ['counts', 'weights', 'expected'] as const;
/** Rank in {@link BASES}. */
export type Basis = (typeof BASES)[number];

/** Demand of consecutive rows of a request. */
export interface DemandWindow {
  /** Index of the first row in the request. */
  readonly position: number;
  readonly tokens: number;
  /** Choices by dense id. */
  readonly demand: Float64Array;
}

/** Rows of a window, while {@link MOST_WINDOWS} suffice. Ours: a usual answer. */
const WINDOW = 512;
/** Windows of a trace; a longer trace has longer windows. Ours. */
const MOST_WINDOWS = 256;

/** Generated rows if the trace has any: experts off the card are served token by token. */
function* servedRows(trace: RoutingTrace): Generator<readonly [chunk: TraceChunk, row: number], void, void> {
  const generated = trace.requests.some(({ decode }) => decode > 0);
  for (const chunk of chunks(trace)) {
    for (let row = 0; row < chunk.tokens; row++) if (!generated || chunk.phase[row] === PHASE.decode) yield [chunk, row];
  }
}

/** Ranks by dense id; `expected`: nearness 0..1. @throws UserError for missing gate weights */
export function demandOf(trace: RoutingTrace, model: ModelSpec, by: Basis): Float64Array {
  if (by === 'expected') return expectedUse(trace, model);
  if (by === 'weights' && !trace.has.weights)
    throw new UserError(`--by weights: ${trace.path} has no gate weights; record them, or take --by counts`);
  return sumOf(windowsOf(trace, model, by === 'weights'), model.experts);
}

function expectedUse(trace: RoutingTrace, model: ModelSpec): Float64Array {
  const learned = new NextUse(model);
  const ids = new Int32Array(trace.topK);
  const sizes = new Int32Array(model.layers.length);
  for (const [{ experts }, row] of servedRows(trace)) {
    for (const { index, offset } of model.layers) {
      const choices = experts.subarray((row * trace.layers + index) * trace.topK, (row * trace.layers + index + 1) * trace.topK);
      sizes[index] = 0;
      for (const expert of choices) if (expert !== NULL_EXPERT) ids[sizes[index]!++] = offset + expert;
      if (sizes[index]! > 0) learned.demanded(index, ids, sizes[index]!);
    }
  }
  return Float64Array.from(learned.values);
}

/** Windows of a trace, each within a request. @param weighed true: gate weights instead of choices */
export function windowsOf(trace: RoutingTrace, model: ModelSpec, weighed = false): DemandWindow[] {
  const rows = Math.max(WINDOW, Math.ceil(trace.tokens / MOST_WINDOWS));
  const windows: { position: number; tokens: number; readonly demand: Float64Array }[] = [];
  let request = -1;
  for (const [chunk, row] of servedRows(trace)) {
    if (chunk.request[row] !== request || windows.at(-1)!.tokens === rows) {
      request = chunk.request[row]!;
      windows.push({ position: chunk.position[row]!, tokens: 0, demand: new Float64Array(model.experts) });
    }
    const window = windows.at(-1)!;
    window.tokens++;
    let at = row * trace.layers * trace.topK;
    for (const { offset } of model.layers) {
      for (const end = at + trace.topK; at < end; at++) {
        const expert = chunk.experts[at]!;
        if (expert !== NULL_EXPERT) window.demand[offset + expert]! += weighed ? chunk.weights![at]! : 1;
      }
    }
  }
  return windows;
}

/** Total demand, by dense id. */
export function sumOf(windows: readonly DemandWindow[], experts: number): Float64Array {
  const all = new Float64Array(experts);
  for (const { demand } of windows) for (let id = 0; id < experts; id++) all[id]! += demand[id]!;
  return all;
}

/** Normalised layers keep long texts from dominating (exllamav3, pull request 315). */
export function mixed(model: ModelSpec, sources: readonly { readonly weight: number; readonly demand: Float64Array }[]): Float64Array {
  if (sources.length === 1) return sources[0]!.demand;
  const mix = new Float64Array(model.experts);
  for (const { demand, weight } of sources) {
    for (const { experts, offset } of model.layers) {
      const layer = demand.subarray(offset, offset + experts);
      const total = sum(layer);
      if (total > 0) for (let e = 0; e < experts; e++) mix[offset + e]! += (weight * layer[e]!) / total;
    }
  }
  return mix;
}
