// Statistics of a routing trace, before any cache is simulated: skew, reuse, batching, predictability.
import { mean, meansOf, sum } from '../../base/statistics.js';
import { chunks, PHASE, type RoutingTrace, type TraceShape } from '../trace.js';
import { distinctExperts, STREAMS } from './batching.js';
import { openConsistency, type SegmentConsistency } from './consistency.js';
import { type LayerSkew, openLocality, REUSE_WINDOWS } from './locality.js';
import { type TransitionRecall, transitionRecall } from './transitions.js';

export { SEGMENT } from './consistency.js';
export { REUSE_WINDOWS } from './locality.js';

/** Statistics of a trace; ratios are 0..1, means are over layers. */
export interface RoutingStatistics extends Pick<TraceShape, 'layers' | 'topK' | 'expertsPerLayer'> {
  readonly tokens: { readonly all: number; readonly prefill: number; readonly decode: number };
  readonly requests: { readonly count: number; readonly shortest: number; readonly longest: number };
  readonly byLayer: readonly LayerSkew[];
  /** Means over layers of the fields of {@link LayerSkew}. */
  readonly mean: Omit<LayerSkew, 'counts' | 'reuse'>;
  /** Reuse within {@link REUSE_WINDOWS} tokens. */
  readonly reuse: readonly number[];
  /** Reuse within one token, if tokens chose by the popularity of the layer alone: the sum of squared inclusion probabilities over k. */
  readonly chance: number;
  readonly consistency: SegmentConsistency;
  /** Distinct experts per event for each of {@link STREAMS}, if there are enough rows. */
  readonly distinct: readonly number[];
  readonly transition: TransitionRecall | null;
}

/** Reads a trace once for its counts, and parts of it again for batches and transitions. */
export function routingStatistics(trace: RoutingTrace): RoutingStatistics {
  const locality = openLocality(trace);
  const consistency = openConsistency(trace);
  let prefill = 0;
  for (const chunk of chunks(trace)) {
    locality.rows(chunk);
    consistency.rows(chunk);
    for (let row = 0; row < chunk.tokens; row++) if (chunk.phase[row] === PHASE.prefill) prefill++;
  }
  const byLayer = locality.skew();
  const meanOf = (pick: (layer: LayerSkew) => number): number => mean(byLayer.map(pick));
  const lengths = trace.requests.map((request) => request.prefill + request.decode);
  return {
    tokens: { all: trace.tokens, prefill, decode: trace.tokens - prefill },
    requests: {
      count: lengths.length,
      shortest: lengths.reduce((least, length) => Math.min(least, length), Number.POSITIVE_INFINITY),
      longest: lengths.reduce((most, length) => Math.max(most, length), 0),
    },
    layers: trace.layers,
    topK: trace.topK,
    expertsPerLayer: trace.expertsPerLayer,
    byLayer,
    mean: meansOf(byLayer, ['hottestOverMean', 'gini', 'entropy', 'unused', 'topTenth', 'topQuarter']),
    reuse: REUSE_WINDOWS.map((_, window) => meanOf((layer) => layer.reuse[window]!)),
    chance: meanOf(({ counts }) => {
      const total = sum(counts);
      const choices = total / trace.tokens;
      return total === 0 ? 0 : sum(counts.map((count) => (count / trace.tokens) ** 2)) / choices;
    }),
    consistency: consistency.result(),
    distinct: distinctExperts(trace),
    transition: transitionRecall(trace),
  };
}

/** Streams that {@link RoutingStatistics.distinct} has numbers for. */
export function streamsOf(statistics: RoutingStatistics): readonly number[] {
  return STREAMS.slice(0, statistics.distinct.length);
}
