// The number of distinct experts that a batch of independent streams demands of a layer: the saving of batching, and its cost for a cache.
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Numbers of streams examined. */
export const STREAMS = [1, 2, 4, 8, 16, 32] as const;
/** Batches examined for each number of streams. */
const BATCHES = 128;

/**
 * Mean distinct experts per event when 1, 2, 4, ... streams run together. Streams start at even distances over the whole trace, so that they
 * are in different requests, or far apart in one.
 * @returns one number per entry of {@link STREAMS} that the trace has rows for
 */
export function distinctExperts(trace: RoutingTrace): number[] {
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
      events += active.reduce((sum, one) => sum + one, 0);
    }
    return events === 0 ? 0 : distinct / events;
  });
}
