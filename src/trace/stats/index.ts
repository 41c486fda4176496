import { mean, meansOf, sum } from '../../base/statistics.js';
import { allocateChunk, chunks, NULL_EXPERT, PHASE, type RoutingTrace, type TraceShape } from '../trace.js';
import { openConsistency, type SegmentConsistency } from './consistency.js';
import { type LayerSkew, openLocality, REUSE_WINDOWS } from './locality.js';
import { type TransitionRecall, transitionRecall } from './transitions.js';

export { SEGMENT } from './consistency.js';
export { REUSE_WINDOWS } from './locality.js';

/** Statistics of a trace; ratios are 0..1, means over layers. */
export interface RoutingStatistics extends Pick<TraceShape, 'layers' | 'topK' | 'expertsPerLayer'> {
  readonly tokens: { readonly all: number; readonly prefill: number; readonly decode: number };
  readonly requests: { readonly count: number; readonly shortest: number; readonly longest: number };
  readonly byLayer: readonly LayerSkew[];
  readonly mean: Omit<LayerSkew, 'counts' | 'reuse'>;
  /** Reuse within {@link REUSE_WINDOWS} tokens. */
  readonly reuse: readonly number[];
  /** Expected reuse of independent tokens: sum of squared inclusion probabilities over k. */
  readonly chance: number;
  readonly consistency: SegmentConsistency;
  /** Distinct experts per event for each of {@link STREAMS}, as far as rows suffice. */
  readonly distinct: readonly number[];
  readonly transition: TransitionRecall | null;
}

/** Reads once for counts, in part for batches and transitions. */
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

/** Numbers of streams of {@link RoutingStatistics.distinct}. */
export const streamsOf = (statistics: RoutingStatistics): readonly number[] => STREAMS.slice(0, statistics.distinct.length);

/** Streams per event. */
const STREAMS = [1, 2, 4, 8, 16, 32] as const;
/** Batches drawn per number of streams. */
const BATCHES = 128;

/** Mean distinct experts per event of 1, 2, 4, ... streams. */
function distinctExperts(trace: RoutingTrace): number[] {
  const { layers, topK, tokens } = trace;
  const chunk = allocateChunk(trace, 1);
  const stamps = new Int32Array(layers * Math.max(...trace.expertsPerLayer));
  const stride = Math.max(...trace.expertsPerLayer);
  let stamp = 0;
  return STREAMS.filter((streams) => streams <= tokens).map((streams) => {
    const span = Math.floor(tokens / streams);
    const batches = Math.min(BATCHES, span);
    let distinct = 0;
    let events = 0;
    for (let batch = 0; batch < batches; batch++) {
      stamp++;
      const first = Math.floor((batch * span) / batches);
      const active = new Uint8Array(layers);
      for (let stream = 0; stream < streams; stream++) {
        trace.read(first + stream * span, 1, chunk);
        for (let at = 0; at < layers * topK; at++) {
          const expert = chunk.experts[at]!;
          if (expert === NULL_EXPERT) continue;
          const layer = Math.floor(at / topK);
          active[layer] = 1;
          const id = layer * stride + expert;
          if (stamps[id] === stamp) continue;
          stamps[id] = stamp;
          distinct++;
        }
      }
      events += active.reduce((sum, count) => sum + count, 0);
    }
    return events === 0 ? 0 : distinct / events;
  });
}
