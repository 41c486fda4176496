import { UserError } from '../../base/errors.js';
import { meansOf, sum } from '../../base/statistics.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace, type TraceRequest } from '../trace.js';

/** Difference of a layer; ratios 0..1, means over tokens. */
export interface LayerDifference {
  /** Share of old choices among the new. */
  readonly agreement: number;
  /** Share of tokens with the same first choice. */
  readonly first: number;
  /** Share of tokens with the same choices in any order. */
  readonly whole: number;
  /** Half the sum of |load after - load before| over experts, loads as shares. */
  readonly moved: number;
}

interface ExpertShift {
  readonly layer: number;
  readonly expert: number;
  readonly before: number;
  readonly after: number;
}

/** Difference of two routings. */
export interface RoutingDifference {
  readonly tokens: { readonly compared: number; readonly before: number; readonly after: number };
  readonly mean: LayerDifference;
  readonly byLayer: readonly LayerDifference[];
  /** Experts with changed load, largest change first. */
  readonly shifts: readonly ExpertShift[];
}

/** Rows compared at a time. */
const ROWS = 256;

/** @throws UserError if shapes differ, or no token is common */
export function diffTraces(before: RoutingTrace, after: RoutingTrace): RoutingDifference {
  const { layers } = before;
  for (const [what, a, b] of [
    ['MoE layers', before.layers, after.layers],
    ['choices per token and layer', before.topK, after.topK],
  ] as const) {
    if (a !== b) throw new UserError(`${after.path}: has ${b} ${what}, ${before.path} has ${a}; compare two routings of one architecture`);
  }
  const counter = differenceCounter(before, after);
  const pairs = Math.min(before.requests.length, after.requests.length);
  for (let i = 0; i < pairs; i++) counter.request(before.requests[i]!, after.requests[i]!);
  const compared = counter.tokens();
  if (compared === 0)
    throw new UserError(`${after.path}: shares no token with ${before.path}; record both on the same prompts, from the same position`);
  const byLayer = Array.from({ length: layers }, (_, layer) => counter.layer(layer));
  return {
    tokens: { compared, before: before.tokens, after: after.tokens },
    mean: meansOf(byLayer, ['agreement', 'first', 'whole', 'moved']),
    byLayer,
    shifts: shiftsOf(counter.loads, compared),
  };
}

type Loads = readonly [before: Float64Array, after: Float64Array];

function differenceCounter(before: RoutingTrace, after: RoutingTrace) {
  const { layers, topK } = before;
  const [a, b] = [allocateChunk(before, ROWS), allocateChunk(after, ROWS)];
  const shared = new Float64Array(layers);
  const choices = new Float64Array(layers);
  const first = new Float64Array(layers);
  const whole = new Float64Array(layers);
  const loads = before.expertsPerLayer.map((experts, layer): Loads => {
    const most = Math.max(experts, after.expertsPerLayer[layer]!);
    return [new Float64Array(most), new Float64Array(most)];
  });
  let tokens = 0;
  const addRow = (was: Uint16Array, is: Uint16Array, row: number): void => {
    tokens++;
    let at = row * layers * topK;
    for (let layer = 0; layer < layers; layer++, at += topK) {
      const [left, other] = loads[layer]!;
      let [chosen, others, same] = [0, 0, 0];
      for (let k = at; k < at + topK; k++) {
        if (is[k] !== NULL_EXPERT) {
          others++;
          other[is[k]!]! += 1;
        }
        const expert = was[k]!;
        if (expert === NULL_EXPERT) continue;
        chosen++;
        left[expert]! += 1;
        for (let j = at; j < at + topK; j++) if (is[j] === expert) same++;
      }
      shared[layer]! += same;
      choices[layer]! += chosen;
      if (was[at] === is[at]) first[layer]! += 1;
      if (same === chosen && chosen === others) whole[layer]! += 1;
    }
  };
  return {
    loads,
    tokens: () => tokens,
    request(left: TraceRequest, twin: TraceRequest): void {
      const rows = Math.min(left.prefill + left.decode, twin.prefill + twin.decode);
      for (let done = 0; done < rows; done += ROWS) {
        const count = Math.min(ROWS, rows - done);
        before.read(left.start + done, count, a);
        after.read(twin.start + done, count, b);
        for (let row = 0; row < count; row++) {
          if (a.position[row] !== b.position[row]) return;
          if (a.tokenId !== null && b.tokenId !== null && a.tokenId[row] !== b.tokenId[row]) return;
          addRow(a.experts, b.experts, row);
        }
      }
    },
    layer: (layer: number): LayerDifference => ({
      agreement: choices[layer]! === 0 ? 1 : shared[layer]! / choices[layer]!,
      first: first[layer]! / tokens,
      whole: whole[layer]! / tokens,
      moved: movedOf(loads[layer]!),
    }),
  };
}

function movedOf([left, other]: Loads): number {
  const [a, b] = [sum(left) || 1, sum(other) || 1];
  return left.reduce((total, count, expert) => total + Math.abs(count / a - other[expert]! / b), 0) / 2;
}

const shiftsOf = (loads: readonly Loads[], tokens: number): ExpertShift[] =>
  loads
    .flatMap(([left, other], layer) =>
      Array.from(left, (count, expert) => ({ layer, expert, before: count / tokens, after: other[expert]! / tokens })),
    )
    .filter(({ after, before }) => after !== before)
    .sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before) || x.layer - y.layer || x.expert - y.expert);
