// Traces whose routing follows words.
import type { ModelSpec } from '../../src/model/spec.js';
import type { RoutingProfile } from '../../src/trace/generate/routing-profile.js';
import { synthesize } from '../../src/trace/generate/synthetic.js';
import { contentOf } from './builders.js';

/** Two thousand words that are as frequent as Zipf's law says; they decide half of the choices. */
export const WORDS = { size: 2000, zipf: 1, share: 0.5 };

/** Columns of a trace of so many requests of so many tokens. */
export function generate(model: ModelSpec, profile: Partial<RoutingProfile>, { seed = 1, requests = 1, tokens = 3000 } = {}) {
  const trace = synthesize(model, { seed, profile, requests: new Array(requests).fill({ prefill: 0, decode: tokens }) });
  return { ...contentOf(trace), has: trace.has };
}
