// Compares two routings of the same text, before and after a change of the model (fine-tuning, unlearning, quantization): how often they
// agree, layer by layer, and which experts are used more or less.
import { UserError } from '../../base/errors.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** One layer, compared. Ratios are 0..1, means over tokens. */
export interface LayerDifference {
  /** Share of a token's choices before the change that are among its choices after it. */
  readonly agreement: number;
  /** Share of tokens whose first choice is the same. */
  readonly first: number;
  /** Share of tokens whose choices are all the same, in any order. */
  readonly whole: number;
  /** Half the sum of |load after - load before| over experts, loads as shares: the part of the load that has moved. */
  readonly moved: number;
}

/** An expert whose load has changed. */
interface ExpertShift {
  readonly layer: number;
  readonly expert: number;
  /** Share of the tokens that chose it, before and after. */
  readonly before: number;
  readonly after: number;
}

/** The whole comparison. */
export interface RoutingDifference {
  /** Rows that were compared, and rows before and after. */
  readonly tokens: { readonly compared: number; readonly before: number; readonly after: number };
  /** Means over layers. */
  readonly mean: LayerDifference;
  readonly byLayer: readonly LayerDifference[];
  /** All experts whose load changed, largest change first. */
  readonly shifts: readonly ExpertShift[];
}

const ROWS = 256;

/**
 * Compares two traces request by request and token by token while both have the same text: the same position and, if both have token ids, the
 * same token.
 * @throws UserError where the traces differ in shape, or share no token
 */
export function diffTraces(before: RoutingTrace, after: RoutingTrace): RoutingDifference {
  const { layers } = before;
  for (const [what, a, b] of [
    ['MoE layers', before.layers, after.layers],
    ['choices per token and layer', before.topK, after.topK],
  ] as const) {
    if (a !== b) throw new UserError(`${after.path}: has ${b} ${what}, ${before.path} has ${a}; compare two routings of one architecture`);
  }
  const counter = new DifferenceCounter(before, after);
  const pairs = Math.min(before.requests.length, after.requests.length);
  for (let i = 0; i < pairs; i++)
    counter.request(before.requests[i]!.start, lengthOf(before, i), after.requests[i]!.start, lengthOf(after, i));
  if (counter.tokens === 0) {
    throw new UserError(`${after.path}: shares no token with ${before.path}; record both on the same prompts, from the same position`);
  }
  const byLayer = Array.from({ length: layers }, (_, layer) => counter.layer(layer));
  const mean = (pick: (layer: LayerDifference) => number): number => byLayer.reduce((sum, layer) => sum + pick(layer), 0) / layers;
  return {
    tokens: { compared: counter.tokens, before: before.tokens, after: after.tokens },
    mean: {
      agreement: mean((layer) => layer.agreement),
      first: mean((layer) => layer.first),
      whole: mean((layer) => layer.whole),
      moved: mean((layer) => layer.moved),
    },
    byLayer,
    shifts: counter.shifts(),
  };
}

function lengthOf(trace: RoutingTrace, request: number): number {
  const { decode, prefill } = trace.requests[request]!;
  return prefill + decode;
}

class DifferenceCounter {
  tokens = 0;
  readonly #before: RoutingTrace;
  readonly #after: RoutingTrace;
  readonly #chunks: readonly [ReturnType<typeof allocateChunk>, ReturnType<typeof allocateChunk>];
  readonly #shared: Float64Array;
  readonly #choices: Float64Array;
  readonly #first: Float64Array;
  readonly #whole: Float64Array;
  readonly #loads: readonly (readonly [Float64Array, Float64Array])[];

  constructor(before: RoutingTrace, after: RoutingTrace) {
    this.#before = before;
    this.#after = after;
    this.#chunks = [allocateChunk(before, ROWS), allocateChunk(after, ROWS)];
    const { layers } = before;
    this.#shared = new Float64Array(layers);
    this.#choices = new Float64Array(layers);
    this.#first = new Float64Array(layers);
    this.#whole = new Float64Array(layers);
    this.#loads = before.expertsPerLayer.map((experts, layer) => {
      const most = Math.max(experts, after.expertsPerLayer[layer]!);
      return [new Float64Array(most), new Float64Array(most)];
    });
  }

  request(startBefore: number, lengthBefore: number, startAfter: number, lengthAfter: number): void {
    const [a, b] = this.#chunks;
    const rows = Math.min(lengthBefore, lengthAfter);
    for (let done = 0; done < rows; done += ROWS) {
      const count = Math.min(ROWS, rows - done);
      this.#before.read(startBefore + done, count, a);
      this.#after.read(startAfter + done, count, b);
      for (let row = 0; row < count; row++) {
        if (a.position[row] !== b.position[row]) return;
        if (a.tokenId !== null && b.tokenId !== null && a.tokenId[row] !== b.tokenId[row]) return;
        this.#row(a.experts, b.experts, row);
      }
    }
  }

  #row(before: Uint16Array, after: Uint16Array, row: number): void {
    const { layers, topK } = this.#before;
    this.tokens++;
    let at = row * layers * topK;
    for (let layer = 0; layer < layers; layer++, at += topK) {
      const [own, other] = this.#loads[layer]!;
      let choices = 0;
      let others = 0;
      let shared = 0;
      for (let k = at; k < at + topK; k++) {
        if (after[k] !== NULL_EXPERT) {
          others++;
          other[after[k]!]! += 1;
        }
        const expert = before[k]!;
        if (expert === NULL_EXPERT) continue;
        choices++;
        own[expert]! += 1;
        for (let j = at; j < at + topK; j++) if (after[j] === expert) shared++;
      }
      this.#shared[layer]! += shared;
      this.#choices[layer]! += choices;
      if (before[at] === after[at]) this.#first[layer]! += 1;
      if (shared === choices && choices === others) this.#whole[layer]! += 1;
    }
  }

  layer(layer: number): LayerDifference {
    const [own, other] = this.#loads[layer]!;
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0) || 1;
    const [a, b] = [sum(own), sum(other)];
    return {
      agreement: this.#choices[layer]! === 0 ? 1 : this.#shared[layer]! / this.#choices[layer]!,
      first: this.#first[layer]! / this.tokens,
      whole: this.#whole[layer]! / this.tokens,
      moved: own.reduce((total, count, expert) => total + Math.abs(count / a - other[expert]! / b), 0) / 2,
    };
  }

  shifts(): ExpertShift[] {
    const shifts = this.#loads
      .flatMap(([own, other], layer) =>
        Array.from(own, (count, expert) => ({ layer, expert, before: count / this.tokens, after: other[expert]! / this.tokens })),
      )
      .filter(({ after, before }) => after !== before);
    return shifts.sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before) || x.layer - y.layer || x.expert - y.expert);
  }
}
