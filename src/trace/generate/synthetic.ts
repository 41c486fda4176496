// Synthetic routing, so that any model can be profiled without a trace. Reports say that the routing is synthetic.
import type { ModelSpec } from '../../model/spec.js';
import { TraceStore } from '../store.js';
import { PHASE, type RoutingTrace } from '../trace.js';
import { CandidateProcess } from './candidate-process.js';
import { RequestRouting } from './request-routing.js';
import { RoutingProcess } from './routing-process.js';
import { type RoutingProfile, routingProfile } from './routing-profile.js';

/** Prompt and output length of one request, in tokens. */
export interface RequestLength {
  readonly prefill: number;
  readonly decode: number;
}

/** A request for synthetic routing. */
interface SyntheticOptions {
  /** Seed of the run. */
  readonly seed: number;
  /** One entry per request, in order; a request has at least one token. */
  readonly requests: readonly RequestLength[];
  /** Departures from the model's default profile, e.g. the `routing:` block of its model profile. */
  readonly profile?: Partial<RoutingProfile> | undefined;
  /** Choices per token and layer to write, with gate weights; beyond the model's top-k they are alternatives to its choices. Absent: top-k. */
  readonly candidates?: number | undefined;
  /** True: different requests of the same popularity and vocabulary, on which a placement can be profiled. */
  readonly apart?: boolean;
}

/** Suffix of the random streams that draw the tokens of such requests. */
const APART = '/apart';

/** Requests of a 64-token prompt and 192 generated tokens each, `tokens` in all; the last one is cut. */
export function requestsOf(tokens: number): RequestLength[] {
  const requests: RequestLength[] = [];
  for (let left = tokens; left > 0; left -= 256) {
    requests.push({ prefill: Math.min(64, left), decode: Math.max(0, Math.min(192, left - 64)) });
  }
  return requests;
}

/** Draws rows `[layers, topK]`, one token after another. */
interface RowProcess {
  readonly topK: number;
  /** Id of the last token; -1 if tokens have none. */
  readonly tokenId: number;
  /** Starts a request. */
  begin(): void;
  /** Writes the next token's row to `ids` from `at`. */
  next(ids: Uint16Array, at: number): void;
}

/** Tokens between two pauses of {@link synthesizing}. */
const STRIDE = 256;

/**
 * Generates a trace for a model: the same seed gives the same routing on every machine, and candidates change no choice.
 * @throws UserError where candidates are asked for and the routing has none
 */
export function synthesize(model: ModelSpec, options: SyntheticOptions): RoutingTrace {
  const drawing = synthesizing(model, options);
  for (;;) {
    const { done, value } = drawing.next();
    if (done === true) return value;
  }
}

/**
 * {@link synthesize} with a pause every few hundred tokens, in which the caller can handle signals.
 * @throws UserError as {@link synthesize}
 */
export function* synthesizing(model: ModelSpec, options: SyntheticOptions): Generator<void, RoutingTrace> {
  const { seed, requests, candidates } = options;
  const full = routingProfile(model, options.profile);
  const part = options.apart === true ? APART : '';
  const process: RowProcess =
    full.per === 'request'
      ? new RequestRouting(model, full.zipf, seed, part)
      : new RoutingProcess(model, full, seed, 'trace/synthetic/routing', part);
  const wide = candidates === undefined ? null : new CandidateProcess(model, full, seed, candidates, part);
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
    {
      model: model.name,
      format: 'synthetic',
      synthetic: true,
      expertBytes: null,
      notes: { generator: 'moeprof synthetic/1', seed: String(seed) },
    },
  );
}
