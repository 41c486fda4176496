import { chunks, NULL_EXPERT, type RoutingTrace } from './trace.js';

/** Activations per expert and layer, enough for a static placement. */
export interface Popularity {
  readonly path: string;
  readonly format: string;
  readonly model: string | null;
  /** `counts[layer][expert]`: activations. */
  readonly counts: readonly Float64Array[];
}

/** Counts the activations of a trace. */
export function popularityOf(trace: RoutingTrace): Popularity {
  const counts = trace.expertsPerLayer.map((experts) => new Float64Array(experts));
  for (const { experts, tokens } of chunks(trace, 1024)) {
    let at = 0;
    for (let row = 0; row < tokens; row++) {
      for (const layer of counts) {
        for (const end = at + trace.topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert !== NULL_EXPERT) layer[expert]!++;
        }
      }
    }
  }
  return { path: trace.path, format: trace.meta.format, model: trace.meta.model, counts };
}
