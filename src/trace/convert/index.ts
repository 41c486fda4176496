import { UserError } from '../../base/errors.js';
import { readText } from '../../base/input-file.js';
import { TraceStore } from '../store.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Parts to keep (absent: all) and new expert numbers. */
export interface Conversion {
  /** Row ranges `[from, to)`. */
  readonly tokens?: readonly (readonly [from: number, to: number])[];
  /** Ordinals, from 0. */
  readonly requests?: readonly number[];
  readonly layers?: readonly number[];
  readonly remap?: Remap;
}

/** Rows copied at a time. */
const ROWS = 256;

/** @throws UserError if nothing is left, or a token repeats an expert */
export function convertTrace(trace: RoutingTrace, conversion: Conversion): RoutingTrace {
  const { topK, has } = trace;
  const { predictedK } = has;
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
          const remap = conversion.remap?.[layer];
          const cell = row * trace.layers + layer;
          const columnsOf = (all: Uint16Array, width: number): Uint16Array => {
            const ids = all.subarray(cell * width, (cell + 1) * width);
            return remap === undefined ? ids : ids.map((id) => (id === NULL_EXPERT ? id : remap[id]!));
          };
          store.ids.set(columnsOf(chunk.experts, topK), store.idsAt + index * topK);
          if (chunk.weights !== null) store.weights.set(chunk.weights.subarray(cell * topK, (cell + 1) * topK), store.idsAt + index * topK);
          if (chunk.predicted !== null) store.predicted.set(columnsOf(chunk.predicted, predictedK), store.predictedAt + index * predictedK);
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

/** `0..99`, `200..`, `..9`, `3`, ends included. @param count cuts ends @returns `[from, to)` @throws UserError */
export function parseRanges(text: string, count: number, place: string): [from: number, to: number][] {
  const ranges = text.split(',').map((part): [number, number] => {
    const match = /^(\d*)(\.\.)?(\d*)$/.exec(part.trim());
    if (match === null || (match[1] === '' && match[3] === ''))
      throw new UserError(`${place}: '${part.trim()}' is no range; write e.g. 0..99, 200.., 7 or 0..3,8`);
    const [, first, dots, last] = match;
    const from = first === '' ? 0 : Number(first);
    const to = dots === undefined ? from + 1 : last === '' ? count : Number(last) + 1;
    if (from >= to && from < count) throw new UserError(`${place}: '${part.trim()}' runs backwards; put the smaller number first`);
    if (from >= count) throw new UserError(`${place}: '${part.trim()}' lies beyond the last one, ${count - 1}`);
    return [from, Math.min(to, count)];
  });
  ranges.sort((a, b) => a[0] - b[0]);
  ranges.forEach(([from], i) => {
    if (i > 0 && from < ranges[i - 1]![1]) throw new UserError(`${place}: ranges of '${text}' overlap; name each number once`);
  });
  return ranges;
}

/** Numbers of ranges. */
export const numbersIn = (ranges: readonly (readonly [number, number])[]): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));

/** New number of each expert, by original layer; {@link NULL_EXPERT} drops the choice. */
export type Remap = readonly Uint16Array[];

/** `[3, 0, 1, 2]` for all layers, or a list per layer. @param experts by layer @throws UserError */
export function readRemap(path: string, experts: readonly number[]): Remap {
  let value: unknown;
  try {
    value = JSON.parse(readText(path, 'mapping'));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: is not JSON; write a list of new numbers, e.g. [1,0,2], or one such list per layer`);
  }
  const isIds = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((id) => Number.isInteger(id) && id >= -1 && id < NULL_EXPERT);
  const lists = isIds(value) ? experts.map(() => value as number[]) : value;
  if (!Array.isArray(lists) || lists.length === 0 || !lists.every(isIds))
    throw new UserError(
      `${path}: is no renumbering; write a list of new numbers, e.g. [1,0,2], or one such list per layer (-1 drops a choice)`,
    );
  if (lists.length !== experts.length) throw new UserError(`${path}: has ${lists.length} lists, the trace has ${experts.length} layers`);
  return lists.map((list, layer) => {
    if (list.length < experts[layer]!)
      throw new UserError(`${path}: layer ${layer}: ${list.length} numbers for ${experts[layer]} experts; give every expert a new number`);
    return Uint16Array.from(list, (id) => (id < 0 ? NULL_EXPERT : id));
  });
}
