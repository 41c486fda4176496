// Measured wall times of a model that a predictor runs: they go into the part of a result that may differ between two runs.

/** Measured times of a model per call and per token, ns; empty where no token has been predicted. */
export function wallTimes(calls: number, tokens: number, wallMs: number): Readonly<Record<string, number>> {
  if (tokens === 0) return {};
  return {
    'predict.calls': calls,
    'predict.wall_ns_per_call': Math.round((wallMs * 1e6) / calls),
    'predict.wall_ns_per_token': Math.round((wallMs * 1e6) / tokens),
  };
}
