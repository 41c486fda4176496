import type { Parameter } from '../base/parameters.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace/trace.js';
import type { Request } from './request.js';

/** Path forecasts by the run's predictor, for schedulers. */
export interface PathForecast {
  readonly costNs: number;
  /** Fills `scores`, by dense id, for a begun request's next token. */
  forecast(request: Request, scores: Float32Array): void;
}

/** The run's predictor, the next token (an oracle), or the previous token. */
const PATH_SOURCES = ['predicted', 'next', 'previous'] as const;
/** A member of {@link PATH_SOURCES}. */
export type PathSource = (typeof PATH_SOURCES)[number];

/** Parameter of a path's source. */
export const PATHS = {
  default: 'next',
  values: PATH_SOURCES,
  description:
    "path of a token: as the run's predictor says, the one that it takes (a predictor that is always right), or that of the one before",
} satisfies Parameter;

/** Residency of experts in GPU memory. */
export interface Residency {
  holds(id: number, layer: number): boolean;
}

/** Reads paths without effect on the run. */
export class PathView {
  /** Words of a path: bit `offset of the layer + expert`, 32 to a word. */
  readonly words: number;
  readonly layers: number;
  readonly experts: number;
  /** Dense id of each layer's first expert, `layers + 1` entries. */
  readonly offsets: Int32Array;
  /** Mean experts per layer on the GPU. */
  readonly cachePerLayer: number;
  /** Null: no predictor. */
  readonly forecast: PathForecast | null;
  readonly #trace: RoutingTrace;
  readonly #chunk: TraceChunk;
  readonly #scores: Float32Array;

  /** @param expertsPerLayer of the model, maybe more than the trace's @param cachePerLayer mean experts per layer */
  constructor(trace: RoutingTrace, expertsPerLayer: readonly number[], cachePerLayer: number, forecast: PathForecast | null = null) {
    this.#trace = trace;
    this.forecast = forecast;
    this.layers = trace.layers;
    this.offsets = new Int32Array(trace.layers + 1);
    expertsPerLayer.forEach((experts, layer) => {
      this.offsets[layer + 1] = this.offsets[layer]! + experts;
    });
    this.experts = this.offsets[trace.layers]!;
    this.words = Math.ceil(this.experts / 32);
    this.#scores = new Float32Array(this.experts);
    this.cachePerLayer = cachePerLayer;
    this.#chunk = allocateChunk(trace, 1);
  }

  /** Writes the path of the request's next token into `into[at, at + words)`. */
  path(request: Request, source: PathSource, into: Int32Array, at: number): void {
    const { offsets } = this;
    const { experts } = this.#read(request, source);
    const { topK } = this.#trace;
    into.fill(0, at, at + this.words);
    for (let layer = 0; layer < this.layers; layer++) {
      for (let rank = 0; rank < topK; rank++) {
        const expert = experts[layer * topK + rank]!;
        if (expert === NULL_EXPERT) continue;
        const id = offsets[layer]! + expert;
        into[at + (id >>> 5)]! |= 1 << (id & 31);
      }
    }
  }

  /** Top-ranked expert at `layer`, or -1. */
  first(request: Request, source: PathSource, layer: number): number {
    const expert = this.#read(request, source).experts[layer * this.#trace.topK]!;
    return expert === NULL_EXPERT ? -1 : expert;
  }

  /** Choices of a path outside GPU memory, over all layers. */
  missing(request: Request, source: PathSource, residency: Residency): number {
    const { experts } = this.#read(request, source);
    const { topK } = this.#trace;
    let missing = 0;
    for (let layer = 0; layer < this.layers; layer++) {
      for (let at = layer * topK; at < (layer + 1) * topK; at++) {
        const expert = experts[at]!;
        if (expert !== NULL_EXPERT && !residency.holds(this.offsets[layer]! + expert, layer)) missing++;
      }
    }
    return missing;
  }

  #read(request: Request, source: PathSource): Pick<TraceChunk, 'experts'> {
    if (source === 'predicted' && this.forecast !== null) return this.#predict(this.forecast, request);
    const row = source !== 'next' && request.lastRow >= 0 ? request.lastRow : request.rowAt(request.done);
    this.#trace.read(row, 1, this.#chunk);
    return this.#chunk;
  }

  /** `topK` by rank; empty before a request's first pass. */
  #predict(forecast: PathForecast, request: Request): Pick<TraceChunk, 'experts'> {
    const { experts } = this.#chunk;
    experts.fill(NULL_EXPERT);
    if (request.slot < 0) return this.#chunk;
    const scores = this.#scores.fill(0);
    forecast.forecast(request, scores);
    const { topK } = this.#trace;
    for (let layer = 0; layer < this.layers; layer++) {
      const start = this.offsets[layer]!;
      for (let rank = 0; rank < topK; rank++) {
        let best = -1;
        for (let id = start; id < this.offsets[layer + 1]!; id++) if (scores[id]! > (best < 0 ? 0 : scores[best]!)) best = id;
        if (best < 0) break;
        experts[layer * topK + rank] = best - start;
        scores[best] = 0;
      }
    }
    return this.#chunk;
  }
}

/** Experts beyond the cache's size over layers: ExpertFlow's merit of a batch. @param union OR of the paths */
export function loadsBeyondCache(view: PathView, union: Int32Array): number {
  let loads = 0;
  for (let layer = 0; layer < view.layers; layer++) {
    let distinct = 0;
    for (let id = view.offsets[layer]!; id < view.offsets[layer + 1]!; id++) distinct += (union[id >>> 5]! >>> (id & 31)) & 1;
    loads += Math.max(0, distinct - view.cachePerLayer);
  }
  return loads;
}
