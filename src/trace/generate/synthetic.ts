import { UserError } from '../../base/errors.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { Random } from '../../base/random.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace } from '../trace.js';
import { GuideTable } from './popularity-shape.js';
import { RoutingProcess } from './routing-process.js';
import { type RoutingProfile, routingProfile } from './routing-profile.js';

/** Lengths of a request, tokens. */
export interface RequestLength {
  readonly prefill: number;
  readonly decode: number;
}

interface SyntheticOptions {
  readonly seed: number;
  /** One entry per request; at least one token each. */
  readonly requests: readonly RequestLength[];
  /** Overrides of the model's default profile. */
  readonly profile?: Partial<RoutingProfile>;
  /** Choices per token and layer, with gate weights. Absent: top-k. */
  readonly candidates?: number;
  /** True: different requests of the same popularity and vocabulary. */
  readonly apart?: boolean;
}

/** Stream suffix of `apart` requests. */
const APART = '/apart';

/** Default request, tokens. Ours. */
export const USUAL_LENGTH: RequestLength = { prefill: 64, decode: 192 };

/**
 * Requests of the given lengths in turn, `tokens` in total; the last is cut. @throws UserError for too many requests
 */
export function requestsOf(tokens: number, lengths: readonly RequestLength[] = [USUAL_LENGTH]): RequestLength[] {
  const each = lengths.reduce((all, { decode, prefill }) => all + prefill + decode, 0) / lengths.length;
  new Meter('synthetic routing', LIMITS.parts).spent(Math.ceil(tokens / each));
  const requests: RequestLength[] = [];
  for (let left = tokens; left > 0; ) {
    const length = lengths[requests.length % lengths.length]!;
    const prefill = Math.min(length.prefill, left);
    const decode = Math.min(length.decode, left - prefill);
    requests.push({ prefill, decode });
    left -= prefill + decode;
  }
  return requests;
}

type RowProcess = Pick<RoutingProcess, 'topK' | 'tokenId' | 'begin' | 'next'>;

/** Tokens between pauses of {@link synthesizing}. */
const STRIDE = 256;

/** A seed gives the same routing on every machine. @throws UserError if too large, or for invalid candidates */
export function synthesize(model: ModelSpec, options: SyntheticOptions): RoutingTrace {
  const drawing = synthesizing(model, options);
  for (;;) {
    const { done, value } = drawing.next();
    if (done === true) return value;
  }
}

/** {@link synthesize} with pauses for signal handling. @throws UserError */
export function* synthesizing(model: ModelSpec, options: SyntheticOptions): Generator<void, RoutingTrace> {
  const { seed, requests, candidates } = options;
  const full = routingProfile(model, options.profile);
  const part = options.apart === true ? APART : '';
  const process: RowProcess =
    full.per === 'request'
      ? requestRouting(model, full.zipf, seed, part)
      : new RoutingProcess(model, full, seed, 'trace/synthetic/routing', part);
  const wide = candidates === undefined ? null : candidateProcess(model, full, seed, candidates, part);
  boundDrawn(requests, model.layers.length * (wide?.width ?? process.topK));
  const store = new TraceStore({
    path: 'synthetic',
    layers: model.layers.length,
    topK: wide?.width ?? process.topK,
    weights: wide !== null,
    tokenIds: process.tokenId >= 0,
  });
  const row = new Uint16Array(model.layers.length * process.topK);
  for (const [request, { prefill, decode }] of requests.entries()) {
    process.begin();
    wide?.begin();
    for (let position = 0; position < prefill + decode; position++) {
      store.seek(store.rows);
      if (wide === null) process.next(store.ids, store.idsAt);
      else {
        process.next(row, 0);
        wide.next(row, process.topK, store.ids, store.weights, store.idsAt);
      }
      if (process.tokenId >= 0) store.tokenIds[store.tokenAt] = process.tokenId;
      store.addRow(request, position, position < prefill ? PHASE.prefill : PHASE.decode);
      if (store.rows % STRIDE === 0) yield;
    }
  }
  return store.finish(
    model.layers.map((layer) => layer.experts),
    { model: model.name, format: 'synthetic', synthetic: true, notes: { generator: 'moeprof synthetic/1', seed: String(seed) } },
  );
}

/** @param choices per token, over all layers @throws UserError for more choices than a trace holds */
export function boundDrawn(requests: readonly RequestLength[], choices: number): void {
  const tokens = requests.reduce((all, { decode, prefill }) => all + prefill + decode, 0);
  new Meter('synthetic routing', LIMITS.drawn).spent(tokens * choices);
}

/** Adds ranks with gate weights. @throws UserError for too few candidates */
function candidateProcess(model: ModelSpec, profile: RoutingProfile, seed: number, candidates: number, part: string) {
  const widest = mostTopK(model);
  if (profile.per === 'request') throw new UserError(`${model.name} routes whole requests, which have no candidates; leave them out`);
  if (candidates < widest) throw new UserError(`${candidates} candidates are fewer than ${model.name} chooses; take at least ${widest}`);
  const layers = model.layers.map((layer) => ({ ...layer, topK: Math.min(layer.experts, candidates) }));
  const anyId = { ...profile, vocabulary: undefined };
  const runnersUp = new RoutingProcess({ ...model, layers }, anyId, seed, 'trace/synthetic/candidates', part);
  const random = new Random(seed, `trace/synthetic/weights${part}`);
  const width = runnersUp.topK;
  const row = new Uint16Array(layers.length * width);
  return {
    width,
    begin: (): void => runnersUp.begin(),
    /** To `[layers, width]`. Weights: softmax of Gumbel logits, the r-th as 1 / (e1 + ... + er), e exponential. */
    next(chosen: Uint16Array, topK: number, ids: Uint16Array, weights: Float32Array, at: number): void {
      runnersUp.next(row, 0);
      for (const { index, topK: choices } of model.layers) {
        const to = at + index * width;
        const choice = chosen.subarray(index * topK, index * topK + choices);
        ids.set(choice, to);
        let rank = choices;
        for (let i = index * width; i < (index + 1) * width && rank < width; i++) {
          const expert = row[i]!;
          if (expert !== NULL_EXPERT && !choice.includes(expert)) ids[to + rank++] = expert;
        }
        let exponentials = 0;
        let sum = 0;
        for (let r = 0; r < rank; r++) {
          exponentials += random.exponential();
          sum += weights[to + r] = 1 / exponentials;
        }
        for (let r = 0; r < rank; r++) weights[to + r]! /= sum;
        ids.fill(NULL_EXPERT, to + rank, to + width);
        weights.fill(0, to + rank, to + width);
      }
    },
  };
}

/** Routes whole requests. @param zipf popularity of rank r is r^-zipf @param part of the stream */
function requestRouting({ layers }: ModelSpec, zipf: number, seed: number, part: string): RowProcess {
  const topK = mostTopK({ layers });
  const random = new Random(seed, `trace/synthetic/request${part}`);
  const row = new Uint16Array(layers.length * topK);
  const shape = new Random(seed, 'trace/synthetic/shape');
  /** By number of experts: popularity by rank, expert by rank. */
  const tables = new Map<number, { readonly shares: GuideTable; readonly ranking: Uint16Array }>();
  for (const { experts } of layers) {
    if (tables.has(experts)) continue;
    const ranking = shape.shuffle(Uint16Array.from({ length: experts }, (_, i) => i));
    const shares = new GuideTable(Float64Array.from({ length: experts }, (_, rank) => (rank + 1) ** -zipf));
    tables.set(experts, { shares, ranking });
  }
  return {
    topK,
    tokenId: -1,
    /** Layers of equal size choose the same experts, since an adapter or a model has weights in every layer. */
    begin(): void {
      row.fill(NULL_EXPERT);
      layers.forEach((layer, index) => {
        const at = index * topK;
        const before = layers[index - 1];
        if (before?.experts === layer.experts && before.topK === layer.topK) {
          row.copyWithin(at, at - topK, at);
          return;
        }
        const { shares, ranking } = tables.get(layer.experts)!;
        for (let rank = 0; rank < layer.topK; ) {
          const expert = ranking[shares.at(random.next())]!;
          if (row.subarray(at, at + rank).includes(expert)) continue;
          row[at + rank++] = expert;
        }
      });
    },
    next: (ids, at) => ids.set(row, at),
  };
}
